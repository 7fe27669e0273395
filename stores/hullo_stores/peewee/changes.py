"""What change sets want written, as batches: all rows of a group that are written in the same way.

So a group of change sets is as many batches as one of them. Rows are sorted by their keys, so that two transactions
that want the same rows ask for them in the same order and do not wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from hullo.model.app import App
from hullo.model.change_set import CallCount, Change, ChangeSet, KeyUse, LogOut, Versioned
from hullo.model.contact import Contact, ContactId
from hullo.model.instant import Instant
from hullo_stores.peewee.expiring import Expiring
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
    spent_row,
    visitor_row,
    workspace_row,
)
from hullo_stores.peewee.tables import (
    Answers,
    ApiKeys,
    Apps,
    CallCounts,
    Conflicts,
    Contacts,
    Conversations,
    CustomData,
    Decisions,
    Identifiers,
    IdentityKeys,
    Messages,
    Sessions,
    SpentTokens,
    Visitors,
    Workspaces,
)
from hullo_stores.peewee.writes import Batch, Column, Write, columns_of, insert_into, name_of, replace_in

T = TypeVar("T", bound=Versioned)

_KEY_OF_APP: Final = columns_of(IdentityKeys, "id", "app_id")
_BLOCK_OF_APP: Final = columns_of(CustomData, "contact_id", "app_id")

_ADD_WORKSPACE, _REPLACE_WORKSPACE = insert_into(Workspaces), replace_in(Workspaces)
_ADD_APP, _REPLACE_APP = insert_into(Apps), replace_in(Apps)
_ADD_API_KEY, _REPLACE_API_KEY = insert_into(ApiKeys), replace_in(ApiKeys)
_ADD_CONTACT, _REPLACE_CONTACT = insert_into(Contacts), replace_in(Contacts)
_ADD_SESSION, _REPLACE_SESSION = insert_into(Sessions), replace_in(Sessions)
_ADD_CONVERSATION, _REPLACE_CONVERSATION = insert_into(Conversations), replace_in(Conversations)
_ADD_CONFLICT, _REPLACE_CONFLICT = insert_into(Conflicts), replace_in(Conflicts)
_ADD_IDENTITY_KEY, _ADD_IDENTIFIER = insert_into(IdentityKeys), insert_into(Identifiers)
_ADD_VISITOR, _ADD_MESSAGE, _ADD_DECISION = map(insert_into, (Visitors, Messages, Decisions))
_DROP_IDENTITY_KEY = Write(verb="delete", table=name_of(IdentityKeys), keys=_KEY_OF_APP)
_REPLACE_IDENTITY_KEY = Write(
    verb="update",
    table=name_of(IdentityKeys),
    sets=columns_of(IdentityKeys, "secret", "created_at", "retires_at", "public_key"),
    keys=_KEY_OF_APP,
    must_find=True,
)
_USE_IDENTITY_KEY = Write(
    verb="update",
    table=name_of(IdentityKeys),
    sets=columns_of(IdentityKeys, "last_used_at"),
    keys=(*_KEY_OF_APP, Column("last_used_at", "bigint", "<=")),
)
_RELEASE_IDENTIFIER = Write(
    verb="delete", table=name_of(Identifiers), keys=columns_of(Identifiers, "digest", "contact_id")
)
_PUT_BLOCK = Write(verb="upsert", table=name_of(CustomData), sets=columns_of(CustomData, "block"), keys=_BLOCK_OF_APP)
_DROP_BLOCK = Write(verb="delete", table=name_of(CustomData), keys=_BLOCK_OF_APP)
_LOG_OUT = Write(
    verb="update",
    table=name_of(Sessions),
    sets=(*columns_of(Sessions, "revoked_at"), Column("version", "int", adds=True)),
    keys=(*columns_of(Sessions, "contact_id"), Column("revoked_at", "bigint", "<=")),
)
_COUNT_CALLS = Write(
    verb="upsert",
    table=name_of(CallCounts),
    sets=tuple(Column(name, "bigint", adds=True) for name in ("signed", "unsigned", "wrong")),
    keys=columns_of(CallCounts, "app_id", "day"),
)
_ANSWERS, _SPENT = Expiring(Answers), Expiring(SpentTokens)

WRITES: Final = (
    _ADD_WORKSPACE,
    _REPLACE_WORKSPACE,
    _ADD_APP,
    _REPLACE_APP,
    _DROP_IDENTITY_KEY,
    _ADD_IDENTITY_KEY,
    _REPLACE_IDENTITY_KEY,
    _ADD_API_KEY,
    _REPLACE_API_KEY,
    _RELEASE_IDENTIFIER,  # before any is taken, so that one may take what another gives up
    _ADD_CONTACT,
    _REPLACE_CONTACT,
    _ADD_IDENTIFIER,
    _DROP_BLOCK,
    _PUT_BLOCK,
    _ADD_VISITOR,
    _ADD_SESSION,
    _REPLACE_SESSION,
    _LOG_OUT,  # after all of them are written, as it is about what the contact has then
    _ADD_CONVERSATION,
    _REPLACE_CONVERSATION,
    _ADD_MESSAGE,
    _REPLACE_CONFLICT,  # before any is added: a pair is free for a new one once the old one is resolved
    _ADD_CONFLICT,
    _ADD_DECISION,
    *_ANSWERS.writes,
    *_SPENT.writes,
    _USE_IDENTITY_KEY,
    _COUNT_CALLS,  # last, as all calls of an app wait for each other's end from here on
)
"""In the order in which they are done: whatever is pointed at comes first."""


class Plan:
    """What a group of change sets wants written, save for its erasures."""

    def __init__(self, group: Sequence[ChangeSet]) -> None:
        self._rows: dict[Write, list[Row]] = {}
        for changes in group:
            self._add_all(changes)
        for write, rows in (
            *_ANSWERS.rows([answer for changes in group for answer in changes.answers], answer_row),
            *_SPENT.rows([spent for changes in group for spent in changes.spent], spent_row),
        ):
            self._add(write, rows)
        self._add_uses([use for changes in group for use in changes.key_uses])
        self._add_counts([count for changes in group for count in changes.call_counts])
        self._add_log_outs([log_out for changes in group for log_out in changes.log_outs])

    def batches(self) -> list[Batch]:
        """In the order in which they are to be written."""
        return [
            Batch(write, rows if len(rows) == 1 else sorted(rows, key=write.key_of))
            for write in WRITES
            if (rows := self._rows.get(write))
        ]

    def _add_all(self, changes: ChangeSet) -> None:
        self._replace_all(_ADD_WORKSPACE, _REPLACE_WORKSPACE, changes.workspaces, workspace_row)
        for app in changes.apps:
            self._add_app(app)
        self._replace_all(_ADD_API_KEY, _REPLACE_API_KEY, changes.api_keys, api_key_row)
        for contact in changes.contacts:
            self._add_contact(contact)
        self._add(_ADD_VISITOR, map(visitor_row, changes.visitors))
        self._replace_all(_ADD_SESSION, _REPLACE_SESSION, changes.sessions, session_row)
        self._replace_all(_ADD_CONVERSATION, _REPLACE_CONVERSATION, changes.conversations, conversation_row)
        self._add(_ADD_MESSAGE, map(message_row, changes.messages))
        self._replace_all(_ADD_CONFLICT, _REPLACE_CONFLICT, changes.conflicts, conflict_row)
        self._add(_ADD_DECISION, map(decision_row, changes.decisions))

    def _add(self, write: Write, rows: Iterable[Row]) -> None:
        for row in rows:
            self._rows.setdefault(write, []).append(row)

    def _replace_all(
        self, add: Write, replace: Write, changes: Iterable[Change[T]], row_of: Callable[[T], Row]
    ) -> None:
        for change in changes:
            row = row_of(change.after)
            if change.before is None:
                self._add(add, [row])
            else:
                self._add(replace, [(*row[1:], row[0], change.before.version)])

    def _add_app(self, change: Change[App]) -> None:
        self._replace_all(_ADD_APP, _REPLACE_APP, [change], app_row)
        before = {key.id: key for key in change.before.identity_keys} if change.before else {}
        after = {key.id: key for key in change.after.identity_keys}
        self._add(_DROP_IDENTITY_KEY, [(key_id, change.after.id) for key_id in before.keys() - after.keys()])
        for key_id, key in after.items():
            if key_id not in before:
                self._add(_ADD_IDENTITY_KEY, [identity_key_row(key)])
            elif key != before[key_id]:
                # Not its last use: `KeyUse` may have moved that since the app was read.
                row = (key.secret, key.created_at, key.retires_at, key.public_key, key.id, key.app_id)
                self._add(_REPLACE_IDENTITY_KEY, [row])

    def _add_contact(self, change: Change[Contact]) -> None:
        before, contact = change.before, change.after
        self._replace_all(_ADD_CONTACT, _REPLACE_CONTACT, [change], contact_row)
        if before is None or before.identifiers != contact.identifiers:
            held = before.digests() if before is not None else {}
            taken = contact.digests()
            self._add(_RELEASE_IDENTIFIER, [(digest, contact.id) for digest in held.keys() - taken.keys()])
            self._add(
                _ADD_IDENTIFIER,
                [
                    (digest, contact.workspace_id, identifier.kind, contact.id)
                    for digest, identifier in taken.items()
                    if digest not in held
                ],
            )
        for app_id, block in contact.custom_data.items():
            known = before.custom_data.get(app_id) if before is not None else None
            if not block:
                self._add(_DROP_BLOCK, [(contact.id, app_id)])
            elif block != known:
                # Written over whatever is there: it may be a block that was not loaded, and the contact's version
                # says that nobody else has written one since.
                self._add(_PUT_BLOCK, [(json_text(block), contact.id, app_id)])

    def _add_uses(self, uses: Sequence[KeyUse]) -> None:
        latest: dict[tuple[str, str], Instant] = {}
        for use in uses:
            key = use.key_id, use.app_id
            latest[key] = max(use.at, latest.get(key, 0))
        self._add(_USE_IDENTITY_KEY, [(at, *key, at) for key, at in latest.items()])

    def _add_counts(self, counts: Sequence[CallCount]) -> None:
        """Summed: no statement of a server's writes the same row twice."""
        sums: dict[tuple[str, Instant], tuple[int, int, int]] = {}
        for count in counts:
            key = count.app_id, count.day
            signed, unsigned, wrong = sums.get(key, (0, 0, 0))
            sums[key] = signed + count.signed, unsigned + count.unsigned, wrong + count.wrong
        self._add(_COUNT_CALLS, [(*summed, *key) for key, summed in sums.items()])

    def _add_log_outs(self, log_outs: Sequence[LogOut]) -> None:
        """The first of a contact leaves nothing to others. Its sessions are those without an end, where NULL is 0."""
        first: dict[ContactId, Instant] = {}
        for log_out in log_outs:
            first.setdefault(log_out.contact_id, log_out.at)
        self._add(_LOG_OUT, [(at, 1, contact_id, 0) for contact_id, at in first.items()])
