"""The operation: one unit of change, from an identify to an erasure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec.structs import replace

from hullo.model.app import App
from hullo.model.contact import ContactId
from hullo.model.decision import Decision
from hullo.model.identifier import IdentifierDigest
from hullo.model.merge import MergeId
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.value import Value

T = TypeVar("T")
A_co = TypeVar("A_co", covariant=True)


class PreparedOperation(Value, Generic[A_co]):
    """Operation that is ready to load and decide. `decide` is pure; it runs again on a fresh snapshot after a conflict.

    `app` is the app that was used to prepare: when the snapshot has a newer version of it, the operation is prepared
    again. None when no app was needed.
    """

    query: SnapshotQuery
    decide: Callable[[Snapshot], Decision[A_co]]
    app: App | None = None

    @property
    def resource_keys(self) -> set[str]:
        """Return the names of everything that the query loads. Operations of one batch that share a key with an earlier
        change are decided after it, on a fresh snapshot."""
        query = self.query
        # Each audit entry holds the digest of the one before: writers of one log must go one after the other.
        log = f"audit of {query.workspace_id}" if query.include_audit_head else None
        keys = {*query.identifiers, *query.repeat_keys}
        for key in (query.session, query.stored_response_digest, log):
            if key is not None:
                keys.add(key)
        return keys

    def with_full_contacts(self, needs: NeedsFullContacts) -> PreparedOperation[A_co]:
        """Make a copy that loads the custom data of every app, the audit head, all conversations of the visitor, and
        what `needs` names. Without `app`: its version was checked in the same batch."""
        # Only merges, leads and first proofs need them: loading them always would slow each identify.
        query = self.query
        query = replace(
            query,
            app_id=None,
            include_audit_head=True,
            include_own=query.include_orphans,
            merges=_both(query.merges, needs.merges),
            merged_into=_both(query.merged_into, needs.merged_into),
            contacts=_both(query.contacts, needs.contacts),
            identifiers=_both(query.identifiers, needs.identifiers),
        )
        return replace(self, query=query, app=None)


class NeedsFullContacts(Exception):
    """Raised by `decide` when a merge needs all apps' custom data and the audit head, or a visitor's own conversations
    may move (C8, L2); the engine reloads and decides again. The fields name what is to be loaded besides, as in a
    `SnapshotQuery`."""

    def __init__(
        self,
        *,
        merges: Iterable[MergeId] = (),
        merged_into: Iterable[ContactId] = (),
        contacts: Iterable[ContactId] = (),
        identifiers: Iterable[IdentifierDigest] = (),
    ) -> None:
        super().__init__()
        self.merges, self.merged_into = tuple(merges), tuple(merged_into)
        self.contacts, self.identifiers = tuple(contacts), tuple(identifiers)


def _both(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    # A dict and no set: the order of a query stays the same from run to run.
    return tuple(dict.fromkeys((*first, *second)))


class Apps(Protocol):
    """The apps and salts that an operation may look up while it prepares. `engine.AppCache` keeps it."""

    def find(self, app_key: str | None) -> App:
        """Return the app with this key, perhaps as it was a moment ago. Raises `UnknownApp`."""
        ...

    def reload(self, app_key: str | None) -> App:
        """Read the app from the store. Raises `UnknownApp`, and `SettingsError` when no master key opens its keys."""
        ...

    def list_by_workspace(self, workspace_id: str) -> Sequence[App]:
        """Read the workspace's apps from the store, oldest first, their keys sealed."""
        ...

    def workspace_salt(self, workspace_id: str) -> str:
        """Return the salt of the workspace's tombstones (P2). Raises `NotFound`."""
        ...

    def with_fresh_retry(self, app_key: str | None, prepare: Callable[[App], T]) -> T:
        """Call `prepare` with the app; where it refuses, call it once more with the app as the store has it now.

        A key that was added a moment ago works, and one that was retired does not (V4).
        """
        ...


class Operation(Protocol[A_co]):
    """One change for one caller."""

    def prepare(self, apps: Apps) -> PreparedOperation[A_co]:
        """Check the caller and build the query. Raises a `HulloError` to refuse.

        May run more than once. Blocking here delays the other operations of the lane, unless the operation is prepared
        beforehand in a worker thread.
        """
        ...
