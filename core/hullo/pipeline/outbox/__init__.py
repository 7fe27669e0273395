"""From the outbox, where events are committed, to everybody who listens (R4)."""
