"""Webhooks: events posted to other systems over HTTP, in the format of Standard Webhooks (R4).

Which webhook gets which event is decided in `hullo.background.webhook_fan_out`, in the transaction in which the event
leaves the outbox. This package does the rest: the addresses that may be posted to (`addresses`), signatures
(`signing`), one attempt (`sender`), all attempts (`delivery_worker`, `schedule`), and management (`admin`, `routes`).
The commands are in `hullo.cli.webhooks`.
"""
