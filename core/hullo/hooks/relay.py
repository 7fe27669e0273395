"""The typed face of pluggy: one method a hook, and the rules by which answers become one.

pluggy keeps the register, the specs and their checks; the relay reads the implementations from it once and calls
them one at a time. It needs that, since the trace names who answered what, and since an observer that fails must
not keep the next from being told.
"""

from __future__ import annotations

import difflib
import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from hullo.errors import HulloError, PluginError
from hullo.hooks.specs import HOOK_NAMES, PROJECT, Specs
from hullo.hooks.writes import Refusal, Write
from hullo.model.app import App
from hullo.model.claim import Claim
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, ConversationId
from hullo.model.event import Event
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.model.match import Candidates, Match
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof
from hullo.model.standing import Standing
from hullo.model.visitor import VisitorId

if TYPE_CHECKING:
    import click
    from starlette.routing import BaseRoute

    from hullo.app import Hullo

_log = logging.getLogger("hullo.hooks")

Answer = TypeVar("Answer")
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class _Implementation:
    """One plugin's answer to one hook."""

    plugin: object
    plugin_name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    def ask(self, given: Mapping[str, object]) -> Any:
        return self.function(*[given[name] for name in self.arguments])


class Relay:
    """Asks plugins, in the order they were given.

    Raises `PluginError` when a plugin could never work: without a name or with one that is taken, with no hook at
    all, with a hook or an argument that does not exist, asynchronous, or a generator where an answer is needed.
    """

    def __init__(self, plugins: Sequence[object]) -> None:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(Specs)
        names: list[str] = []
        for plugin in plugins:
            name = _name_of(plugin)
            if name in names:
                raise PluginError(f"two plugins are named {name!r}: rename one, or leave one out with 'without'")
            _refuse_unusable(plugin, name)
            names.append(name)
        # pluggy asks the last registered first; here the configured order is the order of asking.
        for plugin, name in reversed(list(zip(plugins, names, strict=True))):
            _register(manager, plugin, name)
        manager.check_pending()
        self.plugin_names = tuple(names)
        self._implementations = {hook: _implementations(manager, hook) for hook in HOOK_NAMES}
        self.verifying_waits = self._any_waits("verify_claim")
        self.observing_waits = any(
            self._any_waits(hook) for hook in ("identified", "identify_refused", "event_committed")
        )

    def hooks_of(self, plugin_name: str) -> tuple[str, ...]:
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

    def link_conversations(
        self, claim: Claim, standing: Standing, visitor: VisitorId, conversations: Sequence[Conversation]
    ) -> frozenset[ConversationId]:
        """The ids to link; only of conversations that were asked about."""
        given = {"claim": claim, "standing": standing, "visitor": visitor, "conversations": conversations}
        asked = frozenset(conversation.id for conversation in conversations)
        return asked & {answer for _, answer in self._collect_each("link_conversations", str, given)}

    # Observing: after commit

    def identified(self, outcome: Outcome) -> None:
        self._tell("identified", {"outcome": outcome})

    def identify_refused(self, error: HulloError, app: App | None, request_id: str) -> None:
        self._tell("identify_refused", {"error": error, "app": app, "request_id": request_id})

    def event_committed(self, event: Event) -> None:
        self._tell("event_committed", {"event": event})

    # Living

    def startup(self, hullo: Hullo) -> None:
        for implementation in self._implementations["startup"]:
            implementation.ask({"hullo": hullo})

    def shutdown(self, hullo: Hullo) -> None:
        for implementation in reversed(self._implementations["shutdown"]):
            _ask_isolated("shutdown", implementation, {"hullo": hullo})

    def routes(self, hullo: Hullo) -> tuple[BaseRoute, ...]:
        from starlette.routing import BaseRoute

        return tuple(route for _, route in self._collect_each("routes", BaseRoute, {"hullo": hullo}))

    def commands(self, hullo: Hullo) -> tuple[click.Command, ...]:
        import click

        return tuple(command for _, command in self._collect_each("commands", click.Command, {"hullo": hullo}))

    def _any_waits(self, hook: str) -> bool:
        # A plugin that does not say so may do I/O: the safe guess is that it waits.
        return any(getattr(each.plugin, "waits", True) for each in self._implementations[hook])

    def _collect(self, hook: str, kind: type[Kind], given: Mapping[str, object]) -> Iterator[tuple[str, Kind]]:
        for implementation in self._implementations[hook]:
            answer = implementation.ask(given)
            if answer is not None:
                yield implementation.plugin_name, _checked(answer, kind, hook, implementation.plugin_name)

    def _collect_each(self, hook: str, kind: type[Kind], given: Mapping[str, object]) -> Iterator[tuple[str, Kind]]:
        collection: type[Any] = Iterable
        for name, answers in self._collect(hook, collection, given):
            for answer in answers:
                yield name, _checked(answer, kind, hook, name)

    def _tell(self, hook: str, given: Mapping[str, object]) -> None:
        for implementation in self._implementations[hook]:
            _ask_isolated(hook, implementation, given)


def _ask_isolated(hook: str, implementation: _Implementation, given: Mapping[str, object]) -> None:
    try:
        implementation.ask(given)
    except Exception as error:
        # The type and the place, not the message: that may quote a person's data (P4).
        _log.error("plugin %s failed in %s: %s", implementation.plugin_name, hook, type(error).__name__)
        _log.debug("", exc_info=error)


def _checked(answer: object, kind: type[Kind], hook: str, plugin_name: str) -> Kind:
    if isinstance(answer, kind):
        return answer
    raise PluginError(
        f"plugin {plugin_name!r} answered {hook} with {type(answer).__name__}; it must give {kind.__name__} or None"
    )


def _implementations(manager: pluggy.PluginManager, hook: str) -> tuple[_Implementation, ...]:
    last_first = getattr(manager.hook, hook).get_hookimpls()
    return tuple(
        _Implementation(each.plugin, each.plugin_name, each.function, tuple(each.argnames))
        for each in reversed(last_first)
    )


def _register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    try:
        manager.register(plugin, name)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"plugin {name!r}: {error}") from error


def _name_of(plugin: object) -> str:
    name = getattr(plugin, "name", None)
    if isinstance(name, str) and name:
        return name
    raise PluginError(f'{type(plugin).__name__} needs a name: add a line such as  name = "loyalty-card"')


def _refuse_unusable(plugin: object, name: str) -> None:
    """Finds what pluggy would accept in silence, or refuse in words that help nobody."""
    answered = 0
    for attribute, member in inspect.getmembers_static(type(plugin)):
        function: Any = getattr(member, "__func__", member)  # of a static or class method
        options = getattr(function, f"{PROJECT}_impl", None)
        if options is None:
            if attribute in HOOK_NAMES and inspect.isfunction(function):
                raise PluginError(f"plugin {name!r}: {attribute} is a hook's name; decorate it with @hookimpl")
            continue
        answered += 1
        _refuse_method(name, attribute, function, options)
    if not answered:
        raise PluginError(f"plugin {name!r} answers no hook: decorate its methods with @hookimpl")


def _refuse_method(name: str, hook: str, function: Callable[..., object], options: Mapping[str, object]) -> None:
    where = f"plugin {name!r}: {hook}"
    if hook not in HOOK_NAMES or options.get("specname"):
        near = difflib.get_close_matches(hook, HOOK_NAMES, n=1)
        meant = f"did you mean {near[0]}?" if near else f"the hooks are {', '.join(HOOK_NAMES)}"
        raise PluginError(f"{where} is no hook; {meant}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(
            f"{where} is async, but the pipeline is synchronous: write 'def'. To ask another system, do it in "
            "verify_claim, which runs in a worker thread"
        )
    if inspect.isgeneratorfunction(function):
        raise PluginError(f"{where} is a generator: collect the answers and return a list")
    chosen = [option for option in ("tryfirst", "trylast", "wrapper", "hookwrapper") if options.get(option)]
    if chosen:
        raise PluginError(f"{where} sets {chosen[0]}: plugins are asked in the order of the list, so move it there")
    known = [each for each in inspect.signature(getattr(Specs, hook)).parameters if each != "self"]
    for argument in list(inspect.signature(function).parameters.values()):
        if argument.name in {"self", "cls"}:
            continue
        if argument.name not in known:
            near = difflib.get_close_matches(argument.name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"it may take {', '.join(known)}"
            raise PluginError(f"{where} takes {argument.name!r}, which the hook does not give; {meant}")
        if argument.default is not argument.empty or argument.kind is not argument.POSITIONAL_OR_KEYWORD:
            raise PluginError(f"{where}: write the argument {argument.name!r} plainly, without * or a default")
