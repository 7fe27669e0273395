"""Proof that someone else than the browser vouches for an identifier."""
