"""Runs the migration of data inside of a schema migration, or shows what it would run."""

# Peewee's stubs leave the running of a statement untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any, Final

from peewee import Database, MySQLDatabase, SqliteDatabase

from hullo.model.request_context import system_clock
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.email_index import EmailReindex, Rows, Statement, plan_reindex
from hullo_stores.peewee.rows.encoding import Row

REINDEX_EMAILS: Final = "0007_email_keys"
_MORE: Final = "0003_identity_record"
_FIRST: Final = "0001_first"

_log = logging.getLogger("hullo.store")


def reindex_emails(database: Database) -> None:
    """Give every stored email its digest under the current key, all or none. Each collision is logged, by ids only."""
    run: Any = database.execute_sql

    def rows(text: str) -> list[Row]:
        return list(run(text).fetchall())

    # MariaDB begins no transaction for a migration, and half of this would leave contacts that nothing finds.
    with database.atomic():
        plan = _plan(database, rows, has_more=True)
        for text, values in plan.statements:
            run(text.format(*[database.param] * len(values)), values)
    for collision in plan.collisions:
        _log.warning(
            "event=email_collision contact_id=%s other_id=%s",
            collision.contact_id,
            collision.other_id,
            extra={"hullo": True},
        )


def pending_reindex(database: Database, connection: Connection, applied: Collection[str]) -> EmailReindex:
    """Plan what `reindex_emails` would do, without writing; nothing for a database that it has seen, or a new one."""
    if REINDEX_EMAILS in applied or _FIRST not in applied:
        return EmailReindex(statements=(), collisions=())
    return _plan(database, connection.rows, has_more=_MORE in applied)


def literal_sql(database: Database, statement: Statement) -> str:
    """Write a statement with its values in it, for the database's own client."""
    text, values = statement
    return text.format(*[_literal(value, escapes=isinstance(database, MySQLDatabase)) for value in values])


def _plan(database: Database, rows: Rows, *, has_more: bool) -> EmailReindex:
    # SQLite counts bytes of a BLOB only.
    foreign = "LENGTH(CAST({0} AS BLOB)) <> LENGTH({0})"
    if not isinstance(database, SqliteDatabase):
        foreign = "OCTET_LENGTH({0}) <> CHAR_LENGTH({0})"
    return plan_reindex(rows, foreign=foreign, has_more=has_more, now=system_clock())


def _literal(value: object, *, escapes: bool) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("'", "''")
    # Only MariaDB and MySQL read a backslash in a text as an escape.
    return "'{}'".format(text.replace("\\", "\\\\") if escapes else text)
