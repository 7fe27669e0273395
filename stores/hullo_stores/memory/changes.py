"""Writes one change set to the tables, or refuses it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from hullo.model.app import ApiKey, App, IdentityKey
from hullo.model.block import BlockId
from hullo.model.change_set import (
    CallCount,
    Change,
    ChangeSet,
    HopGroupRevocation,
    KeyUse,
    SessionRevocation,
    SpentToken,
    StoredResponse,
    Versioned,
)
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, Message
from hullo.model.decision_record import DecisionRecord
from hullo.model.instant import Instant
from hullo.model.merge import Merge
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.visitor import Session
from hullo_stores.memory.erasure import erase
from hullo_stores.memory.merging import absorb, confirm_join, separate
from hullo_stores.memory.tables import Journal, Tables
from hullo_stores.references import newly_referenced_contacts
from hullo_stores.timeline import timeline_entries
from hullo_stores.write_conflict import WriteConflict

T = TypeVar("T", bound=Versioned)
K = TypeVar("K")
V = TypeVar("V")
E = TypeVar("E", StoredResponse, SpentToken)


class ChangeWriter:
    """Write one change set. What was written before `WriteConflict` was raised is in the journal."""

    def __init__(self, tables: Tables, journal: Journal) -> None:
        self._tables = tables
        self._journal = journal

    def write(self, changes: ChangeSet) -> None:
        """Write the whole change set, referenced rows before those that point at them."""
        tables = self._tables
        for workspace in changes.workspaces:
            self._replace(tables.workspaces, workspace.after.id, workspace)
        for app in changes.apps:
            self._write_app(app)
        for api_key in changes.api_keys:
            self._write_api_key(api_key)
        self._write_contacts(changes.contacts)
        for contact_id in newly_referenced_contacts(changes):
            self._require_contact(contact_id)
            if tables.contacts[contact_id].merged_into is not None:
                raise WriteConflict("contact")
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
        for merge in changes.merges:
            self._write_merge(merge)
        # A record may be split from one contact and absorbed by another at once (J).
        for separation in changes.splits:
            separate(tables, self._journal, separation)
        for absorption in changes.absorptions:
            absorb(tables, self._journal, absorption)
        for confirmation in changes.join_confirmations:
            confirm_join(tables, self._journal, confirmation)
        for decision in changes.decisions:
            self._write_decision(decision)
        self._write_history(changes)
        for answer in changes.stored_responses:
            self._add_expiring(tables.answers, answer)
        for spent in changes.spent:
            self._add_expiring(tables.spent, spent)
        for use in changes.key_uses:
            self._record_key_use(use)
        for count in changes.call_counts:
            self._count_calls(count)
        for refused in changes.refused_origins:
            self._count_refused_origin(refused)
        sessions = tables.sessions
        for log_out in changes.session_revocations:
            self._log_out(log_out)
        for ended in changes.hop_group_revocations:
            self._end([held for held in sessions.values() if _ends(held, ended)], ended.at)
        for block_id in changes.lifted_blocks:
            self._lift_block(block_id)
        for webhook in changes.webhooks:
            self._replace(tables.webhooks, webhook.after.id, webhook)
        for delivery in changes.deliveries:
            self._replace(tables.deliveries, delivery.after.id, delivery)
        for entry in changes.audit_entries:
            self._add(tables.audits, (entry.workspace_id, entry.number), entry)
        for tombstone in changes.tombstones:
            self._journal.put(tables.tombstones, tombstone.digest, tombstone)
        for erasure in changes.erasures:
            erase(tables, self._journal, erasure)

    def _add(self, table: dict[K, V], key: K, value: V) -> None:
        if key in table:
            raise WriteConflict(type(value).__name__.lower())
        self._journal.put(table, key, value)

    def _replace(self, table: dict[str, T], key: str, change: Change[T]) -> None:
        if change.before is None:
            self._add(table, key, change.after)
            return
        stored = table.get(key)
        if stored is None or stored.version != change.before.version:
            raise WriteConflict(type(change.after).__name__.lower())
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
        # All releases come before all claims: one contact may take an identifier that another gives up.
        changes = tuple(changes)
        for change in changes:
            if change.before is not None:
                for digest in change.before.identifier_digests().keys() - change.after.identifier_digests().keys():
                    self._journal.drop(self._tables.identifiers, digest)
        for change in changes:
            stored = self._tables.contacts.get(change.after.id)
            blocks = {**(stored.custom_data if stored else {}), **change.after.custom_data}
            custom_data = {app_id: block for app_id, block in blocks.items() if block}
            after = replace(change.after, custom_data=custom_data)
            self._replace(self._tables.contacts, after.id, Change(change.before, after))
        for change in changes:
            owned = change.before.identifier_digests().keys() if change.before else frozenset[str]()
            for digest in change.after.identifier_digests().keys() - owned:
                if digest in self._tables.identifiers:
                    raise WriteConflict("identifier")
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
            raise WriteConflict("conversation")
        self._add(self._tables.messages, message.id, message)
        if message.repeat_key is not None:
            self._add(self._tables.repeat_keys, message.repeat_key, message.id)

    def _write_conflict(self, change: Change[Conflict]) -> None:
        conflict = change.after
        self._require_contact(conflict.contact_id)
        self._require_contact(conflict.other_id)
        self._replace(self._tables.conflicts, conflict.id, change)
        if conflict.blocks_new_report:
            if self._tables.open_pairs.get(conflict.pair_key, conflict.id) != conflict.id:
                raise WriteConflict("conflict")
            self._journal.put(self._tables.open_pairs, conflict.pair_key, conflict.id)
        elif self._tables.open_pairs.get(conflict.pair_key) == conflict.id:
            self._journal.drop(self._tables.open_pairs, conflict.pair_key)

    def _write_decision(self, decision: DecisionRecord) -> None:
        self._require_contact(decision.contact_id)
        self._add(self._tables.decisions, decision.id, decision)

    def _write_merge(self, change: Change[Merge]) -> None:
        self._require_contact(change.after.survivor_id)
        self._require_contact(change.after.absorbed_id)
        self._replace(self._tables.merges, change.after.id, change)

    def _write_history(self, changes: ChangeSet) -> None:
        tables, journal = self._tables, self._journal
        for event in changes.events:
            self._add(tables.outbox, event.id, replace(event, changes=()))
        for event_id in changes.dispatched_event_ids:
            journal.drop(tables.outbox, event_id)
        for entry in timeline_entries(changes):
            self._require_contact(entry.contact_id)
            self._add(tables.timeline, entry.id, entry)
        for note in changes.notes:
            if note.subject_id not in tables.contacts and note.subject_id not in tables.conversations:
                raise WriteConflict("note")
            self._add(tables.notes, note.id, note)
        for note_id in changes.notes_removed:
            journal.drop(tables.notes, note_id)

    def _add_expiring(self, table: dict[str, E], value: E) -> None:
        expired = [held.digest for held in table.values() if held.expires_at <= value.at]
        for digest in expired:
            self._journal.drop(table, digest)
        self._add(table, value.digest, value)

    def _record_key_use(self, use: KeyUse) -> None:
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

    def _count_refused_origin(self, refused: RefusedOrigin) -> None:
        table = self._tables.refused_origins
        for digest in [held.digest for held in table.values() if held.expires_at <= refused.hour]:
            self._journal.drop(table, digest)
        stored = table.get(refused.digest)
        calls = refused.calls + (stored.calls if stored is not None else 0)
        self._journal.put(table, refused.digest, replace(refused, calls=calls))

    def _log_out(self, log_out: SessionRevocation) -> None:
        concerned = [held for held in self._tables.sessions.values() if held.contact_id == log_out.contact_id]
        self._end([session for session in concerned if session.is_proven], log_out.at)
        for session in concerned:
            if session.revoked_at is None and not session.is_proven:
                after = replace(session.without_contact(), version=session.version + 1)
                self._journal.put(self._tables.sessions, session.digest, after)

    def _end(self, sessions: Iterable[Session], at: Instant) -> None:
        for session in sessions:
            if session.revoked_at is None:
                over = replace(session, revoked_at=at, version=session.version + 1)
                self._journal.put(self._tables.sessions, session.digest, over)

    def _lift_block(self, block_id: BlockId) -> None:
        for session in tuple(self._tables.sessions.values()):
            if session.block is not None and session.block.id == block_id:
                free = replace(session, block=None, version=session.version + 1)
                self._journal.put(self._tables.sessions, session.digest, free)

    def _require_contact(self, contact_id: ContactId | None) -> None:
        if contact_id is not None and contact_id not in self._tables.contacts:
            raise WriteConflict("contact")


def _ends(session: Session, ended: HopGroupRevocation) -> bool:
    return session.hop_group == ended.hop_group and (session.standing or 0) <= ended.standing


def _oldest_first(keys: Iterable[IdentityKey]) -> tuple[IdentityKey, ...]:
    return tuple(sorted(keys, key=lambda key: (key.created_at, key.id)))
