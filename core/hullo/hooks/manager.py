"""A typed interface to pluggy: one method a hook, and the rules by which several answers become one.

pluggy keeps the plugins, the specs and their checks. The implementations are read from it once and then called one at
a time, as the trace names the plugin behind each answer, and as an observer that fails must not stop the next one.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

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

Kind = TypeVar("Kind")

_answer = itemgetter(1)
_id = attrgetter("id")


class _Call(NamedTuple):
    """How to ask one plugin."""

    plugin_name: str
    function: Callable[..., Any]
    pick: Callable[[tuple[object, ...]], tuple[object, ...]]
    """Picks the arguments that the function takes from those of the hook. Written in C, as it runs for every answer."""


class _Hook(Value):
    """One hook, compiled: the calls to make, in order, and what becomes of their answers."""

    name: str
    calls: tuple[_Call, ...]
    is_first_result: bool
    """Whether the first answer that is not None is the only one."""
    is_list: bool
    """Whether each answer is a list of answers."""

    # An identify that changes nothing asks eight hooks. So there is one frame for all plugins of a hook, with neither
    # comprehensions nor generators in it, and methods of the manager do not come here where no plugin answers.
    def ask(self, kind: type[Kind], *arguments: object) -> list[tuple[str, Kind]]:
        """Return the answers, each with the name of its plugin. Raises `PluginError` for a plugin that fails."""
        answers: list[tuple[str, Kind]] = []
        for plugin_name, function, pick in self.calls:
            try:
                answer = function(*pick(arguments))
            except HulloError:
                raise
            except (Exception, SystemExit) as error:
                # By name, and without the message: that may quote a person's data (P4).
                failed = f"plugin {plugin_name!r} failed in {self.name}: {type(error).__name__}"
                # The whole call fails: to skip a verifier or a policy would let pass what it refuses.
                raise PluginError(failed) from error
            if answer is None:
                continue
            if self.is_list:
                # A string is iterable too, and would become one answer for each letter.
                if not isinstance(answer, Iterable) or isinstance(answer, str):
                    raise _wrong_type_error(answer, f"a list of {kind.__name__}", self.name, plugin_name)
                for item in cast("Iterable[object]", answer):
                    if not isinstance(item, kind):
                        raise _wrong_type_error(item, kind.__name__, self.name, plugin_name)
                    answers.append((plugin_name, item))
            elif not isinstance(answer, kind):
                raise _wrong_type_error(answer, kind.__name__, self.name, plugin_name)
            else:
                answers.append((plugin_name, answer))
                if self.is_first_result:
                    break
        return answers

    def notify(self, *arguments: object, calls: Iterable[_Call] | None = None) -> None:
        """Call the plugins, each isolated: one that raises is logged, and the next one is called. Never raises."""
        for plugin_name, function, pick in self.calls if calls is None else calls:
            try:
                function(*pick(arguments))
            # `sys.exit` too: raised in a thread, it would end that thread without a word.
            except (Exception, SystemExit) as error:
                # The type and the place, not the message: that may quote a person's data (P4).
                _log.error("plugin %s failed in %s: %s", plugin_name, self.name, type(error).__name__)
                _log.debug("", exc_info=error)


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
            # The name is what the trace, `without` and `precedes` go by.
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
        self._hooks = {hook: _compile(manager, hook) for hook in HOOK_NAMES}
        blocking = {name for plugin, name in zip(plugins, names, strict=True) if _may_block(plugin)}
        self.verify_may_block = not blocking.isdisjoint(self._plugins_answering("verify_claim"))
        self.observers_may_block = not blocking.isdisjoint(
            [*self._plugins_answering("identified"), *self._plugins_answering("identify_refused")]
        )

    def implemented_hooks(self, plugin_name: str) -> tuple[str, ...]:
        """Return the hooks that the named plugin answers, in the order in which the pipeline asks."""
        return tuple(hook for hook in self._hooks if plugin_name in self._plugins_answering(hook))

    # Verification

    def verify_claim(self, claim: Claim, app: App, now: Instant) -> tuple[Proof, ...]:
        """Return the proofs of all verifiers. Raises the first `ProofRejected`."""
        hook = self._hooks["verify_claim"]
        return tuple(map(_answer, hook.ask(Proof, claim, app, now))) if hook.calls else ()

    def read_token(self, text: str, app: App, now: Instant) -> TokenClaims | None:
        """Return the first answer. Raises `ProofRejected`."""
        hook = self._hooks["read_token"]
        answers = hook.ask(TokenClaims, text, app, now) if hook.calls else None
        return answers[0][1] if answers else None

    def explain_proof(self, claim: Claim, app: App, now: Instant) -> tuple[Mistake, ...]:
        """Return the mistakes that all plugins recognise."""
        return tuple(map(_answer, self._hooks["explain_proof"].ask(Mistake, claim, app, now)))

    # Deciding: pure

    def name_identifiers(self, claim: Claim) -> tuple[tuple[str, Identifier], ...]:
        """Return each identifier once, with the plugin that named it first."""
        hook = self._hooks["name_identifiers"]
        if not hook.calls:
            return ()
        named: dict[Identifier, tuple[str, Identifier]] = {}
        for answer in hook.ask(Identifier, claim):
            # The first one that named it counts: `precedes` compares the order of plugins by it (M4).
            named.setdefault(answer[1], answer)
        return tuple(named.values())

    def match_contact(self, claim: Claim, proofs: Sequence[Proof], candidates: Candidates) -> tuple[str, Match] | None:
        """Return the first answer, with its plugin."""
        hook = self._hooks["match_contact"]
        answers = hook.ask(Match, claim, proofs, candidates) if hook.calls else None
        return answers[0] if answers else None

    def precedes(self, plugin_name: str, other: str) -> bool:
        """Whether the one plugin is asked before the other."""
        return self.plugin_names.index(plugin_name) < self.plugin_names.index(other)

    def review_writes(
        self, claim: Claim, standing: Standing, contact: Contact | None, writes: Sequence[Write]
    ) -> dict[str, tuple[str, Refusal]]:
        """Return by field the first refusal, with its plugin."""
        hook = self._hooks["review_writes"]
        refusals: dict[str, tuple[str, Refusal]] = {}
        if hook.calls:
            for answer in hook.ask(Refusal, claim, standing, contact, writes):
                # One refusal is enough, since deny wins; the first gives the reason.
                refusals.setdefault(answer[1].field, answer)
        return refusals

    def plan_merge(
        self, claim: Claim, proofs: Sequence[Proof], survivor: Contact, other: Contact
    ) -> tuple[str, MergePlan] | None:
        """Return the first answer, with its plugin."""
        hook = self._hooks["plan_merge"]
        answers = hook.ask(MergePlan, claim, proofs, survivor, other) if hook.calls else None
        return answers[0] if answers else None

    def link_conversations(
        self, claim: Claim, standing: Standing, visitor: VisitorId, conversations: Sequence[Conversation]
    ) -> dict[ConversationId, str]:
        """Return the ids to link, each with the plugin that asked for it first. Leaves out ids that are not among
        `conversations`."""
        hook = self._hooks["link_conversations"]
        chosen: dict[ConversationId, str] = {}
        if hook.calls:
            known = set(map(_id, conversations))
            for plugin_name, conversation_id in hook.ask(str, claim, standing, visitor, conversations):
                # L2: an id from elsewhere would link another visitor's conversation.
                if conversation_id in known:
                    chosen.setdefault(conversation_id, plugin_name)
        return chosen

    def issue_token(self, session: Session, audience: App, moment: RequestContext, source: App) -> str | None:
        """Return the first answer."""
        answers = self._hooks["issue_token"].ask(str, session, audience, moment, source)
        return answers[0][1] if answers else None

    # Observing: after commit

    def identified(self, outcome: Outcome) -> None:
        """Call the observers of identifies that succeeded, each isolated."""
        hook = self._hooks["identified"]
        if hook.calls:
            hook.notify(outcome)

    def identify_refused(self, error: HulloError, app: App | None, request_id: str) -> None:
        """Call the observers of identifies that failed, each isolated."""
        self._hooks["identify_refused"].notify(error, app, request_id)

    def event_committed(self, event: Event) -> None:
        """Call the observers of events, each isolated."""
        self._hooks["event_committed"].notify(event)

    # Start, end, and what plugins add

    def startup(self, hullo: Host) -> None:
        """Start the plugins in order. Raises what a plugin raises, and starts no further one."""
        for call in self._hooks["startup"].calls:
            # Not isolated: a plugin that cannot start must stop the start, or its rule would silently be missing.
            call.function(*call.pick((hullo,)))

    def shutdown(self, hullo: Host) -> None:
        """Stop the plugins in reverse order, each isolated."""
        hook = self._hooks["shutdown"]
        # Reversed: a plugin may use until its end what an earlier one has started.
        hook.notify(hullo, calls=reversed(hook.calls))

    def routes(self, hullo: Host) -> tuple[BaseRoute, ...]:
        """Return the routes of all plugins."""
        from starlette.routing import BaseRoute

        return tuple(map(_answer, self._hooks["routes"].ask(BaseRoute, hullo)))

    def commands(self, hullo: Host) -> tuple[click.Command, ...]:
        """Return the commands of all plugins."""
        import click

        return tuple(map(_answer, self._hooks["commands"].ask(click.Command, hullo)))

    def _plugins_answering(self, hook: str) -> list[str]:
        return [call.plugin_name for call in self._hooks[hook].calls]


def _may_block(plugin: object) -> bool:
    # A plugin that does not say so may do I/O: the safe guess is that it waits.
    return bool(getattr(plugin, "waits", True))


def _wrong_type_error(answer: object, wanted: str, hook: str, plugin_name: str) -> PluginError:
    given = type(answer).__name__
    return PluginError(f"plugin {plugin_name!r} answered {hook} with {given}; it must give {wanted} or None")


def _compile(manager: pluggy.PluginManager, hook: str) -> _Hook:
    signature = inspect.signature(getattr(Specs, hook))
    given = [name for name in signature.parameters if name != "self"]
    caller = getattr(manager.hook, hook)
    # pluggy keeps them as it asks, the last registered last.
    implementations = reversed(caller.get_hookimpls())
    return _Hook(
        name=hook,
        calls=tuple(
            _Call(implementation.plugin_name, implementation.function, _picker(implementation.argnames, given))
            for implementation in implementations
        ),
        is_first_result=caller.spec.opts["firstresult"],
        is_list=signature.return_annotation.startswith("Iterable["),
    )


def _picker(names: Sequence[str], given: Sequence[str]) -> Callable[[tuple[object, ...]], tuple[object, ...]]:
    """Make a function that picks the named arguments from all that are given. Not a Python one: it costs no frame."""
    if list(names) == list(given):
        return tuple
    indexes = [given.index(name) for name in names]
    if len(indexes) > 1:
        return itemgetter(*indexes)
    # Of one index, itemgetter gives no tuple.
    start = indexes[0] if indexes else 0
    return itemgetter(slice(start, start + len(indexes)))


class _PluggyManager(pluggy.PluginManager):
    # pluggy would look at every attribute, those of `object` too, for each plugin of each hullo that is built.
    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return super().parse_hookimpl_opts(plugin, name) if is_hook_candidate(name) else None


def _register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    try:
        manager.register(plugin, name)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"plugin {name!r}: {error}") from error
