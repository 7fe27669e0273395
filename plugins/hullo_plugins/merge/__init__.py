"""Plans merges of contacts that turn out to be one person."""
