"""How much a session is trusted about a contact."""

from __future__ import annotations

from enum import IntEnum


class Standing(IntEnum):
    """`CLAIMED < OWNED < PROVEN`; comparable, so that a policy can write `written.standing < standing`.

    `CLAIMED`: only the visitor states it. `OWNED`: unproven, but this visitor created the contact. `PROVEN`: the
    contact was matched by a proven identifier, or the writer is the server API, an agent or an import.
    """

    CLAIMED = 1
    OWNED = 2
    PROVEN = 3

    @property
    def label(self) -> str:
        """Return the name for traces and agents."""
        return self.name.lower()

    @property
    def public_label(self) -> str:
        """Return the name for browsers: `claimed` for `OWNED` too, which would reveal a new contact (H2)."""
        # H2: `owned` tells that the contact did not exist before, and so that another one is a customer.
        return "proven" if self is Standing.PROVEN else "claimed"
