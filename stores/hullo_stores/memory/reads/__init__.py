"""What the memory store answers beside `load`, by the groups of the protocol."""
