"""Merging contacts and splitting them again."""
