"""Rule R4 among several processes: one of them tells, and in the ordinary case nobody is told twice."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from hullo.application import Hullo
from races.callers import new_app
from races.tellers import Observer

PROCESSES, PEOPLE = 3, 20


@pytest.mark.slow
@pytest.mark.rule("R4")
def test_outbox_across_processes_delivers_once_in_order(url: str, tmp_path: Path) -> None:
    app, told = new_app(url), tmp_path / "told"
    command = [sys.executable, str(Path(__file__).with_name("tellers.py")), url, app.app_key, str(told)]
    done = subprocess.run([*command, str(PROCESSES), str(PEOPLE)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with Hullo(url, plugins=[Observer(str(told))]) as hullo:
        hullo.outbox_worker.drain()  # what one has committed while another, who was in charge, went home
        assert hullo.store.list_outbox(1) == ()
    heard = [line.split() for line in told.read_text().splitlines()]
    ids = [event_id for _, event_id, _ in heard]
    assert len(ids) == len(set(ids))
    by_contact = defaultdict(list)
    for contact_id, event_id, _ in heard:
        by_contact[contact_id].append(event_id)
    assert len(by_contact) == PROCESSES * PEOPLE
    assert all(each == sorted(each) for each in by_contact.values())
    assert {len(each) for each in by_contact.values()} == {4}  # created, identified, updated, identified again
