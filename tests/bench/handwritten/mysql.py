"""The identify by hand, on pymysql: one transaction, and in it a statement for each thing that is wanted."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
from handwritten.calls import (
    Answer,
    Application,
    Asked,
    Beyond,
    Known,
    Names,
    Newcomer,
    Row,
    answer_of,
    owner_of,
    rows_to_write,
)
from handwritten.postgresql import ADD_BLOCK, CHANGE_CONTACT, PUT_BLOCK, statements_of
from handwritten.tables import gram_rows, insert_into
from pymysql.constants import CLIENT

from hullo.model.request_context import RequestContext

TEXTS = {PUT_BLOCK: f"{ADD_BLOCK} ON DUPLICATE KEY UPDATE block = VALUES(block)"}
"""What PostgreSQL writes otherwise."""
ADD_GRAM = insert_into("contact_gram")
"""This engine indexes no substrings by itself."""


def connect_mysql(url: str, **options: Any) -> pymysql.Connection[Any]:
    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname or "localhost",
        port=parts.port or 3306,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password or ""),
        database=unquote(parts.path.removeprefix("/")),
        sql_mode="ANSI_QUOTES",
        **options,
    )


class ByMysql:
    """READ COMMITTED, as hullo has it."""

    def __init__(self, url: str, app: Application) -> None:
        self.app = app
        self._driver = connect_mysql(url, client_flag=CLIENT.FOUND_ROWS)
        self._cursor = self._driver.cursor()
        self._cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")

    def close(self) -> None:
        self._driver.close()

    def transact(self, asked: Asked, names: Names, moment: RequestContext) -> Answer:
        self._driver.begin()
        try:
            known = self._known(names)
            rows = rows_to_write(self.app, asked, names, known, moment)
            if rows is not None:
                for text, values in statements_of(rows):
                    changed = self._cursor.execute(TEXTS.get(text, text), values)
                    if text is CHANGE_CONTACT and changed != 1:
                        raise Beyond("somebody else has written the contact")
                if isinstance(rows, Newcomer):
                    self._cursor.executemany(ADD_GRAM, gram_rows(rows.search))
            self._driver.commit()
        except BaseException:
            self._driver.rollback()
            raise
        return answer_of(known, rows, moment)

    def _known(self, names: Names) -> Known:
        app_id = self.app.id
        app = self._all("SELECT version FROM app WHERE id = %s", (app_id,))
        session: tuple[Row, ...] = ()
        orphans: tuple[Row, ...] = ()
        if names.session is not None:
            session = self._all(
                "SELECT app_id, visitor_id, contact_id, seen_at, expires_at, revoked_at, claimed, proved "
                "FROM session WHERE digest = %s",
                (names.session,),
            )
        if session:
            orphans = self._all(
                "SELECT id FROM conversation WHERE visitor_id = %s AND contact_id IS NULL", (session[0][1],)
            )
        owners: dict[str, str] = dict(
            self._all(
                "SELECT digest, contact_id FROM identifier WHERE digest IN (%s, %s)", (names.external_id, names.email)
            )
        )
        owner = owner_of(names, owners)
        contact: tuple[Row, ...] = ()
        block: tuple[Row, ...] = ()
        if owner is not None:
            contact = self._all(
                "SELECT id, identifiers, profile, last_seen_at, merged_into, version FROM contact WHERE id = %s",
                (owner,),
            )
            block = self._all("SELECT block FROM custom_data WHERE contact_id = %s AND app_id = %s", (owner, app_id))
        return Known(
            app_version=app[0][0] if app else None,
            session=session[0] if session else None,
            owners=owners,
            contact=contact[0] if contact else None,
            block=block[0][0] if block else None,
            orphans=orphans,
        )

    def _all(self, text: str, values: Row) -> tuple[Row, ...]:
        self._cursor.execute(text, values)
        return self._cursor.fetchall()
