"""The few ways in which rows are written. An engine turns each into its SQL, for one row and for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from peewee import BigIntegerField, BlobField, CharField, Field, IntegerField, Model, SmallIntegerField, TextField

from hullo.value import Value
from hullo_stores.peewee.rows import Row

ColumnType = Literal["text", "bigint", "int", "bytes"]

_COLUMN_TYPES: Final[dict[type[Field], ColumnType]] = {
    CharField: "text",
    TextField: "text",
    BigIntegerField: "bigint",
    IntegerField: "int",
    SmallIntegerField: "int",
    BlobField: "bytes",
}


class Column(Value, kw_only=False):
    """A column that is written, or that tells which rows are."""

    name: str
    kind: ColumnType
    comparison: Literal["=", "<=", "or null ="] = "="
    """How a row is found: the column, then this, then the value. NULL counts as 0 where size is compared, and as an
    empty text where it says so."""
    is_increment: bool = False
    """Whether a value that is set is added to what is there, instead of taking its place."""


class Write(Value, eq=False):
    """What happens to each of a batch's rows, which give the values of `sets` and then of `keys`.

    `insert` has no keys. `update` and `delete` are about the rows that `keys` find. `upsert` inserts, and sets `sets`
    where a row with these `keys` is there. `expire` deletes rows whose time, the only key, has come, the
    oldest first; its rows give that time and how many to delete at most, and `sets` is what tells rows apart.
    """

    verb: Literal["insert", "update", "upsert", "delete", "expire"]
    table: str
    sets: tuple[Column, ...] = ()
    keys: tuple[Column, ...] = ()
    must_find: bool = False
    """Whether it is a conflict when a row is not found: somebody else has replaced or erased it."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """In the order of a row's values."""
        return (*self.sets, *self.keys)

    def key_of(self, row: Row) -> Row:
        """What tells the row from others, to sort by."""
        return row[:1] if self.verb == "insert" else row[len(self.sets) :]


class Batch(Value, kw_only=False):
    """Rows to be written in one way."""

    write: Write
    rows: Sequence[Row]


MAX_STATEMENT_BYTES: Final = 1024 * 1024
"""About how much one statement writes: servers limit its size, and rows may be long."""


def split_batches(batches: Sequence[Batch]) -> Iterator[Batch]:
    """The same rows, in batches that a server takes as one statement each."""
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
    """The named columns, or all of them in the order of the table."""
    fields = {field.name: field for field in table._meta.sorted_fields}  # pyright: ignore[reportPrivateUsage]
    return tuple(Column(name, _COLUMN_TYPES[type(fields[name])]) for name in names or fields)


def name_of(table: type[Model]) -> str:
    """The table's own."""
    return str(table._meta.table_name)  # pyright: ignore[reportPrivateUsage]  # Peewee's own documented door


def insert_into(table: type[Model]) -> Write:
    """Rows hold every column, in the order of the table."""
    return Write(verb="insert", table=name_of(table), sets=columns_of(table))


def replace_in(table: type[Model]) -> Write:
    """Compare and set, for a table whose first column is its key, and which has a version.

    Rows hold every column but the key, then the key, then the version that must still be there.
    """
    key, *rest = columns_of(table)
    return Write(
        verb="update", table=name_of(table), sets=tuple(rest), keys=(key, *columns_of(table, "version")), must_find=True
    )
