"""Rate limits, counted in the process or in Redis."""
