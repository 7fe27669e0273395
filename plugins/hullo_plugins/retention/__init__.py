"""What is done now and then, while hullo serves."""
