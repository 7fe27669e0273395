"""Moves what points at a contact that is merged into another, and back again (rules G, L4).

A constant number of statements for any number of rows, and one for each identifier that goes back. The absorbed contact
has been written before, so no other transaction can point rows at it: what is recorded is what moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hullo.model.change_set import Absorption, JoinConfirmation, Split
from hullo.model.conflict import pair_key
from hullo.model.contact import ContactId
from hullo.model.standing import Standing
from hullo_stores.peewee.compiler import Compiler, ListStatement, NamedStatement
from hullo_stores.peewee.connection import Connection, Transaction

_CLAIMED: Final = int(Standing.CLAIMED)
_LOWERED: Final = "SELECT id FROM \"moved\" WHERE merge_id = :merge AND kind = '{kind}' AND standing IS NOT NULL"


def _above_claimed(column: str) -> str:
    return f"CASE WHEN {column} > {_CLAIMED} THEN {column} END"


def _recorded(kind: str, key: str) -> str:
    return (
        f"(SELECT standing FROM \"moved\" WHERE moved.merge_id = :merge AND moved.kind = '{kind}' AND moved.id = {key})"
    )


class MergeStatements:
    """Compiled once for each kind of engine."""

    def __init__(self, compiler: Compiler) -> None:
        self.record_moved_sessions = compiler.named_statement(
            'INSERT INTO "moved" (merge_id, kind, id) '
            "SELECT :merge, 'session', digest FROM \"session\" WHERE contact_id = :absorbed"
        )
        self.record_moved_conversations = compiler.named_statement(
            'INSERT INTO "moved" (merge_id, kind, id) '
            "SELECT :merge, 'conversation', id FROM \"conversation\" WHERE contact_id = :absorbed"
        )
        # J: what a join on a claim lowers is remembered, so that the split and the confirmation give it back.
        self.record_joined_sessions = compiler.named_statement(
            'INSERT INTO "moved" (merge_id, kind, id, standing) '
            f"SELECT :merge, 'session', digest, {_above_claimed('standing')} FROM \"session\" "
            "WHERE contact_id = :absorbed"
        )
        self.record_joined_conversations = compiler.named_statement(
            'INSERT INTO "moved" (merge_id, kind, id, standing) '
            f"SELECT :merge, 'conversation', id, {_above_claimed('link_standing')} FROM \"conversation\" "
            "WHERE contact_id = :absorbed"
        )
        self.lower_sessions = compiler.named_statement(
            f'UPDATE "session" SET standing = {_CLAIMED} WHERE contact_id = :absorbed AND standing > {_CLAIMED}'
        )
        self.lower_links = compiler.named_statement(
            f'UPDATE "conversation" SET link_standing = {_CLAIMED} '
            f"WHERE contact_id = :absorbed AND link_standing > {_CLAIMED}"
        )
        self.raise_sessions = compiler.named_statement(
            f'UPDATE "session" SET standing = {_recorded("session", "session.digest")}, version = version + 1 '
            f"WHERE contact_id = :holder AND digest IN ({_LOWERED.format(kind='session')})"
        )
        self.raise_links = compiler.named_statement(
            f'UPDATE "conversation" SET link_standing = {_recorded("conversation", "conversation.id")}, '
            f"version = version + 1 WHERE contact_id = :holder AND id IN ({_LOWERED.format(kind='conversation')})"
        )
        self.forget_lowered = compiler.named_statement('UPDATE "moved" SET standing = NULL WHERE merge_id = :merge')
        self.move_sessions = compiler.named_statement(
            'UPDATE "session" SET contact_id = :survivor, version = version + 1 WHERE contact_id = :absorbed'
        )
        self.move_conversations = compiler.named_statement(
            'UPDATE "conversation" SET contact_id = :survivor, version = version + 1 WHERE contact_id = :absorbed'
        )
        self.resolve = compiler.named_statement(
            "UPDATE \"conflict\" SET status = 'resolved', resolution = 'merge', resolved_at = :at, resolved_by = :by, "
            "open_pair = NULL, version = version + 1 WHERE open_pair = :pair AND status = 'open'"
        )
        self.return_sessions = compiler.named_statement(
            'UPDATE "session" SET contact_id = :absorbed, version = version + 1 WHERE contact_id = :survivor '
            "AND digest IN (SELECT id FROM \"moved\" WHERE merge_id = :merge AND kind = 'session')"
        )
        self.return_proven_sessions = compiler.named_statement(
            'UPDATE "session" SET contact_id = :absorbed, version = version + 1 WHERE contact_id = :survivor '
            "AND proved LIKE :proving"
        )
        self.return_new_conversations = compiler.named_statement(
            'UPDATE "conversation" SET contact_id = :absorbed, version = version + 1 WHERE contact_id = :survivor '
            'AND created_at >= :since AND visitor_id IN (SELECT visitor_id FROM "session" WHERE contact_id = :absorbed)'
        )
        self.return_conversations = compiler.named_statement(
            'UPDATE "conversation" SET contact_id = :absorbed, version = version + 1 WHERE contact_id = :survivor '
            "AND id IN (SELECT id FROM \"moved\" WHERE merge_id = :merge AND kind = 'conversation')"
        )
        self.delete_moved = compiler.named_statement('DELETE FROM "moved" WHERE merge_id = :merge')


def absorb(transaction: Transaction, statements: MergeStatements, absorption: Absorption) -> None:
    """Move the absorbed contact's sessions and conversations to the survivor. See `Absorption`."""
    values: dict[str, object] = {
        "merge": absorption.merge_id,
        "survivor": absorption.survivor_id,
        "absorbed": absorption.absorbed_id,
        "pair": pair_key(absorption.survivor_id, absorption.absorbed_id),
        "at": absorption.at,
        "by": absorption.by,
    }
    recording = (
        (
            statements.record_joined_sessions,
            statements.record_joined_conversations,
            statements.lower_sessions,
            statements.lower_links,
        )
        if absorption.is_joined
        else (statements.record_moved_sessions, statements.record_moved_conversations)
    )
    _run(
        transaction,
        values,
        *recording,
        statements.move_sessions,
        statements.move_conversations,
        statements.resolve,
    )


def separate(transaction: Transaction, statements: MergeStatements, separation: Split) -> None:
    """Move them back to the contact that the merge had absorbed. See `Split`."""
    values = {
        "merge": separation.merge_id,
        "survivor": separation.survivor_id,
        "absorbed": separation.absorbed_id,
        "since": separation.since,
        "holder": separation.absorbed_id,
    }
    _run(transaction, values, statements.return_sessions)
    for name in separation.restored_identifiers:
        # A digest is hexadecimal, so LIKE finds no wildcard in it.
        _run(transaction, {**values, "proving": f'%"{name}"%'}, statements.return_proven_sessions)
    _run(
        transaction,
        values,
        statements.return_conversations,
        statements.return_new_conversations,
        *((statements.raise_sessions, statements.raise_links) if separation.is_joined else ()),
        statements.delete_moved,
    )


def confirm_join(transaction: Transaction, statements: MergeStatements, confirmation: JoinConfirmation) -> None:
    """Give sessions and links back the standing that the join took. See `JoinConfirmation`."""
    values = {"merge": confirmation.merge_id, "holder": confirmation.survivor_id}
    _run(transaction, values, statements.raise_sessions, statements.raise_links, statements.forget_lowered)


def _run(transaction: Transaction, values: Mapping[str, object], *statements: NamedStatement) -> None:
    for statement in statements:
        transaction.execute(statement.text, statement.bind(**values))


def with_absorbed(
    connection: Connection, absorbed_by: ListStatement, contact_ids: Sequence[ContactId]
) -> list[ContactId]:
    """Return the contacts' ids and the ids of all contacts merged into them, through chains (G3). One statement if
    there are none."""
    people = list(contact_ids)
    newest = people
    while newest:
        newest = [found for found in select_keys(connection, absorbed_by, newest) if found not in people]
        people = [*people, *newest]
    return people


def select_keys(connection: Connection, statement: ListStatement, values: Sequence[str]) -> list[str]:
    """Return the values of a statement with one column."""
    return [key for text, bound in statement.bind(values) for (key,) in connection.rows(text, bound)]
