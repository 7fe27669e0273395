"""How snapshots are loaded: in steps where asking costs little, in one statement where every one is a round trip."""
