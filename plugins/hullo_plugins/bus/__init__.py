"""Buses between processes, over Redis or PostgreSQL."""
