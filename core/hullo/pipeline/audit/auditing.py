"""Whether an audit log is what it was: its chain is walked from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from hullo.model.audit import FIRST, AuditEntry, AuditHead
from hullo.store.protocol import HistoryReads
from hullo.store.reading import every


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Where the chain does not hold, and why."""

    number: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What became of walking one workspace's chain."""

    workspace_id: str
    entries: int
    head: AuditHead
    """To be written down elsewhere: without that, nobody can tell that the last entries are gone, or that all were made
    anew."""
    flaws: tuple[Flaw, ...]
    head_found: bool | None
    """Whether the head occurs that was written down earlier. None: none was given."""

    @property
    def intact(self) -> bool:
        """Whether nothing shows."""
        return not self.flaws and self.head_found is not False


def walk_audit(store: HistoryReads, workspace_id: str, earlier: str | None = None) -> Audited:
    """Reads all of it, from the newest entry to the first. `earlier` is a head's digest that was written down then."""
    head = AuditHead()
    flaws: list[Flaw] = []
    entries = 0
    found = None if earlier is None else earlier == FIRST
    later: AuditEntry | None = None
    for entry in every(partial(store.list_audit, workspace_id)):
        if later is None:
            head = AuditHead(number=entry.number, digest=entry.digest)
        else:
            flaws.extend(_between(entry.number, entry.digest, later))
        if not entry.genuine:
            flaws.append(Flaw(number=entry.number, what="is not what was written"))
        if entry.digest == earlier:
            found = True
        later, entries = entry, entries + 1
    if later is not None:
        flaws.extend(_between(0, FIRST, later))
    return Audited(
        workspace_id=workspace_id, entries=entries, head=head, flaws=tuple(reversed(flaws)), head_found=found
    )


def _between(number: int, digest: str, later: AuditEntry) -> Iterator[Flaw]:
    if later.number != number + 1:
        yield Flaw(number=number + 1, what=f"is missing: what comes before {later.number} is {number}")
    if later.previous != digest:
        yield Flaw(number=later.number, what=f"does not follow {number}")
