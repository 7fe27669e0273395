"""What a driver's error means: `Refused` (a `StoreConflict`) or `StoreUnavailable`. Tells no value (P4)."""

from __future__ import annotations

import sqlite3
from typing import Final

from peewee import PeeweeException

from hullo.errors import StoreUnavailable
from hullo_stores.refusal import Refused

_CANNOT_OPEN: Final = "cannot be opened; check that its folder exists and may be written to"
_SQLITE_SENTENCES: Final = {
    "SQLITE_BUSY": "is locked by another process; if this lasts, one holds a transaction open",
    "SQLITE_LOCKED": "is locked by another process; if this lasts, one holds a transaction open",
    "SQLITE_CANTOPEN": _CANNOT_OPEN,
    "OperationalError": _CANNOT_OPEN,  # only where the driver fails to connect does it give no name
    "SQLITE_READONLY": "may not be written to; check the permissions of the file and of its folder",
    "SQLITE_PERM": "may not be written to; check the permissions of the file and of its folder",
    "SQLITE_NOTADB": "is not an SQLite database",
    "SQLITE_CORRUPT": "is damaged; restore it from a backup",
    "SQLITE_FULL": "cannot grow: the disk is full",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
}


def sqlite_fault(error: sqlite3.Error, path: str) -> Refused | StoreUnavailable:
    """What to raise instead of the driver's error."""
    if isinstance(error, sqlite3.IntegrityError):
        return Refused(_refused_constraint(str(error)))
    # What the driver itself finds wrong has no name of SQLite's.
    name: str = getattr(error, "sqlite_errorname", type(error).__name__)
    for family, sentence in _SQLITE_SENTENCES.items():
        if name == family or name.startswith(f"{family}_"):
            return StoreUnavailable(f"the database {path} {sentence}")
    return StoreUnavailable(f"the database {path} cannot be used: {name}")


def peewee_fault(error: PeeweeException, path: str) -> StoreUnavailable:
    """What to raise when connecting or migrating failed: Peewee wraps the driver's error, which says more."""
    cause = getattr(error, "orig", None)
    fault = sqlite_fault(cause, path) if isinstance(cause, sqlite3.Error) else None
    if isinstance(fault, StoreUnavailable):
        return fault
    return StoreUnavailable(f"the database {path} cannot be used: {type(error).__name__}")


def _refused_constraint(message: str) -> str:
    """`identifier` from "UNIQUE constraint failed: identifier.digest, …"; else the kind of constraint."""
    constraint, _, columns = message.partition(": ")
    table, dot, _ = columns.partition(".")
    return table if dot else constraint.removesuffix(" constraint failed").lower()
