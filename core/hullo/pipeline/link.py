"""Link: the visitor's conversations that belong to the contact from now on (rules L)."""

from __future__ import annotations

from collections.abc import Sequence

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
    plugins: tuple[str, ...] = ()


NO_LINKS = Links()


def link_conversations(
    claim: Claim,
    standing: Standing,
    contact_id: ContactId,
    session: Session,
    conversations: Sequence[Conversation],
    hooks: PluginManager,
) -> Links:
    """Link what the plugins choose of this visitor's conversations without a contact (L1, L2)."""
    stored_as = _link_standing(claim, standing)
    if session.is_identified and session.contact_id is None and stored_as < Standing.PROVEN:
        # The session only claimed to be a person who was erased or logged out since: what was said in it is given away
        # by proof alone (P2, H4).
        return NO_LINKS
    # L2: a conversation that has a contact is left alone, so plugins are not asked about it.
    orphans = [
        conversation
        for conversation in conversations
        # The visitor is compared too, as a snapshot may hold other conversations.
        if conversation.contact_id is None and conversation.visitor_id == session.visitor_id
    ]
    # The link stores this standing, not the visitor's: H1 shows a conversation by what its link had.
    chosen = hooks.link_conversations(claim, stored_as, session.visitor_id, orphans)
    changes = tuple(
        replacement(conversation, replace(conversation, contact_id=contact_id, link_standing=stored_as))
        for conversation in orphans
        # Over `orphans`, not over `chosen`: a plugin's answer cannot link a conversation that it was not asked about.
        if conversation.id in chosen
    )
    return Links(changes=changes, plugins=tuple(dict.fromkeys(chosen.values())))


def _link_standing(claim: Claim, standing: Standing) -> Standing:
    """Return the standing to store on links: CLAIMED after a hop link, since another person may have opened it (H1)."""
    return standing if claim.identity_token is None else Standing.CLAIMED
