"""Rows of contacts, visitors, sessions, conversations and messages. See the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from hullo.model.block import Block, ContactBlock
from hullo.model.contact import Contact
from hullo.model.conversation import Agent, Conversation, Message
from hullo.model.fact import Fact
from hullo.model.search import search_text
from hullo.model.visitor import Session, Visitor
from hullo_stores.peewee.rows.encoding import STANDINGS, Row, facts_of, json_text, texts_of


class _ExtraFields(msgspec.Struct, frozen=True, omit_defaults=True):
    """Fields that few contacts have, in one JSON column."""

    also: dict[str, tuple[Fact, ...]] = {}
    phones: tuple[Fact, ...] = ()
    tags: dict[str, Fact] = {}
    blocks: tuple[ContactBlock, ...] = ()
    absorbed: int = 0


_block_of = msgspec.json.Decoder(Block).decode
_claimed_of = msgspec.json.Decoder(dict[str, str]).decode
_extra_fields_of = msgspec.json.Decoder(_ExtraFields).decode
_NO_EXTRA_FIELDS: Final = _ExtraFields()


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
        contact.merged_into,
        contact.version,
        _extra_fields_text(contact),
    )


def contact_of(row: Row, blocks: Mapping[str, str]) -> Contact:
    """Build a contact. `blocks` maps an app's id to the JSON text of its custom data."""
    (
        id_,
        workspace_id,
        created_at,
        updated_at,
        seen_at,
        created_by,
        identifiers,
        profile,
        merged,
        version,
        more_text,
    ) = row
    more = _NO_EXTRA_FIELDS if more_text is None else _extra_fields_of(more_text)
    return Contact(
        id=id_,
        workspace_id=workspace_id,
        created_at=created_at,
        updated_at=updated_at,
        last_seen_at=seen_at,
        created_by=created_by,
        identifiers=facts_of(identifiers),
        profile=facts_of(profile),
        custom_data={app_id: facts_of(block) for app_id, block in blocks.items()},
        also=more.also,
        phones=more.phones,
        tags=more.tags,
        blocks=more.blocks,
        absorbed=more.absorbed,
        merged_into=merged,
        version=version,
    )


def _extra_fields_text(contact: Contact) -> str | None:
    if not (contact.also or contact.phones or contact.tags or contact.blocks or contact.absorbed):
        return None
    return json_text(
        _ExtraFields(
            also=dict(contact.also),
            phones=contact.phones,
            tags=dict(contact.tags),
            blocks=contact.blocks,
            absorbed=contact.absorbed,
        )
    )


def search_row(contact: Contact) -> Row:
    """Return the row of `ContactSearch` as `PUT_SEARCH_TEXT` writes it."""
    return (search_text(contact), contact.workspace_id, contact.id)


def tag_rows(contact: Contact) -> dict[str, Row]:
    """Return the contact's tag rows by name."""
    return {tag: (contact.id, tag, contact.workspace_id) for tag in contact.tags}


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
        json_text(session.claimed_identifiers),
        json_text(session.proven_identifiers),
        session.revoked_at,
        session.version,
        # NULL as in rows of older versions.
        1 if session.is_lead else None,
        session.hop_group,
        session.block.id if session.block is not None else None,
        json_text(session.block) if session.block is not None else None,
    )


def session_of(row: Row) -> Session:
    (digest, workspace_id, app_id, visitor_id, created_at, seen_at, expires_at, contact_id, standing) = row[:9]
    claimed, proved, revoked_at, version, lead, hop_group, _, block = row[9:]
    return Session(
        digest=digest,
        workspace_id=workspace_id,
        app_id=app_id,
        visitor_id=visitor_id,
        created_at=created_at,
        seen_at=seen_at,
        expires_at=expires_at,
        contact_id=contact_id,
        standing=STANDINGS[standing],
        claimed_identifiers=_claimed_of(claimed),
        proven_identifiers=texts_of(proved),
        revoked_at=revoked_at,
        block=None if block is None else _block_of(block),
        version=version,
        is_lead=bool(lead),
        hop_group=hop_group,
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
        json_text(conversation.tags) if conversation.tags else None,
        conversation.read_at,
        conversation.assignee,
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
        tags,
        read_at,
        assignee,
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
        link_standing=STANDINGS[link],
        tags=() if tags is None else texts_of(tags),
        read_at=read_at,
        assignee=assignee,
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
        message.by,
        message.agent.name if message.agent is not None else None,
        message.agent.email if message.agent is not None else None,
    )


def message_of(row: Row) -> Message:
    id_, conversation_id, author, text, created_at, client_id, repeat_key, by, agent_name, agent_email = row
    return Message(
        id=id_,
        conversation_id=conversation_id,
        author=author,
        text=text,
        created_at=created_at,
        client_id=client_id,
        repeat_key=repeat_key,
        by=by,
        agent=None if agent_name is None else Agent(name=agent_name, email=agent_email),
    )


def blocks_by_contact(rows: Iterable[Row]) -> dict[str, dict[str, str]]:
    """Group (contact, app, block) rows as `contact_of` takes them."""
    blocks: dict[str, dict[str, str]] = {}
    for contact_id, app_id, block in rows:
        blocks.setdefault(contact_id, {})[app_id] = block
    return blocks
