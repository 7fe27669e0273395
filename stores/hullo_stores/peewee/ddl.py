"""How migrations make tables on every engine."""

# Peewee's stubs leave the making of tables untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from peewee import SQL, CharField, Database, Model, TextField


def create_table(database: Database, table: type[Model]) -> None:
    """With its indexes, and with texts that compare byte by byte, which is not what every engine does unasked.

    Not "if it does not exist": one of the same name is somebody else's.
    """
    with _said_as_on(database, table), table.bind_ctx(database):
        table.create_table(safe=False)


@contextmanager
def _said_as_on(database: Database, table: type[Model]) -> Generator[None]:
    """What the table declares beyond its columns is the engine's own, and another's the next time."""
    meta = table._meta  # pyright: ignore[reportPrivateUsage]  # Peewee's own documented door
    collation: str | None = getattr(database, "text_collation", None)
    texts = [each for each in meta.sorted_fields if isinstance(each, CharField | TextField) and collation is not None]
    declared = [each.constraints for each in texts]
    settings, meta.table_settings = meta.table_settings, getattr(database, "table_settings", None)
    for each in texts:
        each.constraints = [*(each.constraints or ()), SQL(str(collation))]
    try:
        yield
    finally:
        meta.table_settings = settings
        for each, constraints in zip(texts, declared, strict=True):
            each.constraints = constraints
