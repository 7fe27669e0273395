"""The shapes of answers, field by field as the wire protocol has them. What is told of contacts is in `contact_shapes`
and `history_shapes`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from hullo.model.app import App
from hullo.model.audit import AuditEntry
from hullo.model.change_set import CallCount
from hullo.model.claim import Rejection
from hullo.model.conversation import Conversation, Message
from hullo.model.decision import Decision
from hullo.model.decision_record import FieldVerdict, Trace
from hullo.model.instant import Instant, rfc3339
from hullo.model.limits import Limits
from hullo.model.match import CREATED
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline.check import Checked
from hullo.pipeline.register.app_settings import consent_word, kept_days
from hullo.store.protocol import Page

Shape = dict[str, Any]

CALL_DAYS: Final = 7
"""For how long back an app's calls are told."""

Item = TypeVar("Item")


def outcome_shape(outcome: Outcome, session_token: str | None) -> Shape:
    """The identify answer. Under anything less than proof it is made of nothing that is stored (H2)."""
    shape: Shape = {"visitor_id": outcome.visitor_id}
    if session_token is not None:
        shape["session_token"] = session_token
    shape["identified"] = True
    shape["standing"] = outcome.standing.browser_word
    shape["switched"] = outcome.switched
    shape["linked_conversations"] = outcome.linked_conversations
    shape["rejected"] = rejected_shape(outcome.rejected)
    shape["request_id"] = outcome.request_id
    if outcome.standing is Standing.PROVEN:
        shape["contact_id"] = outcome.contact_id
        shape["matched_by"] = outcome.matched_by
        shape["written"] = [verdict.field for verdict in outcome.written]
        shape["kept"] = kept_shape(outcome.kept)
        shape["conflicts"] = [{"id": each.id, "rule": each.rule, "field": each.field} for each in outcome.conflicts]
    return shape


def rejected_shape(rejected: Sequence[Rejection]) -> list[Shape]:
    """Faults of the request."""
    return [{"field": each.field, "reason": each.reason} for each in rejected]


def kept_shape(kept: Sequence[FieldVerdict]) -> list[Shape]:
    """Values that a policy would not have replaced."""
    return [{"field": each.field, "reason": each.reason} for each in kept]


def me_shape(session: Session) -> Shape:
    """What a visitor is told of itself."""
    return {
        "visitor_id": session.visitor_id,
        "identified": session.identified,
        "standing": session.standing.browser_word if session.standing is not None else None,
        "email_prompt": not session.identified,
    }


def joined_shape(
    session: Session, token: str | None, conversations: Sequence[Conversation], app: App, limits: Limits
) -> Shape:
    """The join answer; `token` is the one to use from now on."""
    me = me_shape(session)
    return {
        "visitor_id": me.pop("visitor_id"),
        "session_token": token,
        "expires_at": rfc3339(session.expires_at),
        **me,
        "conversations": [conversation_shape(each) for each in conversations],
        "settings": _settings_shape(app, limits),
    }


def nobody_shape(app: App, limits: Limits) -> Shape:
    """The join answer where nothing is stored: there is no visitor, and nothing to ask an email for."""
    return {
        "visitor_id": None,
        "session_token": None,
        "expires_at": None,
        "identified": False,
        "standing": None,
        "email_prompt": False,
        "conversations": [],
        "settings": _settings_shape(app, limits),
    }


def _settings_shape(app: App, limits: Limits) -> Shape:
    return {
        "message_length": limits.message_length,
        "consent": consent_word(app),
        "name": app.name,
        "domains": list(app.origins),
    }


def app_shape(app: App, counts: CallCount) -> Shape:
    """An app, as an API key sees it: without its keys."""
    return {
        "id": app.id,
        "app_key": app.app_key,
        "workspace_id": app.workspace_id,
        "name": app.name,
        "origins": list(app.origins),
        "verification": app.verification.value,
        "region": app.region,
        "consent": consent_word(app),
        "retention": kept_days(app.retention),
        "created_at": rfc3339(app.created_at),
        "calls": calls_shape(counts),
    }


def calls_shape(counts: CallCount) -> Shape:
    """How many identify calls there were, by what they had to show for themselves (V3)."""
    return {
        "days": CALL_DAYS,
        "signed": counts.signed,
        "unsigned": counts.unsigned,
        "wrong": counts.wrong,
        "signed_percent": counts.signed_percent,
    }


def checked_shape(checked: Checked) -> Shape:
    """A dry run, explained (V8)."""
    refused, decision = checked.refused, checked.decision
    return {
        "app_key": checked.app.app_key,
        "verification": checked.app.verification.value,
        "accepted": refused is None,
        "refused": {"code": refused.code, "status": refused.status, "detail": refused.detail} if refused else None,
        "signature": checked.signature.value,
        "mistakes": [{"field": each.field, "code": each.code, "says": each.says} for each in checked.mistakes],
        "remarks": list(checked.remarks),
        "decision": _decided_shape(decision) if decision is not None else None,
        "rejected": rejected_shape(checked.faults),
    }


def _decided_shape(decision: Decision[Outcome]) -> Shape:
    """Without what is new and would be made anew by the real call: ids and the session's token."""
    outcome, created = decision.answer, decision.answer.matched_by == CREATED
    return {
        "standing": outcome.standing.word,
        "matched_by": outcome.matched_by,
        "created": created,
        "contact_id": None if created else outcome.contact_id,
        "switched": outcome.switched,
        "linked_conversations": outcome.linked_conversations,
        "written": [verdict.field for verdict in outcome.written],
        "kept": kept_shape(outcome.kept),
        "conflicts": [
            {"rule": each.rule, "field": each.field, "other_id": each.other_id} for each in outcome.conflicts
        ],
        "steps": steps_shape(decision.trace),
    }


def steps_shape(trace: Trace) -> list[Shape]:
    """Which plugin answered what."""
    return [{"stage": step.stage, "plugin": step.plugin, "answer": step.answer} for step in trace.steps]


def conversation_shape(conversation: Conversation) -> Shape:
    """A conversation, as its visitor sees it."""
    return {**_conversation_shape(conversation), "unread": conversation.unread}


def _conversation_shape(conversation: Conversation) -> Shape:
    return {
        "id": conversation.id,
        "created_at": rfc3339(conversation.created_at),
        "status": conversation.status,
        "last_message_at": rfc3339(conversation.last_message_at),
    }


def attributed_conversation_shape(conversation: Conversation) -> Shape:
    """A conversation, as an API key sees it: with whose it is."""
    standing = conversation.link_standing
    return {
        **_conversation_shape(conversation),
        "app_id": conversation.app_id,
        "visitor_id": conversation.visitor_id,
        "contact_id": conversation.contact_id,
        "standing": standing.word if standing is not None else None,
        "tags": sorted(conversation.tags),
    }


def message_shape(message: Message) -> Shape:
    """A message; `client_id` only where its sender gave one."""
    shape: Shape = {
        "id": message.id,
        "author": message.author,
        "text": message.text,
        "created_at": rfc3339(message.created_at),
    }
    if message.client_id is not None:
        shape["client_id"] = message.client_id
    return shape


def audit_shape(entry: AuditEntry) -> Shape:
    """A line of the audit log, with what its digest covers."""
    return {
        "number": entry.number,
        "at": rfc3339(entry.at),
        "by": entry.by,
        "action": entry.action,
        "subject": entry.subject,
        "data": dict(entry.data),
        "previous": entry.previous,
        "digest": entry.digest,
    }


def session_shape(session: Session, now: Instant) -> Shape:
    """A session, as an API key sees it: by its visitor, as nobody needs to know more of the credential itself."""
    return {
        "visitor_id": session.visitor_id,
        "app_id": session.app_id,
        "standing": session.standing.word if session.standing is not None else None,
        "active": session.valid(now),
        "created_at": rfc3339(session.created_at),
        "last_seen_at": rfc3339(session.seen_at),
        "expires_at": rfc3339(session.expires_at),
        "revoked_at": rfc3339(session.revoked_at) if session.revoked_at is not None else None,
    }


def page_shape(page: Page[Item], shape_of: Callable[[Item], Shape]) -> Shape:
    """A list, or a part of one."""
    return {"items": [shape_of(item) for item in page.items], "next": page.next}
