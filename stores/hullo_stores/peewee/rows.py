"""Rows and nouns: `x_row` gives the values of a table's columns in their order, `x_of` the reverse.

JSON goes through msgspec: a block of custom data is decoded to its facts in one typed call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hullo.model.app import ApiKey, App, IdentityKey, Scope, VerificationMode, Workspace
from hullo.model.change_set import CallCount, Spent, StoredAnswer
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, Message
from hullo.model.decision_record import DecisionRecord, Trace
from hullo.model.fact import Fact
from hullo.model.standing import Standing
from hullo.model.visitor import Session, Visitor

Row = tuple[Any, ...]

_encode = msgspec.json.Encoder().encode
_facts_of = msgspec.json.Decoder(dict[str, Fact]).decode
_texts_of = msgspec.json.Decoder(tuple[str, ...]).decode
_scopes_of = msgspec.json.Decoder(frozenset[Scope]).decode
_claimed_of = msgspec.json.Decoder(dict[str, str]).decode
_proved_of = msgspec.json.Decoder(tuple[str, ...]).decode
_trace_of = msgspec.json.Decoder(Trace).decode
_STANDINGS: Mapping[int | None, Standing | None] = {None: None, **{int(each): each for each in Standing}}
"""Twice as fast as calling the enumeration, and NULL costs nothing."""


def json_text(value: object) -> str:
    """What is stored of a mapping or sequence."""
    return _encode(value).decode()


def workspace_row(workspace: Workspace) -> Row:
    return (workspace.id, workspace.name, workspace.created_at, workspace.version)


def workspace_of(row: Row) -> Workspace:
    id_, name, created_at, version = row
    return Workspace(id=id_, name=name, created_at=created_at, version=version)


def app_row(app: App) -> Row:
    return (
        app.id,
        app.workspace_id,
        app.name,
        app.created_at,
        json_text(app.origins),
        app.verification.value,
        app.region,
        app.version,
    )


def app_of(row: Row, keys: Iterable[IdentityKey]) -> App:
    id_, workspace_id, name, created_at, origins, verification, region, version = row
    return App(
        id=id_,
        workspace_id=workspace_id,
        name=name,
        created_at=created_at,
        origins=_texts_of(origins),
        verification=VerificationMode(verification),
        region=region,
        identity_keys=tuple(keys),
        version=version,
    )


def identity_key_row(key: IdentityKey) -> Row:
    return (key.id, key.app_id, key.secret, key.created_at, key.last_used_at, key.retires_at, key.public_key)


def identity_key_of(row: Row) -> IdentityKey:
    id_, app_id, secret, created_at, last_used_at, retires_at, public_key = row
    return IdentityKey(
        id=id_,
        app_id=app_id,
        secret=secret,
        created_at=created_at,
        last_used_at=last_used_at,
        retires_at=retires_at,
        public_key=public_key,
    )


def api_key_row(key: ApiKey) -> Row:
    return (
        key.id,
        key.workspace_id,
        key.digest,
        key.created_at,
        key.app_id,
        json_text(sorted(key.scopes)),
        key.revoked_at,
        key.version,
    )


def api_key_of(row: Row) -> ApiKey:
    id_, workspace_id, digest, created_at, app_id, scopes, revoked_at, version = row
    return ApiKey(
        id=id_,
        workspace_id=workspace_id,
        digest=digest,
        created_at=created_at,
        app_id=app_id,
        scopes=_scopes_of(scopes),
        revoked_at=revoked_at,
        version=version,
    )


def contact_row(contact: Contact) -> Row:
    return (
        contact.id,
        contact.workspace_id,
        contact.created_at,
        contact.updated_at,
        contact.last_seen_at,
        contact.created_by,
        json_text(contact.identifiers),
        json_text(contact.profile),
        _search_text(contact),
        contact.merged_into,
        contact.version,
    )


def contact_of(row: Row, blocks: Mapping[str, str]) -> Contact:
    """`blocks` maps an app's id to the JSON text of its custom data."""
    (
        id_,
        workspace_id,
        created_at,
        updated_at,
        seen_at,
        created_by,
        identifiers,
        profile,
        _,
        merged,
        version,
    ) = row
    return Contact(
        id=id_,
        workspace_id=workspace_id,
        created_at=created_at,
        updated_at=updated_at,
        last_seen_at=seen_at,
        created_by=created_by,
        identifiers=_facts_of(identifiers),
        profile=_facts_of(profile),
        custom_data={app_id: _facts_of(block) for app_id, block in blocks.items()},
        merged_into=merged,
        version=version,
    )


def _search_text(contact: Contact) -> str:
    values: list[Fact] = [*contact.identifiers.values(), *contact.profile.values()]
    return "\n".join([str(fact.value).casefold() for fact in values])


def visitor_row(visitor: Visitor) -> Row:
    return (visitor.id, visitor.app_id, visitor.created_at)


def session_row(session: Session) -> Row:
    return (
        session.digest,
        session.workspace_id,
        session.app_id,
        session.visitor_id,
        session.created_at,
        session.seen_at,
        session.expires_at,
        session.contact_id,
        session.standing,
        json_text(session.claimed),
        json_text(session.proved),
        session.revoked_at,
        session.version,
    )


def session_of(row: Row) -> Session:
    (digest, workspace_id, app_id, visitor_id, created_at, seen_at, expires_at, contact_id, standing) = row[:9]
    claimed, proved, revoked_at, version = row[9:]
    return Session(
        digest=digest,
        workspace_id=workspace_id,
        app_id=app_id,
        visitor_id=visitor_id,
        created_at=created_at,
        seen_at=seen_at,
        expires_at=expires_at,
        contact_id=contact_id,
        standing=_STANDINGS[standing],
        claimed=_claimed_of(claimed),
        proved=_proved_of(proved),
        revoked_at=revoked_at,
        version=version,
    )


def conversation_row(conversation: Conversation) -> Row:
    return (
        conversation.id,
        conversation.workspace_id,
        conversation.app_id,
        conversation.visitor_id,
        conversation.created_at,
        conversation.last_message_at,
        conversation.status,
        conversation.contact_id,
        conversation.link_standing,
        conversation.version,
    )


def conversation_of(row: Row) -> Conversation:
    (
        id_,
        workspace_id,
        app_id,
        visitor_id,
        created_at,
        last_message_at,
        status,
        contact_id,
        link,
        version,
    ) = row
    return Conversation(
        id=id_,
        workspace_id=workspace_id,
        app_id=app_id,
        visitor_id=visitor_id,
        created_at=created_at,
        last_message_at=last_message_at,
        status=status,
        contact_id=contact_id,
        link_standing=_STANDINGS[link],
        version=version,
    )


def message_row(message: Message) -> Row:
    return (
        message.id,
        message.conversation_id,
        message.author,
        message.text,
        message.created_at,
        message.client_id,
        message.repeat_key,
    )


def message_of(row: Row) -> Message:
    id_, conversation_id, author, text, created_at, client_id, repeat_key = row
    return Message(
        id=id_,
        conversation_id=conversation_id,
        author=author,
        text=text,
        created_at=created_at,
        client_id=client_id,
        repeat_key=repeat_key,
    )


def conflict_row(conflict: Conflict) -> Row:
    return (
        conflict.id,
        conflict.workspace_id,
        conflict.app_id,
        conflict.contact_id,
        conflict.other_id,
        conflict.field,
        conflict.rule,
        conflict.created_at,
        conflict.status,
        conflict.pair if conflict.status == "open" else None,
        conflict.version,
    )


def conflict_of(row: Row) -> Conflict:
    id_, workspace_id, app_id, contact_id, other_id, field, rule, created_at, status, _, version = row
    return Conflict(
        id=id_,
        workspace_id=workspace_id,
        app_id=app_id,
        contact_id=contact_id,
        other_id=other_id,
        field=field,
        rule=rule,
        created_at=created_at,
        status=status,
        version=version,
    )


def decision_row(decision: DecisionRecord) -> Row:
    return (
        decision.id,
        decision.workspace_id,
        decision.app_id,
        decision.contact_id,
        decision.request_id,
        decision.at,
        decision.by,
        decision.matched_by,
        decision.standing,
        json_text(decision.trace),
    )


def decision_of(row: Row) -> DecisionRecord:
    id_, workspace_id, app_id, contact_id, request_id, at, by, matched_by, standing, trace = row
    return DecisionRecord(
        id=id_,
        workspace_id=workspace_id,
        app_id=app_id,
        contact_id=contact_id,
        request_id=request_id,
        at=at,
        by=by,
        matched_by=matched_by,
        standing=standing,
        trace=_trace_of(trace),
    )


def answer_row(answer: StoredAnswer) -> Row:
    return (answer.digest, answer.request, answer.seed, answer.at, answer.body, answer.expires_at)


def answer_of(row: Row) -> StoredAnswer:
    digest, request, seed, at, body, expires_at = row
    return StoredAnswer(digest=digest, request=request, seed=seed, at=at, body=body, expires_at=expires_at)


def spent_row(spent: Spent) -> Row:
    return (spent.digest, spent.expires_at)


def call_count_of(row: Row) -> CallCount:
    app_id, day, signed, unsigned, wrong = row
    return CallCount(app_id=app_id, day=day, signed=signed, unsigned=unsigned, wrong=wrong)


def blocks_by_contact(rows: Iterable[Row]) -> dict[str, dict[str, str]]:
    """From (contact, app, block) to what `contact_of` takes."""
    blocks: dict[str, dict[str, str]] = {}
    for contact_id, app_id, block in rows:
        blocks.setdefault(contact_id, {})[app_id] = block
    return blocks
