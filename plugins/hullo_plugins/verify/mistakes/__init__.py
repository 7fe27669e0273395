"""Recognises the mistakes that sites' servers make when they sign (V8)."""
