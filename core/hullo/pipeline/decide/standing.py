"""How far a session is believed about its contact (V2, P2, W13)."""

from __future__ import annotations

from hullo.model.identifier import Identifier
from hullo.model.snapshot import Snapshot
from hullo.model.standing import Standing
from hullo.pipeline.decide.session import SessionResult
from hullo.value import Value


class StandingResult(Value):
    """How far this session is believed about this contact."""

    session: SessionResult
    standing: Standing
    is_recreation: bool
    """True where the contact was erased before, and would be created again (P2)."""
    erased_identifiers: tuple[Identifier, ...]

    @property
    def is_suppressed(self) -> bool:
        """Return whether nothing is kept but the session: an erased person is claimed, and not proven (P2)."""
        return self.is_recreation and self.standing < Standing.PROVEN


def judge_standing(session: SessionResult, snapshot: Snapshot) -> StandingResult:
    """Decide how far the caller is believed about the contact, and what of it was erased before (V2, P2)."""
    matched = session.match
    standing = _standing(session)
    is_recreation = matched.is_recreation(snapshot)
    # Proof gives an erased identifier back; a call that is suppressed writes none.
    keeps_all = standing is Standing.PROVEN or is_recreation
    return StandingResult(
        session=session,
        standing=standing,
        is_recreation=is_recreation,
        erased_identifiers=() if keeps_all else matched.erased_identifiers(snapshot),
    )


def _standing(session: SessionResult) -> Standing:
    matched, contact = session.match, session.contact
    # Servers write as proven, and so does a visitor who reached the contact through a proof.
    if matched.verified.server_writer is not None or matched.is_proven:
        return Standing.PROVEN
    if session.update is None or contact.created_by != session.visitor_writer:
        return Standing.CLAIMED
    # W13: another visitor or the site has proven the contact, as a proof of this session would have answered above.
    # What an absorbed contact had is not for the survivor's creator to change: `owned` ends with the first merge too.
    return Standing.CLAIMED if contact.absorbed or contact.standing is Standing.PROVEN else Standing.OWNED
