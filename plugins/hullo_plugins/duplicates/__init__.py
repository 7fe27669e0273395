"""Contacts that may be one person twice: pairs with reasons, for somebody to look at. Nothing here merges or writes."""
