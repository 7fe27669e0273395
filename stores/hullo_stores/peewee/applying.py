"""Applies a group of change sets: together while nothing is in the way, in halves where something is."""

from __future__ import annotations

from collections.abc import Sequence

from hullo.errors import Unstorable
from hullo.model.change_set import ChangeSet
from hullo.model.note import Note
from hullo.store.protocol import APPLIED, Applied, StoreConflict
from hullo_stores.peewee.changes import BatchBuilder
from hullo_stores.peewee.compiler import Compiler
from hullo_stores.peewee.connection import Transaction
from hullo_stores.peewee.erasure import ErasureStatements, erase
from hullo_stores.peewee.faults import UNENCODABLE
from hullo_stores.peewee.merging import MergeStatements, absorb, separate
from hullo_stores.peewee.tables import Contacts, Conversations, Sessions
from hullo_stores.write_conflict import TransactionAborted, WriteConflict

ApplyResults = Sequence[Applied | StoreConflict]


class NoteStatements:
    """Compiled once, when the store is made."""

    def __init__(self, compiler: Compiler) -> None:
        self.contacts = compiler.select_for_update(Contacts.id)
        self.conversations = compiler.select_for_update(Conversations.id)


class LockStatements:
    """What keeps rows as they are until the transaction ends, in an order that is everybody's. None of it where a
    transaction that writes has the database to itself."""

    def __init__(self, compiler: Compiler) -> None:
        self.contacts = compiler.lock_rows(Contacts.id)
        self.sessions = compiler.lock_rows(Sessions.digest)
        self.conversations = compiler.lock_rows(Conversations.id)


class Statements:
    """The statements of one engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.erasures = ErasureStatements(compiler)
        self.merges = MergeStatements(compiler)
        self.notes = NoteStatements(compiler)
        self.locks = LockStatements(compiler)


def apply_group(
    transaction: Transaction, statements: Statements, group: Sequence[ChangeSet], *, holds_locks: bool = False
) -> ApplyResults:
    """Commits, and says of each change set whether it was applied.

    `holding`: the transaction has locked rows, which it must not let go of before its end.
    """
    try:
        verdicts = (_apply_in_savepoint if holds_locks and group else _apply)(transaction, statements, group)
        transaction.commit()
    except TransactionAborted as given_up:
        transaction.rollback()
        return (given_up.conflict,) * len(group)
    return tuple(verdicts)


def _apply(transaction: Transaction, statements: Statements, group: Sequence[ChangeSet]) -> ApplyResults:
    if not _is_batchable(group):
        return _apply_halves(transaction, statements, group)
    try:
        _write(transaction, statements, group)
    except TransactionAborted:
        raise
    except WriteConflict as refused:
        transaction.rollback()
        return [refused.conflict] if len(group) == 1 else _apply_halves(transaction, statements, group)
    return [APPLIED] * len(group)


def _apply_halves(transaction: Transaction, statements: Statements, group: Sequence[ChangeSet]) -> ApplyResults:
    """Until those that are refused stand alone, which takes a few more tries for each of them."""
    middle = len(group) // 2
    return [
        *_apply_in_savepoint(transaction, statements, group[:middle]),
        *_apply_in_savepoint(transaction, statements, group[middle:]),
    ]


def _apply_in_savepoint(transaction: Transaction, statements: Statements, part: Sequence[ChangeSet]) -> ApplyResults:
    if not _is_batchable(part):
        return _apply_halves(transaction, statements, part)
    transaction.execute("SAVEPOINT part")
    try:
        _write(transaction, statements, part)
    except TransactionAborted:
        raise
    except WriteConflict as refused:
        transaction.execute("ROLLBACK TO SAVEPOINT part")
        transaction.execute("RELEASE SAVEPOINT part")
        return [refused.conflict] if len(part) == 1 else _apply_halves(transaction, statements, part)
    transaction.execute("RELEASE SAVEPOINT part")
    return [APPLIED] * len(part)


def _write(transaction: Transaction, statements: Statements, group: Sequence[ChangeSet]) -> None:
    try:
        batches = BatchBuilder(group).batches()
    except UNENCODABLE:
        raise Unstorable from None
    transaction.write(batches)
    for changes in group:
        if changes.notes:
            _require_subjects(transaction, statements.notes, changes.notes)
        for absorption in changes.absorptions:
            absorb(transaction, statements.merges, absorption)
        for separation in changes.splits:
            separate(transaction, statements.merges, separation)
        for erasure in changes.erasures:
            erase(transaction, statements.erasures, erasure)


def _is_batchable(group: Sequence[ChangeSet]) -> bool:
    """Whether it makes no difference that the group is written table by table, and not one change set by one."""
    return len(group) <= 1 or not any(
        changes.erasures
        or changes.absorptions
        or changes.splits
        or changes.session_revocations
        or _releases_identifier(changes)
        for changes in group
    )


def _releases_identifier(changes: ChangeSet) -> bool:
    return any(
        change.before is not None
        and (change.before.identifiers != change.after.identifiers or change.before.also != change.after.also)
        and change.before.identifier_digests().keys() - change.after.identifier_digests().keys()
        for change in changes.contacts
    )


def _require_subjects(transaction: Transaction, statements: NoteStatements, notes: Sequence[Note]) -> None:
    """Raises `Refused` where what a note is about is gone. Until the transaction ends, it stays (P2)."""
    missing = {note.subject_id for note in notes}
    for statement in (statements.contacts, statements.conversations):
        for text, values in statement.bind(sorted(missing)):
            missing -= {subject_id for (subject_id,) in transaction.rows(text, values)}
    if missing:
        raise WriteConflict("note")
