"""Applies a group of change sets: as a whole while nothing conflicts, in halves where something does."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from hullo.errors import Unstorable
from hullo.model.change_set import ChangeSet
from hullo.model.note import Note
from hullo.store.protocol import APPLIED, Applied, StoreConflict
from hullo_stores.peewee.changes import BatchBuilder
from hullo_stores.peewee.compiler import Compiler
from hullo_stores.peewee.connection import Transaction
from hullo_stores.peewee.contact_locks import is_out_of_order, lock_contacts, releases_identifier
from hullo_stores.peewee.erasure import ErasureStatements, erase
from hullo_stores.peewee.faults import UNENCODABLE
from hullo_stores.peewee.merging import MergeStatements, absorb, confirm_join, separate
from hullo_stores.peewee.tables import Contacts, Conversations, Sessions
from hullo_stores.peewee.write_plan import LATE_WRITES
from hullo_stores.write_conflict import TransactionAborted, WriteConflict

ApplyResults = Sequence[Applied | StoreConflict]


class NoteStatements:
    """Locks on what notes are about: a contact or a conversation, which no foreign key can express."""

    def __init__(self, compiler: Compiler) -> None:
        self.contacts = compiler.select_for_update(Contacts.id)
        self.conversations = compiler.select_for_update(Conversations.id)


class LockStatements:
    """Row locks until the transaction ends, in the order of the keys. None where a writer has the whole database."""

    def __init__(self, compiler: Compiler) -> None:
        self.contacts = compiler.lock_rows(Contacts.id)
        self.sessions = compiler.lock_rows(Sessions.digest)
        self.conversations = compiler.lock_rows(Conversations.id)


class Statements:
    """The statements that apply change sets, besides batches. Compiled once for each kind of engine.

    `keeps_grams`: see `BatchBuilder`.
    """

    def __init__(self, compiler: Compiler, *, keeps_grams: bool = False) -> None:
        self.erasures = compiler.cached(ErasureStatements)
        self.merges = compiler.cached(MergeStatements)
        self.notes = compiler.cached(NoteStatements)
        self.locks = compiler.cached(LockStatements)
        self.keeps_grams = keeps_grams


def apply_group(
    transaction: Transaction, statements: Statements, group: Sequence[ChangeSet], *, holds_locks: bool = False
) -> ApplyResults:
    """Apply and commit; return for each change set whether it was applied.

    `holds_locks`: the transaction has locked rows, and must keep them until its end, so savepoints replace a rollback.
    """
    # The audited come last: from their entries on, all writers of a workspace's log wait for this commit, and it must
    # wait for none of them. The order of a group is free, as its change sets touch nothing in common.
    order = sorted(range(len(group)), key=lambda index: bool(group[index].audit_entries))
    ordered = [group[index] for index in order]
    try:
        if is_out_of_order(ordered):
            _lock_contacts(transaction, statements, ordered)
        verdicts = (_apply_in_savepoint if holds_locks and group else _apply)(transaction, statements, ordered)
        transaction.commit()
    except TransactionAborted as given_up:  # on Galera also at COMMIT
        transaction.rollback()
        return (given_up.conflict,) * len(group)
    return tuple(verdict for _, verdict in sorted(zip(order, verdicts, strict=True), key=itemgetter(0)))


def _apply(transaction: Transaction, statements: Statements, group: Sequence[ChangeSet]) -> ApplyResults:
    if not _is_batchable(group):
        return _apply_halves(transaction, statements, group)
    try:  # without a savepoint: the usual group meets no conflict
        _write(transaction, statements, group)
    except TransactionAborted:
        raise
    except WriteConflict as refused:
        transaction.rollback()
        if len(group) == 1:
            return [refused.conflict]
        _lock_contacts(transaction, statements, group)  # the halves are not in the order of the keys
        return _apply_halves(transaction, statements, group)
    return [APPLIED] * len(group)


def _apply_halves(transaction: Transaction, statements: Statements, group: Sequence[ChangeSet]) -> ApplyResults:
    """Halve the group until every refused change set stands alone. Takes a few more tries for each of them."""
    # Those that can be written together are one half: then their identifiers are locked in one order.
    together = next((index for index, changes in enumerate(group) if _stands_alone(changes)), 0)
    middle = together or len(group) // 2
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


def _lock_contacts(transaction: Transaction, statements: Statements, group: Sequence[ChangeSet]) -> None:
    lock_contacts(transaction, statements.locks.contacts, statements.erasures.absorbed_by, group)


def _write(transaction: Transaction, statements: Statements, group: Sequence[ChangeSet]) -> None:
    try:
        batches = BatchBuilder(group, keeps_grams=statements.keeps_grams).batches()
    except UNENCODABLE:
        raise Unstorable from None
    late = next((index for index, batch in enumerate(batches) if batch.write in LATE_WRITES), len(batches))
    early, last = batches[:late], batches[late:]
    if not any(map(_has_moves, group)):
        early, last = batches, []  # in one round trip
    transaction.write(early)
    for changes in group:
        if changes.notes:
            _require_subjects(transaction, statements.notes, changes.notes)
        # A record may be split from one contact and absorbed by another at once (J).
        for separation in changes.splits:
            separate(transaction, statements.merges, separation)
        for absorption in changes.absorptions:
            absorb(transaction, statements.merges, absorption)
        for confirmation in changes.join_confirmations:
            confirm_join(transaction, statements.merges, confirmation)
        for erasure in changes.erasures:
            erase(transaction, statements.erasures, erasure)
    if last:
        transaction.write(last)


def _is_batchable(group: Sequence[ChangeSet]) -> bool:
    """Return whether writing the group table by table gives the same as writing one change set after the other."""
    return len(group) <= 1 or not any(map(_stands_alone, group))


def _stands_alone(changes: ChangeSet) -> bool:
    """Return whether the change set is written by itself."""
    return bool(
        _has_moves(changes)
        or changes.session_revocations
        or changes.hop_group_revocations
        or changes.lifted_blocks
        or releases_identifier(changes)
    )


def _has_moves(changes: ChangeSet) -> bool:
    """Return whether statements beside the batches change rows that point at a contact."""
    return bool(changes.erasures or changes.absorptions or changes.splits or changes.join_confirmations)


def _require_subjects(transaction: Transaction, statements: NoteStatements, notes: Sequence[Note]) -> None:
    """Raise `WriteConflict` if what a note is about is gone. It is locked until the transaction ends (P2)."""
    missing = {note.subject_id for note in notes}
    for statement in (statements.contacts, statements.conversations):
        for text, values in statement.bind(sorted(missing)):
            missing -= {subject_id for (subject_id,) in transaction.rows(text, values)}
    if missing:
        raise WriteConflict("note")
