"""Buses between processes: how word of what was committed travels."""
