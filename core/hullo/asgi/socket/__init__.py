"""`WS /v1/socket`: visitors who stay connected, and are told at once."""
