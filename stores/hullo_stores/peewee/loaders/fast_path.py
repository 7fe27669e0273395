"""Loads the usual query in one statement: a visitor with one contact or none, and nothing else to look up.

Measured on SQLite: half the time of `StepLoader`, as the engine joins by key instead of running a statement for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peewee import Model

from hullo.model.contact import Contact, ContactId
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo_stores.peewee.connection import Connection, Loader
from hullo_stores.peewee.dialect import Dialect
from hullo_stores.peewee.rows.contacts import contact_of, session_of
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.snapshots import LoadResult
from hullo_stores.peewee.tables import Contacts, Sessions
from hullo_stores.peewee.writes import columns_of

_SESSION: Final = slice(2, 2 + len(columns_of(Sessions)))
_CONTACT: Final = slice(_SESSION.stop + 2, _SESSION.stop + 2 + len(columns_of(Contacts)))
_OWNERS: Final = slice(_SESSION.stop, _CONTACT.start)
_BLOCK: Final = _CONTACT.stop
_ORPHANS: Final = _BLOCK + 1


class FastPathLoader:
    """Implement `Loader`. Queries that are not usual, or turn out not to be, go to `fallback`."""

    def __init__(self, dialect: Dialect, fallback: Loader) -> None:
        self._fallback = fallback
        self._text, self._slots = dialect.bind_names(f"""
            SELECT app.workspace_id, app.version, {_columns("session", Sessions)}, one.contact_id, two.contact_id,
                {_columns("contact", Contacts)}, custom.block,
                EXISTS (SELECT 1 FROM "conversation" AS talk
                    WHERE talk.visitor_id = session.visitor_id AND talk.contact_id IS NULL)
            FROM (SELECT 1) AS always
            LEFT JOIN "app" AS app ON app.id = :app
            LEFT JOIN "session" AS session ON session.digest = :session
            LEFT JOIN "identifier" AS one ON one.digest = :one
            LEFT JOIN "identifier" AS two ON two.digest = :two
            LEFT JOIN "contact" AS contact ON contact.id = COALESCE(one.contact_id, two.contact_id, session.contact_id)
            LEFT JOIN "custom_data" AS custom ON custom.contact_id = contact.id AND custom.app_id = :app
        """)
        self._tombstone = dialect.with_placeholders('SELECT 1 FROM "tombstone" WHERE digest = ?')

    def load(self, connection: Connection, queries: Sequence[SnapshotQuery]) -> LoadResult:
        """See `Loader`."""
        if len(queries) == 1 and _is_fast_path(queries[0]):
            snapshot = self._load(connection, queries[0])
            if snapshot is not None:
                return _SingleSnapshot(snapshot)
        return self._fallback.load(connection, queries)

    def _load(self, connection: Connection, query: SnapshotQuery) -> Snapshot | None:
        names = query.identifiers
        bound = {"app": query.app_id, "session": query.session, "one": names[0], "two": names[-1]}
        (row,) = connection.rows(self._text, [bound[slot] for slot in self._slots])
        here = query.workspace_id
        session = session_of(row[_SESSION]) if row[_SESSION.start] is not None else None
        if session is not None and session.workspace_id != here:
            session = None
        if session is not None and query.include_orphans and row[_ORPHANS]:
            return None
        one, two = row[_OWNERS]
        held = session.contact_id if session is not None else None
        person = one or two or held
        if two not in (None, person) or held not in (None, person):
            return None
        if query.tombstones and None in (one, two) and self._any_erased(connection, query.tombstones):
            return None
        contacts: dict[ContactId, Contact] = {}
        found: dict[str, ContactId] = {}
        # A session of another workspace may have joined a contact that this query must not see.
        if person is not None and row[_CONTACT.start] == person and row[_CONTACT.start + 1] == here:
            contacts[person] = contact_of(row[_CONTACT], _block(row, query.app_id))
            if one is not None:
                found[names[0]] = one
            if two is not None:
                found[names[-1]] = two
        return Snapshot(
            app_version=row[1] if row[0] == here else None,
            session=session,
            contact_ids=found,
            contacts=contacts,
            # Explicit, as making the defaults takes a microsecond.
            conversations={},
            messages={},
            conflicts={},
            merges={},
        )

    def _any_erased(self, connection: Connection, digests: Sequence[str]) -> bool:
        return any(connection.rows(self._tombstone, (digest,)) for digest in digests)


class _SingleSnapshot:
    """Implement `LoadResult` for one query."""

    __slots__ = ("_snapshot",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def snapshots(self, queries: Sequence[SnapshotQuery]) -> tuple[Snapshot, ...]:  # noqa: ARG002  # there is but one
        """See `LoadResult`."""
        return (self._snapshot,)


def _is_fast_path(query: SnapshotQuery) -> bool:
    return (
        query.app_id is not None
        and 1 <= len(query.identifiers) <= 2
        and query.stored_response_digest is None
        and query.source_session is None
        and not query.include_audit_head
        and not query.include_own
        and not (query.contacts or query.conversations or query.repeat_keys or query.spent)
        and not (query.conflicts or query.merges or query.merged_into)
    )


def _block(row: Row, app_id: str | None) -> dict[str, str]:
    return {app_id: row[_BLOCK]} if app_id is not None and row[_BLOCK] is not None else {}


def _columns(name: str, table: type[Model]) -> str:
    return ", ".join(f'{name}."{column.name}"' for column in columns_of(table))
