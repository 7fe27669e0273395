"""Threads that work beside requests: the worker, the outbox with its lease, and the fan-out to webhooks."""
