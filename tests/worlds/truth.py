"""What is true in a small world, worked out from its calls alone and never from what hullo stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from calls import SESSIONS, Call
from msgspec import field
from msgspec.structs import replace
from small_world import EmailMatch, site_key

from hullo.model.visitor import VisitorId
from hullo.value import Value

Names = frozenset[str]


class Truth(Value):
    """What the calls so far have shown."""

    email_match: EmailMatch
    calls: tuple[Call, ...] = ()
    unproven: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(SESSIONS, ()))
    """The calls of each session that has proven nothing. A session that has proven something is absent."""
    together: frozenset[Names] = frozenset()
    """Identifiers that one proof, or one call of the server, named together."""
    proven_by: Mapping[VisitorId, Names] = field(default_factory=dict[VisitorId, Names])
    """The identifiers that a visitor's calls proved."""
    site_writes: frozenset[tuple[str, str]] = frozenset()
    """Of each value that the site's server wrote: the identifier that it was written about, and its custom key."""
    has_erased: bool = False

    def after(self, call: Call, *, refused: bool, changed: bool, visitor: VisitorId | None) -> Truth:
        """Return what is true after one more call. `visitor` is the caller's once the call is done; None for the
        server."""
        proven = Names() if refused else call.proven(email_trusted=self.email_match == "trusted")
        truth = replace(
            self,
            calls=(*self.calls, call),
            unproven=self._unproven_after(call, proven),
            together=self.together | {proven} if len(proven) > 1 else self.together,
        )
        if call.kind == "erase" and changed:
            # Which values left with the person is the subject of other tests: this one forgets all of them.
            return replace(truth, has_erased=True, site_writes=frozenset())
        if call.kind == "upsert" and not refused:
            written = (call.external_id or call.email or "", site_key(call))
            return replace(truth, site_writes=self.site_writes | {written})
        if visitor is not None and proven:
            known = self.proven_by.get(visitor, Names()) | proven
            return replace(truth, proven_by={**self.proven_by, visitor: known})
        return truth

    def is_one_person(self, some: Iterable[str], others: Iterable[str]) -> bool:
        """Return whether a chain of proofs leads from one of these identifiers to one of those."""
        reached, grows = set(some), True
        while grows:
            size = len(reached)
            for names in self.together:
                if not names.isdisjoint(reached):
                    reached |= names
            grows = len(reached) > size
        return not reached.isdisjoint(others)

    def _unproven_after(self, call: Call, proven: Names) -> Mapping[str, tuple[str, ...]]:
        calls = self.unproven.get(call.caller)
        if calls is None:
            return self.unproven
        if proven:
            return {session: calls for session, calls in self.unproven.items() if session != call.caller}
        return {**self.unproven, call.caller: (*calls, str(call))}
