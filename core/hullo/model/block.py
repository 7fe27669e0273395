"""The block of a visitor or a contact: the site takes no messages and no identify calls from them."""

from __future__ import annotations

from hullo.model.identifier import IdentifierDigest
from hullo.model.instant import Instant
from hullo.value import Value

BlockId = str


class Block(Value):
    """Block of one visitor, and of the visitors that its browser starts by a reset: they have the same `id`."""

    id: BlockId
    at: Instant
    by: str
    """The writer, as in `Fact.by`."""
    reason: str | None = None
    """For agents. A visitor that took over the block of a contact has none: it would outlive the contact's erasure."""
    of_contact: bool = False
    """Whether it is the block of a contact, which the visitor has proven to be."""


class ContactBlock(Block):
    """Block of a contact. It reaches a session through an identifier that is proven in it, and through nothing else:
    a visitor who only claims to be the contact must not learn that it is blocked (H2)."""

    # Digests, as everywhere: stores compare them, and a log that shows one shows no person (P4).
    identifiers: tuple[IdentifierDigest, ...] = ()
    """Those that the contact had when it was blocked. One that it takes later from a call that merely claims the
    contact is not among them: its owner would learn of the block by proving it."""
