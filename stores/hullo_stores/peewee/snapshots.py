"""Builds snapshots from the rows that a loader found for a group of queries. The loaders are in `loaders/`.

Named rows come first, then the rows they reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, Protocol

from hullo.model.audit import AuditHead
from hullo.model.conflict import Conflict, pair_key
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.merge import Merge, MergeId
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.tombstone import TombstoneDigest
from hullo.model.visitor import Session, SessionDigest
from hullo.value import Value
from hullo_stores.peewee.rows.apps import answer_of
from hullo_stores.peewee.rows.contacts import blocks_by_contact, contact_of, conversation_of, message_of, session_of
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.rows.history import conflict_of, merge_of

_NO_CONVERSATIONS: Final[Mapping[ConversationId, Conversation]] = {}


class NamedRows:
    """The rows that the queries of a group name: whole rows, unless said otherwise."""

    def __init__(
        self,
        *,
        app_versions: Iterable[Row] = (),
        sessions: Iterable[Row] = (),
        owners: Iterable[Row] = (),
        messages: Iterable[Row] = (),
        conversations: Iterable[Row] = (),
        answers: Iterable[Row] = (),
        spent: Iterable[Row] = (),
        conflicts: Iterable[Row] = (),
        merges: Iterable[Row] = (),
        tombstones: Iterable[Row] = (),
        audits: Iterable[Row] = (),
    ) -> None:
        """`app_versions` are (app, workspace, version), `owners` (digest, contact), `spent` (digest,), `tombstones`
        (digest, workspace), `audits` (workspace, number, digest) of the last entry. A message's workspace is the last
        value of its row."""
        self.app_versions = {(app_id, workspace_id): version for app_id, workspace_id, version in app_versions}
        self.sessions = {session.digest: session for session in map(session_of, sessions)}
        self.owners: dict[str, ContactId] = dict(owners)
        found = [(message_of(row[:-1]), row[-1]) for row in messages]
        self.messages = {(message.repeat_key, workspace_id): message for message, workspace_id in found}
        self.conversations = {conversation.id: conversation for conversation in map(conversation_of, conversations)}
        self.answers = {answer.digest: answer for answer in map(answer_of, answers)}
        self.spent = frozenset[str](digest for (digest,) in spent)
        self.conflicts = {conflict.id: conflict for conflict in map(conflict_of, conflicts)}
        self.merges = {merge.id: merge for merge in sorted(map(merge_of, merges), key=lambda merge: merge.id)}
        self.tombstones = frozenset[tuple[str, str]](map(tuple, tombstones))
        self.audit_heads = {
            workspace_id: AuditHead(number=number, digest=digest) for workspace_id, number, digest in audits
        }

    def session(self, query: SnapshotQuery) -> Session | None:
        """Return the query's session. None if it belongs to another workspace."""
        return self._session(query.session, query.workspace_id)

    def source(self, query: SnapshotQuery) -> Session | None:
        """Return the session that the query's token came from. None if it belongs to another workspace."""
        return self._session(query.source_session, query.workspace_id)

    def contact_ids(self, query: SnapshotQuery) -> dict[ContactId, None]:
        """Return the ids of the contacts that the query wants, in order and without duplicates."""
        wanted = {self.owners[digest]: None for digest in query.identifiers if digest in self.owners}
        for contact_id in query.contacts:
            wanted[contact_id] = None
        for session in (self.session(query), self.source(query)):
            if session is not None and session.contact_id is not None:
                wanted[session.contact_id] = None
        return wanted

    def _session(self, digest: SessionDigest | None, workspace_id: str) -> Session | None:
        session = None if digest is None else self.sessions.get(digest)
        return session if session is not None and session.workspace_id == workspace_id else None


class ReferencedRows:
    """The rows that the named rows point at."""

    def __init__(
        self,
        *,
        contacts: Iterable[Row] = (),
        blocks: Iterable[Row] = (),
        own: Iterable[Row] = (),
        open_pairs: Iterable[Row] = (),
    ) -> None:
        """`blocks` cover at least the apps of the queries, `own` the conversations of their visitors; `open_pairs` are
        (pair, resolution)."""
        self._rows = {row[0]: row for row in contacts}
        self._blocks = blocks_by_contact(blocks)
        self._built: dict[tuple[ContactId, str | None], Contact] = {}
        self.own: dict[str, dict[ConversationId, Conversation]] = {}
        for conversation in map(conversation_of, own):
            self.own.setdefault(conversation.visitor_id, {})[conversation.id] = conversation
        pairs = dict[str, str | None](open_pairs)
        self.open_pairs = frozenset[str](pairs)
        self.kept_pairs = frozenset[str](pair for pair, resolution in pairs.items() if resolution is not None)

    def contact(self, contact_id: ContactId, query: SnapshotQuery) -> Contact | None:
        """Return the contact with the blocks that the query wants. None if it is gone or another workspace's."""
        # Claims of one group often name the same contact: decode its row once.
        contact = self._built.get((contact_id, query.app_id))
        if contact is None:
            row = self._rows.get(contact_id)
            if row is None:
                return None
            blocks = self._blocks.get(contact_id, {})
            if query.app_id is not None:
                blocks = {query.app_id: blocks[query.app_id]} if query.app_id in blocks else {}
            contact = self._built[contact_id, query.app_id] = contact_of(row, blocks)
        return contact if contact.workspace_id == query.workspace_id else None


class LoadResult(Protocol):
    """What a loader found for a group of queries."""

    def snapshots(self, queries: Sequence[SnapshotQuery]) -> tuple[Snapshot, ...]:
        """Return one snapshot a query, in their order."""
        ...


class LoadedRows(Value, kw_only=False):
    """Named and referenced rows of a group. Implements `LoadResult`."""

    named: NamedRows
    referenced: ReferencedRows
    contact_ids: Sequence[Mapping[ContactId, None]]
    """`NamedRows.contact_ids` of each query."""

    def snapshots(self, queries: Sequence[SnapshotQuery]) -> tuple[Snapshot, ...]:
        """Return one snapshot a query, in their order."""
        return tuple(
            _snapshot(query, self.named, self.referenced, wanted)
            for query, wanted in zip(queries, self.contact_ids, strict=True)
        )


def _snapshot(
    query: SnapshotQuery, named: NamedRows, pointed_at: ReferencedRows, wanted: Iterable[ContactId]
) -> Snapshot:
    here = query.workspace_id
    session = named.session(query)
    contacts = {
        contact_id: contact for contact_id in wanted if (contact := pointed_at.contact(contact_id, query)) is not None
    }
    found = {
        digest: named.owners[digest]
        for digest in query.identifiers
        if digest in named.owners and named.owners[digest] in contacts
    }
    # A group has a hundred queries: rare parts are looked up only for queries that ask for them.
    return Snapshot(
        app_version=None if query.app_id is None else named.app_versions.get((query.app_id, here)),
        session=session,
        contact_ids=found,
        contacts=contacts,
        conversations=_conversations(query, named, pointed_at, session),
        reported_pairs=pointed_at.open_pairs.intersection(pairs_of(contacts)) if len(contacts) > 1 else frozenset(),
        kept_pairs=pointed_at.kept_pairs.intersection(pairs_of(contacts)) if pointed_at.kept_pairs else frozenset(),
        messages=_messages(query, named) if query.repeat_keys else {},
        stored_response=None
        if query.stored_response_digest is None
        else named.answers.get(query.stored_response_digest),
        source_session=named.source(query),
        spent=named.spent.intersection(query.spent),
        conflicts=_conflicts(query, named) if query.conflicts else {},
        merges=_merges(query, named) if named.merges else {},
        tombstones=_tombstones(query, named) if named.tombstones else frozenset(),
        audit_head=named.audit_heads.get(here, AuditHead()) if query.include_audit_head else None,
    )


def _messages(query: SnapshotQuery, named: NamedRows) -> dict[str, Message]:
    here = query.workspace_id
    return {key: named.messages[key, here] for key in query.repeat_keys if (key, here) in named.messages}


def _conflicts(query: SnapshotQuery, named: NamedRows) -> dict[str, Conflict]:
    found = (named.conflicts[conflict_id] for conflict_id in query.conflicts if conflict_id in named.conflicts)
    return {conflict.id: conflict for conflict in found if conflict.workspace_id == query.workspace_id}


def _tombstones(query: SnapshotQuery, named: NamedRows) -> frozenset[TombstoneDigest]:
    return frozenset(digest for digest in query.tombstones if (digest, query.workspace_id) in named.tombstones)


def _merges(query: SnapshotQuery, named: NamedRows) -> dict[MergeId, Merge]:
    return {
        merge.id: merge
        for merge in named.merges.values()
        if merge.workspace_id == query.workspace_id
        and (merge.id in query.merges or (merge.is_active and merge.survivor_id in query.merged_into))
    }


def _conversations(
    query: SnapshotQuery, named: NamedRows, pointed_at: ReferencedRows, session: Session | None
) -> dict[ConversationId, Conversation]:
    here = query.workspace_id
    found: list[Conversation] = []
    if query.conversations or query.repeat_keys:
        repeats = (named.messages.get((key, here)) for key in query.repeat_keys)
        asked = [*query.conversations, *(message.conversation_id for message in repeats if message is not None)]
        found = [
            named.conversations[conversation_id] for conversation_id in asked if conversation_id in named.conversations
        ]
    if (query.include_orphans or query.include_own) and session is not None:
        own = pointed_at.own.get(session.visitor_id, _NO_CONVERSATIONS).values()
        # Another query of the group may have asked for all of this visitor's.
        found += own if query.include_own else [conversation for conversation in own if conversation.contact_id is None]
    return (
        {conversation.id: conversation for conversation in found if conversation.workspace_id == here} if found else {}
    )


def pairs_of(contact_ids: Iterable[ContactId]) -> Iterator[str]:
    """Yield the `Conflict.pair_key` of every two contacts."""
    return (pair_key(*pair) for pair in combinations(contact_ids, 2))
