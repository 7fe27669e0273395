"""Deletes what is too old (P3), in short transactions that wait for no other.

Rows that another transaction has locked are skipped and left to the next run.
"""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final, TypeVar

from hullo.errors import StoreUnavailable
from hullo.model.instant import Instant
from hullo.model.retention import Sweep, SweepResult
from hullo.model.standing import Standing
from hullo_stores.peewee.compiler import Compiler, ListStatement, NamedStatement
from hullo_stores.peewee.connection import Connection, Transaction
from hullo_stores.peewee.erasure import ErasureStatements, forget_contacts
from hullo_stores.peewee.merging import select_keys
from hullo_stores.peewee.reads.queries import Queries
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.tables import (
    Conversations,
    Decisions,
    Deliveries,
    Messages,
    Moved,
    Notes,
    Sessions,
    Timeline,
    Visitors,
)
from hullo_stores.write_conflict import WriteConflict

R = TypeVar("R")

MAX_TRIES: Final = 20
"""Of transactions that conflict one always succeeds; MariaDB has many kinds of conflicts."""
MIN_INSTANT: Final[Instant] = -(2**62)
"""Older than every row."""

_OLD_CONVERSATION: Final = "conversation.app_id = :app AND conversation.last_message_at < :conversations"
_ENDED_SESSION: Final = "session.expires_at <= :now OR (session.revoked_at IS NOT NULL AND session.revoked_at <= :now)"
_ANONYMOUS_SESSION: Final = "session.contact_id IS NULL AND session.standing IS NULL AND session.seen_at < :anonymous"


_PATTERNS: Final = {"proven": f"%,{int(Standing.PROVEN)},%", "absorbed": '%"absorbed"%', "blocked": '%"blocks"%'}
"""Facts are stored as `[value, standing, at, by]`. A value that holds such a text by chance keeps its contact."""
_FORGOTTEN_CONTACT: Final = (
    "contact.workspace_id = :workspace AND contact.id > :after AND contact.merged_into IS NULL "
    "AND contact.last_seen_at < :before "
    "AND contact.identifiers NOT LIKE :proven AND contact.profile NOT LIKE :proven "
    "AND (contact.more IS NULL OR (contact.more NOT LIKE :proven AND contact.more NOT LIKE :absorbed "
    "AND contact.more NOT LIKE :blocked)) "
    'AND NOT EXISTS (SELECT 1 FROM "custom_data" AS block '
    "WHERE block.contact_id = contact.id AND block.block LIKE :proven) "
    'AND NOT EXISTS (SELECT 1 FROM "conversation" AS conversation WHERE conversation.contact_id = contact.id) '
    'AND NOT EXISTS (SELECT 1 FROM "note" AS note WHERE note.subject_id = contact.id)'
)


class SweepStatements:
    """Statements that find what is too old, and statements that delete it by key."""

    def __init__(self, compiler: Compiler) -> None:
        self.conversations = compiler.named_statement(
            'SELECT id, visitor_id FROM "conversation" WHERE app_id = :app AND last_message_at < :before '
            "ORDER BY last_message_at LIMIT :most {left}"
        )
        self.expired = compiler.named_statement(
            'SELECT digest, visitor_id FROM "session" '
            "WHERE app_id = :app AND revoked_at IS NULL AND expires_at <= :before "
            "ORDER BY expires_at LIMIT :most {left}"
        )
        self.revoked = compiler.named_statement(
            'SELECT digest, visitor_id FROM "session" WHERE app_id = :app AND revoked_at <= :before '
            "ORDER BY revoked_at LIMIT :most {left}"
        )
        self.anonymous = compiler.named_statement(
            'SELECT digest, visitor_id FROM "session" '
            "WHERE app_id = :app AND contact_id IS NULL AND standing IS NULL AND seen_at < :before "
            'AND NOT EXISTS (SELECT 1 FROM "conversation" WHERE "conversation".visitor_id = "session".visitor_id) '
            "ORDER BY seen_at LIMIT :most {left}"
        )
        self.decisions = compiler.named_statement(
            'SELECT id FROM "decision" WHERE app_id = :app AND "at" < :before ORDER BY "at" LIMIT :most {left}'
        )
        self.timeline = compiler.named_statement(
            'SELECT id FROM "timeline" WHERE app_id = :app AND "at" < :before ORDER BY "at" LIMIT :most {left}'
        )
        self.contacts = compiler.named_statement(
            f'SELECT contact.id FROM "contact" AS contact WHERE {_FORGOTTEN_CONTACT} '
            "ORDER BY contact.id LIMIT :most {left}"
        )
        self.deliveries = compiler.named_statement(
            'SELECT id FROM "delivery" WHERE over_at < :before ORDER BY over_at LIMIT :most {left}'
        )
        self.drop_messages = compiler.delete_by(Messages.conversation_id)
        self.drop_notes = compiler.delete_by(Notes.subject_id)
        self.drop_moved = compiler.delete_by(Moved.id)
        self.drop_conversations = compiler.delete_by_key(Conversations.id)
        self.drop_sessions = compiler.delete_by_key(Sessions.digest)
        self.drop_visitors = compiler.delete_by_key(Visitors.id)
        self.drop_decisions = compiler.delete_by_key(Decisions.id)
        self.drop_timeline = compiler.delete_by_key(Timeline.id)
        self.drop_deliveries = compiler.delete_by_key(Deliveries.id)
        self.visitors = compiler.select_for_update(Visitors.id)
        self.visitors_with_sessions = compiler.select_by(Sessions.visitor_id, Sessions.visitor_id)
        self.visitors_with_conversations = compiler.select_by(Conversations.visitor_id, Conversations.visitor_id)


class CountStatements:
    """Statements that count what is too old, whether or not one run deletes it all."""

    def __init__(self, compiler: Compiler) -> None:
        stays = 'SELECT 1 FROM "conversation" AS conversation WHERE conversation.visitor_id = {} AND NOT ({})'
        kept = stays.format("session.visitor_id", _OLD_CONVERSATION)
        goes = f"session.app_id = :app AND ({_ENDED_SESSION} OR ({_ANONYMOUS_SESSION} AND NOT EXISTS ({kept})))"
        self.conversations = compiler.named_statement(
            f'SELECT COUNT(*) FROM "conversation" AS conversation WHERE {_OLD_CONVERSATION}'
        )
        self.messages = compiler.named_statement(
            'SELECT COUNT(*) FROM "conversation" AS conversation '
            f'INNER JOIN "message" AS message ON message.conversation_id = conversation.id WHERE {_OLD_CONVERSATION}'
        )
        self.sessions = compiler.named_statement(f'SELECT COUNT(*) FROM "session" AS session WHERE {goes}')
        self.visitors = compiler.named_statement(
            'SELECT COUNT(*) FROM "visitor" AS visitor WHERE visitor.id IN ('
            f'SELECT session.visitor_id FROM "session" AS session WHERE {goes} '
            f'UNION SELECT conversation.visitor_id FROM "conversation" AS conversation WHERE {_OLD_CONVERSATION}) '
            'AND NOT EXISTS (SELECT 1 FROM "session" AS session '
            f"WHERE session.visitor_id = visitor.id AND NOT ({goes})) "
            f"AND NOT EXISTS ({stays.format('visitor.id', _OLD_CONVERSATION)})"
        )
        self.decisions = compiler.named_statement(
            'SELECT COUNT(*) FROM "decision" WHERE app_id = :app AND "at" < :decisions'
        )
        self.timeline = compiler.named_statement(
            'SELECT COUNT(*) FROM "timeline" WHERE app_id = :app AND "at" < :timeline'
        )
        self.contacts = compiler.named_statement(
            f'SELECT COUNT(*) FROM "contact" AS contact WHERE {_FORGOTTEN_CONTACT}'
        )


class RetentionStore(Queries):
    """Implement `RetentionCleanup`."""

    @cached_property
    def _sweep_statements(self) -> SweepStatements:
        """Compiled on first use: few processes sweep."""
        return self._compiler.cached(SweepStatements)

    @cached_property
    def _count_statements(self) -> CountStatements:
        return self._compiler.cached(CountStatements)

    def sweep(self, sweep: Sweep, *, dry_run: bool = False) -> SweepResult:
        """See `RetentionCleanup.sweep`. Conversations go first, as a visitor without any may go."""
        if dry_run:
            return self._count(sweep)
        swept = self._retry_transaction(lambda transaction: self._sweep_conversations(transaction, sweep))
        swept += self._retry_transaction(lambda transaction: self._sweep_sessions(transaction, sweep))
        swept += self._retry_transaction(lambda transaction: self._sweep_contacts(transaction, sweep))
        statements = self._sweep_statements
        return swept + SweepResult(
            decisions=self._sweep_old(statements.decisions, statements.drop_decisions, sweep, sweep.decisions_before),
            timeline=self._sweep_old(statements.timeline, statements.drop_timeline, sweep, sweep.timeline_before),
        )

    def delete_deliveries(self, before: Instant, limit: int) -> int:
        """See `RetentionCleanup.delete_deliveries`."""
        statements = self._sweep_statements
        return self._retry_transaction(
            lambda transaction: _drop(
                transaction, statements.drop_deliveries, _keys(transaction, statements.deliveries, before, limit)
            )
        )

    def _retry_transaction(self, action: Callable[[Transaction], R]) -> R:
        """Run in a transaction of its own, and again after a conflict. Raises `StoreUnavailable` after `MAX_TRIES`."""
        for _ in range(MAX_TRIES):
            with self._engine.write_transaction() as transaction:
                try:
                    done = action(transaction)
                    transaction.commit()
                except WriteConflict:
                    transaction.rollback()
                else:
                    return done
        raise StoreUnavailable("others are changing what is to be removed; try again later")

    def _sweep_conversations(self, transaction: Transaction, sweep: Sweep) -> SweepResult:
        statements, before = self._sweep_statements, sweep.conversations_before
        if before is None:
            return SweepResult()
        old = _rows(transaction, statements.conversations, before, sweep.limit, sweep.app_id)
        ids = [conversation_id for conversation_id, _ in old]
        messages = _drop(transaction, statements.drop_messages, ids)
        for statement in (statements.drop_notes, statements.drop_moved):
            _drop(transaction, statement, ids)
        return SweepResult(
            messages=messages,
            conversations=_drop(transaction, statements.drop_conversations, ids),
            visitors=self._drop_visitors(transaction, old),
        )

    def _sweep_sessions(self, transaction: Transaction, sweep: Sweep) -> SweepResult:
        statements = self._sweep_statements
        gone: list[Row] = []
        for statement, before in (
            (statements.expired, sweep.now),
            (statements.revoked, sweep.now),
            (statements.anonymous, sweep.anonymous_before),
        ):
            room = sweep.limit - len(gone)
            if before is not None and room > 0:
                over = _rows(transaction, statement, before, room, sweep.app_id)
                digests = [digest for digest, _ in over]
                _drop(transaction, statements.drop_moved, digests)
                _drop(transaction, statements.drop_sessions, digests)
                gone += over
        return SweepResult(sessions=len(gone), visitors=self._drop_visitors(transaction, gone))

    def _sweep_contacts(self, transaction: Transaction, sweep: Sweep) -> SweepResult:
        statements, before = self._sweep_statements, sweep.contacts_before
        if before is None:
            return SweepResult()
        find = statements.contacts
        values = find.bind(
            workspace=sweep.workspace_id, after=sweep.contacts_after, before=before, most=sweep.limit, **_PATTERNS
        )
        # Locked as they are found: what points at one of them from here on waits, and is then refused.
        ids = [contact_id for (contact_id,) in transaction.rows(find.text, values)]
        forget_contacts(transaction, self._compiler.cached(ErasureStatements), ids)
        return SweepResult(contacts=len(ids), last_contact=max(ids, default=""))

    def _drop_visitors(self, transaction: Transaction, gone: Sequence[Row]) -> int:
        """Delete those visitors who have nothing else. No transaction can add to them meanwhile, as that takes a
        session.

        Another may be deleting the rest of what they had, so rows are locked first: the second of the two sees what the
        first has done.
        """
        names = sorted({visitor_id for _, visitor_id in gone})
        visitors = set(select_keys(transaction, self._sweep_statements.visitors, names))
        for statement in (
            self._sweep_statements.visitors_with_sessions,
            self._sweep_statements.visitors_with_conversations,
        ):
            visitors.difference_update(select_keys(transaction, statement, sorted(visitors)))
        return _drop(transaction, self._sweep_statements.drop_visitors, sorted(visitors))

    def _sweep_old(self, find: NamedStatement, drop: ListStatement, sweep: Sweep, before: Instant | None) -> int:
        if before is None:
            return 0
        return self._retry_transaction(
            lambda transaction: _drop(transaction, drop, _keys(transaction, find, before, sweep.limit, sweep.app_id))
        )

    def _count(self, sweep: Sweep) -> SweepResult:
        befores = {
            "anonymous": sweep.anonymous_before,
            "conversations": sweep.conversations_before,
            "decisions": sweep.decisions_before,
            "timeline": sweep.timeline_before,
        }
        values = {name: MIN_INSTANT if before is None else before for name, before in befores.items()}
        counts = self._count_statements
        with self._engine.read_transaction() as connection:

            def count(statement: NamedStatement) -> int:
                ((found,),) = connection.rows(statement.text, statement.bind(app=sweep.app_id, now=sweep.now, **values))
                return int(found)

            return SweepResult(
                sessions=count(counts.sessions),
                visitors=count(counts.visitors),
                conversations=count(counts.conversations),
                messages=count(counts.messages),
                decisions=count(counts.decisions),
                timeline=count(counts.timeline),
                contacts=self._count_contacts(connection, sweep),
            )

    def _count_contacts(self, connection: Connection, sweep: Sweep) -> int:
        if sweep.contacts_before is None:
            return 0
        find = self._count_statements.contacts
        values = find.bind(
            workspace=sweep.workspace_id, after=sweep.contacts_after, before=sweep.contacts_before, **_PATTERNS
        )
        ((found,),) = connection.rows(find.text, values)
        return int(found)


def _rows(
    transaction: Transaction, statement: NamedStatement, before: Instant, most: int, app_id: str | None = None
) -> list[Row]:
    return transaction.rows(statement.text, statement.bind(app=app_id, before=before, most=most))


def _keys(
    transaction: Transaction, statement: NamedStatement, before: Instant, most: int, app_id: str | None = None
) -> list[str]:
    return [key for (key,) in _rows(transaction, statement, before, most, app_id)]


def _drop(transaction: Transaction, statement: ListStatement, keys: Sequence[str]) -> int:
    return sum(transaction.execute(text, values) for text, values in statement.bind(sorted(keys)))
