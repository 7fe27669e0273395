"""Creates and drops tables, columns and indexes for migrations, on every engine."""

# Peewee's stubs leave the making of tables untyped; playhouse has none.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from peewee import SQL, CharField, Database, Field, Model, TextField
from playhouse.migrate import SchemaMigrator


def create_table(database: Database, table: type[Model]) -> None:
    """Create a table with its indexes; its text columns compare byte by byte, which is not every engine's default.

    Not `IF NOT EXISTS`: an existing table of this name belongs to another application.
    """
    with _with_engine_settings(database, table), table.bind_ctx(database):
        table.create_table(safe=False)


def drop_table(database: Database, table: type[Model]) -> None:
    """Drop the table if it exists."""
    with table.bind_ctx(database):
        table.drop_table(safe=True)


def add_column(migrator: SchemaMigrator, table: str, name: str, column: Field) -> None:
    """Add a nullable column after the others. Text compares as in `create_table`."""
    with _with_collation(migrator.database, [column]):
        migrator.migrate(migrator.add_column(table, name, column))


def drop_column(migrator: SchemaMigrator, table: str, name: str) -> None:
    """Drop the column if it exists."""
    if any(column.name == name for column in migrator.database.get_columns(table)):
        migrator.migrate(migrator.drop_column(table, name, cascade=False))


def add_index(database: Database, table: type[Model], *columns: Field, name: str) -> None:
    """Add an index to an existing table. `table` needs to declare only the indexed columns."""
    cast("Any", database).execute(table.index(*columns, name=name, safe=False))


def execute(database: Database, text: str) -> None:
    """Run a statement that the builder cannot express."""
    cast("Any", database).execute_sql(text)


def drop_index(migrator: SchemaMigrator, table: str, name: str) -> None:
    """Drop the index if it exists."""
    if any(index.name == name for index in migrator.database.get_indexes(table)):
        migrator.migrate(migrator.drop_index(table, name))


@contextmanager
def _with_engine_settings(database: Database, table: type[Model]) -> Generator[None]:
    """Set the engine's table options for one CREATE: the model is shared by all engines."""
    meta = table._meta  # pyright: ignore[reportPrivateUsage]  # Peewee's own documented door
    settings, meta.table_settings = meta.table_settings, getattr(database, "table_settings", None)
    try:
        with _with_collation(database, meta.sorted_fields):
            yield
    finally:
        meta.table_settings = settings


@contextmanager
def _with_collation(database: Database, columns: Sequence[Field]) -> Generator[None]:
    """Give text columns the engine's collation, and take it away again."""
    collation: str | None = getattr(database, "text_collation", None)
    texts = [column for column in columns if isinstance(column, CharField | TextField) and collation is not None]
    declared = [text.constraints for text in texts]
    for text in texts:
        text.constraints = [*(text.constraints or ()), SQL(str(collation))]
    try:
        yield
    finally:
        for column, constraints in zip(texts, declared, strict=True):
            column.constraints = constraints
