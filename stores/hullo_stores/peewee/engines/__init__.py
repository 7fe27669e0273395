"""The engines, each with the settings that make it safe, and the URLs that select them."""
