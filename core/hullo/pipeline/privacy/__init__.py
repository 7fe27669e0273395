"""What anyone owes who holds personal data: to show it, to forget it, and to ask first (rules P)."""
