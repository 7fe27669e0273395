"""What was done to people's data and to the keys that guard it, chained so that tampering shows."""

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
"""What the first entry of a workspace has for `previous`."""

_encode = msgspec.json.Encoder(order="sorted").encode


class AuditHead(Value):
    """Where a workspace's chain ends."""

    number: int = 0
    """0: there is no entry yet."""
    digest: str = NO_PREVIOUS_DIGEST


class AuditEntry(Value):
    """One thing that was done. Append-only; `data` holds ids and counts, never a personal value (P4).

    `digest` covers everything else and the digest of the entry before: whoever changes, removes or inserts one has to
    rewrite all that come after, and the head that somebody wrote down elsewhere tells.
    """

    workspace_id: str
    number: int
    """1, 2, 3, … in each workspace; what no two entries share."""
    at: Instant
    by: str
    """The writer, as in `Fact.by`, or `command line`."""
    action: str
    """Such as `contact.erased`, `contact.exported`, `api_key.created`."""
    subject: str
    """The id of what it was done to."""
    previous: str
    digest: str
    data: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def id(self) -> str:
        """In the order of numbers, as lists are read in it."""
        return f"{self.number:012d}"

    @property
    def head(self) -> AuditHead:
        """Where the chain ends with it."""
        return AuditHead(number=self.number, digest=self.digest)

    @property
    def has_valid_digest(self) -> bool:
        """Whether the digest is what it must be."""
        return self.digest == _digest_of(self)


def next_entry(
    head: AuditHead, *, workspace_id: str, at: Instant, by: str, action: str, subject: str, data: Mapping[str, object]
) -> AuditEntry:
    """The entry that follows."""
    entry = AuditEntry(
        workspace_id=workspace_id,
        number=head.number + 1,
        at=at,
        by=by,
        action=action,
        subject=subject,
        data=data,
        previous=head.digest,
        digest="",
    )
    return replace(entry, digest=_digest_of(entry))


def _digest_of(entry: AuditEntry) -> str:
    said = (
        entry.previous,
        entry.workspace_id,
        entry.number,
        entry.at,
        entry.by,
        entry.action,
        entry.subject,
        entry.data,
    )
    return sha256(_encode(said)).hexdigest()
