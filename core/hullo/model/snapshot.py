"""The query of one decision, and the snapshot that the store returns for it."""

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
    """All data that one decision needs, loaded at once.

    Contacts include the custom data of `app_id`, or of every app when that is None.
    """

    workspace_id: str
    app_id: str | None
    session: SessionDigest | None = None
    identifiers: tuple[IdentifierDigest, ...] = ()
    contacts: tuple[ContactId, ...] = ()
    """By id, beside the session's own contact and those that the identifiers find."""
    conversations: tuple[ConversationId, ...] = ()
    include_orphans: bool = False
    """Also load the conversations of the session's visitor that have no contact (L1)."""
    include_own: bool = False
    """Also load all conversations of the session's visitor, with a contact or without (L2, C8)."""
    repeat_keys: tuple[str, ...] = ()
    """Messages by `Message.repeat_key`, with their conversations."""
    stored_response_digest: str | None = None
    """Digest of a stored response (`StoredResponse.digest`)."""
    source_session: SessionDigest | None = None
    """Session that a hop token was issued in, loaded with its contact (T1)."""
    spent: tuple[str, ...] = ()
    """Digests of single-use tokens (`SpentToken.digest`)."""
    conflicts: tuple[str, ...] = ()
    """By id."""
    merges: tuple[MergeId, ...] = ()
    """By id."""
    merged_into: tuple[ContactId, ...] = ()
    """Also load every active merge whose survivor is one of these contacts."""
    tombstones: tuple[TombstoneDigest, ...] = ()
    """Looked up where any of `identifiers` finds no contact; a store may skip them where all find one."""
    include_audit_head: bool = False
    """Also load the end of the workspace's audit log."""


class Snapshot(Value):
    """State of the database for one query at one time. Never holds data of another workspace."""

    app_version: int | None = None
    """Version of the query's app, by which a process detects that its cached app is outdated. None when the app does
    not exist or the query named none."""
    session: Session | None = None
    """Revoked and expired sessions too: the decision compares them with the clock."""
    contact_ids: Mapping[IdentifierDigest, ContactId] = field(default_factory=dict[IdentifierDigest, ContactId])
    contacts: Mapping[ContactId, Contact] = field(default_factory=dict[ContactId, Contact])
    conversations: Mapping[ConversationId, Conversation] = field(default_factory=dict[ConversationId, Conversation])
    reported_pairs: frozenset[str] = frozenset()
    """Pairs (`pair_key`) among `contacts` with a conflict that `blocks_new_report` (C7)."""
    kept_pairs: frozenset[str] = frozenset()
    """Those of `reported_pairs` that an agent decided to keep apart."""
    messages: Mapping[str, Message] = field(default_factory=dict[str, Message])
    """By repeat key."""
    stored_response: StoredResponse | None = None
    source_session: Session | None = None
    """Under the same conditions as `session`."""
    spent: frozenset[str] = frozenset()
    """Tokens of the query that were used, including expired ones."""
    conflicts: Mapping[str, Conflict] = field(default_factory=dict[str, Conflict])
    merges: Mapping[MergeId, Merge] = field(default_factory=dict[MergeId, Merge])
    """Merges by id, undone ones too, and active merges into the contacts of `merged_into`, in the order of ids."""
    tombstones: frozenset[TombstoneDigest] = frozenset()
    """Tombstones of the query that exist. Empty where each identifier found a contact."""
    audit_head: AuditHead | None = None
    """None unless the query includes it."""
