"""Searches of contacts: the index of each engine, how it is filled, and how it is asked."""
