"""The audit log: changes to personal data and to keys, as a hash chain that reveals tampering."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import field
from msgspec.structs import replace

from hullo.model.instant import Instant
from hullo.value import Value

NO_PREVIOUS_DIGEST: Final = ""
"""Value of `previous` in the first entry of a workspace."""

# One encoder for the module: making one costs more than encoding an entry.
_encode = msgspec.json.Encoder(order="sorted").encode


class AuditHead(Value):
    """End of a workspace's chain."""

    number: int = 0
    """0: the log has no entry."""
    digest: str = NO_PREVIOUS_DIGEST


class AuditEntry(Value):
    """One audited action. Append-only; `data` holds ids and counts, never a personal value (P4).

    `digest` covers all other fields and the digest of the previous entry. To change, remove or insert one entry, an
    attacker must rewrite all later entries, and the head then differs from a copy kept elsewhere.
    """

    workspace_id: str
    number: int
    """1, 2, 3, … in each workspace; unique."""
    at: Instant
    by: str
    """The writer, as in `Fact.by`, or `command line`."""
    action: str
    """Such as `contact.erased`, `contact.exported`, `api_key.created`."""
    subject: str
    """Id of the record that was acted on."""
    previous: str
    digest: str
    data: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def id(self) -> str:
        """Return the number as text that sorts in the order of numbers, for paging."""
        # Zero-padded: "10" sorts before "9" as text. Twelve digits are a million million entries.
        return f"{self.number:012d}"

    @property
    def head(self) -> AuditHead:
        """Return the head of a chain that ends with this entry."""
        return AuditHead(number=self.number, digest=self.digest)

    @property
    def has_valid_digest(self) -> bool:
        """Check the digest against the other fields."""
        return self.digest == _digest_of(self)


def next_entry(
    head: AuditHead, *, workspace_id: str, at: Instant, by: str, action: str, subject: str, data: Mapping[str, object]
) -> AuditEntry:
    """Make the entry that follows `head`."""
    entry = AuditEntry(
        workspace_id=workspace_id,
        # Without gaps, so that a removed entry shows; stores refuse a number twice when two writers race.
        number=head.number + 1,
        at=at,
        by=by,
        action=action,
        subject=subject,
        data=data,
        previous=head.digest,
        digest="",
    )
    # The digest covers the other fields only, so it is computed on a finished entry.
    return replace(entry, digest=_digest_of(entry))


def _digest_of(entry: AuditEntry) -> str:
    # Sorted keys in `data`: stores may give the object back in another order, and the digest must not depend on it.
    covered = (
        entry.previous,
        entry.workspace_id,
        entry.number,
        entry.at,
        entry.by,
        entry.action,
        entry.subject,
        entry.data,
    )
    return sha256(_encode(covered)).hexdigest()
