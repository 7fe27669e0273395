"""The writes of one identify, reviewed by the policies (rules W)."""

from __future__ import annotations

from hullo.hooks.manager import PluginManager
from hullo.model.standing import Standing
from hullo.pipeline.decide.standing import StandingResult
from hullo.pipeline.policy import WriteContext, WriteResult, one_per_kind, write_claim


def review_writes(believed: StandingResult, hooks: PluginManager) -> WriteResult:
    """Write what the claim asks for and no policy refuses (rules W)."""
    session, matched = believed.session, believed.session.match
    verified, contact = matched.verified, session.contact
    context = WriteContext(
        writer=session.writer,
        at=session.context.now,
        standing=believed.standing,
        app=verified.app,
        signed_fields=verified.signed_fields,
        proven_attributes=verified.proven_attributes,
        attribute_standing=_attribute_standing(believed.standing),
        is_signed=verified.is_signed,
        visitor_writer=session.visitor_writer,
        site_word=verified.trusted_email,
        is_attesting=verified.server_writer is None and bool(verified.proven_identifiers),
    )
    erased = believed.erased_identifiers
    names = matched.writable_identifiers
    if erased:
        # P2: a claim alone must not bring back an erased person's identifier.
        names = tuple(name for name in names if name not in erased)
    trusted = verified.trusted_email
    writable = [(name, name in verified.proven_identifiers or name == trusted) for name in one_per_kind(names, contact)]
    # Without these kinds `_plain_values` would write the identifier as a plain profile value.
    withheld = [*matched.withheld_kinds]
    withheld += [collision.field for collision in matched.collisions] if matched.collisions else ()
    withheld += [name.kind for name in erased] if erased else ()
    return write_claim(
        verified.claim,
        contact,
        context,
        hooks,
        is_new=matched.contact is None,
        writable=writable,
        withheld_kinds=withheld,
        matched_by=matched.matched_by,
    )


def _attribute_standing(standing: Standing) -> Standing:
    """Return the standing of a signed attribute: PROVEN where this visitor created the contact and nothing proves it.

    An attribute's proof says nothing about the person (V2, V6).
    """
    return Standing.PROVEN if standing is Standing.OWNED else standing
