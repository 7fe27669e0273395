"""The store protocols, and what the core builds on them: copying, reading, retries, URLs."""
