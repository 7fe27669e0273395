"""Nouns for tests, complete and plausible: a test says what it is about, `replace()` does the rest."""

from __future__ import annotations

from collections.abc import Mapping

from hullo.model.app import ApiKey, App, IdentityKey, Workspace
from hullo.model.change_set import CallCount, Spent, StoredAnswer
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, Message
from hullo.model.decision_record import DecisionRecord, FieldVerdict, Step, Trace
from hullo.model.fact import Fact, Scalar
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.instant import DAY, HOUR, Instant
from hullo.model.moment import secret_digest
from hullo.model.standing import Standing
from hullo.model.visitor import SESSION_LIFE, Session, Visitor

NOW: Instant = 1_764_000_000_000_000
"""A fixed moment in November 2025."""
LATER: Instant = NOW + HOUR
TODAY: Instant = NOW - NOW % DAY
"""Its first moment."""
WORKSPACE = "ws_1"
APP = "app_1"
WRITER = "api-key:hsk_1"


def a_fact(value: Scalar, standing: Standing = Standing.PROVEN, *, at: Instant = NOW, by: str = WRITER) -> Fact:
    """A value that somebody wrote."""
    return Fact(value, standing, at, by)


def a_workspace(id: str = WORKSPACE) -> Workspace:
    """A workspace."""
    return Workspace(id=id, name=f"Workspace {id}", created_at=NOW)


def an_app(id: str = APP, *, workspace_id: str = WORKSPACE, identity_keys: tuple[IdentityKey, ...] = ()) -> App:
    """An app with one origin and every setting set."""
    return App(
        id=id,
        workspace_id=workspace_id,
        name=f"App {id}",
        created_at=NOW,
        origins=("https://shop.example", "https://help.example"),
        region="NL",
        identity_keys=identity_keys,
    )


def an_identity_key(id: str = "key_1", *, app_id: str = APP, created_at: Instant = NOW) -> IdentityKey:
    """An active key that nobody has used."""
    return IdentityKey(id=id, app_id=app_id, secret=f"secret of {id}", created_at=created_at)


def a_public_key(id: str = "key_p", *, app_id: str = APP, created_at: Instant = NOW) -> IdentityKey:
    """An active key of which only the site has the secret half."""
    public = f'{{"kty":"OKP","crv":"Ed25519","kid":"{id}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}'
    return IdentityKey(id=id, app_id=app_id, secret="", created_at=created_at, public_key=public)


def an_api_key(id: str = "hsk_1", *, workspace_id: str = WORKSPACE) -> ApiKey:
    """A key for a whole workspace, with every scope."""
    return ApiKey(id=id, workspace_id=workspace_id, digest=secret_digest(id), created_at=NOW)


def a_contact(
    id: str = "con_1",
    *,
    workspace_id: str = WORKSPACE,
    external_id: str | None = None,
    email: str | None = None,
    name: str | None = None,
    custom_data: Mapping[str, Mapping[str, Scalar]] | None = None,
    standing: Standing = Standing.PROVEN,
) -> Contact:
    """A contact with what is given. `custom_data` is by app."""
    identifiers = {EXTERNAL_ID: external_id, EMAIL: email}
    return Contact(
        id=id,
        workspace_id=workspace_id,
        created_at=NOW,
        updated_at=NOW,
        last_seen_at=NOW,
        created_by=WRITER,
        identifiers={kind: a_fact(value, standing) for kind, value in identifiers.items() if value is not None},
        profile={} if name is None else {"name": a_fact(name, standing)},
        custom_data={
            app_id: {key: a_fact(value, standing) for key, value in block.items()}
            for app_id, block in (custom_data or {}).items()
        },
    )


def a_visitor(id: str = "vis_1", *, app_id: str = APP) -> Visitor:
    """A visitor."""
    return Visitor(id=id, app_id=app_id, created_at=NOW)


def a_session(
    token: str = "hvs_1",
    *,
    workspace_id: str = WORKSPACE,
    app_id: str = APP,
    visitor_id: str = "vis_1",
    contact_id: str | None = None,
    standing: Standing = Standing.PROVEN,
) -> Session:
    """A valid session; identified, with that standing, when a contact is given."""
    return Session(
        digest=secret_digest(token),
        workspace_id=workspace_id,
        app_id=app_id,
        visitor_id=visitor_id,
        created_at=NOW,
        seen_at=NOW,
        expires_at=NOW + SESSION_LIFE,
        contact_id=contact_id,
        standing=None if contact_id is None else standing,
        claimed={} if contact_id is None else {EMAIL: secret_digest(contact_id)},
        proved=() if contact_id is None else (secret_digest(contact_id),),
    )


def a_conversation(
    id: str = "cnv_1",
    *,
    workspace_id: str = WORKSPACE,
    app_id: str = APP,
    visitor_id: str = "vis_1",
    contact_id: str | None = None,
    standing: Standing = Standing.PROVEN,
) -> Conversation:
    """An open conversation; linked, with that standing, when a contact is given."""
    return Conversation(
        id=id,
        workspace_id=workspace_id,
        app_id=app_id,
        visitor_id=visitor_id,
        created_at=NOW,
        last_message_at=NOW,
        contact_id=contact_id,
        link_standing=None if contact_id is None else standing,
    )


def a_message(
    id: str = "msg_1", *, conversation_id: str = "cnv_1", text: str = "Hello?", repeat_key: str | None = None
) -> Message:
    """A visitor's message."""
    return Message(
        id=id,
        conversation_id=conversation_id,
        author="visitor",
        text=text,
        created_at=NOW,
        client_id=None if repeat_key is None else "1",
        repeat_key=repeat_key,
    )


def a_conflict(
    id: str = "cfl_1", *, workspace_id: str = WORKSPACE, contact_id: str = "con_1", other_id: str = "con_2"
) -> Conflict:
    """An open conflict about an email."""
    return Conflict(
        id=id,
        workspace_id=workspace_id,
        app_id=APP,
        contact_id=contact_id,
        other_id=other_id,
        field=EMAIL,
        rule="C2",
        created_at=NOW,
    )


def a_decision(id: str = "dec_1", *, workspace_id: str = WORKSPACE, contact_id: str = "con_1") -> DecisionRecord:
    """A decision with a trace of one step and one field."""
    return DecisionRecord(
        id=id,
        workspace_id=workspace_id,
        app_id=APP,
        contact_id=contact_id,
        request_id=f"req_{id}",
        at=NOW,
        by=WRITER,
        matched_by=EMAIL,
        standing=Standing.PROVEN.word,
        trace=Trace(
            steps=(Step(stage="match", plugin="email", answer="found"),),
            fields=(FieldVerdict(field="name", verdict="written", reason="was blank"),),
        ),
    )


def an_answer(
    key: str = "once", *, at: Instant = NOW, lasts: Instant = DAY, body: bytes = b'{"ok":true}'
) -> StoredAnswer:
    """An answer to a call with an idempotency key."""
    return StoredAnswer(
        digest=secret_digest(key),
        request=secret_digest("body"),
        seed=bytes(range(32)),
        at=at,
        body=body,
        expires_at=at + lasts,
    )


def a_spent(token: str = "jti_1", *, at: Instant = NOW, lasts: Instant = HOUR) -> Spent:
    """A token that was used, and could be for some time if it were not for that."""
    return Spent(digest=secret_digest(token), at=at, expires_at=at + lasts)


def a_call_count(
    app_id: str = APP, *, day: Instant = TODAY, signed: int = 3, unsigned: int = 2, wrong: int = 1
) -> CallCount:
    """An app's calls of a day."""
    return CallCount(app_id=app_id, day=day, signed=signed, unsigned=unsigned, wrong=wrong)
