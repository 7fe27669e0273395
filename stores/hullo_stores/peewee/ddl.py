"""How migrations make tables on every engine."""

# Peewee's stubs leave the making of tables untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from peewee import SQL, CharField, Database, Model, TextField


def create_table(database: Database, table: type[Model]) -> None:
    """With its indexes, and with texts that compare byte by byte, which is not what every engine does unasked.

    Not "if it does not exist": one of the same name is somebody else's.
    """
    collation: str | None = getattr(database, "text_collation", None)
    table._meta.table_settings = getattr(database, "table_settings", None)  # pyright: ignore[reportPrivateUsage]
    for field in table._meta.sorted_fields:  # pyright: ignore[reportPrivateUsage]
        if collation is not None and isinstance(field, CharField | TextField):
            field.constraints = [SQL(collation)]
    with table.bind_ctx(database):
        table.create_table(safe=False)
