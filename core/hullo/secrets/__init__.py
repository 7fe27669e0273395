"""Secrets at rest: sealing, resealing and salts."""
