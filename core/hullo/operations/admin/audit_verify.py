"""Verification of an audit log: a walk over the whole hash chain."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hullo.model.audit import NO_PREVIOUS_DIGEST, AuditEntry, AuditHead
from hullo.store.protocol import HistoryReads
from hullo.store.reading import iter_pages
from hullo.value import Value


class ChainFault(Value):
    """Entry at which the chain is broken, and the reason."""

    number: int
    reason: str


class AuditVerification(Value):
    """Result of verifying one workspace's chain."""

    workspace_id: str
    entries: int
    head: AuditHead
    """Keep a copy outside of the database: without one, the removal of the last entries, or a full rewrite, goes
    unnoticed."""
    faults: tuple[ChainFault, ...]
    head_found: bool | None
    """Whether the expected head occurs in the log. None: no head was given."""

    @property
    def is_intact(self) -> bool:
        """Return whether no fault was found."""
        return not self.faults and self.head_found is not False


def verify_audit_log(store: HistoryReads, workspace_id: str, expected_digest: str | None = None) -> AuditVerification:
    """Read the whole log, from the newest entry to the first. `expected_digest` is the digest of a head that was copied
    earlier."""
    head = AuditHead()
    faults: list[ChainFault] = []
    entries = 0
    # The head of an empty log was copied as an empty digest, and every log began there.
    found = None if expected_digest is None else expected_digest == NO_PREVIOUS_DIGEST
    later: AuditEntry | None = None
    # By pages and newest first: the log is as long as the workspace is old.
    for entry in iter_pages(partial(store.list_audit, workspace_id)):
        if later is None:
            # The first entry read is the newest, which is the end of the chain.
            head = AuditHead(number=entry.number, digest=entry.digest)
        else:
            faults.extend(_link_faults(entry.number, entry.digest, later))
        # Apart from the links: an entry with a changed field may still be linked correctly.
        if not entry.has_valid_digest:
            faults.append(ChainFault(number=entry.number, reason="is not what was written"))
        # Anywhere, not at the end only: the log has grown since the copy was made.
        if entry.digest == expected_digest:
            found = True
        later, entries = entry, entries + 1
    if later is not None:
        # The first entry must follow nothing, or the beginning was cut off.
        faults.extend(_link_faults(0, NO_PREVIOUS_DIGEST, later))
    # Faults are reversed: people read a chain from its beginning.
    return AuditVerification(
        workspace_id=workspace_id, entries=entries, head=head, faults=tuple(reversed(faults)), head_found=found
    )


def _link_faults(number: int, digest: str, later: AuditEntry) -> Iterator[ChainFault]:
    # Numbers have no gaps, so a gap is a removed entry even where the digests fit.
    if later.number != number + 1:
        yield ChainFault(number=number + 1, reason=f"is missing: what comes before {later.number} is {number}")
    if later.previous != digest:
        yield ChainFault(number=later.number, reason=f"does not follow {number}")
