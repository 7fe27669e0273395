"""Loads a group of snapshots in a number of statements that does not grow with the group.

In two steps: what the queries name, and then what that points at. Nothing is asked for when nobody wants it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from hullo.model.conflict import pair_of
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId
from hullo.model.visitor import Session
from hullo.store.protocol import Snapshot, SnapshotQuery
from hullo_stores.peewee.compiler import Many
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.rows import (
    Row,
    answer_of,
    blocks_by_contact,
    contact_of,
    conversation_of,
    message_of,
    session_of,
)
from hullo_stores.peewee.statements import SnapshotStatements


def load_snapshots(
    connection: Connection, statements: SnapshotStatements, queries: Sequence[SnapshotQuery]
) -> tuple[Snapshot, ...]:
    """One snapshot a query, in their order."""
    named = _Named(connection, statements, queries)
    pointed_at = _PointedAt(connection, statements, queries, named)
    return tuple(_snapshot(query, named, pointed_at) for query in queries)


class _Named:
    """What the queries of a group name."""

    def __init__(
        self, connection: Connection, statements: SnapshotStatements, queries: Sequence[SnapshotQuery]
    ) -> None:
        app_ids = {query.app_id for query in queries if query.app_id is not None}
        self.app_versions = {
            (app_id, workspace_id): version
            for app_id, workspace_id, version in _rows(connection, statements.app_versions, app_ids)
        }
        digests = {query.session for query in queries if query.session is not None}
        self.sessions = {
            session.digest: session
            for session in map(session_of, _rows(connection, statements.sessions_by_digest, digests))
        }
        identifiers = {digest for query in queries for digest in query.identifiers}
        self.owners: dict[str, ContactId] = dict(_rows(connection, statements.owners, identifiers))
        repeat_keys = {key for query in queries for key in query.repeat_keys}
        self.messages = {
            (message.repeat_key, row[-1]): message
            for row in _rows(connection, statements.messages_by_repeat_key, repeat_keys)
            for message in (message_of(row[:-1]),)
        }
        wanted = {conversation_id for query in queries for conversation_id in query.conversations}
        wanted.update(message.conversation_id for message in self.messages.values())
        self.conversations = {
            conversation.id: conversation
            for conversation in map(conversation_of, _rows(connection, statements.conversations_by_id, wanted))
        }
        answers = {query.answer for query in queries if query.answer is not None}
        self.answers = {
            answer.digest: answer for answer in map(answer_of, _rows(connection, statements.answers_by_digest, answers))
        }

    def session(self, query: SnapshotQuery) -> Session | None:
        """The query's session, unless it is another workspace's."""
        if query.session is None:
            return None
        session = self.sessions.get(query.session)
        return session if session is not None and session.workspace_id == query.workspace_id else None

    def contact_ids(self, query: SnapshotQuery) -> dict[ContactId, None]:
        """Whom the query wants, each once and in order."""
        wanted = {self.owners[digest]: None for digest in query.identifiers if digest in self.owners}
        for contact_id in query.contacts:
            wanted[contact_id] = None
        session = self.session(query)
        if session is not None and session.contact_id is not None:
            wanted[session.contact_id] = None
        return wanted


class _PointedAt:
    """What the named things point at."""

    def __init__(
        self, connection: Connection, statements: SnapshotStatements, queries: Sequence[SnapshotQuery], named: _Named
    ) -> None:
        wanted = [named.contact_ids(query) for query in queries]
        contact_ids = {contact_id: None for ids in wanted for contact_id in ids}
        self._rows = {row[0]: row for row in _rows(connection, statements.contacts_by_id, contact_ids)}
        self._blocks = blocks_by_contact(_block_rows(connection, statements, queries, contact_ids))
        self._built: dict[tuple[ContactId, str | None], Contact] = {}
        visitors = [
            session.visitor_id
            for session in (named.session(query) for query in queries if query.orphans)
            if session is not None
        ]
        self.orphans: dict[str, list[Conversation]] = {}
        for orphan in map(conversation_of, _rows(connection, statements.orphans, visitors)):
            self.orphans.setdefault(orphan.visitor_id, []).append(orphan)
        pairs = {pair: None for ids in wanted if len(ids) > 1 for pair in _pairs(ids)}
        self.open_pairs: frozenset[str] = frozenset(pair for (pair,) in _rows(connection, statements.open_pairs, pairs))

    def contact(self, contact_id: ContactId, query: SnapshotQuery) -> Contact | None:
        """With the blocks that the query wants. None when it is gone, or another workspace's."""
        # Claims of one group often name the same person: made from its row once.
        contact = self._built.get((contact_id, query.app_id))
        if contact is None:
            row = self._rows.get(contact_id)
            if row is None:
                return None
            blocks = self._blocks.get(contact_id, {})
            if query.app_id is not None:
                blocks = {query.app_id: blocks[query.app_id]} if query.app_id in blocks else {}
            contact = self._built[contact_id, query.app_id] = contact_of(row, blocks)
        return contact if contact.workspace_id == query.workspace_id else None


def _snapshot(query: SnapshotQuery, named: _Named, pointed_at: _PointedAt) -> Snapshot:
    here = query.workspace_id
    session = named.session(query)
    contacts = {
        contact_id: contact
        for contact_id in named.contact_ids(query)
        if (contact := pointed_at.contact(contact_id, query)) is not None
    }
    return Snapshot(
        app_version=None if query.app_id is None else named.app_versions.get((query.app_id, here)),
        session=session,
        found={
            digest: named.owners[digest]
            for digest in query.identifiers
            if digest in named.owners and named.owners[digest] in contacts
        },
        contacts=contacts,
        conversations=_conversations(query, named, pointed_at, session),
        open_pairs=pointed_at.open_pairs.intersection(_pairs(contacts)) if len(contacts) > 1 else frozenset(),
        messages={key: named.messages[key, here] for key in query.repeat_keys if (key, here) in named.messages},
        answer=None if query.answer is None else named.answers.get(query.answer),
    )


def _conversations(
    query: SnapshotQuery, named: _Named, pointed_at: _PointedAt, session: Session | None
) -> dict[ConversationId, Conversation]:
    here = query.workspace_id
    repeats = (named.messages.get((key, here)) for key in query.repeat_keys)
    asked = [*query.conversations, *(message.conversation_id for message in repeats if message is not None)]
    found = [named.conversations[each] for each in asked if each in named.conversations]
    if query.orphans and session is not None:
        found += pointed_at.orphans.get(session.visitor_id, ())
    return {each.id: each for each in found if each.workspace_id == here}


def _block_rows(
    connection: Connection,
    statements: SnapshotStatements,
    queries: Sequence[SnapshotQuery],
    contact_ids: Iterable[ContactId],
) -> list[Row]:
    """The usual group is of one app. Another loads every app's blocks, not to need a statement for each."""
    app_ids = {query.app_id for query in queries}
    if len(app_ids) == 1 and None not in app_ids:
        return _rows(connection, statements.blocks_of_app, contact_ids, *app_ids)
    return _rows(connection, statements.blocks, contact_ids)


def _rows(connection: Connection, statement: Many, values: Iterable[str], *first: object) -> list[Row]:
    rows: list[Row] = []
    for text, bound in statement.calls(tuple(values), *first):
        rows += connection.rows(text, bound)
    return rows


def _pairs(contact_ids: Iterable[ContactId]) -> Iterator[str]:
    return (pair_of(*pair) for pair in combinations(contact_ids, 2))
