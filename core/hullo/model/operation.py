"""A unit of work: everything that changes something is one, from an identify to an erasure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from msgspec.structs import replace

from hullo.model.app import App
from hullo.model.decision import Decision
from hullo.model.value import Value
from hullo.store.protocol import Snapshot, SnapshotQuery

if TYPE_CHECKING:
    from hullo.engine.app_cache import AppCache

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


class Operation(Protocol[A_co]):
    """Something to do for one caller."""

    def prepare(self, apps: AppCache) -> PreparedOperation[A_co]:
        """Checks who is calling and says what to load. Raises a `HulloError` to refuse.

        May run more than once. Blocking here holds up everybody in the same lane, unless the work is prepared
        beforehand in a thread of its own.
        """
        ...


@dataclass(slots=True)
class Job:
    """One piece of work on its way through, with its result once there is one."""

    operation: Operation[Any]
    prepared: PreparedOperation[Any] | None = None
    conflict_count: int = 0
    result: Decision[Any] | Exception | None = None
