"""Rule E: `identity.rejected`, once for many, and about nobody."""

from __future__ import annotations

import pytest

from hullo.errors import HulloError, StoreUnavailable
from hullo.model.event import Event
from hullo.operations.admin.register import NewApp
from hullo.store.protocol import Store
from hullo_plugins.observe.rejections import Rejections
from rules.test_telling import PATIENCE, Listener
from world import World

pytestmark = pytest.mark.rule("E")


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def plugin() -> Rejections:
    return Rejections(seconds=PATIENCE)


@pytest.fixture
def world(store: Store, listener: Listener, plugin: Rejections) -> World:
    return World(store, plugins=[listener, plugin], without=["rejections"])


def refused(world: World, times: int = 1, app: NewApp | None = None, **body: object) -> None:
    for _ in range(times):
        with pytest.raises(HulloError):
            world.visitor(app).identify(**body)


def told(world: World, plugin: Rejections, listener: Listener) -> list[Event]:
    """All that is gathered, as if its time had come."""
    plugin._flush()
    world.tell()
    return [event for event in listener.told if event.name == "identity.rejected"]


def test_flood_of_wrong_proofs_is_one_event(world: World, plugin: Rejections, listener: Listener) -> None:
    refused(world, 50, external_id="very-private-id", email="very.private@example.com", user_hash="private-hash")
    [event] = told(world, plugin, listener)
    assert (event.workspace_id, event.app_id) == (world.app.workspace_id, world.app.app_id)
    assert (event.contact_id, event.by) == (None, None)
    assert event.data == {"mistake": None, "calls": 50}
    assert "rivate" not in repr(event)


def test_each_app_and_mistake_has_its_event(world: World, plugin: Rejections, listener: Listener) -> None:
    other = world.hullo.create_app("Other")
    refused(world, 2, external_id="jane", user_hash="0" * 64)
    refused(world, 3, external_id="jane", token="no.token.atall")
    refused(world, 1, other, external_id="jane", user_hash="0" * 64)
    assert {(event.app_id, event.data["mistake"]): event.data["calls"] for event in told(world, plugin, listener)} == {
        (world.app.app_id, None): 2,
        (world.app.app_id, "no_jwt"): 3,
        (other.app_id, None): 1,
    }


def test_reported_rejections_are_not_counted_again(world: World, plugin: Rejections, listener: Listener) -> None:
    refused(world, external_id="jane", user_hash="0" * 64)
    told(world, plugin, listener)
    refused(world, 2, external_id="jane", user_hash="0" * 64)
    assert [event.data["calls"] for event in told(world, plugin, listener)] == [1, 2]


def test_calls_without_wrong_proof_are_not_counted(world: World, plugin: Rejections, listener: Listener) -> None:
    refused(world, name="Jane")
    world.set_app(verification="required")
    refused(world, external_id="jane")
    world.set_app(verification="report")
    world.visitor().identify(external_id="jane", user_hash="0" * 64)
    with pytest.raises(HulloError):
        world.hullo.identify({"external_id": "jane", "user_hash": "0" * 64}, app_key="app_nobodys")
    assert told(world, plugin, listener) == []


def test_rejections_are_reported_periodically_and_at_close(store: Store, listener: Listener) -> None:
    soon = World(store, plugins=[listener, Rejections(seconds=0.01)], without=["rejections"])
    refused(soon, external_id="jane", user_hash="0" * 64)
    listener.wait_for(1)
    soon.hullo.close()
    late = World(store, plugins=[Rejections(seconds=PATIENCE)], without=["rejections"])
    refused(late, 7, external_id="jane", user_hash="0" * 64)
    late.hullo.close()
    store.open()
    assert [(event.name, event.data["calls"]) for event in store.list_outbox(9)] == [("identity.rejected", 7)]


def test_rejections_are_counted_while_store_is_away(
    world: World, plugin: Rejections, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(world, external_id="jane", user_hash="0" * 64)

    def away(*_: object) -> None:
        raise StoreUnavailable("the database is being moved")

    with monkeypatch.context() as patch:
        patch.setattr(world.hullo.store, "apply", away)
        plugin._flush()
    refused(world, external_id="jane", user_hash="0" * 64)
    assert [event.data["calls"] for event in told(world, plugin, listener)] == [2]
