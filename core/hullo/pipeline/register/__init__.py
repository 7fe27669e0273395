"""Workspaces, apps and keys, as whoever runs hullo has them."""
