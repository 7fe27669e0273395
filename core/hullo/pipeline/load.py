"""Load: the identifiers to look up, and the query for one snapshot (M, P2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hullo.errors import Invalid, NoIdentifier, Rejection
from hullo.hooks.manager import PluginManager
from hullo.model.claim import Claim
from hullo.model.identifier import MAX_IDENTIFIER_LENGTH, Identifier, IdentifierDigest, identifier_fault
from hullo.model.limits import Limits
from hullo.model.snapshot import SnapshotQuery
from hullo.model.tombstone import TombstoneDigest, tombstone_digest
from hullo.pipeline.verify import VerifiedClaim


def collect_identifiers(
    claim: Claim, hooks: PluginManager, limits: Limits, *, already_identified: bool = False, has_session: bool = False
) -> tuple[dict[Identifier, str], tuple[Rejection, ...]]:
    """Collect the usable identifiers, each with the plugin that named it, and every fault of the claim.

    With `already_identified` an identity token names the person, and no identifier is looked up. With `has_session` the
    call may be about the session's contact, which only the store knows (M6). Raises `NoIdentifier` where neither holds
    and there is no usable one, and `Invalid` for a strict claim with any fault (W8).
    """
    identifiers, rejected = usable_identifiers(claim, hooks, limits)
    if not identifiers and not already_identified and not has_session:
        raise NoIdentifier(rejected)
    # After the check for identifiers, so that a call without any gets the same answer, strict or not.
    if claim.strict and rejected:
        raise Invalid("nothing was written, since the call is strict and some fields are wrong", rejected)
    return ({} if already_identified else identifiers), rejected


def usable_identifiers(
    claim: Claim, hooks: PluginManager, limits: Limits
) -> tuple[dict[Identifier, str], tuple[Rejection, ...]]:
    """Collect the identifiers that plugins name, without those that identify no person, and every fault (M5)."""
    identifiers: dict[Identifier, str] = {}
    rejected = list(claim.rejected)
    for plugin, identifier in hooks.name_identifiers(claim):
        # Refused and never cut: two long values with one beginning are two people (W10).
        if len(identifier.value) > MAX_IDENTIFIER_LENGTH:
            reason = f"longer than {MAX_IDENTIFIER_LENGTH} characters"
            rejected.append(Rejection(field=identifier.kind, reason=reason))
        # M5: "undefined" or "0" comes from a broken page, and would put all its visitors into one contact.
        elif fault := identifier_fault(identifier.kind, identifier.value, limits.non_identities):
            rejected.append(Rejection(field=identifier.kind, reason=fault))
        else:
            identifiers[identifier] = plugin
    return identifiers, tuple(rejected)


def snapshot_query(claims: Sequence[VerifiedClaim]) -> SnapshotQuery:
    """Build the query for everything that deciding any of these claims needs.

    The claims are those of one call: with its evidence, and as the mere claim that it is without.
    """
    first = claims[0]
    # Dicts and no sets: in the order in which they were named, and each once, so that equal calls make equal queries.
    identifiers: dict[IdentifierDigest, None] = {}
    tombstones: dict[TombstoneDigest, None] = {}
    for claim in claims:
        identifiers.update(dict.fromkeys(claim.digests.values()))
        tombstones.update(dict.fromkeys(claim.tombstone_digests.values()))
    return SnapshotQuery(
        workspace_id=first.workspace_id,
        app_id=first.app.id if first.app else None,
        session=first.session_digest,
        identifiers=tuple(identifiers),
        tombstones=tuple(tombstones),
        # Without a session the visitor is new, and has no conversations to link (L1).
        include_orphans=first.session_digest is not None,
        # T1: what arrives by a hop is never more than its session still has, so that is read too.
        source_session=first.hop.session if first.hop is not None else None,
        # Read in the same snapshot that is decided on, so that a token is redeemed once (T1, V5).
        spent=tuple([digest for token in first.single_use_tokens for digest in token.digests]),
    )


def tombstone_digests(digests: Mapping[Identifier, IdentifierDigest], salt: str) -> dict[Identifier, TombstoneDigest]:
    """Make the digests that a tombstone would have. Salted: tombstones alone do not reveal who was erased (P2)."""
    return {identifier: tombstone_digest(salt, digest) for identifier, digest in digests.items()}


def identifier_digests(identifiers: Iterable[Identifier], workspace_id: str) -> dict[Identifier, IdentifierDigest]:
    """Compute the digests that a workspace stores its identifiers under."""
    return {identifier: identifier.digest(workspace_id) for identifier in identifiers}
