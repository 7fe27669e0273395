"""Rate limits: what a caller may still do in this minute, counted here or, for several processes, in Redis."""
