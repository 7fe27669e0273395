"""The shapes of answers, field by field as the wire protocol has them. What is told of contacts is in `contact_shapes`
and `history_shapes`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from hullo.engine.explain import CheckResult
from hullo.errors import Rejection
from hullo.model.app import App
from hullo.model.audit import AuditEntry
from hullo.model.change_set import CallCount
from hullo.model.conversation import Conversation, Message
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Trace
from hullo.model.instant import Instant, format_rfc3339
from hullo.model.limits import Limits
from hullo.model.match import CREATED
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.operations.admin.app_settings import consent_label, retention_days
from hullo.store.protocol import Page

JsonObject = dict[str, Any]

CALL_COUNT_DAYS: Final = 7
"""For how long back an app's calls are told."""

Item = TypeVar("Item")


def outcome_json(outcome: Outcome, session_token: str | None) -> JsonObject:
    """The identify answer. Under anything less than proof it is made of nothing that is stored (H2)."""
    shape: JsonObject = {"visitor_id": outcome.visitor_id}
    if session_token is not None:
        shape["session_token"] = session_token
    shape["identified"] = True
    shape["standing"] = outcome.standing.public_label
    shape["switched"] = outcome.switched
    shape["linked_conversations"] = outcome.linked_conversations
    shape["rejected"] = rejected_json(outcome.rejected)
    shape["request_id"] = outcome.request_id
    if outcome.standing is Standing.PROVEN:
        shape["contact_id"] = outcome.contact_id
        shape["matched_by"] = outcome.matched_by
        shape["written"] = [verdict.field for verdict in outcome.written]
        shape["kept"] = kept_json(outcome.kept)
        shape["conflicts"] = [{"id": each.id, "rule": each.rule, "field": each.field} for each in outcome.conflicts]
    return shape


def rejected_json(rejected: Sequence[Rejection]) -> list[JsonObject]:
    """Faults of the request."""
    return [{"field": each.field, "reason": each.reason} for each in rejected]


def kept_json(kept: Sequence[FieldVerdict]) -> list[JsonObject]:
    """Values that a policy would not have replaced."""
    return [{"field": each.field, "reason": each.reason} for each in kept]


def me_json(session: Session) -> JsonObject:
    """What a visitor is told of itself."""
    return {
        "visitor_id": session.visitor_id,
        "identified": session.is_identified,
        "standing": session.standing.public_label if session.standing is not None else None,
        "email_prompt": not session.is_identified,
    }


def join_json(
    session: Session, token: str | None, conversations: Sequence[Conversation], app: App, limits: Limits
) -> JsonObject:
    """The join answer; `token` is the one to use from now on."""
    me = me_json(session)
    return {
        "visitor_id": me.pop("visitor_id"),
        "session_token": token,
        "expires_at": format_rfc3339(session.expires_at),
        **me,
        "conversations": [conversation_json(each) for each in conversations],
        "settings": _settings_json(app, limits),
    }


def anonymous_join(app: App, limits: Limits) -> JsonObject:
    """The join answer where nothing is stored: there is no visitor, and nothing to ask an email for."""
    return {
        "visitor_id": None,
        "session_token": None,
        "expires_at": None,
        "identified": False,
        "standing": None,
        "email_prompt": False,
        "conversations": [],
        "settings": _settings_json(app, limits),
    }


def _settings_json(app: App, limits: Limits) -> JsonObject:
    return {
        "message_length": limits.message_length,
        "consent": consent_label(app),
        "name": app.name,
        "domains": list(app.origins),
    }


def app_json(app: App, counts: CallCount) -> JsonObject:
    """An app, as an API key sees it: without its keys."""
    return {
        "id": app.id,
        "app_key": app.app_key,
        "workspace_id": app.workspace_id,
        "name": app.name,
        "origins": list(app.origins),
        "verification": app.verification.value,
        "region": app.region,
        "consent": consent_label(app),
        "retention": retention_days(app.retention),
        "created_at": format_rfc3339(app.created_at),
        "calls": call_counts_json(counts),
    }


def call_counts_json(counts: CallCount) -> JsonObject:
    """How many identify calls there were, by what they had to show for themselves (V3)."""
    return {
        "days": CALL_COUNT_DAYS,
        "signed": counts.signed,
        "unsigned": counts.unsigned,
        "wrong": counts.wrong,
        "signed_percent": counts.signed_percent,
    }


def check_json(checked: CheckResult) -> JsonObject:
    """A dry run, explained (V8)."""
    refused, decision = checked.error, checked.decision
    return {
        "app_key": checked.app.app_key,
        "verification": checked.app.verification.value,
        "accepted": refused is None,
        "refused": {"code": refused.code, "status": refused.status, "detail": refused.detail} if refused else None,
        "signature": checked.signature.value,
        "mistakes": [{"field": each.field, "code": each.code, "says": each.says} for each in checked.mistakes],
        "remarks": list(checked.remarks),
        "decision": _dry_run_json(decision) if decision is not None else None,
        "rejected": rejected_json(checked.rejections),
    }


def _dry_run_json(decision: Decision[Outcome]) -> JsonObject:
    """Without what is new and would be made anew by the real call: ids and the session's token."""
    outcome, created = decision.result, decision.result.matched_by == CREATED
    return {
        "standing": outcome.standing.label,
        "matched_by": outcome.matched_by,
        "created": created,
        "contact_id": None if created else outcome.contact_id,
        "switched": outcome.switched,
        "linked_conversations": outcome.linked_conversations,
        "written": [verdict.field for verdict in outcome.written],
        "kept": kept_json(outcome.kept),
        "conflicts": [
            {"rule": each.rule, "field": each.field, "other_id": each.other_id} for each in outcome.conflicts
        ],
        "steps": steps_json(decision.trace),
    }


def steps_json(trace: Trace) -> list[JsonObject]:
    """Which plugin answered what."""
    return [{"stage": step.stage, "plugin": step.plugin, "answer": step.answer} for step in trace.steps]


def conversation_json(conversation: Conversation) -> JsonObject:
    """A conversation, as its visitor sees it."""
    return {**_conversation_fields(conversation), "unread": conversation.is_unread}


def _conversation_fields(conversation: Conversation) -> JsonObject:
    return {
        "id": conversation.id,
        "created_at": format_rfc3339(conversation.created_at),
        "status": conversation.status,
        "last_message_at": format_rfc3339(conversation.last_message_at),
    }


def server_conversation_json(conversation: Conversation) -> JsonObject:
    """A conversation, as an API key sees it: with whose it is."""
    standing = conversation.link_standing
    return {
        **_conversation_fields(conversation),
        "app_id": conversation.app_id,
        "visitor_id": conversation.visitor_id,
        "contact_id": conversation.contact_id,
        "standing": standing.label if standing is not None else None,
        "tags": sorted(conversation.tags),
    }


def message_json(message: Message) -> JsonObject:
    """A message; `client_id` only where its sender gave one."""
    shape: JsonObject = {
        "id": message.id,
        "author": message.author,
        "text": message.text,
        "created_at": format_rfc3339(message.created_at),
    }
    if message.client_id is not None:
        shape["client_id"] = message.client_id
    return shape


def audit_entry_json(entry: AuditEntry) -> JsonObject:
    """A line of the audit log, with what its digest covers."""
    return {
        "number": entry.number,
        "at": format_rfc3339(entry.at),
        "by": entry.by,
        "action": entry.action,
        "subject": entry.subject,
        "data": dict(entry.data),
        "previous": entry.previous,
        "digest": entry.digest,
    }


def session_json(session: Session, now: Instant) -> JsonObject:
    """A session, as an API key sees it: by its visitor, as nobody needs to know more of the credential itself."""
    return {
        "visitor_id": session.visitor_id,
        "app_id": session.app_id,
        "standing": session.standing.label if session.standing is not None else None,
        "active": session.is_valid(now),
        "created_at": format_rfc3339(session.created_at),
        "last_seen_at": format_rfc3339(session.seen_at),
        "expires_at": format_rfc3339(session.expires_at),
        "revoked_at": format_rfc3339(session.revoked_at) if session.revoked_at is not None else None,
    }


def page_json(page: Page[Item], item_json: Callable[[Item], JsonObject]) -> JsonObject:
    """A list, or a part of one."""
    return {"items": [item_json(item) for item in page.items], "next": page.next}
