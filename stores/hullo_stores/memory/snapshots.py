"""One snapshot of the tables."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hullo.model.conflict import pair_of
from hullo.model.contact import Contact
from hullo.model.visitor import Session, SessionDigest
from hullo.store.protocol import Snapshot, SnapshotQuery
from hullo_stores.memory.tables import Tables


def snapshot(tables: Tables, query: SnapshotQuery) -> Snapshot:
    """What the tables say to one query."""
    here = query.workspace_id
    app = tables.apps.get(query.app_id) if query.app_id is not None else None
    session, source = (_session(tables, digest, here) for digest in (query.session, query.source))
    owners = {digest: tables.identifiers.get(digest) for digest in query.identifiers}
    wanted = [*owners.values(), *query.contacts, *(each.contact_id for each in (session, source) if each is not None)]
    contacts = {
        contact.id: _with_blocks_of(contact, query.app_id)
        for contact in (tables.contacts.get(contact_id) for contact_id in wanted if contact_id is not None)
        if contact is not None and contact.workspace_id == here
    }
    repeats = {key: tables.messages[tables.repeat_keys[key]] for key in query.repeat_keys if key in tables.repeat_keys}
    asked = [*query.conversations, *(message.conversation_id for message in repeats.values())]
    if query.orphans and session is not None:
        held = tables.visitor_conversations.get(session.visitor_id, ())
        asked += [each for each in held if tables.conversations[each].contact_id is None]
    conversations = {each: tables.conversations[each] for each in asked if each in tables.conversations}
    return Snapshot(
        app_version=app.version if app is not None and app.workspace_id == here else None,
        session=session,
        found={digest: owner for digest, owner in owners.items() if owner is not None and owner in contacts},
        contacts=contacts,
        conversations={each: found for each, found in conversations.items() if found.workspace_id == here},
        open_pairs=frozenset(pair_of(*pair) for pair in combinations(contacts, 2)) & tables.open_pairs.keys(),
        messages={
            key: message
            for key, message in repeats.items()
            if tables.conversations[message.conversation_id].workspace_id == here
        },
        answer=tables.answers.get(query.answer) if query.answer is not None else None,
        source=source,
        spent=frozenset(query.spent).intersection(tables.spent),
    )


def _session(tables: Tables, digest: SessionDigest | None, workspace_id: str) -> Session | None:
    session = tables.sessions.get(digest) if digest is not None else None
    return session if session is not None and session.workspace_id == workspace_id else None


def _with_blocks_of(contact: Contact, app_id: str | None) -> Contact:
    if app_id is None:
        return contact
    block = contact.custom_data.get(app_id)
    return replace(contact, custom_data={} if block is None else {app_id: block})
