"""Serving work: in groups, again after a conflict, and never with settings that are no longer so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hullo.application import Hullo
from hullo.engine.retry import Job
from hullo.errors import (
    HulloError,
    Invalid,
    PluginError,
    ProofRejected,
    ProofRequired,
    SettingsError,
    StoreUnavailable,
    TooContended,
    UnknownApp,
    Unstorable,
)
from hullo.hooks.hookspecs import hookimpl
from hullo.model.change_set import ChangeSet
from hullo.model.claim import Claim
from hullo.model.outcome import Outcome
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.standing import Standing
from hullo.pipeline.claim import Identify
from hullo.store.backoff import MAX_ATTEMPTS
from hullo.store.protocol import Applied, Store, StoreConflict
from world import World


def unit(world: World, **body: object) -> Job:
    moment = world.hullo.new_context()
    return Job(
        Identify(
            claim=Claim.from_body(body),
            app_key=world.app.app_key,
            session_digest=None,
            origin=None,
            context=moment,
            request_id=moment.new_id("req"),
            hooks=world.hullo.hooks,
            limits=world.hullo.settings.limits,
        )
    )


def outcomes(units: Sequence[Job]) -> list[Outcome]:
    for each in units:
        assert each.result is not None
        assert not isinstance(each.result, Exception), each.result
    return [each.result.result for each in units if each.result is not None and not isinstance(each.result, Exception)]


@pytest.mark.rule("R1", "R2")
def test_group_about_one_person_makes_one_contact(world: World) -> None:
    units = [unit(world, external_id="jane", custom_data={f"key{number}": number}) for number in range(20)]
    world.hullo.executor.run_batch(units)
    assert len({outcome.contact_id for outcome in outcomes(units)}) == 1
    assert len(world.custom_data(outcomes(units)[0].contact_id)) == 20


def test_failing_unit_leaves_its_group_unharmed(store: Store) -> None:
    class Fails:
        name = "fails"

        @hookimpl
        def review_writes(self, claim: Claim) -> None:
            if claim.external_id == "bad":
                raise RuntimeError("a plugin's own mistake")

    world = World(store, plugins=[Fails])
    units = [unit(world, external_id=each) for each in ("a", "bad", "b")]
    world.hullo.executor.run_batch(units)
    assert isinstance(units[1].result, PluginError)
    assert units[1].result.detail == "plugin 'fails' failed in review_writes: RuntimeError"
    assert len(outcomes([units[0], units[2]])) == 2
    assert {contact.external_id for contact in world.contacts()} == {"a", "b"}


class Contended:
    """A store in which somebody else was always faster, as often as told."""

    def __init__(self, store: Store, times: int) -> None:
        self._store, self.left, self.loads = store, times, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def load(self, queries: Sequence[SnapshotQuery]) -> Sequence[Snapshot]:
        self.loads += 1
        return self._store.load(queries)

    def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
        if self.left:
            self.left -= 1
            return [StoreConflict("contact") for _ in changes]
        return self._store.apply(changes)


@pytest.mark.rule("R1")
def test_store_conflict_is_retried_on_fresh_snapshot(world: World) -> None:
    contended = Contended(world.hullo.store, times=3)
    world.hullo.executor.store = contended  # type: ignore[assignment]
    outcome = world.visitor().identify(external_id="jane")
    assert contended.loads == 4
    assert world.contact(outcome.contact_id).external_id == "jane"


def test_retries_are_limited(world: World) -> None:
    world.hullo.executor.store = Contended(world.hullo.store, times=10**6)  # type: ignore[assignment]
    with pytest.raises(TooContended) as refused:
        world.visitor().identify(external_id="jane")
    assert refused.value.retry_after is not None
    assert world.hullo.executor.store.loads == MAX_ATTEMPTS  # type: ignore[attr-defined]


@pytest.mark.parametrize("step", ["load", "apply"])
def test_unreachable_store_fails_every_unit(world: World, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_: object) -> None:
        raise StoreUnavailable("the database is gone")

    monkeypatch.setattr(world.hullo.executor, "store", Contended(world.hullo.store, times=0))
    monkeypatch.setattr(world.hullo.executor.store, step, unreachable, raising=False)
    units = [unit(world, external_id="a"), unit(world, external_id="b")]
    world.hullo.executor.run_batch(units)
    assert [type(each.result) for each in units] == [StoreUnavailable, StoreUnavailable]


def test_unstorable_value_fails_only_its_own_unit(world: World) -> None:
    inner = world.hullo.store

    class Picky:
        load = inner.load

        def apply(self, changes: Sequence[ChangeSet]) -> Sequence[Applied | StoreConflict]:
            if any(change.after.external_id == "bad" for each in changes for change in each.contacts):
                raise Unstorable
            return inner.apply(changes)

    world.hullo.executor.store = Picky()  # type: ignore[assignment]
    units = [unit(world, external_id=each) for each in ("a", "bad", "b")]
    world.hullo.executor.run_batch(units)
    assert [isinstance(each.result, Unstorable) for each in units] == [False, True, False]
    assert {contact.external_id for contact in world.contacts()} == {"a", "b"}


def another_process(world: World) -> World:
    """The same database, in a process that remembers nothing of the first."""
    other = World.__new__(World)
    other.clock, other.app, other.api_key = world.clock, world.app, world.api_key
    other.hullo = type(world.hullo)(world.hullo.store, clock=world.clock)
    return other


@pytest.mark.rule("V3", "V4")
def test_app_change_by_another_process_applies_immediately(world: World) -> None:
    operator = another_process(world)
    old = world.sign("jane")
    assert world.visitor().identify(external_id="jane", user_hash=old).standing is Standing.PROVEN

    operator.hullo.register.add_identity_key(world.app.app_key)
    new = operator.sign("jane")
    assert world.visitor().identify(external_id="jane", user_hash=new).standing is Standing.PROVEN

    operator.hullo.register.retire_identity_key(world.app.app_key, world.app.identity_key_id)
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash=old)

    operator.set_app(verification="required")
    with pytest.raises(ProofRequired):
        world.visitor().identify(external_id="jane")

    operator.set_app(verification="off")
    assert world.visitor().identify(external_id="jane").standing < Standing.PROVEN


def test_unknown_app_is_refused(world: World) -> None:
    for app_key in ("", "app_nobody", "app_" + "x" * 10_000):
        with pytest.raises(UnknownApp):
            world.hullo.identify({"external_id": "jane"}, app_key=app_key)


def test_missing_app_key_uses_only_app(world: World) -> None:
    first = world.hullo.identify(Claim.from_body({"external_id": "jane"}), dry_run=True)
    assert first.result.matched_by == "created"
    token = world.hullo.identify({"external_id": "jane"}).result.session_token
    world.hullo.create_app("Second shop")
    assert world.hullo.identify({"external_id": "jane"}, session_token=token).result.changed is False
    with pytest.raises(Invalid, match="say which app"):
        world.hullo.identify({"external_id": "jane"})


def test_observers_hear_refusals_from_python_too(store: Store) -> None:
    told: list[str] = []

    class Listens:
        name = "listens"

        @hookimpl
        def identify_refused(self, error: HulloError, request_id: str) -> None:
            told.append(f"{error.code} {request_id[:4]}")

    world = World(store, plugins=[Listens])
    with pytest.raises(ProofRejected):
        world.visitor().identify(external_id="jane", user_hash="wrong")
    assert told == ["proof_rejected req_"]


def test_store_returning_too_few_snapshots_is_detected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = Contended(world.hullo.store, times=0)
    monkeypatch.setattr(forgetful, "load", lambda queries: ())
    monkeypatch.setattr(world.hullo.executor, "store", forgetful)
    with pytest.raises(ValueError, match="zip"):
        world.hullo.executor.run_batch([unit(world, external_id="jane")])


def test_link_trace_names_its_plugin(world: World) -> None:
    browser = world.visitor()
    browser.join()
    browser.say()
    browser.identify(external_id="jane")
    assert browser.decision is not None
    assert ("link", "link-orphans") in [(step.stage, step.plugin) for step in browser.decision.trace.steps]


def test_wrong_arguments_are_refused_at_construction(world: World) -> None:
    with pytest.raises(SettingsError, match="object is no store: it has no acquire_lease"):
        Hullo(object())  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="a scope is one of"):
        world.hullo.create_api_key(scopes=["raed"])
    with pytest.raises(Invalid, match="verification is one of"):
        world.hullo.create_app("Shop", verification="sometimes")


def test_dry_run_explains_and_writes_nothing(world: World) -> None:
    jane = world.upsert(external_id="jane", name="Jane", custom_data={"plan": "pro"})
    decision = world.hullo.identify(
        {
            "external_id": "jane",
            "email": "new@example.com",
            "name": "Mallory",
            "phone": "none",
            "custom_data": {"plan": "pro", "seats": 3},
        },
        app_key=world.app.app_key,
        dry_run=True,
    )
    assert {verdict.field: verdict.verdict for verdict in decision.trace.fields} == {
        "external_id": "unchanged",
        "email": "written",
        "name": "kept",
        "phone": "rejected",
        "custom_data.plan": "unchanged",
        "custom_data.seats": "written",
    }
    assert [(step.stage, step.plugin) for step in decision.trace.steps] == [
        ("name", "external-id"),
        ("name", "email"),
        ("match", "external-id"),
        ("policy", "standing"),
    ]
    assert not decision.change_set.is_empty
    assert world.contact(jane.contact_id).email is None


def test_dry_run_refuses_like_the_real_call(world: World) -> None:
    with pytest.raises(HulloError):
        world.hullo.identify({"name": "Jane"}, app_key=world.app.app_key, dry_run=True)


def test_decision_is_stored_with_its_reasons(world: World) -> None:
    from hullo.store.protocol import PageRequest

    jane = world.upsert(external_id="jane", name="Jane")
    world.visitor().identify(external_id="jane", name="Mallory")
    page = world.hullo.store.list_decisions(world.app.workspace_id, jane.contact_id, PageRequest())
    newest, first = page.items
    assert (newest.standing, newest.matched_by) == ("claimed", "external_id")
    assert [(each.field, each.verdict) for each in newest.trace.fields] == [
        ("name", "kept"),
        ("external_id", "unchanged"),
    ]
    assert first.by == f"api-key:{world.api_key.id}"


def test_duplicate_identifier_kind_from_matcher_keeps_one(store: Store) -> None:
    from hullo.model.identifier import Identifier

    class TwoCards:
        name = "two-cards"

        @hookimpl
        def name_identifiers(self, claim: Claim) -> list[Identifier]:
            return [Identifier("card", "1"), Identifier("card", "2")]

    world = World(store, plugins=[TwoCards])
    outcome = world.upsert(external_id="jane")
    assert world.contact(outcome.contact_id).identifiers["card"].value == "1"
    assert world.upsert(external_id="jane").changed is False


def test_plugin_error_at_build_names_the_plugin(store: Store) -> None:
    with pytest.raises(PluginError, match="'nameless' answers no hook"):
        World(store, plugins=[type("P", (), {"name": "nameless"})])
