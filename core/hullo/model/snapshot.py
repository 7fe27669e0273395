"""What one decision asks of the store, and what one moment's database answers."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field

from hullo.model.audit import AuditHead
from hullo.model.change_set import StoredResponse
from hullo.model.conflict import Conflict
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId, Message
from hullo.model.identifier import IdentifierDigest
from hullo.model.merge import Merge, MergeId
from hullo.model.tombstone import TombstoneDigest
from hullo.model.visitor import Session, SessionDigest
from hullo.value import Value


class SnapshotQuery(Value):
    """Everything that one decision needs to know, asked at once.

    Contacts come with the custom data of `app_id`, or with every app's when that is None.
    """

    workspace_id: str
    app_id: str | None
    session: SessionDigest | None = None
    identifiers: tuple[IdentifierDigest, ...] = ()
    contacts: tuple[ContactId, ...] = ()
    """Contacts wanted by id, beside those that the identifiers find and the session's own."""
    conversations: tuple[ConversationId, ...] = ()
    include_orphans: bool = False
    """Also the conversations of the session's visitor that have no contact (L1)."""
    repeat_keys: tuple[str, ...] = ()
    """Messages wanted by `Message.repeat_key`; the conversations they are in come with them."""
    stored_response_digest: str | None = None
    """The digest of a stored answer (`StoredAnswer.digest`)."""
    source_session: SessionDigest | None = None
    """The session that a hop token was made in; its contact comes with it (T1)."""
    spent: tuple[str, ...] = ()
    """The digests of tokens that may be used once (`Spent.digest`)."""
    conflicts: tuple[str, ...] = ()
    """Conflicts wanted by id."""
    merges: tuple[MergeId, ...] = ()
    """Merges wanted by id."""
    merged_into: tuple[ContactId, ...] = ()
    """Also every merge that stands and has one of these contacts for its survivor."""
    tombstones: tuple[TombstoneDigest, ...] = ()
    """Looked up where any of `identifiers` finds nobody; a store need not where each finds somebody."""
    include_audit_head: bool = False
    """Also where the workspace's audit log ends."""


class Snapshot(Value):
    """What one moment's database says to one query. Nothing of another workspace is ever in it."""

    app_version: int | None = None
    """The version of the query's app, so that a process that remembers an app can tell it is outdated. None when
    the app is gone or the query named none."""
    session: Session | None = None
    """Revoked and expired sessions too: who decides looks at the clock."""
    contact_ids: Mapping[IdentifierDigest, ContactId] = field(default_factory=dict[IdentifierDigest, ContactId])
    contacts: Mapping[ContactId, Contact] = field(default_factory=dict[ContactId, Contact])
    conversations: Mapping[ConversationId, Conversation] = field(default_factory=dict[ConversationId, Conversation])
    reported_pairs: frozenset[str] = frozenset()
    """The pairs (`pair_of`) among `contacts` that have a conflict which `settles` (C7)."""
    messages: Mapping[str, Message] = field(default_factory=dict[str, Message])
    """By repeat key."""
    stored_response: StoredResponse | None = None
    source_session: Session | None = None
    """Under the same conditions as `session`."""
    spent: frozenset[str] = frozenset()
    """Which of the query's were used already, also where they have expired since."""
    conflicts: Mapping[str, Conflict] = field(default_factory=dict[str, Conflict])
    merges: Mapping[MergeId, Merge] = field(default_factory=dict[MergeId, Merge])
    """Those asked for by id, undone ones too, and those into the contacts asked for, in the order of their ids."""
    tombstones: frozenset[TombstoneDigest] = frozenset()
    """Which of the query's there are. Empty where each identifier found somebody, or as it is."""
    audit_head: AuditHead | None = None
    """None where it was not asked for."""
