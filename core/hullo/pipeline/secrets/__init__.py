"""What is sealed in the database, and how it is opened."""
