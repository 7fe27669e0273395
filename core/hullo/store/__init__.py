"""What the core asks of a store, and how units of work reach a store's threads."""
