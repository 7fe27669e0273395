"""What is written down of what was done to people's data."""
