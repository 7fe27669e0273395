"""How snapshots are loaded: in steps where statements are cheap, in one statement where each is a round trip."""
