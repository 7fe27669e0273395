"""Runs any operation in batches: prepare, load, decide, apply, and retry after conflicts."""
