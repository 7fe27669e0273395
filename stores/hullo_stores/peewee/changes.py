"""Turns change sets into batches: all rows of a group that are written by one kind of write.

So a group of change sets takes as many batches as one. Rows are sorted by key: two transactions that write the same
rows lock them in the same order, and cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from hullo.model.app import App
from hullo.model.change_set import CallCount, Change, ChangeSet, HopGroupRevocation, KeyUse, SessionRevocation
from hullo.model.contact import Contact, ContactId
from hullo.model.instant import Instant
from hullo.model.refused_origin import RefusedOrigin
from hullo.model.search import is_searched_alike, search_text
from hullo.model.standing import Standing
from hullo_stores.peewee.rows.apps import answer_row, identity_key_row, refused_origin_row, spent_row
from hullo_stores.peewee.rows.contacts import tag_rows
from hullo_stores.peewee.rows.encoding import Row, json_text
from hullo_stores.peewee.rows.history import tombstone_row
from hullo_stores.peewee.search.grams import gram_numbers
from hullo_stores.peewee.table_writes import PURGE_FACTOR
from hullo_stores.peewee.write_plan import (
    ADD_GRAM,
    ADD_IDENTIFIER,
    ADD_IDENTITY_KEY,
    ADD_TAG,
    ANSWERS,
    COUNT_CALLS,
    COUNT_REFUSED_ORIGINS,
    DROP_BLOCK,
    DROP_GRAM,
    DROP_IDENTITY_KEY,
    DROP_NOTE,
    DROP_OUTBOX_EVENT,
    DROP_SEARCH_TEXT,
    DROP_TAG,
    END_HOP_GROUP,
    LEAVE_CONTACT,
    LIFT_BLOCK,
    LOCK_UNMERGED_CONTACT,
    LOG_OUT,
    PURGE_REFUSED_ORIGINS,
    PUT_BLOCK,
    PUT_SEARCH_TEXT,
    PUT_TOMBSTONE,
    RELEASE_IDENTIFIER,
    REPLACE_IDENTITY_KEY,
    SPENT,
    USE_IDENTITY_KEY,
    WRITABLE_TABLES,
    WRITE_ORDER,
)
from hullo_stores.peewee.writes import Batch, Write
from hullo_stores.references import newly_referenced_contacts


class BatchBuilder:
    """Collect the rows of a group of change sets, except for its erasures, merges and splits."""

    def __init__(self, group: Sequence[ChangeSet], *, keeps_grams: bool) -> None:
        """`keeps_grams`: the trigrams of search texts are rows, as the engine has no index of substrings."""
        self._keeps_grams = keeps_grams
        self._rows: dict[Write, list[Row]] = {}
        for changes in group:
            self._add_change_set(changes)
        for write, rows in (
            *ANSWERS.rows([answer for changes in group for answer in changes.stored_responses], answer_row),
            *SPENT.rows([spent for changes in group for spent in changes.spent], spent_row),
        ):
            self._add(write, rows)
        self._add_key_uses([use for changes in group for use in changes.key_uses])
        self._add_call_counts([count for changes in group for count in changes.call_counts])
        self._add_refused_origins([refused for changes in group for refused in changes.refused_origins])
        self._add_log_outs([log_out for changes in group for log_out in changes.session_revocations])
        self._add_ended_groups([ended for changes in group for ended in changes.hop_group_revocations])
        self._add(LIFT_BLOCK, [(None, 1, id_) for id_ in {id_ for changes in group for id_ in changes.lifted_blocks}])
        # Without duplicates: no multi-row statement may write the same row twice.
        given = dict.fromkeys(contact_id for changes in group for contact_id in newly_referenced_contacts(changes))
        self._add(LOCK_UNMERGED_CONTACT, [(0, contact_id, "") for contact_id in given])
        tombstones = {tombstone.digest: tombstone for changes in group for tombstone in changes.tombstones}
        self._add(PUT_TOMBSTONE, map(tombstone_row, tombstones.values()))

    def batches(self) -> list[Batch]:
        """Return the batches in the order in which they are to be written."""
        return [
            Batch(write, rows if len(rows) == 1 else sorted(rows, key=write.key_of))
            for write in WRITE_ORDER
            if (rows := self._rows.get(write))
        ]

    def _add_change_set(self, changes: ChangeSet) -> None:
        for kind in WRITABLE_TABLES:
            for write, row in kind.rows(changes):
                self._rows.setdefault(write, []).append(row)
        for app in changes.apps:
            self._add_identity_keys(app)
        for contact in changes.contacts:
            self._add_contact_rows(contact)
        self._add(DROP_NOTE, [(note_id,) for note_id in changes.notes_removed])
        self._add(DROP_OUTBOX_EVENT, [(event_id,) for event_id in changes.dispatched_event_ids])

    def _add(self, write: Write, rows: Iterable[Row]) -> None:
        for row in rows:
            self._rows.setdefault(write, []).append(row)

    def _add_identity_keys(self, change: Change[App]) -> None:
        before = {key.id: key for key in change.before.identity_keys} if change.before else {}
        after = {key.id: key for key in change.after.identity_keys}
        self._add(DROP_IDENTITY_KEY, [(key_id, change.after.id) for key_id in before.keys() - after.keys()])
        for key_id, key in after.items():
            if key_id not in before:
                self._add(ADD_IDENTITY_KEY, [identity_key_row(key)])
            elif key != before[key_id]:
                # Without `last_used_at`: a `KeyUse` may have changed it since the app was read.
                row = (key.secret, key.created_at, key.retires_at, key.public_key, key.id, key.app_id)
                self._add(REPLACE_IDENTITY_KEY, [row])

    def _add_contact_rows(self, change: Change[Contact]) -> None:
        """Add rows of the contact's own tables: identifiers, tags, custom data."""
        before, contact = change.before, change.after
        if before is None or before.identifiers != contact.identifiers or before.also != contact.also:
            held = before.identifier_digests() if before is not None else {}
            taken = contact.identifier_digests()
            self._add(RELEASE_IDENTIFIER, [(digest, contact.id) for digest in held.keys() - taken.keys()])
            self._add(
                ADD_IDENTIFIER,
                [
                    (digest, contact.workspace_id, identifier.kind, contact.id)
                    for digest, identifier in taken.items()
                    if digest not in held
                ],
            )
        if contact.tags or (before is not None and before.tags):
            self._add_tags(before, contact)
        self._add_search_text(before, contact)
        for app_id, block in contact.custom_data.items():
            known = before.custom_data.get(app_id) if before is not None else None
            if not block:
                self._add(DROP_BLOCK, [(contact.id, app_id)])
            elif block != known:
                # An upsert, as a stored block may not have been loaded. The contact's version check ensures that no
                # other transaction has written one since.
                self._add(PUT_BLOCK, [(json_text(block), contact.id, app_id)])

    def _add_tags(self, before: Contact | None, contact: Contact) -> None:
        held, wanted = tag_rows(before) if before is not None else {}, tag_rows(contact)
        self._add(DROP_TAG, [row[:2] for tag, row in held.items() if tag not in wanted])
        self._add(ADD_TAG, [row for tag, row in wanted.items() if tag not in held])

    def _add_search_text(self, before: Contact | None, contact: Contact) -> None:
        """Add what searches read, where it changes: a contact that is merged into another is not found (G1)."""
        was_listed, is_listed = before is not None and before.merged_into is None, contact.merged_into is None
        if before is not None and was_listed and is_listed and is_searched_alike(before, contact):
            return
        old = search_text(before) if before is not None and was_listed else None
        new = search_text(contact) if is_listed else None
        if old == new:
            return
        if new is None:
            self._add(DROP_SEARCH_TEXT, [(contact.workspace_id, contact.id)])
        else:
            # An upsert: a contact of an unfinished migration has no text yet.
            self._add(PUT_SEARCH_TEXT, [(new, contact.workspace_id, contact.id)])
        if self._keeps_grams:
            held, wanted = gram_numbers(old or ""), gram_numbers(new or "")
            self._add(DROP_GRAM, [(gram, contact.id) for gram in sorted(held - wanted)])
            self._add(ADD_GRAM, [(gram, contact.id) for gram in sorted(wanted - held)])

    def _add_key_uses(self, uses: Sequence[KeyUse]) -> None:
        latest: dict[tuple[str, str], Instant] = {}
        for use in uses:
            key = use.key_id, use.app_id
            latest[key] = max(use.at, latest.get(key, 0))
        self._add(USE_IDENTITY_KEY, [(at, *key, at) for key, at in latest.items()])

    def _add_call_counts(self, counts: Sequence[CallCount]) -> None:
        """Sum the counts of a day: no multi-row statement may write the same row twice."""
        sums: dict[tuple[str, Instant], tuple[int, int, int]] = {}
        for count in counts:
            key = count.app_id, count.day
            signed, unsigned, wrong = sums.get(key, (0, 0, 0))
            sums[key] = signed + count.signed, unsigned + count.unsigned, wrong + count.wrong
        self._add(COUNT_CALLS, [(*summed, *key) for key, summed in sums.items()])

    def _add_refused_origins(self, refused: Sequence[RefusedOrigin]) -> None:
        """Sum the counts of an origin and hour: no multi-row statement may write the same row twice."""
        sums: dict[str, RefusedOrigin] = {}
        for count in refused:
            held = sums.get(count.digest)
            sums[count.digest] = count if held is None else replace(count, calls=count.calls + held.calls)
        if sums:
            oldest = min(count.hour for count in sums.values())
            self._add(PURGE_REFUSED_ORIGINS, [(oldest, PURGE_FACTOR * len(sums))])
            self._add(COUNT_REFUSED_ORIGINS, map(refused_origin_row, sums.values()))

    def _add_log_outs(self, log_outs: Sequence[SessionRevocation]) -> None:
        """Add one revocation a contact: after the first none is left to revoke. It matches sessions whose `revoked_at`
        is NULL, which counts as 0. Those that are not proven lose the contact (H4)."""
        first: dict[ContactId, Instant] = {}
        for log_out in log_outs:
            first.setdefault(log_out.contact_id, log_out.at)
        proven, unproven = int(Standing.PROVEN), int(Standing.OWNED)
        self._add(LOG_OUT, [(at, 1, contact_id, proven, 0) for contact_id, at in first.items()])
        left = (None, int(Standing.CLAIMED), json_text(()), 1)
        self._add(LEAVE_CONTACT, [(*left, contact_id, unproven, 0) for contact_id in first])

    def _add_ended_groups(self, ended: Sequence[HopGroupRevocation]) -> None:
        self._add(
            END_HOP_GROUP,
            [(revocation.at, 1, revocation.hop_group, 0, revocation.standing.value) for revocation in ended],
        )
