"""Removes data that is older than its app keeps it, while hullo serves."""
