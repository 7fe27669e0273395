"""How far a session is believed about a contact."""

from __future__ import annotations

from enum import IntEnum


class Standing(IntEnum):
    """`CLAIMED < OWNED < PROVEN`; comparable, so a policy can say `written.standing < standing`.

    `CLAIMED`: the visitor says so. `OWNED`: unproven, but this visitor created the contact. `PROVEN`: the
    contact was reached through a proven identifier, or the writer is the server API, an agent or an import.
    """

    CLAIMED = 1
    OWNED = 2
    PROVEN = 3

    @property
    def label(self) -> str:
        """The name as stored in traces and shown to agents."""
        return self.name.lower()

    @property
    def public_label(self) -> str:
        """The name a browser is told: `claimed` for `OWNED` too, or it would learn who is new here (H2)."""
        return "proven" if self is Standing.PROVEN else "claimed"
