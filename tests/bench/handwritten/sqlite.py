"""The identify by hand, on sqlite3: one connection with hullo's settings, and statements that the driver keeps."""

from __future__ import annotations

import sqlite3

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

TABLES = (
    "contact",
    "identifier",
    "visitor",
    "session",
    "custom_data",
    "decision",
    "timeline",
    "outbox",
    "contact_search",
)
INSERT = {table: insert_into(table, "?") for table in TABLES}
PUT_BLOCK = f"{INSERT['custom_data']} ON CONFLICT DO UPDATE SET block = excluded.block"
SETTINGS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = 1",
    "PRAGMA secure_delete = 1",
    "PRAGMA mmap_size = 268435456",
)


class BySqlite:
    """Reads in one transaction; writes, if there is anything to write, in another, which takes the lock at once."""

    def __init__(self, path: str, app: Application) -> None:
        self.app = app
        self._driver = sqlite3.connect(path, isolation_level=None)
        for setting in SETTINGS:
            self._driver.execute(setting)

    def close(self) -> None:
        self._driver.close()

    def transact(self, asked: Asked, names: Names, moment: RequestContext) -> Answer:
        execute = self._driver.execute
        execute("BEGIN")
        try:
            known = self._known(names)
        finally:
            execute("COMMIT")
        rows = rows_to_write(self.app, asked, names, known, moment)
        if rows is not None:
            execute("BEGIN IMMEDIATE")
            try:
                if isinstance(rows, Changed):
                    self._change(rows)
                else:
                    self._add(rows)
                execute("COMMIT")
            except BaseException:
                if self._driver.in_transaction:
                    execute("ROLLBACK")
                raise
        return answer_of(known, rows, moment)

    def _known(self, names: Names) -> Known:
        one, app_id = self._one, self.app.id
        app = one("SELECT version FROM app WHERE id = ?", (app_id,))
        session: Row | None = None
        orphans: list[Row] = []
        if names.session is not None:
            session = one(
                "SELECT app_id, visitor_id, contact_id, seen_at, expires_at, revoked_at, claimed, proved "
                "FROM session WHERE digest = ?",
                (names.session,),
            )
        if session is not None:
            orphans = self._driver.execute(
                "SELECT id FROM conversation WHERE visitor_id = ? AND contact_id IS NULL", (session[1],)
            ).fetchall()
        owners = dict(
            self._driver.execute(
                "SELECT digest, contact_id FROM identifier WHERE digest IN (?, ?)", (names.external_id, names.email)
            ).fetchall()
        )
        owner = owner_of(names, owners)
        contact: Row | None = None
        block: Row | None = None
        if owner is not None:
            contact = one(
                "SELECT id, identifiers, profile, last_seen_at, merged_into, version FROM contact WHERE id = ?",
                (owner,),
            )
            block = one("SELECT block FROM custom_data WHERE contact_id = ? AND app_id = ?", (owner, app_id))
        return Known(
            app_version=app[0] if app else None,
            session=session,
            owners=owners,
            contact=contact,
            block=block[0] if block else None,
            orphans=orphans,
        )

    def _change(self, rows: Changed) -> None:
        execute = self._driver.execute
        changed = execute(
            "UPDATE contact SET updated_at = ?, last_seen_at = ?, profile = ?, version = version + 1 "
            "WHERE id = ? AND version = ?",
            rows.contact,
        )
        if changed.rowcount != 1:
            raise Beyond("somebody else has written the contact")
        self._put(rows)

    def _add(self, rows: Newcomer) -> None:
        execute = self._driver.execute
        execute(INSERT["contact"], rows.contact)
        for row in rows.identifiers:
            execute(INSERT["identifier"], row)
        execute(INSERT["visitor"], rows.visitor)
        execute(INSERT["session"], rows.session)
        execute(INSERT["contact_search"], rows.search)
        self._put(rows)

    def _put(self, rows: Changed | Newcomer) -> None:
        execute = self._driver.execute
        execute(PUT_BLOCK, rows.block)
        execute(INSERT["decision"], rows.decision)
        for row in rows.timeline:
            execute(INSERT["timeline"], row)
        for row in rows.outbox:
            execute(INSERT["outbox"], row)

    def _one(self, text: str, values: Row) -> Row | None:
        row: Row | None = self._driver.execute(text, values).fetchone()
        return row
