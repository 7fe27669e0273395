"""Emails are found by the match key of M2 that lowers letter by letter. Frozen, as the first is."""

# playhouse has no stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from peewee import Database
from playhouse.migrate import SchemaMigrator

from hullo_stores.peewee.data_migrations import reindex_emails


def up(migrator: SchemaMigrator, db: Database) -> None:  # noqa: ARG001 - as the runner calls it
    """Changes the digests of the few addresses whose key is another one."""
    reindex_emails(db)


def down(migrator: SchemaMigrator, db: Database) -> None:
    """Leaves them: `up` looks at what is there, and goes on where it broke off."""
