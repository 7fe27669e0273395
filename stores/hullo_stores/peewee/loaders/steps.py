"""Loads in a number of statements that does not grow with the group, and asks for nothing that nobody wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hullo.model.contact import ContactId
from hullo.store.protocol import SnapshotQuery
from hullo_stores.peewee.compiler import Compiler, Many
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.loaders.statements import StepStatements
from hullo_stores.peewee.rows import Row
from hullo_stores.peewee.snapshots import Found, Named, PointedAt, pairs_of


class StepLoader:
    """See `Loader`. Its connection has to hold one moment through several statements."""

    def __init__(self, compiler: Compiler) -> None:
        self._statements = StepStatements(compiler)

    def load(self, connection: Connection, queries: Sequence[SnapshotQuery]) -> Found:
        """What the queries name, and then what that points at."""
        named = self._name(connection, queries)
        return Found(named, self._point(connection, queries, named))

    def _name(self, connection: Connection, queries: Sequence[SnapshotQuery]) -> Named:
        statements = self._statements
        app_ids = {query.app_id for query in queries if query.app_id is not None}
        digests = {query.session for query in queries if query.session is not None}
        identifiers = {digest for query in queries for digest in query.identifiers}
        repeat_keys = {key for query in queries for key in query.repeat_keys}
        messages = _rows(connection, statements.messages_by_repeat_key, repeat_keys)
        conversations = {conversation_id for query in queries for conversation_id in query.conversations}
        conversations.update(row[1] for row in messages)
        answers = {query.answer for query in queries if query.answer is not None}
        return Named(
            app_versions=_rows(connection, statements.app_versions, app_ids),
            sessions=_rows(connection, statements.sessions_by_digest, digests),
            owners=_rows(connection, statements.owners, identifiers),
            messages=messages,
            conversations=_rows(connection, statements.conversations_by_id, conversations),
            answers=_rows(connection, statements.answers_by_digest, answers),
        )

    def _point(self, connection: Connection, queries: Sequence[SnapshotQuery], named: Named) -> PointedAt:
        wanted = [named.contact_ids(query) for query in queries]
        contact_ids = {contact_id: None for ids in wanted for contact_id in ids}
        visitors = {
            session.visitor_id
            for session in (named.session(query) for query in queries if query.orphans)
            if session is not None
        }
        pairs = {pair: None for ids in wanted if len(ids) > 1 for pair in pairs_of(ids)}
        return PointedAt(
            contacts=_rows(connection, self._statements.contacts_by_id, contact_ids),
            blocks=self._block_rows(connection, queries, contact_ids),
            orphans=_rows(connection, self._statements.orphans, visitors),
            open_pairs=_rows(connection, self._statements.open_pairs, pairs),
        )

    def _block_rows(
        self, connection: Connection, queries: Sequence[SnapshotQuery], contact_ids: Iterable[ContactId]
    ) -> list[Row]:
        """The usual group is of one app. Another loads every app's blocks, not to need a statement for each."""
        app_ids = {query.app_id for query in queries}
        if len(app_ids) == 1 and None not in app_ids:
            return _rows(connection, self._statements.blocks_of_app, contact_ids, *app_ids)
        return _rows(connection, self._statements.blocks, contact_ids)


def _rows(connection: Connection, statement: Many, values: Iterable[str], *first: object) -> list[Row]:
    rows: list[Row] = []
    for text, bound in statement.calls(tuple(values), *first):
        rows += connection.rows(text, bound)
    return rows
