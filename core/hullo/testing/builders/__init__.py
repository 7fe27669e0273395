"""Nouns for tests, complete and plausible: a test says what it is about, `replace()` does the rest."""

from __future__ import annotations

from hullo.testing.builders.apps import (
    a_call_count,
    a_public_key,
    a_refused_origin,
    a_spent_token,
    a_stored_response,
    a_workspace,
    an_api_key,
    an_app,
    an_identity_key,
)
from hullo.testing.builders.constants import APP, LATER, NOW, TODAY, WORKSPACE, WRITER, a_fact
from hullo.testing.builders.history import (
    a_conflict,
    a_contact_event,
    a_decision,
    a_merge,
    a_note,
    a_tombstone,
    an_audit_entry,
    an_event,
)
from hullo.testing.builders.people import (
    a_contact,
    a_conversation,
    a_message,
    a_session,
    a_visitor,
)
from hullo.testing.builders.webhooks import a_delivery, a_webhook

__all__ = [
    "APP",
    "LATER",
    "NOW",
    "TODAY",
    "WORKSPACE",
    "WRITER",
    "a_call_count",
    "a_conflict",
    "a_contact",
    "a_contact_event",
    "a_conversation",
    "a_decision",
    "a_delivery",
    "a_fact",
    "a_merge",
    "a_message",
    "a_note",
    "a_public_key",
    "a_refused_origin",
    "a_session",
    "a_spent_token",
    "a_stored_response",
    "a_tombstone",
    "a_visitor",
    "a_webhook",
    "a_workspace",
    "an_api_key",
    "an_app",
    "an_audit_entry",
    "an_event",
    "an_identity_key",
]
