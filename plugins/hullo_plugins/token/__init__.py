"""Tokens that carry an identity to another site."""
