"""The description of hullo's own paths that the server publishes, for people and for tools (OpenAPI 3.1)."""
