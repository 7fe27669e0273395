"""What the store answers beside `load`, by the groups of the protocol."""
