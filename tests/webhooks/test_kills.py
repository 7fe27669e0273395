"""Rules R3 and R4: a process that is killed at any step loses nothing that was committed, and invents nothing."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from databases import ENGINES, Databases, Engine
from hullo.application import Hullo
from hullo.model.webhook import Delivery
from hullo.settings import Settings
from hullo.store.protocol import ContactFilter, PageRequest
from hullo.webhooks.plugin import Webhooks
from webhooks.receiving import Receiver

KILLED = Path(__file__).with_name("killed.py")


@pytest.mark.slow
@pytest.mark.rule("R3", "R4")
@pytest.mark.parametrize("engine", ENGINES)
def test_kill_at_any_step_keeps_events_exact(
    engine: Engine, databases: Databases, tmp_path: Path, receiver: Receiver
) -> None:
    url, observed = databases.empty(engine, tmp_path), tmp_path / "observed"
    if engine == "sqlite":
        url += "?synchronous=normal"  # for which a kill is the same, and it takes a tenth of the time
    plugin = Webhooks()
    with Hullo(url, plugins=[plugin], without=["webhooks"], settings=Settings(development=True)) as hullo:
        app = hullo.create_app("Shop")
        webhook = plugin.admin(by="agent:ada").create(app.workspace_id, receiver.url, (), None).webhook
        command = [sys.executable, str(KILLED), url, app.app_key, str(observed)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        killed = int(done.stdout)
        assert killed > 30

        committed = committed_events(hullo, app.workspace_id)
        told = defaultdict(list)
        for line in observed.read_text().splitlines():
            contact_id, event_id = line.split()
            told[contact_id].append(event_id)
        posted = defaultdict(list)
        for message in receiver.messages:
            posted[message.contact_id].append(message.id)
        # First comes first: what is told again may come between.
        assert {contact_id: [*dict.fromkeys(ids)] for contact_id, ids in told.items()} == committed
        assert {contact_id: [*dict.fromkeys(ids)] for contact_id, ids in posted.items()} == committed

        log = deliveries(hullo, webhook.id)
        assert sorted(each.event_id for each in log) == sorted(id for ids in committed.values() for id in ids)
        assert {each.state for each in log} == {"delivered"}
        # Something was told twice, or nobody was killed at the right time; and some people were never written.
        assert sum(map(len, told.values())) > len(log)
        assert sum(map(len, posted.values())) > len(log)
        assert 0 < len(committed) < killed


def committed_events(hullo: Hullo, workspace_id: str) -> dict[str, list[str]]:
    """By contact, in their order: what its timeline holds, which is written in the same transaction."""
    wanted = ContactFilter(workspace_id=workspace_id)
    people = hullo.store.list_contacts(wanted, PageRequest(limit=200))
    assert people.next is None
    return {
        contact.id: [
            entry.id
            for entry in reversed(hullo.store.list_timeline(workspace_id, contact.id, PageRequest(limit=200)).items)
        ]
        for contact in people.items
    }


def deliveries(hullo: Hullo, webhook_id: str) -> list[Delivery]:
    found: list[Delivery] = []
    page = hullo.store.list_deliveries(webhook_id, PageRequest(limit=200))
    found += page.items
    while page.next is not None:
        page = hullo.store.list_deliveries(webhook_id, PageRequest(limit=200, cursor=page.next))
        found += page.items
    return found
