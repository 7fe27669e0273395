"""Load: the identifiers to look up, and the query for one snapshot (M, P2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hullo.errors import Invalid, NoIdentifier, Rejection
from hullo.hooks.manager import PluginManager
from hullo.model.claim import Claim
from hullo.model.identifier import MAX_IDENTIFIER_LENGTH, Identifier, IdentifierDigest, is_non_identity
from hullo.model.limits import Limits
from hullo.model.snapshot import SnapshotQuery
from hullo.model.tombstone import TombstoneDigest, tombstone_digest
from hullo.pipeline.verify import (
    VerifiedClaim,
)


def collect_identifiers(
    claim: Claim, hooks: PluginManager, limits: Limits, *, already_identified: bool = False
) -> tuple[dict[Identifier, str], tuple[Rejection, ...]]:
    """The usable identifiers with who named them, and every fault of the request.

    `known`: it is clear already who it is, and nobody is to be looked up. Raises `NoIdentifier` when nobody is named
    (M6), and `Invalid` for a strict claim with any fault (W8).
    """
    named, rejected = usable_identifiers(claim, hooks, limits)
    if not named and not already_identified:
        raise NoIdentifier(rejected)
    if claim.strict and rejected:
        raise Invalid("nothing was written, since the call is strict and some fields are wrong", rejected)
    return ({} if already_identified else named), rejected


def usable_identifiers(
    claim: Claim, hooks: PluginManager, limits: Limits
) -> tuple[dict[Identifier, str], tuple[Rejection, ...]]:
    """What plugins name, without what names nobody (M5), and every fault of the request."""
    named: dict[Identifier, str] = {}
    rejected = list(claim.rejected)
    for plugin, identifier in hooks.name_identifiers(claim):
        if is_non_identity(identifier.value, limits.non_identities):
            rejected.append(Rejection(field=identifier.kind, reason="names nobody"))
        elif len(identifier.value) > MAX_IDENTIFIER_LENGTH:
            reason = f"longer than {MAX_IDENTIFIER_LENGTH} characters"
            rejected.append(Rejection(field=identifier.kind, reason=reason))
        else:
            named[identifier] = plugin
    return named, tuple(rejected)


def snapshot_query(claims: Sequence[VerifiedClaim]) -> SnapshotQuery:
    """Name everything that deciding any of these claims needs: one call, its evidence believed and not believed."""
    first = claims[0]
    return SnapshotQuery(
        workspace_id=first.workspace_id,
        app_id=first.app.id if first.app else None,
        session=first.session_digest,
        identifiers=_distinct([claim.digests for claim in claims]),
        tombstones=_distinct([claim.tombstone_digests for claim in claims]),
        include_orphans=first.session_digest is not None,
        source_session=first.hop.session if first.hop is not None else None,
        spent=tuple([token.digest for token in first.single_use_tokens]),
    )


def _distinct(digests: Iterable[Mapping[Identifier, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([digest for mapping in digests for digest in mapping.values()]))


def tombstone_digests(digests: Mapping[Identifier, IdentifierDigest], salt: str) -> dict[Identifier, TombstoneDigest]:
    return {identifier: tombstone_digest(salt, digest) for identifier, digest in digests.items()}


def identifier_digests(identifiers: Iterable[Identifier], workspace_id: str) -> dict[Identifier, IdentifierDigest]:
    return {identifier: identifier.digest(workspace_id) for identifier in identifiers}
