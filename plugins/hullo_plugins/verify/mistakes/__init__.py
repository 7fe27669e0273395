"""The mistakes that sites' servers make when they sign, and how each is recognised (V8)."""
