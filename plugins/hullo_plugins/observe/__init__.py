"""Logs, counts and reports what identify calls did."""
