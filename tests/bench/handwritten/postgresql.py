"""The identify by hand, on psycopg: as people write it, as people tune it, and the tuned one for an event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from handwritten.calls import (
    Answer,
    Application,
    Asked,
    Beyond,
    Changed,
    Known,
    Names,
    Newcomer,
    Row,
    answer_of,
    owner_of,
    rows_to_write,
)
from handwritten.tables import insert_into

from hullo.model.request_context import RequestContext

CHANGE_CONTACT = (
    "UPDATE contact SET updated_at = %s, last_seen_at = %s, profile = %s, version = version + 1 "
    "WHERE id = %s AND version = %s"
)
ADD_CONTACT = insert_into("contact")
ADD_IDENTIFIER = insert_into("identifier")
ADD_VISITOR = insert_into("visitor")
ADD_SESSION = insert_into("session")
ADD_BLOCK = insert_into("custom_data")
PUT_BLOCK = f"{ADD_BLOCK} ON CONFLICT (contact_id, app_id) DO UPDATE SET block = excluded.block"
ADD_DECISION = insert_into("decision")
ADD_TIMELINE = insert_into("timeline")
ADD_OUTBOX = insert_into("outbox")
ADD_SEARCH = insert_into("contact_search")

KNOWN = """
SELECT app.version,
       session.app_id, session.visitor_id, session.contact_id, seen_at, expires_at, revoked_at, claimed, proved,
       by_id.contact_id, by_email.contact_id,
       contact.id, identifiers, profile, last_seen_at, merged_into, contact.version,
       custom_data.block, conversation.id
FROM app
LEFT JOIN session ON session.digest = $2
LEFT JOIN identifier AS by_id ON by_id.digest = $3
LEFT JOIN identifier AS by_email ON by_email.digest = $4
LEFT JOIN contact ON contact.id = COALESCE(by_id.contact_id, by_email.contact_id, session.contact_id)
LEFT JOIN custom_data ON custom_data.contact_id = contact.id AND custom_data.app_id = app.id
LEFT JOIN conversation ON conversation.visitor_id = session.visitor_id AND conversation.contact_id IS NULL
WHERE app.id = $1
"""
"""One row, where both identifiers are one person's and the browser has no conversation of nobody's."""


def _in_turn(text: str) -> str:
    """The server's own placeholders, which spare the driver its own."""
    parts = text.split("%s")
    return parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], start=1))


TUNED = {
    text: _in_turn(text)
    for text in (
        CHANGE_CONTACT,
        ADD_CONTACT,
        ADD_IDENTIFIER,
        ADD_VISITOR,
        ADD_SESSION,
        PUT_BLOCK,
        ADD_DECISION,
        ADD_TIMELINE,
        ADD_OUTBOX,
        ADD_SEARCH,
    )
}


def statements_of(rows: Changed | Newcomer) -> list[tuple[str, Row]]:
    last = [
        (PUT_BLOCK, rows.block),
        (ADD_DECISION, rows.decision),
        *((ADD_TIMELINE, row) for row in rows.timeline),
        *((ADD_OUTBOX, row) for row in rows.outbox),
    ]
    if isinstance(rows, Changed):
        return [(CHANGE_CONTACT, rows.contact), *last]
    return [
        (ADD_CONTACT, rows.contact),
        *((ADD_IDENTIFIER, row) for row in rows.identifiers),
        (ADD_VISITOR, rows.visitor),
        (ADD_SESSION, rows.session),
        (ADD_SEARCH, rows.search),
        *last,
    ]


class ByPostgresql:
    """As people write it: one transaction, and in it a statement for each thing that is wanted. Each is prepared."""

    def __init__(self, url: str, app: Application) -> None:
        self.app = app
        self._driver = psycopg.connect(url, prepare_threshold=0)

    def close(self) -> None:
        self._driver.close()

    def transact(self, asked: Asked, names: Names, moment: RequestContext) -> Answer:
        with self._driver.transaction():
            known = self._known(names)
            rows = rows_to_write(self.app, asked, names, known, moment)
            if rows is not None:
                for text, values in statements_of(rows):
                    changed = self._driver.execute(text, values)
                    if text is CHANGE_CONTACT and changed.rowcount != 1:
                        raise Beyond("somebody else has written the contact")
        return answer_of(known, rows, moment)

    def _known(self, names: Names) -> Known:
        one, app_id = self._one, self.app.id
        app = one("SELECT version FROM app WHERE id = %s", (app_id,))
        session: Row | None = None
        orphans: list[Row] = []
        if names.session is not None:
            session = one(
                "SELECT app_id, visitor_id, contact_id, seen_at, expires_at, revoked_at, claimed, proved "
                "FROM session WHERE digest = %s",
                (names.session,),
            )
        if session is not None:
            orphans = self._driver.execute(
                "SELECT id FROM conversation WHERE visitor_id = %s AND contact_id IS NULL", (session[1],)
            ).fetchall()
        owners: dict[str, str] = dict(
            self._driver.execute(
                "SELECT digest, contact_id FROM identifier WHERE digest IN (%s, %s)", (names.external_id, names.email)
            ).fetchall()
        )
        owner = owner_of(names, owners)
        contact: Row | None = None
        block: Row | None = None
        if owner is not None:
            contact = one(
                "SELECT id, identifiers, profile, last_seen_at, merged_into, version FROM contact WHERE id = %s",
                (owner,),
            )
            block = one("SELECT block FROM custom_data WHERE contact_id = %s AND app_id = %s", (owner, app_id))
        return Known(
            app_version=app[0] if app else None,
            session=session,
            owners=owners,
            contact=contact,
            block=block[0] if block else None,
            orphans=orphans,
        )

    def _one(self, text: Any, values: Row) -> Row | None:
        return self._driver.execute(text, values).fetchone()


class TunedPostgresql:
    """As people tune it: one joined SELECT by itself, and what is written in a pipeline, which is one round trip.

    COMMIT is another: only then is it known whether the contact was still the one that was read.
    """

    def __init__(self, url: str, app: Application) -> None:
        self.app = app
        self._driver = psycopg.connect(url, prepare_threshold=0, autocommit=True, cursor_factory=psycopg.RawCursor)

    def close(self) -> None:
        self._driver.close()

    def transact(self, asked: Asked, names: Names, moment: RequestContext) -> Answer:
        found = self._driver.execute(KNOWN, (self.app.id, names.session, names.external_id, names.email)).fetchall()
        known = known_of(found, names)
        rows = rows_to_write(self.app, asked, names, known, moment)
        if rows is not None:
            execute = self._driver.execute
            try:
                with self._driver.pipeline():
                    execute("BEGIN")
                    done = [execute(TUNED[text], values) for text, values in statements_of(rows)]
                if isinstance(rows, Changed) and done[0].rowcount != 1:
                    raise Beyond("somebody else has written the contact")
                execute("COMMIT")
            except BaseException:
                execute("ROLLBACK")
                raise
        return answer_of(known, rows, moment)


class EventLoopPostgresql:
    """The tuned one on an event loop; one that serves one call at a time."""

    def __init__(self, driver: psycopg.AsyncConnection[Row], app: Application) -> None:
        self.app = app
        self._driver = driver

    @classmethod
    async def connect(cls, url: str, app: Application) -> EventLoopPostgresql:
        driver = await psycopg.AsyncConnection.connect(
            url, prepare_threshold=0, autocommit=True, cursor_factory=psycopg.AsyncRawCursor
        )
        return cls(driver, app)

    async def close(self) -> None:
        await self._driver.close()

    async def transact(self, asked: Asked, names: Names, moment: RequestContext) -> Answer:
        values = (self.app.id, names.session, names.external_id, names.email)
        cursor = await self._driver.execute(KNOWN, values)
        known = known_of(await cursor.fetchall(), names)
        rows = rows_to_write(self.app, asked, names, known, moment)
        if rows is not None:
            execute = self._driver.execute
            try:
                async with self._driver.pipeline():
                    await execute("BEGIN")
                    done = [await execute(TUNED[text], values) for text, values in statements_of(rows)]
                if isinstance(rows, Changed) and done[0].rowcount != 1:
                    raise Beyond("somebody else has written the contact")
                await execute("COMMIT")
            except BaseException:
                await execute("ROLLBACK")
                raise
        return answer_of(known, rows, moment)


def known_of(found: Sequence[Row], names: Names) -> Known:
    """From what `KNOWN` finds."""
    if len(found) != 1:
        raise Beyond("the app is gone, or the browser has a conversation of nobody's")
    (row,) = found
    owners = {name: owner for name, owner in zip(names[:2], row[9:11], strict=True) if owner is not None}
    if owner_of(names, owners) is None:
        return Known(app_version=row[0], session=None, owners=owners, contact=None, block=None, orphans=())
    return Known(
        app_version=row[0],
        session=row[1:9],
        owners=owners,
        contact=row[11:17],
        block=row[17],
        orphans=() if row[18] is None else (row[18:],),
    )
