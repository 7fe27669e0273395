"""The reads of the memory store beside `load`, one file for each group of the protocol."""
