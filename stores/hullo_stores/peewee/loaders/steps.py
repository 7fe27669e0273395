"""Loads in a number of statements that does not grow with the group, and skips what no query wants."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from peewee import SQL

from hullo.model.contact import ContactId
from hullo.model.snapshot import SnapshotQuery
from hullo_stores.peewee.compiler import Compiler, ListStatement, fields_of, parameter, select_all
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.snapshots import LoadedRows, NamedRows, ReferencedRows, pairs_of
from hullo_stores.peewee.tables import (
    Answers,
    Apps,
    Audits,
    Conflicts,
    Contacts,
    Conversations,
    CustomData,
    Identifiers,
    Merges,
    Messages,
    Sessions,
    SpentTokens,
    Tombstones,
)


class StepStatements:
    """Statements about lists of values of the whole group. Compiled once for each kind of engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.app_versions = compiler.select_by(Apps.id, Apps.id, Apps.workspace_id, Apps.version)
        self.sessions_by_digest = compiler.select_by(Sessions.digest)
        self.owners = compiler.select_by(Identifiers.digest, Identifiers.digest, Identifiers.contact_id)
        self.contacts_by_id = compiler.select_by(Contacts.id)
        self.blocks = compiler.select_by(CustomData.contact_id)
        self.blocks_of_app = compiler.list_statement(
            lambda ids: select_all(CustomData).where(
                CustomData.app_id == parameter("app"), CustomData.contact_id.in_(ids)
            ),
            "app",
        )
        self.conversations_by_id = compiler.select_by(Conversations.id)
        self.orphans = compiler.list_statement(
            lambda visitors: select_all(Conversations).where(
                Conversations.visitor_id.in_(visitors), Conversations.contact_id.is_null()
            )
        )
        self.own_conversations = compiler.select_by(Conversations.visitor_id)
        self.open_pairs = compiler.select_by(Conflicts.open_pair, Conflicts.open_pair, Conflicts.resolution)
        self.messages_by_repeat_key = compiler.list_statement(
            lambda keys: (
                Messages.select(*fields_of(Messages), Conversations.workspace_id)
                .join(Conversations, on=(Messages.conversation_id == Conversations.id))
                .where(Messages.repeat_key.in_(keys))
            )
        )
        self.answers_by_digest = compiler.select_by(Answers.digest)
        self.conflicts_by_id = compiler.select_by(Conflicts.id)
        self.merges_by_id = compiler.select_by(Merges.id)
        self.merges_into = compiler.list_statement(
            lambda ids: select_all(Merges).where(Merges.survivor_id.in_(ids), Merges.undone_at.is_null())
        )
        self.tombstones_among = compiler.select_by(Tombstones.digest, Tombstones.digest, Tombstones.workspace_id)
        self.last_audit = compiler.compile(
            Audits.select(Audits.workspace_id, Audits.number, Audits.digest)
            .where(Audits.workspace_id == parameter("workspace"))
            .order_by(Audits.number.desc())
            .limit(SQL("1")),
            "workspace",
        )
        self.spent_among = compiler.select_by(SpentTokens.digest, SpentTokens.digest)


class StepLoader:
    """Implement `Loader`. Its connection must see one snapshot through several statements."""

    def __init__(self, compiler: Compiler) -> None:
        self._statements = compiler.cached(StepStatements)

    def load(self, connection: Connection, queries: Sequence[SnapshotQuery]) -> LoadedRows:
        """Load the named rows, then the rows they reference."""
        named = self._load_named(connection, _QueriedKeys(queries))
        wanted = [named.contact_ids(query) for query in queries]
        return LoadedRows(named, self._load_referenced(connection, queries, named, wanted), wanted)

    def _load_named(self, connection: Connection, names: _QueriedKeys) -> NamedRows:
        statements = self._statements
        messages = _rows(connection, statements.messages_by_repeat_key, names.repeat_keys)
        names.conversations.update((row[1], None) for row in messages)
        return NamedRows(
            app_versions=_rows(connection, statements.app_versions, names.apps),
            sessions=_rows(connection, statements.sessions_by_digest, names.sessions),
            owners=_rows(connection, statements.owners, names.identifiers),
            messages=messages,
            conversations=_rows(connection, statements.conversations_by_id, names.conversations),
            answers=_rows(connection, statements.answers_by_digest, names.answers),
            spent=_rows(connection, statements.spent_among, names.spent),
            conflicts=_rows(connection, statements.conflicts_by_id, names.conflicts),
            merges=[
                *_rows(connection, statements.merges_by_id, names.merges),
                *_rows(connection, statements.merges_into, names.merged_into),
            ],
            tombstones=_rows(connection, statements.tombstones_among, names.tombstones),
            audits=[
                row
                for workspace_id in names.audited  # few groups ask for one, hardly any for two
                for row in connection.rows(statements.last_audit, (workspace_id,))
            ],
        )

    def _load_referenced(
        self,
        connection: Connection,
        queries: Sequence[SnapshotQuery],
        named: NamedRows,
        wanted: Sequence[Mapping[ContactId, None]],
    ) -> ReferencedRows:
        contact_ids = {contact_id: None for ids in wanted for contact_id in ids}
        visitors: dict[str, None] = {}
        all_of: dict[str, None] = {}
        for query in queries:
            if (query.include_orphans or query.include_own) and (session := named.session(query)) is not None:
                (all_of if query.include_own else visitors)[session.visitor_id] = None
        pairs = {pair: None for ids in wanted if len(ids) > 1 for pair in pairs_of(ids)}
        return ReferencedRows(
            contacts=_rows(connection, self._statements.contacts_by_id, contact_ids),
            blocks=self._block_rows(connection, queries, contact_ids),
            own=[
                *_rows(connection, self._statements.orphans, visitors),
                *_rows(connection, self._statements.own_conversations, all_of),
            ],
            open_pairs=_rows(connection, self._statements.open_pairs, pairs),
        )

    def _block_rows(
        self, connection: Connection, queries: Sequence[SnapshotQuery], contact_ids: Collection[ContactId]
    ) -> list[Row]:
        """Load custom data. A group of several apps loads every app's blocks, to avoid a statement for each app."""
        app_ids = {query.app_id for query in queries}
        if len(app_ids) == 1 and None not in app_ids:
            return _rows(connection, self._statements.blocks_of_app, contact_ids, *app_ids)
        return _rows(connection, self._statements.blocks, contact_ids)


class _QueriedKeys:
    """The keys that the queries of a group name, without duplicates."""

    def __init__(self, queries: Sequence[SnapshotQuery]) -> None:
        self.apps: dict[str, None] = {}
        self.sessions: dict[str, None] = {}
        self.identifiers: dict[str, None] = {}
        self.conversations: dict[str, None] = {}
        self.repeat_keys: dict[str, None] = {}
        self.answers: dict[str, None] = {}
        self.spent: dict[str, None] = {}
        self.conflicts: dict[str, None] = {}
        self.merges: dict[str, None] = {}
        self.merged_into: dict[str, None] = {}
        self.tombstones: dict[str, None] = {}
        self.audited: dict[str, None] = {}
        for query in queries:
            if query.app_id is not None:
                self.apps[query.app_id] = None
            for session in (query.session, query.source_session):
                if session is not None:
                    self.sessions[session] = None
            if query.stored_response_digest is not None:
                self.answers[query.stored_response_digest] = None
            if query.include_audit_head:
                self.audited[query.workspace_id] = None
            for names, wanted in (
                (self.identifiers, query.identifiers),
                (self.conversations, query.conversations),
                (self.repeat_keys, query.repeat_keys),
                (self.spent, query.spent),
                (self.conflicts, query.conflicts),
                (self.merges, query.merges),
                (self.merged_into, query.merged_into),
                (self.tombstones, query.tombstones),
            ):
                for name in wanted:
                    names[name] = None


def _rows(connection: Connection, statement: ListStatement, values: Collection[str], *first: object) -> list[Row]:
    if not values:
        return []
    wanted = tuple(values)
    if len(wanted) == 1:  # by far the most
        return connection.rows(statement.texts[1], (*first, *wanted))
    rows: list[Row] = []
    for text, bound in statement.bind(wanted, *first):
        rows += connection.rows(text, bound)
    return rows
