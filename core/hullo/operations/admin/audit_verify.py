"""Whether an audit log is what it was: its chain is walked from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hullo.model.audit import NO_PREVIOUS_DIGEST, AuditEntry, AuditHead
from hullo.store.protocol import HistoryReads
from hullo.store.reading import iter_pages
from hullo.value import Value


class ChainFault(Value):
    """Where the chain does not hold, and why."""

    number: int
    reason: str


class AuditVerification(Value):
    """What became of walking one workspace's chain."""

    workspace_id: str
    entries: int
    head: AuditHead
    """To be written down elsewhere: without that, nobody can tell that the last entries are gone, or that all were made
    anew."""
    faults: tuple[ChainFault, ...]
    head_found: bool | None
    """Whether the head occurs that was written down earlier. None: none was given."""

    @property
    def is_intact(self) -> bool:
        """Whether nothing shows."""
        return not self.faults and self.head_found is not False


def verify_audit_log(store: HistoryReads, workspace_id: str, expected_digest: str | None = None) -> AuditVerification:
    """Reads all of it, from the newest entry to the first. `earlier` is a head's digest that was written down then."""
    head = AuditHead()
    flaws: list[ChainFault] = []
    entries = 0
    found = None if expected_digest is None else expected_digest == NO_PREVIOUS_DIGEST
    later: AuditEntry | None = None
    for entry in iter_pages(partial(store.list_audit, workspace_id)):
        if later is None:
            head = AuditHead(number=entry.number, digest=entry.digest)
        else:
            flaws.extend(_link_faults(entry.number, entry.digest, later))
        if not entry.has_valid_digest:
            flaws.append(ChainFault(number=entry.number, reason="is not what was written"))
        if entry.digest == expected_digest:
            found = True
        later, entries = entry, entries + 1
    if later is not None:
        flaws.extend(_link_faults(0, NO_PREVIOUS_DIGEST, later))
    return AuditVerification(
        workspace_id=workspace_id, entries=entries, head=head, faults=tuple(reversed(flaws)), head_found=found
    )


def _link_faults(number: int, digest: str, later: AuditEntry) -> Iterator[ChainFault]:
    if later.number != number + 1:
        yield ChainFault(number=number + 1, reason=f"is missing: what comes before {later.number} is {number}")
    if later.previous != digest:
        yield ChainFault(number=later.number, reason=f"does not follow {number}")
