"""The HTTP API: one file of handlers a noun, and the wire shapes they read and write."""
