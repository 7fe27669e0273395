"""Fills what searches read for the contacts of a database that an older hullo made.

In committed batches, so that a process that is killed has lost one of them: the next one continues. A mark in the
history of migrations says that this is not done yet.
"""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peewee import SQL, fn

from hullo.model.contact import Contact
from hullo.store.maintenance import Progress
from hullo_stores.peewee.compiler import Compiler, parameter, select_all
from hullo_stores.peewee.connection import Connection, Engine
from hullo_stores.peewee.rows.contacts import contact_of, search_row
from hullo_stores.peewee.search.grams import gram_numbers
from hullo_stores.peewee.tables import Contacts
from hullo_stores.peewee.tables.search import ContactSearch
from hullo_stores.peewee.write_plan import ADD_GRAM, PUT_SEARCH_TEXT
from hullo_stores.peewee.writes import Batch
from hullo_stores.write_conflict import WriteConflict

BATCH_SIZE: Final = 1_000
LABEL: Final = "indexing contacts"


class FillStatements:
    """Compiled once for each kind of engine. Contacts are read in the order of workspace and id."""

    def __init__(self, compiler: Compiler) -> None:
        self.count = compiler.compile(Contacts.select(fn.COUNT(SQL("*"))))
        self.filled = compiler.compile(ContactSearch.select(fn.COUNT(SQL("*"))))
        self.last = compiler.compile(
            ContactSearch.select(ContactSearch.workspace_id, ContactSearch.contact_id)
            .order_by(ContactSearch.workspace_id.desc(), ContactSearch.contact_id.desc())
            .limit(parameter("limit")),
            "limit",
        )
        ordered = (
            select_all(Contacts)
            .where(Contacts.merged_into.is_null())
            .order_by(Contacts.workspace_id, Contacts.id)
            .limit(parameter("limit"))
        )
        self.first = compiler.compile(ordered, "limit")
        # Two statements: engines would enter the index of `(a, b) > (?, ?)` at the first row of the workspace.
        self.rest_of_workspace = compiler.compile(
            ordered.where(Contacts.workspace_id == parameter("workspace"), Contacts.id > parameter("id")),
            "workspace",
            "id",
            "limit",
        )
        self.next_workspaces = compiler.compile(
            ordered.where(Contacts.workspace_id > parameter("workspace")), "workspace", "limit"
        )


def fill_search_texts(engine: Engine, progress: Progress, *, keeps_grams: bool) -> None:
    """Add the search text of every contact that has none, and its trigrams if they are rows. May run again, and in
    several processes at once."""
    statements = Compiler(engine.database, engine.dialect).cached(FillStatements)
    with engine.autocommit_connection() as connection:
        ((total,),), ((done,),) = connection.rows(statements.count), connection.rows(statements.filled)
    progress(LABEL, min(done, total), max(total, 1))
    while batch := _next_batch(engine, statements):
        try:
            with engine.write_transaction() as transaction:
                transaction.write(search_batches(batch, keeps_grams=keeps_grams))
        except WriteConflict:
            continue  # another process has added the same trigrams: go on behind them
        done += len(batch)
        progress(LABEL, min(done, total), max(total, 1))
    progress(LABEL, 1, 1)


def search_batches(contacts: Sequence[Contact], *, keeps_grams: bool) -> list[Batch]:
    """Return the writes that add what searches read for contacts that have none yet."""
    rows = [search_row(contact) for contact in contacts if contact.merged_into is None]
    if not rows:
        return []
    batches = [Batch(PUT_SEARCH_TEXT, sorted(rows, key=PUT_SEARCH_TEXT.key_of))]
    if keeps_grams:
        batches.append(Batch(ADD_GRAM, sorted((gram, row[2]) for row in rows for gram in gram_numbers(row[0]))))
    return batches


def _next_batch(engine: Engine, statements: FillStatements) -> list[Contact]:
    with engine.read_transaction() as connection:
        return [contact_of(row, {}) for row in _next_rows(connection, statements)]


def _next_rows(connection: Connection, statements: FillStatements) -> Sequence[tuple[object, ...]]:
    last = connection.rows(statements.last, (1,))
    if not last:
        return connection.rows(statements.first, (BATCH_SIZE,))
    ((workspace_id, contact_id),) = last
    rest = connection.rows(statements.rest_of_workspace, (workspace_id, contact_id, BATCH_SIZE))
    return rest or connection.rows(statements.next_workspaces, (workspace_id, BATCH_SIZE))
