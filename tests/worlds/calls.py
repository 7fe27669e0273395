"""The calls of a small world: two people, two sessions, the site's server and an agent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from hullo.value import Value

Evidence = Literal["none", "hash", "token"]
Kind = Literal["identify", "upsert", "message", "reset", "nobody", "erase", "undo"]

EXTERNAL_IDS = ("ann", "bob")
EMAILS = ("ann@example.com", "bob@example.com")
SESSIONS = ("first", "second")


class Call(Value):
    """One call. `caller` is a session, or `server` for everything with an API key."""

    kind: Kind
    caller: str
    external_id: str | None = None
    email: str | None = None
    evidence: Evidence = "none"
    source: Literal["page", "prompt"] = "page"

    def __str__(self) -> str:
        """Write the call as the explorer reports it."""
        parts = [self.caller, self.kind, self.external_id, self.email]
        parts += [self.evidence if self.evidence != "none" else None, "typed" if self.source == "prompt" else None]
        return " ".join(part for part in parts if part is not None)

    @property
    def identifiers(self) -> frozenset[str]:
        """Return the identifiers that the call names."""
        return frozenset(name for name in (self.external_id, self.email) if name is not None)

    def proven(self, *, email_trusted: bool = False) -> frozenset[str]:
        """Return the identifiers that the call proves (V1, V2, V5). `email_trusted`: `email_match=trusted`."""
        if self.caller == "server":
            return self.identifiers if self.kind == "upsert" else frozenset()
        if self.evidence == "token" or (self.evidence == "hash" and email_trusted):
            return self.identifiers
        if self.evidence == "hash":
            return frozenset({self.external_id or self.email or ""})
        return frozenset()


def all_calls() -> tuple[Call, ...]:
    """List every call of the world."""
    return tuple(_calls())


def _calls() -> Iterator[Call]:
    pairs = [(external_id, email) for external_id in (None, *EXTERNAL_IDS) for email in (None, *EMAILS)]
    for external_id, email in pairs:
        if external_id is None and email is None:
            continue
        for session in SESSIONS:
            # Over one identifier a token proves what a hash proves.
            kinds: tuple[Evidence, ...] = ("none", "hash", "token") if external_id and email else ("none", "hash")
            for evidence in kinds:
                yield Call(kind="identify", caller=session, external_id=external_id, email=email, evidence=evidence)
            if external_id is None:
                yield Call(kind="identify", caller=session, email=email, source="prompt")
        yield Call(kind="upsert", caller="server", external_id=external_id, email=email)
    for session in SESSIONS:
        # Without an identifier: a call about the known visitor (M6).
        yield Call(kind="identify", caller=session)
        yield Call(kind="message", caller=session)
        yield Call(kind="reset", caller=session)
        yield Call(kind="nobody", caller=session)
    for name in EXTERNAL_IDS:
        yield Call(kind="erase", caller="server", external_id=name)
    for name in EMAILS:
        yield Call(kind="erase", caller="server", email=name)
    yield Call(kind="undo", caller="server")
