"""The plugin contract: order, isolation, and what is refused with a sentence that helps."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hullo.application import Hullo
from hullo.errors import PluginError, ProofRejected
from hullo.hooks.entry_points import BUILT_IN, build_plugins, installed_plugins
from hullo.hooks.hookspecs import HOOK_NAMES, Specs, hookimpl
from hullo.hooks.manager import PluginManager
from hullo.model.app import App
from hullo.model.claim import Claim
from hullo.model.contact import Contact
from hullo.model.event import Event
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.model.match import Candidates, Match
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof, SingleUseToken
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing
from hullo.model.token_claims import MAX_HOP_LIFETIME, TokenClaims
from hullo.model.visitor import Session
from hullo.model.write import Refusal, Write
from hullo.store.protocol import Store
from hullo.testing.builders import a_contact
from world import World


class Named:
    """A plugin that answers one harmless hook."""

    def __init__(self, name: str = "named") -> None:
        self.name = name

    @hookimpl
    def name_identifiers(self, claim: Claim) -> Sequence[Identifier]:
        return [Identifier("seen", self.name)]


def test_every_hook_is_documented() -> None:
    for hook in HOOK_NAMES:
        assert (getattr(Specs, hook).__doc__ or "").strip(), hook


def test_plugins_are_asked_in_list_order() -> None:
    manager = PluginManager([Named("a"), Named("b"), Named("c")])
    assert [name for name, _ in manager.name_identifiers(Claim())] == ["a", "b", "c"]
    assert manager.plugin_names == ("a", "b", "c")
    assert manager.implemented_hooks("a") == ("name_identifiers",)


def test_extra_plugins_precede_built_ins() -> None:
    class Cls(Named):
        name = "cls"

        def __init__(self) -> None:
            pass

    plugins = build_plugins([Named("instance"), Cls, "email"], without=["email"])
    assert [getattr(each, "name", None) for each in plugins] == [
        "instance",
        "cls",
        "email",
        *(name for name in BUILT_IN if name != "email"),
    ]


def test_built_in_plugins_are_offered_by_name() -> None:
    assert set(BUILT_IN) <= set(installed_plugins())


def test_built_in_order_is_that_of_pyproject() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    assert list(project["entry-points"]["hullo.plugins"]) == list(BUILT_IN)


def test_plugin_takes_hook_arguments_it_names() -> None:
    taken: list[tuple[object, ...]] = []

    class Takes:
        name = "takes"

        @hookimpl
        def match_contact(self, candidates: Candidates, claim: Claim) -> None:
            taken.append((candidates, claim))

        @hookimpl
        def name_identifiers(self) -> list[Identifier]:
            taken.append(())
            return []

        @hookimpl
        def plan_merge(self, survivor: Contact) -> None:
            taken.append((survivor,))

    claim, candidates, contact = Claim(), Candidates((), {}), a_contact("con_1")
    manager = PluginManager([Takes()])
    assert manager.match_contact(claim, (), candidates) is None
    assert manager.name_identifiers(claim) == ()
    assert manager.plan_merge(claim, (), contact, contact) is None
    assert taken == [(candidates, claim), (), (contact,)]


def bad(name: str, **members: Any) -> object:
    return type("Bad", (), {"name": name, **members})()


async def _async(self: object, claim: Claim) -> None: ...


def _generator(self: object, claim: Claim) -> Any:
    yield Identifier("a", "b")


def _wrong_argument(self: object, clam: Claim) -> None: ...


def _default(self: object, claim: Claim | None = None) -> None: ...


def _keyword_only(self: object, *, claim: Claim) -> None: ...


def _plain(self: object, claim: Claim) -> None: ...


@pytest.mark.parametrize(
    ("plugin", "sentence"),
    [
        (type("NoName", (), {"match_contact": hookimpl(_plain)})(), "NoName needs a name"),
        (bad("none"), "answers no hook"),
        (bad("async", match_contact=hookimpl(_async)), "is async, but the pipeline is synchronous"),
        (bad("gen", name_identifiers=hookimpl(_generator)), "is a generator: collect the answers"),
        (bad("typo", match_contacts=hookimpl(_plain)), "did you mean match_contact?"),
        (bad("far", whatever=hookimpl(_plain)), "the hooks are verify_claim"),
        (bad("argument", match_contact=hookimpl(_wrong_argument)), "did you mean claim?"),
        (bad("default", match_contact=hookimpl(_default)), "write the argument 'claim' plainly"),
        (bad("keyword", match_contact=hookimpl(_keyword_only)), "write the argument 'claim' plainly"),
        (bad("first", match_contact=hookimpl(tryfirst=True)(_plain)), "sets tryfirst"),
        (bad("bare", match_contact=lambda self, claim: None), "decorate it with @hookimpl"),
    ],
)
def test_unworkable_plugin_is_refused_with_advice(plugin: object, sentence: str) -> None:
    with pytest.raises(PluginError) as refused:
        PluginManager([plugin])
    assert sentence in refused.value.detail


def test_duplicate_plugin_name_is_refused() -> None:
    with pytest.raises(PluginError, match="two plugins are named 'a'"):
        PluginManager([Named("a"), Named("a")])


@pytest.mark.parametrize(
    ("extra", "without", "options", "sentence"),
    [
        (["emial"], [], {}, "did you mean 'email'?"),
        ([], ["emial"], {}, "did you mean 'email'?"),
        ([], [], {"limits": {"custom_keyz": 1}}, "cannot be made with its options"),
        ([], [], {"nobody": {}}, "no such plugin"),
    ],
)
def test_wrong_plugin_name_in_settings_is_refused(
    extra: list[object], without: list[str], options: dict[str, dict[str, object]], sentence: str
) -> None:
    with pytest.raises(PluginError) as refused:
        build_plugins(extra, without, options)
    assert sentence in refused.value.detail


def test_answer_of_wrong_type_names_the_plugin(store: Store) -> None:
    class Wrong:
        name = "wrong"

        @hookimpl
        def match_contact(self, candidates: Candidates) -> Any:
            return "jane"

    world = World(store, plugins=[Wrong])
    with pytest.raises(PluginError, match="'wrong' answered match_contact with str"):
        world.visitor().identify(email="jane@example.com")
    assert world.contacts() == ()


def test_matcher_may_answer_only_with_a_candidate(store: Store) -> None:
    world = World(store)
    stranger = world.contact(world.upsert(email="stranger@example.com").contact_id)

    class Anybody:
        name = "anybody"

        @hookimpl
        def match_contact(self) -> Match:
            return Match(stranger, by=self.name)

    guessing = World(store, plugins=[Anybody])
    with pytest.raises(PluginError, match="not among the candidates"):
        guessing.visitor().identify(email="jane@example.com")


def test_matcher_may_look_at_all_candidates(store: Store) -> None:
    class Eldest:
        name = "eldest"

        @hookimpl
        def match_contact(self, candidates: Candidates) -> Match | None:
            return min(
                (Match(each, by=self.name) for each in candidates), key=lambda match: match.contact.id, default=None
            )

    world = World(store, plugins=[Eldest])
    first = world.upsert(email="jane@example.com")
    world.upsert(external_id="jane")
    found = world.upsert(external_id="jane", email="jane@example.com")
    assert (found.contact_id, found.matched_by) == (first.contact_id, "eldest")


def test_verifier_adds_its_proof(store: Store) -> None:
    class Vouches:
        name = "vouches"

        @hookimpl
        def verify_claim(self, claim: Claim) -> Proof:
            return Proof(by=self.name, identifiers=claim.identifiers)

    world = World(store, plugins=[Vouches])
    browser = world.visitor()
    assert browser.identify(email="jane@example.com").standing.label == "proven"
    assert browser.decision is not None
    assert ("verify", "vouches") in [(step.stage, step.plugin) for step in browser.decision.trace.steps]


def test_refusing_verifier_stops_the_call(store: Store) -> None:
    class Refuses:
        name = "refuses"

        @hookimpl
        def verify_claim(self) -> None:
            raise ProofRejected("no")

    with pytest.raises(ProofRejected):
        World(store, plugins=[Refuses]).visitor().identify(email="jane@example.com")


def test_plugin_may_issue_its_own_hop_tokens(store: Store) -> None:
    class Tickets:
        """Carries identities by tickets that lie in memory."""

        name = "tickets"

        def __init__(self) -> None:
            self._issued: dict[str, tuple[App, Session]] = {}

        @hookimpl
        def issue_token(self, session: Session, audience: App, moment: RequestContext) -> str:
            ticket = moment.new_secret("ticket")
            self._issued[ticket] = (audience, session)
            return ticket

        @hookimpl
        def read_token(self, text: str, app: App, now: Instant) -> TokenClaims | None:
            if text not in self._issued:
                return None
            audience, session = self._issued[text]
            if audience.id != app.id:
                raise ProofRejected("for another app")
            once = SingleUseToken.for_token(app.id, text, now + MAX_HOP_LIFETIME)
            return TokenClaims(by=self.name, session=session.digest, standing=Standing.PROVEN, single_use_token=once)

    world = World(store, plugins=[Tickets])
    help_centre, browser = world.hullo.create_app("Help centre"), world.visitor()
    jane = browser.identify(external_id="jane", signed="external_id").contact_id
    ticket = browser.token_for(help_centre)
    assert ticket.startswith("ticket_")
    with pytest.raises(ProofRejected):
        world.visitor().identify(identity_token=ticket)
    arrived = world.visitor(help_centre).identify(identity_token=ticket)
    assert (arrived.contact_id, arrived.matched_by) == (jane, "tickets")
    with pytest.raises(ProofRejected):
        world.visitor(help_centre).identify(identity_token=ticket)
    claimant = world.visitor()
    claimant.identify(email="jane@example.com")
    raised = world.visitor(help_centre).identify(identity_token=claimant.token_for(help_centre))
    assert raised.standing < Standing.PROVEN  # whatever the plugin says, no more arrives than there was


def test_refusing_policy_is_named_in_trace(store: Store) -> None:
    class NoNames:
        name = "no-names"

        @hookimpl
        def review_writes(self, writes: Sequence[Write]) -> list[Refusal]:
            return [Refusal(field=each.field, reason="no names here") for each in writes if each.field == "name"]

    world = World(store, plugins=[NoNames])
    browser = world.visitor()
    outcome = browser.identify(email="jane@example.com", name="Jane", company="Acme")
    assert [(each.field, each.reason) for each in outcome.kept] == [("name", "no names here")]
    assert set(world.contact(outcome.contact_id).profile) == {"company"}
    assert browser.decision is not None
    assert "no-names" in [step.plugin for step in browser.decision.trace.steps if step.stage == "policy"]


def test_unrequested_conversations_are_not_linked(store: Store) -> None:
    class LinksAnything:
        name = "links-anything"

        @hookimpl
        def link_conversations(self) -> list[str]:
            return ["cnv_of_somebody_else"]

    world = World(store, plugins=[LinksAnything], without=["link-orphans"])
    browser = world.visitor()
    browser.join()
    browser.say()
    assert browser.identify(email="jane@example.com").linked_conversations == 0


class Observer:
    """Remembers what it was told, and fails if told to."""

    waits = False

    def __init__(self, name: str, error: type[BaseException] | None = None) -> None:
        self.name, self._error, self.told = name, error, list[object]()

    @hookimpl
    def identified(self, outcome: Outcome) -> None:
        self._tell(outcome)

    @hookimpl
    def event_committed(self, event: Event) -> None:
        self._tell(event)

    def _tell(self, what: object) -> None:
        self.told.append(what)
        if self._error is not None:
            raise self._error("jane@example.com")


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_failing_observer_is_harmless_and_unquoted(
    store: Store, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    caplog.set_level(logging.INFO)
    failing, other = Observer("failing", error), Observer("other")
    world = World(store, plugins=[failing, other])
    outcome = world.visitor().identify(email="jane@example.com")
    world.tell()
    # In no order between them: the one is told by who identified, the others by the courier.
    assert set(map(repr, failing.told)) == set(map(repr, other.told))
    assert outcome in other.told
    names = [each.name for each in other.told if isinstance(each, Event)]
    assert names == ["contact.created", "contact.identified"]
    assert f"plugin failing failed in identified: {error.__name__}" in caplog.text
    assert f"plugin failing failed in event_committed: {error.__name__}" in caplog.text
    assert "jane@example.com" not in caplog.text


def test_plugins_start_in_order_and_stop_reversed(store: Store) -> None:
    lived: list[str] = []

    class Lives:
        def __init__(self, name: str) -> None:
            self.name = name

        @hookimpl
        def startup(self, hullo: Hullo) -> None:
            lived.append(f"+{self.name}")

        @hookimpl
        def shutdown(self, hullo: Hullo) -> None:
            lived.append(f"-{self.name}")

    with Hullo(store, plugins=[Lives("a"), Lives("b")]) as hullo:
        hullo.open()
    assert lived == ["+a", "+b", "-b", "-a"]


def test_plugin_failing_to_start_stops_the_start(store: Store) -> None:
    class Fails:
        name = "fails"

        @hookimpl
        def startup(self) -> None:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        Hullo(store, plugins=[Fails]).open()


def test_configured_order_decides_which_hooks_wait() -> None:
    assert not PluginManager(build_plugins([])).verify_may_block
    assert not PluginManager(build_plugins([])).observers_may_block

    class Slow:
        name = "slow"

        @hookimpl
        def verify_claim(self) -> None: ...

    assert PluginManager(build_plugins([Slow])).verify_may_block

    class Listens:
        name = "listens"

        @hookimpl
        def event_committed(self) -> None: ...

    assert not PluginManager(
        build_plugins([Listens])
    ).observers_may_block  # it is told in a thread where nobody waits for it
