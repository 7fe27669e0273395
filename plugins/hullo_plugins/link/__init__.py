"""Which conversations belong to the contact."""
