"""Contacts, visitors, and what they say."""

from __future__ import annotations

from collections.abc import Mapping

from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, Message
from hullo.model.fact import Scalar
from hullo.model.identifier import EMAIL, EXTERNAL_ID
from hullo.model.request_context import secret_digest
from hullo.model.standing import Standing
from hullo.model.visitor import SESSION_LIFETIME, Session, Visitor
from hullo.testing.builders.constants import APP, NOW, WORKSPACE, WRITER, a_fact


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
        expires_at=NOW + SESSION_LIFETIME,
        contact_id=contact_id,
        standing=None if contact_id is None else standing,
        # Of the contact's id and not of an email: any digest will do, and it must differ from contact to contact.
        claimed_identifiers={} if contact_id is None else {EMAIL: secret_digest(contact_id)},
        proven_identifiers=() if contact_id is None else (secret_digest(contact_id),),
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
    """An open conversation, read to its end; linked, with that standing, when a contact is given."""
    return Conversation(
        id=id,
        workspace_id=workspace_id,
        app_id=app_id,
        visitor_id=visitor_id,
        created_at=NOW,
        last_message_at=NOW,
        read_at=NOW,
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
        # A message has both or neither: the repeat key is made from the client's id.
        client_id=None if repeat_key is None else "1",
        repeat_key=repeat_key,
    )
