"""A unit of work: everything that changes something is one, from an identify to an erasure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec.structs import replace

from hullo.model.app import App
from hullo.model.decision import Decision
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.value import Value

T = TypeVar("T")
A_co = TypeVar("A_co", covariant=True)


class PreparedOperation(Value, Generic[A_co]):
    """Ready to be loaded and decided. `decide` is pure, and is called again on a fresh snapshot after a conflict.

    `app` is what the work was prepared with: when the snapshot says that it has changed since, the work is
    prepared anew. None when no app was needed.
    """

    query: SnapshotQuery
    decide: Callable[[Snapshot], Decision[A_co]]
    app: App | None = None

    @property
    def resource_keys(self) -> set[str]:
        """What the work asks for by name. Two that share any of it are about the same thing."""
        query = self.query
        # Every line of an audit log stands on the one before.
        log = f"audit of {query.workspace_id}" if query.include_audit_head else None
        single = (each for each in (query.session, query.stored_response_digest, log) if each is not None)
        return {*query.identifiers, *query.repeat_keys, *single}

    def with_all_custom_data(self) -> PreparedOperation[A_co]:
        """The same, with the custom data of every app, and where the audit log ends. The app is not looked at again: it
        was a moment ago."""
        return replace(self, query=replace(self.query, app_id=None, include_audit_head=True), app=None)


class NeedsFullContacts(Exception):
    """Raised by `decide`: contacts are to become one, which takes the custom data of every app, and a line in the audit
    log."""


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
    """Something to do for one caller."""

    def prepare(self, apps: Apps) -> PreparedOperation[A_co]:
        """Checks who is calling and says what to load. Raises a `HulloError` to refuse.

        May run more than once. Blocking here holds up everybody in the same lane, unless the work is prepared
        beforehand in a thread of its own.
        """
        ...
