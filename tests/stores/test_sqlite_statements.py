"""The statements of the Peewee store on SQLite: how many, on which indexes, in which transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

from hullo.model.change_set import ChangeSet, insertion
from hullo.model.snapshot import SnapshotQuery
from hullo.testing.builders import (
    APP,
    WORKSPACE,
    a_contact,
    a_session,
    a_stored_response,
)
from hullo_stores.peewee.applying import Statements
from hullo_stores.peewee.compiler import ARITIES, Compiler, ListStatement, NamedStatement, PageStatement
from hullo_stores.peewee.engines.sqlite import SqliteEngine
from hullo_stores.peewee.loaders.steps import StepStatements
from hullo_stores.peewee.reads.apps import AppStatements
from hullo_stores.peewee.reads.contacts import ContactStatements
from hullo_stores.peewee.reads.history import HistoryStatements
from hullo_stores.peewee.reads.outbox import LeaseStatements, OutboxStatements
from hullo_stores.peewee.retention import SweepStatements
from hullo_stores.peewee.store import PeeweeStore
from hullo_stores.peewee.write_plan import WRITE_ORDER
from sqlite_file import traced


def test_statement_count_does_not_grow_with_group(store: PeeweeStore, engine: SqliteEngine):
    people = [a_contact(f"con_{n}", external_id=f"u{n}", custom_data={APP: {"n": n}}) for n in range(60)]
    sessions = [a_session(f"hvs_{n}", visitor_id=f"vis_{n}", contact_id=f"con_{n}") for n in range(60)]
    contacts, held = (tuple(insertion(noun) for noun in nouns) for nouns in (people, sessions))
    store.apply([ChangeSet(contacts=contacts, sessions=held)])
    queries = [
        SnapshotQuery(
            workspace_id=WORKSPACE,
            app_id=APP,
            session=session.digest,
            identifiers=tuple(person.identifier_digests()),
            contacts=("con_0",),
            include_orphans=True,
            repeat_keys=(f"repeat {person.id}",),
            stored_response_digest=f"answer {person.id}",
            source_session=sessions[0].digest,
            spent=(f"jti {person.id}",),
            conflicts=(f"conflict {person.id}",),
            merges=(f"merge {person.id}",),
            merged_into=(person.id,),
            tombstones=(f"erased {person.id}",),
            include_audit_head=True,
        )
        for person, session in zip(people, sessions, strict=True)
    ]
    counts = {size: len(_traced(engine, lambda size=size: store.load(queries[:size]))) for size in (2, 30, 60)}
    assert len(set(counts.values())) == 1
    assert counts[2] == 17  # and the transaction's two among them


def test_group_sees_one_moment_despite_writes(store: PeeweeStore, engine: SqliteEngine, path: Path):
    contact = a_contact(external_id="ann", custom_data={APP: {"step": 1}})
    store.apply([ChangeSet(contacts=(insertion(contact),))])

    def write_between(statement: str) -> None:
        if "custom_data" in statement:  # the contact itself has been read by now
            with closing(sqlite3.connect(path)) as other, other:
                other.execute("UPDATE custom_data SET block = '{}'")
                other.execute("UPDATE contact SET version = 7")

    query = SnapshotQuery(workspace_id=WORKSPACE, app_id=APP, contacts=(contact.id,))
    with traced(engine, write_between):
        (before,) = store.load([query])
    (after,) = store.load([query])
    assert before.contacts[contact.id] == contact
    assert after.contacts[contact.id].version == 7


def test_unwanted_rows_are_not_queried(store: PeeweeStore, engine: SqliteEngine):
    query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, session=a_session().digest)
    session_only = _traced(engine, lambda: store.load([query]))
    assert [text.split()[0] for text in session_only] == ["BEGIN", "SELECT", "COMMIT"]


def test_group_of_one_needs_no_savepoint(store: PeeweeStore, engine: SqliteEngine):
    alone = ChangeSet(sessions=(insertion(a_session()),))
    texts = _traced(engine, lambda: store.apply([alone]))
    assert [text.split()[0] for text in texts] == ["BEGIN", "INSERT", "COMMIT"]


def test_write_lock_is_taken_at_start(store: PeeweeStore, engine: SqliteEngine):
    """A transaction that reads first and then wants to write is refused without waiting."""
    assert (
        _traced(engine, lambda: store.apply([ChangeSet(stored_responses=(a_stored_response(),))]))[0]
        == "BEGIN IMMEDIATE"
    )


def test_every_lookup_uses_an_index(store: PeeweeStore, engine: SqliteEngine):
    whole_tables = {
        "all_workspaces",
        "all_apps",
        "all_identity_keys",
        "all_api_keys",
        "webhooks",
        "all_webhooks",
        "outbox",
    }
    texts = [
        (name, text)
        for part in _parts(Compiler(engine.database, engine.dialect))
        for name, held in vars(part).items()
        if name not in whole_tables
        for text in _texts(held)
    ]
    texts += [(f"{write.verb} {write.table}", engine.dialect.single_row_sql(write)) for write in WRITE_ORDER]
    assert len(texts) > 100
    with engine.read_transaction() as connection:
        for name, text in texts:
            plan = connection.rows(f"EXPLAIN QUERY PLAN {text}", [1] * text.count("?"))
            assert not [step for *_, step in plan if step.startswith("SCAN")], name


def _parts(compiler: Compiler) -> Iterator[object]:
    statements, telling = Statements(compiler), OutboxStatements(compiler)
    yield from (statements.erasures, statements.merges, statements.notes, statements.locks)
    yield from (AppStatements(compiler), ContactStatements(compiler), HistoryStatements(compiler), telling)
    yield telling.leases
    yield SimpleNamespace(due=telling.due(())[0], due_without=telling.due(("whk_1",))[0])
    yield from (StepStatements(compiler), SweepStatements(compiler))


def _texts(held: object) -> Iterator[str]:
    match held:
        case ListStatement(texts=texts):
            yield from (texts[arity] for arity in ARITIES)
        case PageStatement(first=first, next=next_):
            yield from (first, next_)
        case NamedStatement(text=text):
            yield text
        case str():
            yield held
        case Compiler() | LeaseStatements() | dict():
            return  # makes statements, or holds some that are looked at by themselves
        case None:
            return  # SQLite locks no rows
        case _:
            raise AssertionError(f"statements of a new kind: {held}")


def _traced(engine: SqliteEngine, work) -> list[str]:
    texts: list[str] = []
    with traced(engine, texts.append):
        work()
    return texts
