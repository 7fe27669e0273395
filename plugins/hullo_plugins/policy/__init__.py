"""What may be written, and by whom."""
