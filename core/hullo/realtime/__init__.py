"""`WS /v1/socket`: the socket of a visitor."""
