"""One change set, written to the tables or refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from hullo.model.app import ApiKey, App, IdentityKey
from hullo.model.change_set import (
    CallCount,
    Change,
    ChangeSet,
    Erasure,
    KeyUse,
    LogOut,
    Spent,
    StoredAnswer,
    Versioned,
)
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.visitor import Session
from hullo_stores.memory.tables import Journal, Tables
from hullo_stores.refusal import Refused

T = TypeVar("T", bound=Versioned)
V = TypeVar("V")
E = TypeVar("E", StoredAnswer, Spent)

ANONYMISED_VISITOR = ""


class ChangeWriter:
    """Writes one change set. What it did before it raised `Refused` is in the journal."""

    def __init__(self, tables: Tables, journal: Journal) -> None:
        self._tables = tables
        self._journal = journal

    def write(self, changes: ChangeSet) -> None:
        """All of it, in an order in which whatever is pointed at comes first."""
        tables = self._tables
        for workspace in changes.workspaces:
            self._replace(tables.workspaces, workspace.after.id, workspace)
        for app in changes.apps:
            self._write_app(app)
        for api_key in changes.api_keys:
            self._write_api_key(api_key)
        self._write_contacts(changes.contacts)
        for visitor in changes.visitors:
            self._add(tables.visitors, visitor.id, visitor)
        for session in changes.sessions:
            self._write_session(session)
        for conversation in changes.conversations:
            self._write_conversation(conversation)
        for message in changes.messages:
            self._write_message(message)
        for conflict in sorted(changes.conflicts, key=lambda change: change.before is None):
            self._write_conflict(conflict)
        for decision in changes.decisions:
            self._write_decision(decision)
        for answer in changes.answers:
            self._add_expiring(tables.answers, answer)
        for spent in changes.spent:
            self._add_expiring(tables.spent, spent)
        for use in changes.key_uses:
            self._use_key(use)
        for count in changes.call_counts:
            self._count_calls(count)
        for log_out in changes.log_outs:
            self._log_out(log_out)
        for erasure in changes.erasures:
            self._erase(erasure)

    def _add(self, table: dict[str, V], key: str, value: V) -> None:
        if key in table:
            raise Refused(type(value).__name__.lower())
        self._journal.put(table, key, value)

    def _replace(self, table: dict[str, T], key: str, change: Change[T]) -> None:
        if change.before is None:
            self._add(table, key, change.after)
            return
        stored = table.get(key)
        if stored is None or stored.version != change.before.version:
            raise Refused(type(change.after).__name__.lower())
        self._journal.put(table, key, change.after)

    def _write_app(self, change: Change[App]) -> None:
        app = change.after
        stored = self._tables.apps.get(app.id)
        used = {key.id: key.last_used_at for key in stored.identity_keys} if stored else {}
        keys = (replace(key, last_used_at=used.get(key.id, key.last_used_at)) for key in app.identity_keys)
        self._replace(self._tables.apps, app.id, Change(change.before, replace(app, identity_keys=_oldest_first(keys))))

    def _write_api_key(self, change: Change[ApiKey]) -> None:
        key = change.after
        self._replace(self._tables.api_keys, key.id, change)
        if change.before is None:
            self._add(self._tables.api_key_digests, key.digest, key.id)

    def _write_contacts(self, changes: Iterable[Change[Contact]]) -> None:
        # Everything is let go of before anything is taken, so that one may take what another gives up.
        changes = tuple(changes)
        for change in changes:
            if change.before is not None:
                for digest in change.before.digests().keys() - change.after.digests().keys():
                    self._journal.drop(self._tables.identifiers, digest)
        for change in changes:
            stored = self._tables.contacts.get(change.after.id)
            blocks = {**(stored.custom_data if stored else {}), **change.after.custom_data}
            custom_data = {app_id: block for app_id, block in blocks.items() if block}
            after = replace(change.after, custom_data=custom_data)
            self._replace(self._tables.contacts, after.id, Change(change.before, after))
        for change in changes:
            owned = change.before.digests().keys() if change.before else frozenset[str]()
            for digest in change.after.digests().keys() - owned:
                if digest in self._tables.identifiers:
                    raise Refused("identifier")
                self._journal.put(self._tables.identifiers, digest, change.after.id)

    def _write_session(self, change: Change[Session]) -> None:
        self._require_contact(change.after.contact_id)
        self._replace(self._tables.sessions, change.after.digest, change)

    def _write_conversation(self, change: Change[Conversation]) -> None:
        conversation = change.after
        self._require_contact(conversation.contact_id)
        self._replace(self._tables.conversations, conversation.id, change)
        if change.before is None:
            held = self._tables.visitor_conversations.get(conversation.visitor_id, ())
            self._journal.put(self._tables.visitor_conversations, conversation.visitor_id, (*held, conversation.id))

    def _write_message(self, message: Message) -> None:
        if message.conversation_id not in self._tables.conversations:
            raise Refused("conversation")
        self._add(self._tables.messages, message.id, message)
        if message.repeat_key is not None:
            self._add(self._tables.repeat_keys, message.repeat_key, message.id)

    def _write_conflict(self, change: Change[Conflict]) -> None:
        conflict = change.after
        self._require_contact(conflict.contact_id)
        self._require_contact(conflict.other_id)
        self._replace(self._tables.conflicts, conflict.id, change)
        if conflict.status == "open":
            if self._tables.open_pairs.get(conflict.pair, conflict.id) != conflict.id:
                raise Refused("conflict")
            self._journal.put(self._tables.open_pairs, conflict.pair, conflict.id)
        elif self._tables.open_pairs.get(conflict.pair) == conflict.id:
            self._journal.drop(self._tables.open_pairs, conflict.pair)

    def _write_decision(self, decision: DecisionRecord) -> None:
        self._require_contact(decision.contact_id)
        self._add(self._tables.decisions, decision.id, decision)

    def _add_expiring(self, table: dict[str, E], value: E) -> None:
        expired = [held.digest for held in table.values() if held.expires_at <= value.at]
        for digest in expired:
            self._journal.drop(table, digest)
        self._add(table, value.digest, value)

    def _use_key(self, use: KeyUse) -> None:
        app = self._tables.apps.get(use.app_id)
        if app is None:
            return
        keys = tuple(
            replace(key, last_used_at=max(use.at, key.last_used_at or use.at)) if key.id == use.key_id else key
            for key in app.identity_keys
        )
        self._journal.put(self._tables.apps, app.id, replace(app, identity_keys=keys))

    def _count_calls(self, count: CallCount) -> None:
        key = count.app_id, count.day
        stored = self._tables.call_counts.get(key)
        if stored is not None:
            count = replace(
                count,
                signed=stored.signed + count.signed,
                unsigned=stored.unsigned + count.unsigned,
                wrong=stored.wrong + count.wrong,
            )
        self._journal.put(self._tables.call_counts, key, count)

    def _log_out(self, log_out: LogOut) -> None:
        for session in _about(self._tables.sessions, log_out.contact_id):
            if session.revoked_at is None:
                over = replace(session, revoked_at=log_out.at, version=session.version + 1)
                self._journal.put(self._tables.sessions, session.digest, over)

    def _require_contact(self, contact_id: ContactId | None) -> None:
        if contact_id is not None and contact_id not in self._tables.contacts:
            raise Refused("contact")

    def _erase(self, erasure: Erasure) -> None:
        stored = self._tables.contacts.get(erasure.contact.id)
        if stored is None or stored.version != erasure.contact.version:
            raise Refused("contact")
        for contact_id in self._with_absorbed(stored.id):
            self._erase_one(contact_id, erasure)

    def _with_absorbed(self, contact_id: ContactId) -> list[ContactId]:
        """The contact and all that were ever merged into it, through chains (G3)."""
        doomed = [contact_id]
        for survivor in doomed:
            absorbed = (held.id for held in self._tables.contacts.values() if held.merged_into == survivor)
            doomed.extend(held for held in absorbed if held not in doomed)
        return doomed

    def _erase_one(self, contact_id: ContactId, erasure: Erasure) -> None:
        tables, journal = self._tables, self._journal
        for session in _about(tables.sessions, contact_id):
            revoked = session.revoked_at if session.revoked_at is not None else erasure.at
            gone = replace(session, contact_id=None, standing=None, claimed={}, proved=(), revoked_at=revoked)
            journal.put(tables.sessions, session.digest, replace(gone, version=session.version + 1))
        for conversation in _about(tables.conversations, contact_id):
            self._forget_conversation(conversation, erasure)
        for decision in _about(tables.decisions, contact_id):
            journal.drop(tables.decisions, decision.id)
        for conflict in tuple(tables.conflicts.values()):
            if contact_id in (conflict.contact_id, conflict.other_id):
                journal.drop(tables.conflicts, conflict.id)
                if tables.open_pairs.get(conflict.pair) == conflict.id:
                    journal.drop(tables.open_pairs, conflict.pair)
        for digest in [digest for digest, owner in tables.identifiers.items() if owner == contact_id]:
            journal.drop(tables.identifiers, digest)
        journal.drop(tables.contacts, contact_id)

    def _forget_conversation(self, conversation: Conversation, erasure: Erasure) -> None:
        tables, journal = self._tables, self._journal
        held = tables.visitor_conversations.get(conversation.visitor_id, ())
        rest = tuple(other for other in held if other != conversation.id)
        journal.put(tables.visitor_conversations, conversation.visitor_id, rest)
        if erasure.conversations == "anonymise":
            nobodys = replace(conversation, contact_id=None, link_standing=None, visitor_id=ANONYMISED_VISITOR)
            journal.put(tables.conversations, conversation.id, replace(nobodys, version=conversation.version + 1))
            return
        for message in [held for held in tables.messages.values() if held.conversation_id == conversation.id]:
            journal.drop(tables.messages, message.id)
            if message.repeat_key is not None:
                journal.drop(tables.repeat_keys, message.repeat_key)
        journal.drop(tables.conversations, conversation.id)


A = TypeVar("A", Session, Conversation, DecisionRecord)


def _about(table: dict[str, A], contact_id: ContactId) -> tuple[A, ...]:
    return tuple(held for held in table.values() if held.contact_id == contact_id)


def _oldest_first(keys: Iterable[IdentityKey]) -> tuple[IdentityKey, ...]:
    return tuple(sorted(keys, key=lambda key: (key.created_at, key.id)))
