"""An app may be set to store nothing about a visitor until the page says that they agree (P)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hullo.errors import ConsentRequired, SessionRevoked
from hullo.hooks.entry_points import open_store
from hullo.operations.admin.register import NewApp
from hullo.store.protocol import ConversationFilter, PageRequest
from world import Browser, World


@pytest.fixture
def asking(world: World) -> World:
    """Whose app asks first."""
    world.set_app(consent="required")
    return world


def stored(world: World) -> tuple[int, ...]:
    """How much of each there is that a store can be asked for."""
    store, workspace = world.hullo.store, world.app.workspace_id
    conversations = store.list_conversations(ConversationFilter(workspace_id=workspace), PageRequest(limit=200)).items
    return len(world.contacts()), len(conversations), len(world.audit())


def test_nothing_is_stored_before_consent(asking: World) -> None:
    before = stored(asking)
    browser = asking.visitor()
    for call in (browser.join, browser.reset, lambda: browser.identify(email="jane@example.com")):
        with pytest.raises(ConsentRequired):
            call()
    with pytest.raises(ConsentRequired):
        browser.identify(external_id="jane", signed="external_id")
    assert stored(asking) == before


def test_consent_is_remembered(asking: World) -> None:
    browser = asking.visitor()
    browser.join(consent=True)
    browser.say("Hello")
    first = browser.identify(email="jane@example.com")
    assert first.linked_conversations == 1
    switched = browser.identify(email="joe@example.com")
    assert switched.switched
    browser.reset()
    assert browser.resume().session.contact_id is None


def test_consent_may_come_with_identify(asking: World) -> None:
    browser = asking.visitor()
    assert browser.identify(email="jane@example.com", consent=True).rejected == ()
    for nearly in (False, None, 1, "true", {}):
        with pytest.raises(ConsentRequired):
            asking.visitor().identify(email="joe@example.com", consent=nearly)


def test_withdrawal_is_final(asking: World) -> None:
    browser = asking.visitor()
    browser.join(consent=True)
    browser.say("Hello")
    token = browser.token
    browser.withdraw()
    browser.withdraw()
    before = stored(asking)
    with pytest.raises(SessionRevoked):
        browser.resume()
    browser.token = None
    with pytest.raises(ConsentRequired):
        browser.join()
    browser.token = token
    with pytest.raises(ConsentRequired):
        browser.join()
    assert stored(asking) == before


def rows(file: Path) -> dict[str, int]:
    """Of every table, but for what passes through: events, until they are told, and whose turn it is to tell them."""
    with closing(sqlite3.connect(file)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {
            name: connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0]
            for name in tables - {"outbox", "lease"}
        }


def test_no_table_row_is_written_without_consent(tmp_path: Path) -> None:
    file = tmp_path / "hullo.db"
    store = open_store(f"sqlite:///{file}")
    store.open()
    world = World(store)
    world.set_app(consent="required")
    browser = world.visitor()

    def call_everything() -> None:
        browser.withdraw()
        for call in (
            browser.join,
            browser.reset,
            lambda: browser.identify(email="jane@example.com"),
            lambda: browser.identify(external_id="jane", signed="external_id"),
        ):
            with pytest.raises((ConsentRequired, SessionRevoked)):
                call()

    before = rows(file)
    call_everything()
    assert rows(file) == before
    browser.join(consent=True)
    browser.withdraw()
    call_everything()
    after = rows(file)
    assert {name: count - before[name] for name, count in after.items() if count != before[name]} == {
        "visitor": 1,
        "session": 1,
    }


def test_withdrawal_without_consent_does_nothing(asking: World) -> None:
    before = stored(asking)
    asking.visitor().withdraw()
    assert stored(asking) == before


def test_server_calls_need_no_consent(asking: World) -> None:
    assert asking.upsert(external_id="jane").matched_by == "created"


def test_hop_identity_needs_consent_at_target(world: World) -> None:
    there: NewApp = world.hullo.create_app("Help centre")
    world.hullo.register.change_app(there.app_key, {"consent": "required"})
    browser: Browser = world.visitor()
    browser.identify(external_id="jane", signed="external_id")
    token = browser.token_for(there)
    with pytest.raises(ConsentRequired):
        world.visitor(there).identify(identity_token=token)
    arrived = world.visitor(there).identify(identity_token=token, consent=True)
    assert arrived.contact_id == browser.resume().session.contact_id


def test_app_without_consent_rule_accepts_all(world: World) -> None:
    world.set_app(consent="none")
    assert world.visitor().join().session.visitor_id
    world.visitor().withdraw()
