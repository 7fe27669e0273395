"""What a database on any engine can be asked about its state. The engines' own questions are their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hullo.errors import StoreUnavailable
from hullo.store.maintenance import Finding
from hullo_stores.peewee.connection import Engine
from hullo_stores.peewee.schema import require_current

CLOCK_TOLERANCE_SECONDS: Final = 2.0
"""Sessions and keys are judged by the servers' clocks, which must agree; the database's is what they share."""


def diagnose(engine: Engine) -> Iterator[Finding]:
    """See `Diagnosed`."""
    try:
        engine.maintenance.require_database()
        engine.open()
    except StoreUnavailable as error:
        yield Finding(name="connection", value="none", advice=error.detail)
        return
    try:
        with engine.autocommit_connection() as connection:
            yield from engine.maintenance.findings(connection)
        yield schema_finding(engine)
    except StoreUnavailable as error:
        yield Finding(name="connection", value="lost", advice=error.detail)
    finally:
        engine.close()


def schema_finding(engine: Engine) -> Finding:
    """Whether the schema is this version's."""
    try:
        require_current(engine)
    except StoreUnavailable as error:
        return Finding(name="schema", value="not current", advice=error.detail)
    return Finding(name="schema", value="current")


def clock_finding(ahead_seconds: float) -> Finding:
    """By how much the database's clock is ahead of this machine's."""
    value = f"{ahead_seconds:+.3f} s against this machine's"
    if abs(ahead_seconds) <= CLOCK_TOLERANCE_SECONDS:
        return Finding(name="clock", value=value)
    return Finding(name="clock", value=value, advice="set both clocks by NTP: sessions and keys expire by them")
