"""Suggest pairs of contacts that may be one person, with reasons, for an agent to review. Merges and writes nothing."""
