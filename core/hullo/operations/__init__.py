"""Everything that changes something besides an identify, by noun; each an operation that the engine runs."""
