"""The typed face of pluggy: one method a hook, and the rules by which answers become one.

pluggy keeps the register, the specs and their checks; the relay reads the implementations from it once and calls
them one at a time. It needs that, since the trace names who answered what, and since an observer that fails must
not keep the next from being told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pluggy

from hullo.errors import HulloError, PluginError
from hullo.hooks.hookspecs import HOOK_NAMES, PROJECT, Specs
from hullo.hooks.host import Host
from hullo.hooks.validation import is_hook_candidate, require_name, validate_plugin
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
from hullo.value import Value

if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute

_log = logging.getLogger("hullo.hooks")

Answer = TypeVar("Answer")
Kind = TypeVar("Kind")


class _Implementation(Value, kw_only=False):
    """One plugin's answer to one hook."""

    plugin: object
    plugin_name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    def call(self, arguments: Mapping[str, object]) -> Any:
        return self.function(*[arguments[name] for name in self.arguments])


class PluginManager:
    """Asks plugins, in the order they were given.

    Raises `PluginError` when a plugin could never work: without a name or with one that is taken, with no hook at
    all, with a hook or an argument that does not exist, asynchronous, or a generator where an answer is needed.
    """

    def __init__(self, plugins: Sequence[object]) -> None:
        manager = _PluggyManager(PROJECT)
        manager.add_hookspecs(Specs)
        names: list[str] = []
        for plugin in plugins:
            name = require_name(plugin)
            if name in names:
                raise PluginError(f"two plugins are named {name!r}: rename one, or leave one out with 'without'")
            validate_plugin(plugin, name)
            names.append(name)
        # pluggy asks the last registered first; here the configured order is the order of asking.
        for plugin, name in reversed(list(zip(plugins, names, strict=True))):
            _register(manager, plugin, name)
        # An implementation that no spec knows would never be asked.
        manager.check_pending()
        self.plugin_names = tuple(names)
        self._implementations = {hook: _implementations(manager, hook) for hook in HOOK_NAMES}
        self.verify_may_block = self._any_may_block("verify_claim")
        self.observers_may_block = any(self._any_may_block(hook) for hook in ("identified", "identify_refused"))

    def implemented_hooks(self, plugin_name: str) -> tuple[str, ...]:
        """The hooks that the named plugin answers, in the order in which the pipeline asks."""
        return tuple(
            hook
            for hook, implementations in self._implementations.items()
            if any(implementation.plugin_name == plugin_name for implementation in implementations)
        )

    # Verification

    def verify_claim(self, claim: Claim, app: App, now: Instant) -> tuple[Proof, ...]:
        """Every proof that any verifier gave. Raises the first `ProofRejected`."""
        given = {"claim": claim, "app": app, "now": now}
        return tuple(proof for _, proof in self._collect("verify_claim", Proof, given))

    def read_token(self, text: str, app: App, now: Instant) -> TokenClaims | None:
        """The first answer. Raises `ProofRejected`."""
        given = {"text": text, "app": app, "now": now}
        return next((claims for _, claims in self._collect("read_token", TokenClaims, given)), None)

    def explain_proof(self, claim: Claim, app: App, now: Instant) -> tuple[Mistake, ...]:
        """Everything that anybody recognised."""
        given = {"claim": claim, "app": app, "now": now}
        return tuple(mistake for _, mistake in self._collect_each("explain_proof", Mistake, given))

    # Deciding: pure

    def name_identifiers(self, claim: Claim) -> tuple[tuple[str, Identifier], ...]:
        """Each identifier once, with the plugin that named it first."""
        named: dict[Identifier, str] = {}
        for name, answer in self._collect_each("name_identifiers", Identifier, {"claim": claim}):
            named.setdefault(answer, name)
        return tuple((name, identifier) for identifier, name in named.items())

    def match_contact(self, claim: Claim, proofs: Sequence[Proof], candidates: Candidates) -> tuple[str, Match] | None:
        """The first answer, with the plugin whose it is."""
        given = {"claim": claim, "proofs": proofs, "candidates": candidates}
        return next(self._collect("match_contact", Match, given), None)

    def precedes(self, plugin_name: str, other: str) -> bool:
        """Whether the one plugin is asked before the other."""
        return self.plugin_names.index(plugin_name) < self.plugin_names.index(other)

    def review_writes(
        self, claim: Claim, standing: Standing, contact: Contact | None, writes: Sequence[Write]
    ) -> dict[str, tuple[str, Refusal]]:
        """By field, the first refusal and the plugin whose it is."""
        given = {"claim": claim, "standing": standing, "contact": contact, "writes": writes}
        refusals: dict[str, tuple[str, Refusal]] = {}
        for name, refusal in self._collect_each("review_writes", Refusal, given):
            refusals.setdefault(refusal.field, (name, refusal))
        return refusals

    def plan_merge(
        self, claim: Claim, proofs: Sequence[Proof], survivor: Contact, other: Contact
    ) -> tuple[str, MergePlan] | None:
        """The first answer, with the plugin whose it is."""
        given = {"claim": claim, "proofs": proofs, "survivor": survivor, "other": other}
        return next(self._collect("plan_merge", MergePlan, given), None)

    def link_conversations(
        self, claim: Claim, standing: Standing, visitor: VisitorId, conversations: Sequence[Conversation]
    ) -> dict[ConversationId, str]:
        """The ids to link, each with the plugin that asked for it first; only conversations that were asked about."""
        given = {"claim": claim, "standing": standing, "visitor": visitor, "conversations": conversations}
        asked = {conversation.id for conversation in conversations}
        chosen: dict[ConversationId, str] = {}
        for name, conversation_id in self._collect_each("link_conversations", str, given):
            if conversation_id in asked:
                chosen.setdefault(conversation_id, name)
        return chosen

    def issue_token(self, session: Session, audience: App, moment: RequestContext) -> str | None:
        """The first answer."""
        given = {"session": session, "audience": audience, "moment": moment}
        return next((text for _, text in self._collect("issue_token", str, given)), None)

    # Observing: after commit

    def identified(self, outcome: Outcome) -> None:
        self._notify("identified", {"outcome": outcome})

    def identify_refused(self, error: HulloError, app: App | None, request_id: str) -> None:
        self._notify("identify_refused", {"error": error, "app": app, "request_id": request_id})

    def event_committed(self, event: Event) -> None:
        self._notify("event_committed", {"event": event})

    # Living

    def startup(self, hullo: Host) -> None:
        for implementation in self._implementations["startup"]:
            implementation.call({"hullo": hullo})

    def shutdown(self, hullo: Host) -> None:
        for implementation in reversed(self._implementations["shutdown"]):
            _call_isolated("shutdown", implementation, {"hullo": hullo})

    def routes(self, hullo: Host) -> tuple[BaseRoute, ...]:
        from starlette.routing import BaseRoute

        return tuple(route for _, route in self._collect_each("routes", BaseRoute, {"hullo": hullo}))

    def commands(self, hullo: Host) -> tuple[click.Command, ...]:
        import click

        return tuple(command for _, command in self._collect_each("commands", click.Command, {"hullo": hullo}))

    def _any_may_block(self, hook: str) -> bool:
        # A plugin that does not say so may do I/O: the safe guess is that it waits.
        return any(getattr(each.plugin, "waits", True) for each in self._implementations[hook])

    def _collect(self, hook: str, kind: type[Kind], given: Mapping[str, object]) -> Iterator[tuple[str, Kind]]:
        for implementation in self._implementations[hook]:
            try:
                answer = implementation.call(given)
            except HulloError:
                raise
            except Exception as error:
                # By name, and without the message: that may quote a person's data (P4).
                failed = f"plugin {implementation.plugin_name!r} failed in {hook}: {type(error).__name__}"
                raise PluginError(failed) from error
            if answer is not None:
                yield implementation.plugin_name, _require_type(answer, kind, hook, implementation.plugin_name)

    def _collect_each(self, hook: str, kind: type[Kind], given: Mapping[str, object]) -> Iterator[tuple[str, Kind]]:
        for name, answers in self._collect(hook, object, given):
            if not isinstance(answers, Iterable) or isinstance(answers, str):
                raise _wrong_type_error(answers, f"a list of {kind.__name__}", hook, name)
            for answer in cast("Iterable[object]", answers):
                yield name, _require_type(answer, kind, hook, name)

    def _notify(self, hook: str, given: Mapping[str, object]) -> None:
        for implementation in self._implementations[hook]:
            _call_isolated(hook, implementation, given)


def _call_isolated(hook: str, implementation: _Implementation, given: Mapping[str, object]) -> None:
    try:
        implementation.call(given)
    except Exception as error:
        # The type and the place, not the message: that may quote a person's data (P4).
        _log.error("plugin %s failed in %s: %s", implementation.plugin_name, hook, type(error).__name__)
        _log.debug("", exc_info=error)


def _require_type(answer: object, kind: type[Kind], hook: str, plugin_name: str) -> Kind:
    if isinstance(answer, kind):
        return answer
    raise _wrong_type_error(answer, kind.__name__, hook, plugin_name)


def _wrong_type_error(answer: object, wanted: str, hook: str, plugin_name: str) -> PluginError:
    given = type(answer).__name__
    return PluginError(f"plugin {plugin_name!r} answered {hook} with {given}; it must give {wanted} or None")


def _implementations(manager: pluggy.PluginManager, hook: str) -> tuple[_Implementation, ...]:
    last_first = getattr(manager.hook, hook).get_hookimpls()
    return tuple(
        _Implementation(each.plugin, each.plugin_name, each.function, tuple(each.argnames))
        for each in reversed(last_first)
    )


class _PluggyManager(pluggy.PluginManager):
    # pluggy would look at every attribute, those of `object` too, for each plugin of each hullo that is built.
    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return super().parse_hookimpl_opts(plugin, name) if is_hook_candidate(name) else None


def _register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    try:
        manager.register(plugin, name)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"plugin {name!r}: {error}") from error
