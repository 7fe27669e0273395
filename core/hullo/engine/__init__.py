"""Runs any operation: load, decide, apply and retry, in groups."""
