"""How much custom data one contact may hold in one app (W10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.hooks.specs import hookimpl
from hullo.hooks.writes import Refusal, Write
from hullo.model.claim import CUSTOM_DATA
from hullo.model.contact import Contact
from hullo.model.limits import Limits as Published


class Limits:
    """Refuses keys beyond the limit; keys that are there already may always change."""

    name: ClassVar = "limits"

    def __init__(self, custom_keys: int = Published().custom_keys) -> None:
        self.custom_keys = custom_keys

    @hookimpl
    def review_writes(self, contact: Contact | None, writes: Sequence[Write]) -> Sequence[Refusal]:
        new = [each for each in writes if each.kind == CUSTOM_DATA and each.stored is None and each.value is not None]
        if not new:
            return []
        block = contact.custom_data.get(new[0].app_id or "", {}) if contact is not None else {}
        room = max(self.custom_keys - len(block), 0)
        reason = f"a contact holds at most {self.custom_keys} custom keys in one app (W10)"
        return [Refusal(field=each.field, reason=reason) for each in new[room:]]
