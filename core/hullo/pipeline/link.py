"""Link: the visitor's conversations that belong to the contact from now on (rules L)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from hullo.hooks.manager import PluginManager
from hullo.model.change_set import Change, replacement
from hullo.model.claim import Claim
from hullo.model.contact import ContactId
from hullo.model.conversation import Conversation
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.value import Value


class Links(Value):
    """The conversations to link, and the plugins that asked for it."""

    changes: tuple[Change[Conversation], ...] = ()
    """All changes: conversations that had no contact come first, then moved and raised ones."""
    plugins: tuple[str, ...] = ()
    linked_count: int = 0
    """How many had no contact before: all that an unproven caller is told (H2)."""

    @property
    def moved(self) -> tuple[Change[Conversation], ...]:
        """Return the changes that give a conversation another contact than it had, or its first one."""
        # An identify that changes nothing asks this too.
        if not self.changes:
            return ()
        return tuple(
            change
            for change in self.changes
            if change.before is None or change.before.contact_id != change.after.contact_id
        )


NO_LINKS = Links()


def needs_own_conversations(claim: Claim, standing: Standing, session: Session) -> bool:
    """Return whether this call may move or raise conversations that have a contact already (L2, C8).

    It depends on the session and the proof alone, never on stored contacts (H2).
    """
    if session.is_lead:
        return True
    # The first proof of a session that only claimed before: later ones find nothing to raise.
    raises = session.is_identified and not session.is_proven
    return raises and link_standing(claim, standing) is Standing.PROVEN


def link_conversations(
    claim: Claim,
    standing: Standing,
    contact_id: ContactId,
    session: Session,
    conversations: Sequence[Conversation],
    hooks: PluginManager,
    *,
    absorbed_ids: Collection[ContactId] = (),
) -> Links:
    """Link what the plugins choose of this visitor's conversations without a contact, and move or raise the others
    (L1, L2, C8). `absorbed_ids`: contacts that become part of this one in the same call.
    """
    stored_as = link_standing(claim, standing)
    if session.is_identified and session.contact_id is None and stored_as < Standing.PROVEN:
        # The session only claimed to be a person who was erased or logged out since: what was said in it is given away
        # by proof alone (P2, H4).
        return NO_LINKS
    # The visitor is compared too, as a snapshot may hold other conversations.
    own = [conversation for conversation in conversations if conversation.visitor_id == session.visitor_id]
    orphans = [conversation for conversation in own if conversation.contact_id is None]
    # The link stores this standing, not the visitor's: H1 shows a conversation by what its link had.
    chosen = hooks.link_conversations(claim, stored_as, session.visitor_id, orphans)
    # Over `orphans`, not over `chosen`: a plugin's answer cannot link a conversation that it was not asked about.
    linked = [conversation for conversation in orphans if conversation.id in chosen]
    # Plugins are not asked about conversations that have a contact: no plugin could say that they are another person's.
    same = {contact_id, *absorbed_ids}
    for conversation in own:
        if conversation.contact_id is None:
            continue
        # C8: all that a lead has said is the user's. L2: of any other visitor, what was said as this same contact.
        moves = session.is_lead and conversation.contact_id != contact_id
        raises = conversation.contact_id in same and (conversation.link_standing or Standing.CLAIMED) < stored_as
        if moves or raises:
            linked.append(conversation)
    return Links(
        changes=tuple(
            replacement(conversation, replace(conversation, contact_id=contact_id, link_standing=stored_as))
            for conversation in linked
        ),
        plugins=tuple(dict.fromkeys(chosen.values())),
        linked_count=sum(conversation.contact_id is None for conversation in linked),
    )


def link_standing(claim: Claim, standing: Standing) -> Standing:
    """Return the standing to store on links: CLAIMED after a hop link, since another person may have opened it (H1)."""
    return standing if claim.identity_token is None else Standing.CLAIMED
