"""Translates driver errors to `WriteConflict`, `StoreUnavailable` or `Unstorable`. Repeats no value (P4)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from peewee import PeeweeException

from hullo.errors import StoreUnavailable, Unstorable
from hullo_stores.write_conflict import TransactionAborted, WriteConflict

if TYPE_CHECKING:  # the drivers are optional
    import psycopg
    import pymysql

TranslatedError = WriteConflict | StoreUnavailable | Unstorable
E = TypeVar("E", bound=Exception)


class WriteRefused(StoreUnavailable):
    """The database takes no writes, as the disk is full or reports errors: the next write may fail in the same way."""


class ServerLost(StoreUnavailable):
    """The server is gone or no longer the primary: other pooled connections may lead to the same server."""


class TookTooLong(StoreUnavailable):
    """The database has ended a statement that took longer than it may."""


_TOO_SLOW: Final = "took too long to answer"
_CANNOT_OPEN: Final = "cannot be opened; check that its folder exists and may be written to"
_SQLITE_SENTENCES: Final = {
    "SQLITE_BUSY": "is locked by another process; if this lasts, one holds a transaction open",
    "SQLITE_LOCKED": "is locked by another process; if this lasts, one holds a transaction open",
    "SQLITE_CANTOPEN": _CANNOT_OPEN,
    "OperationalError": _CANNOT_OPEN,  # without an SQLite error name, as when the driver fails to connect
    "SQLITE_READONLY": "may not be written to; check the permissions of the file and of its folder",
    "SQLITE_PERM": "may not be written to; check the permissions of the file and of its folder",
    "SQLITE_NOTADB": "is not an SQLite database",
    "SQLITE_CORRUPT": "is damaged; restore it from a backup",
    "SQLITE_FULL": "cannot grow: the disk is full",
    "SQLITE_INTERRUPT": _TOO_SLOW,
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
}

_SQLITE_REFUSALS: Final = {"SQLITE_READONLY", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR"}

_LOST: Final = "cannot be reached; it may be starting or failing over, and if this lasts check the store's URL"
_LOCKED: Final = "waited too long for a lock; if this lasts, another client holds a transaction open"
_FULL: Final = "has no room: its disk, its memory or its connections are used up"
_READ_ONLY: Final = "may only be read; it may be a standby: connect to the primary"
_NO_ACCESS: Final = "does not let hullo in; check user, password and rights"
_NO_DATABASE: Final = "does not exist; create it, or correct the store's URL"
_NO_PARAMETER: Final = "cannot be connected to in this way; check the parameters of the store's URL"
_POOLED: Final = "is behind a pooler; add pooler=transaction to the store's URL"
_NO_SCHEMA: Final = "lacks tables or columns; run 'hullo migrate'"

_SQLITE_CONFLICTS: Final = {
    "SQLITE_CONSTRAINT_UNIQUE",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
    "SQLITE_CONSTRAINT_FOREIGNKEY",
}
UNENCODABLE: Final = (UnicodeError, OverflowError)
"""Raised by Python for values that no database can store: a lone surrogate, a number of more than 64 bits."""
_POSTGRESQL_CONFLICTS: Final = {"23505", "23503", "23001", "21000"}
"""21000: two rows of one upsert have the same key, as their change sets were decided on the same snapshot."""
_POSTGRESQL_ABORTED: Final = {"40001", "40P01", "40003"}
_POSTGRESQL_SENTENCES: Final = {
    "08": _LOST,
    "57P": _LOST,
    "55P03": _LOCKED,
    "57014": _TOO_SLOW,
    "25P03": _TOO_SLOW,
    "25006": _READ_ONLY,
    "28": _NO_ACCESS,
    "42501": _NO_ACCESS,
    "3D000": _NO_DATABASE,
    "42P01": _NO_SCHEMA,
    "42703": _NO_SCHEMA,
    "53": _FULL,
    "54": _FULL,
}
"""By the first characters of the SQLSTATE."""
_POSTGRESQL_CONNECT_SENTENCES: Final = {
    r'database "[^"]*" does not exist': _NO_DATABASE,
    r"authentication failed|no password supplied|pg_hba\.conf|permission denied|role .* (does not exist|to log in)": (
        _NO_ACCESS
    ),
    r"too many (clients|connections)|remaining connection slots": _FULL,
    r"unsupported startup parameter": _POOLED,
    r"invalid .*value|root certificate|certificate verify|does not support SSL": _NO_PARAMETER,
}
"""Messages of the server or driver at connect. They carry no SQLSTATE, and a localised server's match nothing here."""

_MYSQL_CONFLICTS: Final = {1062, 1216, 1217, 1451, 1452, 1557, 1761, 1762}
_MYSQL_UNSTORABLE: Final = {1048, 1153, 1264, 1366, 1406, 3140, 3141, 4025}
_MYSQL_ABORTED: Final = {1213, 1020, 3572}
"""1020 comes from MariaDB only, 1213 from both; on Galera also at COMMIT, for a conflict with another node."""
_MYSQL_SENTENCES: Final = {
    **dict.fromkeys((1047, 1053, 1152, 1158, 1159, 1160, 1161, 1180, 1184, 1927, 2002, 2003, 2006, 2013, 2055), _LOST),
    1205: _LOCKED,
    **dict.fromkeys((1317, 1969, 3024), _TOO_SLOW),
    **dict.fromkeys((1290, 1792, 1836), _READ_ONLY),
    **dict.fromkeys((1044, 1045, 1142, 1698), _NO_ACCESS),
    1049: _NO_DATABASE,
    **dict.fromkeys((1054, 1146), _NO_SCHEMA),
    **dict.fromkeys((1021, 1037, 1040, 1041, 1114, 1129, 1203, 1226), _FULL),
}


def translate_sqlite_error(error: sqlite3.Error, path: str) -> TranslatedError:
    """Return the exception to raise instead of the driver's."""
    # Errors raised by the driver itself have no SQLite error name.
    name: str = getattr(error, "sqlite_errorname", type(error).__name__)
    if str(error).startswith("Could not decode"):
        name = "SQLITE_CORRUPT"  # the driver's own error, for text that is none
    if name in _SQLITE_CONFLICTS:
        return WriteConflict(_sqlite_constraint(str(error)))
    if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
        return Unstorable()
    for family, sentence in _SQLITE_SENTENCES.items():
        if name == family or name.startswith(f"{family}_"):
            kinds = {**dict.fromkeys(_SQLITE_REFUSALS, WriteRefused), "SQLITE_INTERRUPT": TookTooLong}
            return kinds.get(family, StoreUnavailable)(f"the database {path} {sentence}")
    return StoreUnavailable(f"the database {path} cannot be used: {name}")


def translate_postgresql_error(error: psycopg.Error) -> TranslatedError:
    """Return the exception to raise instead of the driver's."""
    state = error.sqlstate
    if state is None:
        # Raised by the driver: either a value that cannot be encoded, or no connection.
        unsent = type(error).__name__ in ("DataError", "ProgrammingError")
        return Unstorable() if unsent else _unavailable(_connect_sentence(str(error)))
    if state.startswith("22") or state in ("23502", "23514"):
        return Unstorable()
    if state in _POSTGRESQL_ABORTED:
        return TransactionAborted("deadlock")
    if state in _POSTGRESQL_CONFLICTS:
        return WriteConflict(error.diag.constraint_name or error.diag.table_name or "constraint")
    for beginning, sentence in _POSTGRESQL_SENTENCES.items():
        if state.startswith(beginning):
            return _unavailable(sentence)
    return StoreUnavailable(f"the database cannot be used: {type(error).__name__} ({state})")


def translate_mysql_error(error: pymysql.MySQLError) -> TranslatedError:
    """Return the exception to raise instead of the driver's."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if code in _MYSQL_ABORTED:
        return TransactionAborted("deadlock")
    if code in _MYSQL_CONFLICTS:
        return WriteConflict(_mysql_constraint(str(error.args[-1])))
    if code in _MYSQL_UNSTORABLE:
        return Unstorable()
    # The driver gives no code for a connection that is already closed.
    sentence = _MYSQL_SENTENCES.get(code) if code else _LOST
    if sentence is not None:
        return _unavailable(sentence)
    return StoreUnavailable(f"the database cannot be used: {type(error).__name__} ({code})")


def translate_wrapped_error(
    error: PeeweeException, kind: type[E], translate: Callable[[E], TranslatedError]
) -> StoreUnavailable:
    """Return the exception for a failed connect or migration. Peewee wraps the driver's error, which says more."""
    cause = getattr(error, "orig", None)
    fault = translate(cause) if isinstance(cause, kind) else None
    if isinstance(fault, StoreUnavailable):
        return fault
    return StoreUnavailable(f"the database cannot be used: {type(cause or error).__name__}")


def _unavailable(sentence: str) -> StoreUnavailable:
    kinds = {_LOST: ServerLost, _READ_ONLY: ServerLost, _FULL: WriteRefused, _TOO_SLOW: TookTooLong}
    return kinds.get(sentence, StoreUnavailable)(f"the database {sentence}")


def _connect_sentence(message: str) -> str:
    """Say why PostgreSQL refused the connection, or that no server answered."""
    found = (sentence for pattern, sentence in _POSTGRESQL_CONNECT_SENTENCES.items() if re.search(pattern, message))
    return next(found, _LOST)


def _sqlite_constraint(message: str) -> str:
    """Return `identifier` from "UNIQUE constraint failed: identifier.digest, …"; else the kind of constraint."""
    constraint, _, columns = message.partition(": ")
    table, dot, _ = columns.partition(".")
    return table if dot else constraint.removesuffix(" constraint failed").lower()


def _mysql_constraint(message: str) -> str:
    """Return the constraint's name from "Duplicate entry '…' for key 'identifier_taken'" or "… CONSTRAINT `…` FOREIGN
    KEY".

    It is the last quoted name, before which no value can stand.
    """
    found = re.search(r"for key '(?:\w+\.)?(\w+)'$|CONSTRAINT [`\"](\w+)[`\"]", message)
    return (found[1] or found[2]) if found else "constraint"
