"""Limits the custom data that one contact may hold in one app (W10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.plugin import Contact, Host, Limits, Refusal, Write, hookimpl


class CustomDataLimit:
    """Refuses keys beyond the limit; keys that are there already may always change.

    Keys of a lower standing than the writer's do not count: a visitor who fills a contact with claims takes no room
    from what the site's server writes (W4).

    `custom_keys` None takes the limit of the settings.
    """

    name: ClassVar = "limits"

    def __init__(self, custom_keys: int | None = None) -> None:
        self._custom_keys = custom_keys

    @hookimpl
    def startup(self, hullo: Host) -> None:
        if self._custom_keys is None:
            self._custom_keys = hullo.settings.limits.custom_keys

    @hookimpl
    def review_writes(self, contact: Contact | None, writes: Sequence[Write]) -> Sequence[Refusal]:
        new = [write for write in writes if write.app_id and write.stored is None and write.value is not None]
        if not new:
            return []
        most = self._custom_keys if self._custom_keys is not None else Limits().custom_keys
        block = contact.custom_data.get(new[0].app_id or "") if contact is not None else None
        held = [fact.standing for fact in block.values()] if block is not None else []
        reason = f"a contact holds at most {most} custom keys in one app (W10)"
        refusals: list[Refusal] = []
        # Proven values take their room first.
        for standing in sorted({write.standing for write in new}, reverse=True):
            wanted = [write for write in new if write.standing is standing]
            room = max(most - sum(other >= standing for other in held), 0)
            refusals += (Refusal(field=write.field, reason=reason) for write in wanted[room:])
            held += (write.standing for write in wanted[:room])
        return refusals
