"""Verify, load, decide, apply, tell: how a request becomes a change, and everything that is pure in between."""
