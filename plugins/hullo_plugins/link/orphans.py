"""Links the conversations that a visitor began before being identified (L1, L2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.plugin import Conversation, ConversationId, hookimpl


class LinkOrphans:
    """Gives the contact every conversation of this visitor that has no contact yet."""

    name: ClassVar = "link-orphans"

    @hookimpl
    def link_conversations(self, conversations: Sequence[Conversation]) -> Sequence[ConversationId]:
        return tuple(conversation.id for conversation in conversations if conversation.contact_id is None)
