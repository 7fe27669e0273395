"""The tables as rows to be copied, on any engine. See `hullo.store.maintenance.SupportsCopy`."""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Final

from peewee import SQL, CharField, DateTimeField, Expression, Field, Model, fn

from hullo.errors import StoreUnavailable
from hullo.store.maintenance import PortableRow, PortableTable
from hullo.store.protocol import APPLIED, Applied, StoreConflict
from hullo_stores.peewee.compiler import Compiler, fields_of, parameter, select_all
from hullo_stores.peewee.connection import Connection, Engine, Transaction
from hullo_stores.peewee.rows.contacts import contact_of
from hullo_stores.peewee.schema import (
    KNOWN_MIGRATIONS,
    UNFINISHED_COPY,
    migrate,
    require_current,
    unfinished_copy,
)
from hullo_stores.peewee.search.filling import search_batches
from hullo_stores.peewee.search.upkeep import HISTORY_TABLE, built_index
from hullo_stores.peewee.tables import (
    DERIVED_TABLES,
    TABLES,
    Audits,
    CallCounts,
    Contacts,
    CustomData,
    Identifiers,
    Moved,
    Tags,
)
from hullo_stores.peewee.writes import Batch, insert_into, name_of
from hullo_stores.write_conflict import WriteConflict

COMPOSITE_KEYS: Final[Mapping[type[Model], tuple[str, ...]]] = {
    Identifiers: ("digest", "workspace_id", "kind"),
    CustomData: ("contact_id", "app_id"),
    CallCounts: ("app_id", "day"),
    Tags: ("contact_id", "name"),
    Moved: ("merge_id", "kind", "id"),
    Audits: ("workspace_id", "number"),
}
"""Keys of more than the first column. The models declare them as constraints only, so Peewee does not know them."""


class History(Model):
    """The history of migrations, without the number that the database generates."""

    name = CharField(unique=True)
    applied = DateTimeField()

    class Meta:
        table_name = HISTORY_TABLE
        primary_key = False


@contextmanager
def as_source(engine: Engine) -> Generator[PeeweeSource]:
    """Open the engine as the source of a copy. See `SupportsCopy`."""
    engine.open()
    try:
        _require_own_code(engine, "source")
        require_current(engine)
        with ExitStack() as snapshot:
            yield PeeweeSource(engine, snapshot)
    finally:
        engine.close()


@contextmanager
def as_target(engine: Engine) -> Generator[PeeweeTarget]:
    """Open the engine as the target of a copy and migrate it. See `SupportsCopy`."""
    engine.open()
    try:
        _require_own_code(engine, "target")
        try:
            with engine.autocommit_connection() as connection:
                applied = _applied(connection)
        except StoreUnavailable:
            applied = frozenset[str]()  # a new database has no history; `migrate` raises any other error again
        if unfinished_copy(applied) is None:
            migrate(engine)
        elif {name for name in applied if not name.startswith(UNFINISHED_COPY)} != set(KNOWN_MIGRATIONS):
            raise StoreUnavailable(
                "the target holds an unfinished copy that another version of hullo made; make it a new, empty "
                "database, and copy again"
            )
        yield PeeweeTarget(engine)
    finally:
        engine.close()


def _require_own_code(engine: Engine, side: str) -> None:
    """Raise `StoreUnavailable` for triggers that hullo did not make: every row that is copied would pass them."""
    with engine.autocommit_connection() as connection:
        if foreign := engine.maintenance.foreign_code(connection):
            raise StoreUnavailable(
                f"the {side} holds {', '.join(foreign)}, which hullo did not make; remove what you do not know, and "
                "copy again"
            )


def _applied(connection: Connection) -> frozenset[str]:
    return frozenset(name for (name,) in connection.rows(f"SELECT name FROM {HISTORY_TABLE}"))


class _PeeweeTables(ABC):
    """Implement `CopyTables`."""

    def __init__(self, engine: Engine, compiler: Compiler) -> None:
        self._engine = engine
        copied = [table for table in TABLES if table not in DERIVED_TABLES]
        self._statements = {name_of(table): _TableStatements(compiler, table) for table in copied}

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection]:
        """Give the connection to read with."""

    def tables(self) -> Sequence[PortableTable]:
        """See `CopyTables`."""
        return tuple(texts.table for texts in self._statements.values())

    def count(self, table: PortableTable) -> int:
        """See `CopyTables`."""
        with self._reading() as connection:
            ((count,),) = connection.rows(self._statements[table.name].count)
        return int(count)

    def rows(self, table: PortableTable, after: PortableRow | None, limit: int) -> Sequence[PortableRow]:
        """See `CopyTables`."""
        texts = self._statements[table.name]
        with self._reading() as connection:
            if after is None:
                return connection.rows(texts.first, (limit,))
            return connection.rows(texts.next, (*texts.bind_key(after), limit))

    def unfinished_copy(self) -> str | None:
        """See `CopyTables`."""
        with self._reading() as connection:
            return unfinished_copy(_applied(connection))


class PeeweeSource(_PeeweeTables):
    """Implement `CopySource`: one transaction for each moment."""

    def __init__(self, engine: Engine, snapshot: ExitStack) -> None:
        """`snapshot` is where the transaction is open. Its owner closes it before the engine."""
        super().__init__(engine, Compiler(engine.database, engine.dialect))
        self._snapshot = snapshot
        self._change_mark = engine.dialect.change_mark_sql(tuple(self._statements))
        self.advance()

    def advance(self) -> None:
        """See `CopySource`."""
        # The old transaction ends first: a pool may have one connection, and SQLite's marks belong to one.
        self._snapshot.close()
        self._connection = self._snapshot.enter_context(self._engine.copy_transaction())

    def change_mark(self) -> object:
        """See `CopySource`."""
        return self._connection.rows(self._change_mark)

    def _reading(self) -> AbstractContextManager[Connection]:
        return nullcontext(self._connection)


class PeeweeTarget(_PeeweeTables):
    """Implement `CopyTarget`."""

    def __init__(self, engine: Engine) -> None:
        compiler = Compiler(engine.database, engine.dialect)
        super().__init__(engine, compiler)
        self._mark = compiler.compile(
            History.insert({History.name: parameter("name"), History.applied: parameter("applied")}), "name", "applied"
        )
        self._unmark = compiler.compile(History.delete().where(History.name == parameter("name")), "name")

    def begin(self, source: str) -> Applied | StoreConflict:
        """Mark the target in the transaction that finds it empty, so that it is never seen half marked. See
        `CopyTarget`."""

        def mark(transaction: Transaction) -> None:
            for name, texts in self._statements.items():
                if transaction.rows(texts.first, (1,)):
                    raise WriteConflict(name)
            now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
            transaction.execute(self._mark, (UNFINISHED_COPY + source, now))

        return self._write(mark)

    def last_key(self, table: PortableTable) -> PortableRow | None:
        """See `CopyTarget`."""
        with self._reading() as connection:
            found = connection.rows(self._statements[table.name].last, (1,))
        return found[0] if found else None

    def add(self, table: PortableTable, rows: Sequence[PortableRow]) -> Applied | StoreConflict:
        """See `CopyTarget`."""
        batches = [Batch(self._statements[table.name].insert, rows)] if rows else []
        if table.name == name_of(Contacts):
            # In the same transaction: a copy that continues after an interruption looks at the contacts alone.
            contacts = [contact_of(row, {}) for row in rows]
            batches += search_batches(contacts, keeps_grams=built_index(self._engine) is None)
        return self._write(lambda transaction: transaction.write(batches))

    def finish(self) -> None:
        """Remove the mark. See `CopyTarget`."""
        source = self.unfinished_copy()
        if source is not None:
            with self._engine.write_transaction() as transaction:
                transaction.execute(self._unmark, (UNFINISHED_COPY + source,))

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._engine.autocommit_connection()

    def _write(self, action: Callable[[Transaction], None]) -> Applied | StoreConflict:
        try:
            with self._engine.write_transaction() as transaction:
                action(transaction)
        except WriteConflict as refused:
            return refused.conflict
        return APPLIED


class _TableStatements:
    """The statements of one table."""

    def __init__(self, compiler: Compiler, table: type[Model]) -> None:
        columns = fields_of(table)
        names = tuple(column.column_name for column in columns)
        key_names = COMPOSITE_KEYS.get(table, names[:1])
        key = [columns[names.index(name)] for name in key_names]
        self.table = PortableTable(name=name_of(table), columns=names, key=key_names)
        condition, self._slots = _after(key)
        ordered = select_all(table).order_by(*key)
        self.insert = insert_into(table)
        self.count = compiler.compile(table.select(fn.COUNT(SQL("*"))))
        self.last = compiler.compile(
            table.select(*key).order_by(*[column.desc() for column in key]).limit(parameter("limit")), "limit"
        )
        self.first = compiler.compile(ordered.limit(parameter("limit")), "limit")
        self.next = compiler.compile(
            ordered.where(condition).limit(parameter("limit")), *map(str, self._slots), "limit"
        )

    def bind_key(self, key: PortableRow) -> PortableRow:
        """Return what `next` binds before its limit."""
        return tuple(key[slot] for slot in self._slots)


def _after(key: Sequence[Field]) -> tuple[Expression, tuple[int, ...]]:
    """Build the condition for rows after a key; return it with the key column that each of its values binds.

    Not `(a, b) > (?, ?)`: MariaDB would scan the whole table for it. The first column alone bounds the range.
    """
    condition, slots = key[-1] > parameter(str(len(key) - 1)), [len(key) - 1]
    for index in range(len(key) - 2, -1, -1):
        column, slot = key[index], parameter(str(index))
        condition, slots = (column > slot) | ((column == slot) & condition), [index, index, *slots]
    if len(key) > 1:
        condition, slots = (key[0] >= parameter("0")) & condition, [0, *slots]
    return condition, tuple(slots)
