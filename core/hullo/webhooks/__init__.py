"""Tells other systems of events over HTTP, in the format of Standard Webhooks (R4).

Who is told of what is decided in core (`hullo.background.webhook_fan_out`), in the transaction in which an event leaves
the outbox. From there on it is done here: where one may post to (`addresses`), what is signed (`signing`), one try
(`sending`) and all of them (`poster`, `schedule`), and who manages webhooks (`book`, `routes`, `commands`).
"""
