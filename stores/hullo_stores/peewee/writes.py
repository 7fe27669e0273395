"""The few kinds of writes. An engine turns each into its SQL, for one row and for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from peewee import (
    BigAutoField,
    BigIntegerField,
    BlobField,
    CharField,
    Field,
    IntegerField,
    Model,
    SmallIntegerField,
    TextField,
)

from hullo.value import Value
from hullo_stores.peewee.rows.encoding import Row

ColumnType = Literal["text", "bigint", "int", "bytes"]

_COLUMN_TYPES: Final[dict[type[Field], ColumnType]] = {
    CharField: "text",
    TextField: "text",
    BigAutoField: "bigint",
    BigIntegerField: "bigint",
    IntegerField: "int",
    SmallIntegerField: "int",
    BlobField: "bytes",
}


class Column(Value, kw_only=False):
    """A column that is set, or that a row is found by."""

    name: str
    kind: ColumnType
    comparison: Literal["=", "<=", "or null ="] = "="
    """How the column is compared with the value. NULL counts as 0 for "<=", and as an empty text for "or null ="."""
    is_increment: bool = False
    """Whether the value is added to the stored one instead of replacing it."""


class Write(Value, eq=False):
    """What happens to every row of a batch. A row gives the values of `sets`, then of `keys`.

    `insert` has no keys. `update` and `delete` find rows by `keys`. `upsert` inserts, and sets `sets` if a row with
    these `keys` exists. `expire` deletes rows whose time, the only key, has passed, oldest first; its row gives that
    time and a limit, and `sets` is the primary key.
    """

    verb: Literal["insert", "update", "upsert", "delete", "expire"]
    table: str
    sets: tuple[Column, ...] = ()
    keys: tuple[Column, ...] = ()
    must_find: bool = False
    """Whether a row that is not found is a conflict: another transaction has replaced or erased it."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the columns in the order of a row's values."""
        return (*self.sets, *self.keys)

    def key_of(self, row: Row) -> Row:
        """Return the row's key, to sort by."""
        return row[:1] if self.verb == "insert" else row[len(self.sets) :]


class Batch(Value, kw_only=False):
    """Rows to be written by one kind of write."""

    write: Write
    rows: Sequence[Row]


MAX_STATEMENT_BYTES: Final = 1024 * 1024
"""About how much one statement may write: servers limit its size, and rows may be long."""


def split_batches(batches: Sequence[Batch]) -> Iterator[Batch]:
    """Split batches so that a server accepts each as one statement."""
    for batch in batches:
        if len(batch.rows) == 1:
            yield batch
            continue
        piece: list[Row] = []
        size = 0
        for row in batch.rows:
            length = sum(len(value) for value in row if isinstance(value, str | bytes))
            if piece and size + length > MAX_STATEMENT_BYTES:
                yield Batch(batch.write, piece)
                piece, size = [], 0
            piece.append(row)
            size += length
        yield Batch(batch.write, piece)


def columns_of(table: type[Model], *names: str) -> tuple[Column, ...]:
    """Return the named columns, or all in the order of the table."""
    fields = {field.name: field for field in table._meta.sorted_fields}  # pyright: ignore[reportPrivateUsage]
    return tuple(Column(name, _COLUMN_TYPES[type(fields[name])]) for name in names or fields)


def name_of(table: type[Model]) -> str:
    """Return the table's name in the database."""
    return str(table._meta.table_name)  # pyright: ignore[reportPrivateUsage]  # Peewee's own documented door


def insert_into(table: type[Model]) -> Write:
    """Insert rows that hold every column in the order of the table."""
    return Write(verb="insert", table=name_of(table), sets=columns_of(table))


def replace_in(table: type[Model]) -> Write:
    """Compare and set, for a table whose first column is its key and which has a version.

    Rows hold every column but the key, then the key, then the version that must still be stored.
    """
    key, *rest = columns_of(table)
    return Write(
        verb="update", table=name_of(table), sets=tuple(rest), keys=(key, *columns_of(table, "version")), must_find=True
    )
