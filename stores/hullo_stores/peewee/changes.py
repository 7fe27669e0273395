"""Writes one change set inside a transaction, or raises `Refused`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from hullo.model.app import App, IdentityKey
from hullo.model.change_set import Change, ChangeSet, Erasure, KeyUse, StoredAnswer, Versioned
from hullo.model.contact import Contact, ContactId
from hullo_stores.peewee.compiler import Many, Write
from hullo_stores.peewee.connection import Connection
from hullo_stores.peewee.rows import (
    Row,
    answer_row,
    api_key_row,
    app_row,
    conflict_row,
    contact_row,
    conversation_row,
    decision_row,
    identity_key_row,
    json_text,
    message_row,
    session_row,
    visitor_row,
    workspace_row,
)
from hullo_stores.peewee.statements import Statements
from hullo_stores.refusal import Refused

T = TypeVar("T", bound=Versioned)

ANSWERS_PRUNED: Final = 16
"""How many expired answers a new one clears away: more than come in, and too few for a caller to notice."""


class ChangeWriter:
    """Writes change sets on one connection. What it wrote before it raised, the caller rolls back."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection = connection
        self._run = connection.run
        self._statements = statements

    def write(self, changes: ChangeSet) -> None:
        """All of it, in an order in which whatever is pointed at comes first."""
        statements, run = self._statements.changes, self._run
        for workspace in changes.workspaces:
            self._replace(statements.workspaces, workspace, workspace_row)
        for app in changes.apps:
            self._write_app(app)
        for api_key in changes.api_keys:
            self._replace(statements.api_keys, api_key, api_key_row)
        self._write_contacts(changes.contacts)
        for visitor in changes.visitors:
            run(statements.add_visitor, visitor_row(visitor))
        for session in changes.sessions:
            self._replace(statements.sessions, session, session_row)
        for conversation in changes.conversations:
            self._replace(statements.conversations, conversation, conversation_row)
        for message in changes.messages:
            run(statements.add_message, message_row(message))
        # A pair is free for a new conflict once the old one is resolved.
        for conflict in sorted(changes.conflicts, key=lambda change: change.before is None):
            self._replace(statements.conflicts, conflict, conflict_row)
        for decision in changes.decisions:
            run(statements.add_decision, decision_row(decision))
        for answer in changes.answers:
            self._write_answer(answer)
        for use in changes.key_uses:
            self._use_key(use)
        for erasure in changes.erasures:
            self._erase(erasure)

    def _replace(self, write: Write, change: Change[T], row_of: Callable[[T], Row]) -> None:
        key, *rest = row_of(change.after)
        if change.before is None:
            self._run(write.insert, (key, *rest))
        elif not self._run(write.update, (*rest, key, change.before.version)):
            raise Refused(write.table)

    def _write_app(self, change: Change[App]) -> None:
        statements, app = self._statements.changes, change.after
        self._replace(statements.apps, change, app_row)
        before = {key.id: key for key in change.before.identity_keys} if change.before else {}
        after = {key.id: key for key in app.identity_keys}
        for key_id in before.keys() - after.keys():
            self._run(statements.drop_identity_key, (key_id, app.id))
        for key_id, key in after.items():
            if key_id not in before:
                self._run(statements.add_identity_key, identity_key_row(key))
            elif key != before[key_id]:
                self._replace_identity_key(key)

    def _replace_identity_key(self, key: IdentityKey) -> None:
        # Not its last use: `KeyUse` may have moved that since the app was read.
        values = (key.secret, key.created_at, key.retires_at, key.id, key.app_id)
        if not self._run(self._statements.changes.replace_identity_key, values):
            raise Refused("identity_key")

    def _write_contacts(self, changes: Sequence[Change[Contact]]) -> None:
        # Everything is let go of before anything is taken, so that one may take what another gives up.
        for change in changes:
            if change.before is not None and change.before.identifiers != change.after.identifiers:
                for digest in change.before.digests().keys() - change.after.digests().keys():
                    self._run(self._statements.changes.release_identifier, (digest, change.before.id))
        for change in changes:
            self._replace(self._statements.changes.contacts, change, contact_row)
            self._write_blocks(change)
        for change in changes:
            self._take_identifiers(change)

    def _take_identifiers(self, change: Change[Contact]) -> None:
        before, contact = change.before, change.after
        if before is not None and before.identifiers == contact.identifiers:
            return
        owned = before.digests() if before is not None else {}
        for digest, identifier in contact.digests().items():
            if digest not in owned:
                row = (digest, contact.workspace_id, identifier.kind, contact.id)
                self._run(self._statements.changes.add_identifier, row)

    def _write_blocks(self, change: Change[Contact]) -> None:
        before, contact = change.before, change.after
        for app_id, block in contact.custom_data.items():
            known = before.custom_data.get(app_id) if before is not None else None
            if not block:
                self._run(self._statements.changes.drop_block, (contact.id, app_id))
            elif block != known:
                text = json_text(block)
                # A new contact has no block yet; another may have one that was not loaded.
                replaced = before is not None and self._run(
                    self._statements.changes.replace_block, (text, contact.id, app_id)
                )
                if not replaced:
                    self._run(self._statements.changes.add_block, (contact.id, app_id, text))

    def _write_answer(self, answer: StoredAnswer) -> None:
        statements = self._statements.changes
        expired = self._connection.rows(statements.expired_answers, (answer.at, ANSWERS_PRUNED))
        if expired:
            self._run(statements.drop_expired_answer, (answer.digest, answer.at))
            self._run_many(statements.drop_answers, [digest for (digest,) in expired])
        self._run(statements.add_answer, answer_row(answer))

    def _use_key(self, use: KeyUse) -> None:
        self._run(self._statements.changes.use_identity_key, (use.at, use.key_id, use.app_id, use.at))

    def _erase(self, erasure: Erasure) -> None:
        statements, contact = self._statements.erasures, erasure.contact
        if not self._run(statements.lock_contact, (contact.id, contact.version)):
            raise Refused("contact")
        doomed = self._with_absorbed(contact.id)
        self._run_many(statements.revoke_sessions, doomed, erasure.at)
        if erasure.conversations == "anonymise":
            self._run_many(statements.anonymise_conversations, doomed)
        else:
            self._run_many(statements.erase_messages, doomed)
            self._run_many(statements.erase_conversations, doomed)
        for statement in (
            statements.erase_decisions,
            statements.erase_conflicts,
            statements.erase_other_conflicts,
            statements.erase_blocks,
            statements.erase_identifiers,
            statements.erase_contacts,
        ):
            self._run_many(statement, doomed)

    def _with_absorbed(self, contact_id: ContactId) -> list[ContactId]:
        """The contact and all that were ever merged into it, through chains (G3)."""
        doomed = [contact_id]
        newest = doomed
        while newest:
            newest = [
                absorbed
                for text, bound in self._statements.erasures.absorbed_by.calls(newest)
                for (absorbed,) in self._connection.rows(text, bound)
                if absorbed not in doomed
            ]
            doomed = [*doomed, *newest]
        return doomed

    def _run_many(self, statement: Many, values: Sequence[str], *first: object) -> None:
        for text, bound in statement.calls(values, *first):
            self._run(text, bound)
