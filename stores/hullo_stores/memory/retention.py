"""Deletes what is too old (P3)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from hullo.model.contact import ContactId
from hullo.model.instant import Instant
from hullo.model.retention import Sweep, SweepResult
from hullo.model.visitor import Session, VisitorId
from hullo.model.webhook import Delivery
from hullo_stores.memory.erasure import forget_contact, forget_conversation
from hullo_stores.memory.tables import Journal, Tables

V = TypeVar("V")


def sweep_tables(tables: Tables, sweep: Sweep, *, dry_run: bool) -> SweepResult:
    """Run a sweep. A dry run does all of it, without a limit, and rolls it back."""
    journal = Journal()
    if not dry_run:
        return _SweepRun(tables, journal, sweep).run()
    try:
        return _SweepRun(tables, journal, replace(sweep, limit=sys.maxsize)).run()
    finally:
        journal.rollback()


def forget_deliveries(tables: Tables, before: Instant, most: int) -> int:
    """Delete up to `most` deliveries that ended before then; return how many."""
    over = (
        held
        for held in sorted(tables.deliveries.values(), key=lambda held: (_last_attempt_at(held), held.id))
        if held.state != "pending" and _last_attempt_at(held) < before
    )
    doomed = [held.id for held in islice(over, most)]
    for delivery_id in doomed:
        del tables.deliveries[delivery_id]
    return len(doomed)


def _last_attempt_at(delivery: Delivery) -> Instant:
    return delivery.created_at if delivery.last_at is None else delivery.last_at


class _SweepRun:
    """Run one sweep, oldest rows first. Conversations go before sessions: a visitor without conversations may go."""

    def __init__(self, tables: Tables, journal: Journal, sweep: Sweep) -> None:
        self._tables = tables
        self._journal = journal
        self._sweep = sweep
        self._visitors: set[VisitorId] = set()
        """Visitors who lost a session or conversation."""

    def run(self) -> SweepResult:
        """Delete what is too old and return the counts."""
        messages = len(self._tables.messages)
        conversations = self._remove_conversations()
        sessions = self._remove_sessions()
        contacts = self._remove_contacts()
        return SweepResult(
            conversations=conversations,
            messages=messages - len(self._tables.messages),
            sessions=sessions,
            visitors=self._remove_empty_visitors(),
            decisions=self._remove_old(
                self._tables.decisions, self._sweep.decisions_before, lambda held: (held.app_id, held.at)
            ),
            timeline=self._remove_old(
                self._tables.timeline, self._sweep.timeline_before, lambda held: (held.app_id, held.at)
            ),
            contacts=len(contacts),
            last_contact=max(contacts, default=""),
        )

    def _remove_conversations(self) -> int:
        before = self._sweep.conversations_before
        if before is None:
            return 0
        old = sorted(
            (
                held
                for held in self._tables.conversations.values()
                if held.app_id == self._sweep.app_id and held.last_message_at < before
            ),
            key=lambda held: (held.last_message_at, held.id),
        )[: self._sweep.limit]
        for conversation in old:
            self._visitors.add(conversation.visitor_id)
            forget_conversation(self._tables, self._journal, conversation)
        return len(old)

    def _remove_sessions(self) -> int:
        goes = filter(self._is_removable, self._tables.sessions.values())
        over = sorted(goes, key=lambda held: (held.seen_at, held.digest))[: self._sweep.limit]
        for session in over:
            self._visitors.add(session.visitor_id)
            self._journal.drop(self._tables.sessions, session.digest)
        gone = {session.digest for session in over}
        for merge_id, moved in tuple(self._tables.moved.items()):
            if gone & moved.sessions:
                self._journal.put(self._tables.moved, merge_id, replace(moved, sessions=moved.sessions - gone))
        return len(over)

    def _remove_contacts(self) -> list[ContactId]:
        """Delete the contacts that were never proven; return their ids."""
        before = self._sweep.contacts_before
        if before is None:
            return []
        tables = self._tables
        kept = {held.contact_id for held in tables.conversations.values()}
        kept.update(note.subject_id for note in tables.notes.values())
        found = sorted(
            contact.id
            for contact in tables.contacts.values()
            if contact.workspace_id == self._sweep.workspace_id
            and self._sweep.contacts_after < contact.id
            and contact.last_seen_at < before
            and contact.id not in kept
            and contact.is_unproven
        )[: self._sweep.limit]
        for contact_id in found:
            forget_contact(tables, self._journal, contact_id)
        return found

    def _is_removable(self, session: Session) -> bool:
        if session.app_id != self._sweep.app_id:
            return False
        before, now = self._sweep.anonymous_before, self._sweep.now
        return (
            session.expires_at <= now
            or (session.revoked_at is not None and session.revoked_at <= now)
            or (
                before is not None
                and session.contact_id is None
                and session.standing is None
                and session.seen_at < before
                and not self._tables.visitor_conversations.get(session.visitor_id)
            )
        )

    def _remove_empty_visitors(self) -> int:
        here = {session.visitor_id for session in self._tables.sessions.values()}
        gone = [
            visitor_id
            for visitor_id in self._visitors - here
            if visitor_id in self._tables.visitors and not self._tables.visitor_conversations.get(visitor_id)
        ]
        for visitor_id in gone:
            self._journal.drop(self._tables.visitors, visitor_id)
        return len(gone)

    def _remove_old(
        self, table: dict[str, V], before: Instant | None, app_and_time: Callable[[V], tuple[str | None, Instant]]
    ) -> int:
        if before is None:
            return 0

        def old(held: V) -> bool:
            app_id, at = app_and_time(held)
            return app_id == self._sweep.app_id and at < before

        found = sorted((app_and_time(held)[1], key) for key, held in table.items() if old(held))
        doomed = [key for _, key in found[: self._sweep.limit]]
        for key in doomed:
            self._journal.drop(table, key)
        return len(doomed)
