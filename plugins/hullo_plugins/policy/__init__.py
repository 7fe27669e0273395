"""Refuses writes that the standing of the writer or the limits do not allow."""
