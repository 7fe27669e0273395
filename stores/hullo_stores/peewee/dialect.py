"""The SQL that engines write differently. What they all write alike comes from Peewee's builder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from hullo_stores.peewee.writes import Column, ColumnType, Write

K = TypeVar("K")

_NAMED: Final = re.compile(r"(?<!:):([a-z_][a-z_0-9]*)")


class StatementCache(dict[K, str]):
    """SQL texts by key, built on first use and kept."""

    def __init__(self, build: Callable[[K], str]) -> None:
        self._build = build

    def __missing__(self, wanted: K) -> str:
        text = self[wanted] = self._build(wanted)
        return text


class Dialect:
    """SQLite's dialect, and the base of the others. Names are quoted, as many are SQL keywords too."""

    lock_clause: str | None = None
    """Ends a SELECT that locks its rows until the transaction ends. None if a writer has the whole database."""

    contains = "instr({column}, ?) > 0"
    """The condition that a text column contains what `pattern` was made from, compared byte by byte."""

    deletes_in_order = False
    """Whether a DELETE by key needs ORDER BY and LIMIT: otherwise InnoDB scans a small table, and waits for every row
    that another transaction has locked."""

    def change_mark_sql(self, tables: Sequence[str]) -> str:  # noqa: ARG002 - as other engines need them
        """Return a SELECT whose rows are equal in two snapshots only if no row of the tables changed in between.

        SQLite's compares snapshots of one connection, and takes in every other commit too.
        """
        return "PRAGMA data_version"

    def with_placeholders(self, text: str) -> str:
        """Replace the placeholders of Peewee's builder by the driver's."""
        return text

    def pattern(self, part: str) -> str:
        """Return what `contains` binds."""
        return part

    def bind_names(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Replace `:name` by the driver's placeholders; return the text and the names in binding order."""
        names = tuple(_NAMED.findall(text))
        return _NAMED.sub("?", text), names

    def single_row_sql(self, write: Write) -> str:
        """Return the statement for one row, which binds its values in order."""
        found = " AND ".join(_condition(column, "?") for column in write.keys)
        match write.verb:
            case "insert" | "upsert":
                values = ", ".join("?" for _ in write.columns)
                replaced = f" {self.upsert_clause(write)}" if write.verb == "upsert" else ""
                return f'INSERT INTO "{write.table}" ({quoted_names(write.columns)}) VALUES ({values}){replaced}'
            case "update":
                replaced = ", ".join(_assignment(column, "?") for column in write.sets)
                return f'UPDATE "{write.table}" SET {replaced} WHERE {found}'
            case "delete":
                return f'DELETE FROM "{write.table}" WHERE {found}'
            case "expire":
                return self.expire_sql(write)

    def upsert_clause(self, write: Write) -> str:
        """Return what an INSERT does if a row with these keys exists."""
        held = f'"{write.table}".'
        replaced = ", ".join(_assignment(column, f'excluded."{column.name}"', held) for column in write.sets)
        return f"ON CONFLICT ({quoted_names(write.keys)}) DO UPDATE SET {replaced}"

    def expire_sql(self, write: Write) -> str:
        """Return the statement that deletes expired rows. It binds a time and a limit."""
        (key,), (expires,) = write.sets, write.keys
        return (
            f'DELETE FROM "{write.table}" WHERE "{key.name}" IN (SELECT "{key.name}" FROM "{write.table}" '
            f'WHERE "{expires.name}" <= ? ORDER BY "{expires.name}" LIMIT ?)'
        )


class PostgresqlDialect(Dialect):
    """Rows are bound as one JSON text, whatever their number, so that one prepared statement serves all."""

    contains = "{column} LIKE ? ESCAPE '!'"
    lock_clause = "FOR NO KEY UPDATE"  # still lets other transactions insert rows that reference this one
    materialized = "MATERIALIZED"
    row_version = "xmin::text::bigint"
    """The number of the transaction that wrote a row."""

    _types: Final[dict[ColumnType, str]] = {"text": "text", "bigint": "bigint", "int": "int", "bytes": "text"}

    def change_mark_sql(self, tables: Sequence[str]) -> str:
        """See `Dialect`. The server reads the tables, and sends two numbers of each."""
        # A sum and no maximum: transaction numbers start again from the beginning after four billion.
        return " UNION ALL ".join(
            f"SELECT '{table}', count(*), coalesce(sum({self.row_version}), 0) FROM \"{table}\"" for table in tables
        )

    def pattern(self, part: str) -> str:
        """See `Dialect`."""
        return like_pattern(part)

    def with_placeholders(self, text: str) -> str:
        """Number the placeholders: `$1`, `$2`, … in their order."""
        return _number_placeholders(text, re.compile(r"%s|\?"), lambda index: f"${index + 1}")

    def bind_names(self, text: str) -> tuple[str, tuple[str, ...]]:
        """See `Dialect`. A name that is used twice is bound once."""
        names = tuple(dict.fromkeys(_NAMED.findall(text)))
        return _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", text), names

    def single_row_sql(self, write: Write) -> str:
        """See `Dialect`."""
        return self.with_placeholders(super().single_row_sql(write))

    def multi_row_sql(self, write: Write) -> str:
        """Return the statement for any number of rows, bound as a JSON array of arrays. Bytes are in hexadecimal."""
        values = [self._value(index, column) for index, column in enumerate(write.columns)]
        rows = "jsonb_array_elements($1::jsonb) AS given (row)"
        keys = zip(write.keys, values[len(write.sets) :], strict=True)
        found = " AND ".join(_condition(key, value, "old.") for key, value in keys)
        match write.verb:
            case "insert" | "upsert":
                replaced = f" {self.upsert_clause(write)}" if write.verb == "upsert" else ""
                columns = quoted_names(write.columns)
                return f'INSERT INTO "{write.table}" ({columns}) SELECT {", ".join(values)} FROM {rows}{replaced}'
            case "update":
                sets = zip(write.sets, values, strict=False)
                replaced = ", ".join(_assignment(column, value, "old.") for column, value in sets)
                names = ", ".join(f'old."{key.name}"' for key in write.keys if key.comparison == "=")
                # Locks rows in the order of their keys first, against deadlocks: a join updates in any order.
                return (
                    f'WITH held AS MATERIALIZED (SELECT {names} FROM "{write.table}" AS old, {rows} WHERE {found} '
                    f"ORDER BY {names} {self.lock_clause} OF old) "
                    f'UPDATE "{write.table}" AS old SET {replaced} FROM {rows} '
                    f"WHERE {found} AND ({names}) IN (SELECT * FROM held)"
                )
            case "delete":
                return f'DELETE FROM "{write.table}" AS old USING {rows} WHERE {found}'
            case "expire":
                raise AssertionError("what expires is one row's worth")

    def expire_sql(self, write: Write) -> str:
        """See `Dialect`. Skips rows that another transaction is deleting."""
        return f"{super().expire_sql(write).removesuffix(')')} FOR UPDATE SKIP LOCKED)"

    def names_table(self, slot: str) -> str:
        """Return a derived table of (query, name) over a JSON array of pairs."""
        return f"(SELECT (pair->>0)::int AS query, pair->>1 AS name FROM json_array_elements(:{slot}::json) AS pair)"

    def json_row(self, *columns: str) -> str:
        """Return an expression for a JSON array of these columns, as text."""
        return f"json_build_array({', '.join(columns)})::text"

    def hex_of(self, column: str) -> str:
        """Return an expression for a column of bytes in hexadecimal."""
        return f"encode({column}, 'hex')"

    def _value(self, index: int, column: Column) -> str:
        value = f"(row->>{index})::{self._types[column.kind]}" if column.kind in ("int", "bigint") else f"row->>{index}"
        return f"decode({value}, 'hex')" if column.kind == "bytes" else value


class MysqlDialect(Dialect):
    """MySQL and MariaDB. Texts are made for the number of rows, as the driver writes values into the text."""

    contains = "{column} LIKE ? ESCAPE '!'"
    lock_clause = "FOR UPDATE"
    materialized = ""
    deletes_in_order = True
    collation = "utf8mb4_nopad_bin"
    """Compares text byte by byte. MariaDB's default equates "Ann", "ann" and "ann ", and all emoji."""

    def change_mark_sql(self, tables: Sequence[str]) -> str:
        """See `Dialect`. The server reads the tables, and sends a checksum of each."""
        names = ", ".join(f'"{table}"' for table in tables)
        return f"CHECKSUM TABLE {names}"

    def pattern(self, part: str) -> str:
        """See `Dialect`."""
        return like_pattern(part)

    def with_placeholders(self, text: str) -> str:
        """See `Dialect`."""
        return text.replace("?", "%s")

    def bind_names(self, text: str) -> tuple[str, tuple[str, ...]]:
        """See `Dialect`."""
        text, names = super().bind_names(text)
        return self.with_placeholders(text), names

    def single_row_sql(self, write: Write) -> str:
        """See `Dialect`."""
        return self.with_placeholders(super().single_row_sql(write))

    def multi_row_sql(self, write: Write, rows: int) -> str:
        """Return the statement for that number of rows; `values_of` returns what it binds."""
        match write.verb:
            case "insert" | "upsert":
                row = f"({', '.join('%s' for _ in write.columns)})"
                return self.single_row_sql(write).replace(f"VALUES {row}", f"VALUES {', '.join([row] * rows)}", 1)
            case "update":
                cases = f'CASE "{write.keys[0].name}" {"WHEN %s THEN %s " * rows}END'
                replaced = ", ".join(_assignment(column, cases) for column in write.sets)
                return f'UPDATE "{write.table}" SET {replaced} WHERE {self._where(write, rows)}'
            case "delete":
                return f'DELETE FROM "{write.table}" WHERE {self._where(write, rows)}'
            case "expire":
                raise AssertionError("what expires is one row's worth")

    def values_of(self, write: Write, rows: Sequence[Sequence[object]]) -> list[object]:
        """Return what `multi_row_sql` binds: the rows' values, for an update column by column."""
        if write.verb != "update":
            return [value for row in rows for value in row]
        key = len(write.sets)
        replaced = [value for column in range(key) for row in rows for value in (row[key], row[column])]
        return [*replaced, *(value for row in rows for value in row[key:])]

    def upsert_clause(self, write: Write) -> str:
        """See `Dialect`."""
        replaced = ", ".join(_assignment(column, f'VALUES("{column.name}")') for column in write.sets)
        return f"ON DUPLICATE KEY UPDATE {replaced}"

    def expire_sql(self, write: Write) -> str:
        """Find expired rows, without those that another transaction is deleting. `delete_expired_sql` deletes them."""
        (key,), (expires,) = write.sets, write.keys
        return (
            f'SELECT "{key.name}" FROM "{write.table}" WHERE "{expires.name}" <= ? ORDER BY "{expires.name}" LIMIT ? '
            "FOR UPDATE SKIP LOCKED"
        )

    def delete_expired_sql(self, write: Write, rows: int) -> str:
        """Delete that many of the rows that `expire_sql` found, by key. See `deletes_in_order`."""
        (key,) = write.sets
        keys = ", ".join(["%s"] * rows)
        return f'DELETE FROM "{write.table}" WHERE "{key.name}" IN ({keys}) ORDER BY "{key.name}" LIMIT {rows}'

    def names_table(self, slot: str) -> str:
        """See `PostgresqlDialect`."""
        return (
            f"JSON_TABLE(:{slot}, '$[*]' COLUMNS (query INT PATH '$[0]', name VARCHAR(255) "
            f"CHARACTER SET utf8mb4 COLLATE {self.collation} PATH '$[1]'))"
        )

    def json_row(self, *columns: str) -> str:
        """See `PostgresqlDialect`."""
        return f"JSON_ARRAY({', '.join(columns)})"

    def hex_of(self, column: str) -> str:
        """See `PostgresqlDialect`."""
        return f"HEX({column})"

    def _where(self, write: Write, rows: int) -> str:
        row = " AND ".join(_condition(key, "%s") for key in write.keys)
        return " OR ".join([f"({row})"] * rows)


def _assignment(column: Column, value: str, table: str = "") -> str:
    added_to = f'{table}"{column.name}" + ' if column.is_increment else ""
    return f'"{column.name}" = {added_to}{value}'


def _condition(column: Column, value: str, table: str = "") -> str:
    held = f'{table}"{column.name}"'
    match column.comparison:
        case "=":
            return f"{held} = {value}"
        case "<=":
            return f"COALESCE({held}, 0) <= {value}"
        case "or null =":
            return f"COALESCE({held}, '') = {value}"


def quoted_names(columns: Sequence[Column]) -> str:
    """Return the quoted names of the columns."""
    return ", ".join(f'"{column.name}"' for column in columns)


def like_pattern(part: str) -> str:
    """Return a LIKE pattern that finds `part` anywhere. The escape is not a backslash: engines disagree about those."""
    escaped = part.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _number_placeholders(text: str, placeholder: re.Pattern[str], made: Callable[[int], str]) -> str:
    count = iter(range(len(text)))
    return placeholder.sub(lambda _: made(next(count)), text)
