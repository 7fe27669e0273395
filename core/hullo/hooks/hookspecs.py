"""The plugin contract: every question the pipeline asks, in the order in which it asks them.

A plugin is an ordinary class with a `name`, its settings in `__init__`, and methods decorated with `hookimpl` that
take only the arguments they use. Plugins are asked in the order of the configured list.

The hooks from `name_identifiers` to `link_conversations` are **pure**: no I/O, no clock, no randomness. They may
be asked more than once for one request, each time about a fresh snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import pluggy

from hullo.errors import HulloError
from hullo.hooks.host import Host
from hullo.model.app import App
from hullo.model.claim import Claim
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, ConversationId
from hullo.model.event import Event
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.model.match import Candidates, Match
from hullo.model.merge import MergePlan
from hullo.model.mistake import Mistake
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims
from hullo.model.visitor import Session, VisitorId
from hullo.model.write import Refusal, Write

# Types alone: neither click nor Starlette is needed by a program that has no server.
if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute

PROJECT: Final = "hullo"

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Decorates a plugin's method to say that it answers the hook of the same name."""

hookspec = pluggy.HookspecMarker(PROJECT)


# A class and no protocol: type checkers take every method of an inherited protocol for abstract, and a plugin answers
# some hooks only.
class Specs:
    """One method a hook: its signature is the contract, its docstring the promise.

    A plugin need not inherit it. One that does has its signatures checked by mypy and pyright, and then takes every
    argument of the hooks it answers. What it inherits and does not decorate is not asked.
    """

    @hookspec
    def verify_claim(self, claim: Claim, app: App, now: Instant) -> Proof | None:
        """Is this claim vouched for, and what of it?

        None means "not mine": the claim holds no evidence of the kind this plugin reads. Raise `ProofRejected`
        when the evidence is mine, and wrong. All proofs add up.

        Asked before anything is loaded, and again when the app has changed meanwhile, so it must be harmless to
        repeat. The only question that may ask another system: it is asked in a thread of its own, which holds up no
        other request, unless the plugin says `waits = False`.
        """
        return None

    @hookspec(firstresult=True)
    def read_token(self, text: str, app: App, now: Instant) -> TokenClaims | None:
        """Whose identity does this token carry here (T1, T5)?

        Stops at the first answer that is not None. None means "not mine": a token that no plugin reads is shown to
        `verify_claim`, as `claim.identity_token`. Raise `ProofRejected` when it is mine, and wrong, or not for this
        app. The pipeline checks that the token's session is still good, and that the token was not used before.
        """
        return None

    @hookspec
    def explain_proof(self, claim: Claim, app: App, now: Instant) -> Iterable[Mistake]:
        """What is wrong with this evidence, in words for the developer who makes it (V8)?

        Asked by `hullo check` and its endpoint, which browsers cannot reach, about one piece of evidence at a time.
        A mistake found in evidence that is right is a warning. Collected from all; an empty list means "not mine", or
        "nothing that I recognise": the caller then gets the words of the refusal. The answer never holds a secret, nor
        the right hash: a caller who may ask need not be allowed to sign.
        """
        return ()

    @hookspec
    def name_identifiers(self, claim: Claim) -> Iterable[Identifier]:
        """By which identifiers should people be looked up?

        The union of all answers is looked up in one go, and kept: once matched or created, the contact owns what
        was named (W7), so the next visitor with that card is found. Blanks and known non-identities are left
        out for you (M5).
        """
        return ()

    @hookspec(firstresult=True)
    def match_contact(self, claim: Claim, proofs: Sequence[Proof], candidates: Candidates) -> Match | None:
        """Which of the found is it?

        Stops at the first answer that is not None, in the order of the configured list (M4). When no plugin answers,
        a contact is created (M3).
        """
        return None

    @hookspec
    def review_writes(
        self, claim: Claim, standing: Standing, contact: Contact | None, writes: Sequence[Write]
    ) -> Iterable[Refusal]:
        """Which of these writes must not happen?

        Collected from all, and deny wins: a write that any plugin refuses is not made. `contact` is None for one
        that is about to be created.
        """
        return ()

    @hookspec(firstresult=True)
    def plan_merge(self, claim: Claim, proofs: Sequence[Proof], survivor: Contact, other: Contact) -> MergePlan | None:
        """Are these two one person, so that the survivor absorbs the other (C1)?

        Asked about the matched contact and each other contact that an identifier of the call belongs to. Stops at the
        first answer that is not None. A plan alone absorbs no contact: the call must prove both of them (C6), and a
        contact with an external id is never absorbed by one that has another (C2). When no plugin answers, the two are
        a conflict.
        """
        return None

    @hookspec
    def link_conversations(
        self, claim: Claim, standing: Standing, visitor: VisitorId, conversations: Sequence[Conversation]
    ) -> Iterable[ConversationId]:
        """Which of this visitor's conversations should belong to the contact from now on?

        `conversations` are those without a contact; an id that is not among them is ignored (L2). The union of
        all answers is linked in the same transaction.
        """
        return ()

    @hookspec(firstresult=True)
    def issue_token(self, session: Session, audience: App, moment: RequestContext, source: App) -> str | None:
        """Which token carries this session's identity to that app (T1)?

        Stops at the first answer that is not None; None where this plugin can make none. The token must be read by
        the plugin's own `read_token`, must be good for minutes and for that app alone, and should name no person: it
        stands in addresses. `moment` holds the time and the randomness to use; `source` is the session's own app.
        """
        return None

    @hookspec
    def identified(self, outcome: Outcome) -> None:
        """Called after each identify that succeeded, once its writes are committed.

        Observers are isolated: one that raises is logged by name, and harms neither the caller nor the next. They
        are called in a thread of their own, unless all say `waits = False`.
        """
        ...

    @hookspec
    def identify_refused(self, error: HulloError, app: App | None, request_id: str) -> None:
        """Called after each identify that failed: a wrong proof, no identifier, a store out of reach. Isolated.

        `app` is None when the call named no app that exists, or was refused before that was known.
        """
        ...

    @hookspec
    def event_committed(self, event: Event) -> None:
        """Called with each event (rules E) after its commit, in a thread of its own. Isolated.

        Called at least once, and with one contact's events in their order (R4); after a crash it may be called again.
        Where several processes share a store, one of them makes the call, not always the one that made the event.
        """
        ...

    @hookspec
    def startup(self, hullo: Host) -> None:
        """Called in order when hullo opens, after the store. Raising stops the start."""
        ...

    @hookspec
    def shutdown(self, hullo: Host) -> None:
        """Called in reverse order when hullo closes, before the store; for every plugin, whatever another raised."""
        ...

    @hookspec
    def routes(self, hullo: Host) -> Iterable[BaseRoute]:
        """Which Starlette routes does this plugin serve under hullo's prefix? hullo's own paths come first."""
        return ()

    @hookspec
    def commands(self, hullo: Host) -> Iterable[click.Command]:
        """Which commands does this plugin add to the command line? A name that is taken is refused."""
        return ()


HOOK_NAMES: Final = tuple(name for name in vars(Specs) if not name.startswith("_"))
"""Every hook, in the order in which the pipeline asks."""
