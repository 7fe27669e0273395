"""Whom a contact absorbed."""

from __future__ import annotations

from collections.abc import Sequence

from hullo.model.contact import ContactId
from hullo_stores.peewee.compiler import ListStatement
from hullo_stores.peewee.connection import Connection


def with_absorbed(connection: Connection, absorbed_by: ListStatement, contact_id: ContactId) -> list[ContactId]:
    """The contact and all who were merged into it, through chains (G3): one statement where there is nobody."""
    people = [contact_id]
    newest = people
    while newest:
        newest = [each for each in select_keys(connection, absorbed_by, newest) if each not in people]
        people = [*people, *newest]
    return people


def select_keys(connection: Connection, statement: ListStatement, values: Sequence[str]) -> list[str]:
    """What a statement of one column finds."""
    return [key for text, bound in statement.bind(values) for (key,) in connection.rows(text, bound)]
