"""Work of background threads: the outbox, its lease, and webhook fan-out."""
