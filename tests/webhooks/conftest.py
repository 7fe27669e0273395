"""Receivers, and offices that post when they are told to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hullo.background.worker import BackgroundWorker
from hullo.store.protocol import Store
from webhooks.office import Office
from webhooks.receiving import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
def other() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on by itself: what is told and posted is what the test asks for."""
    monkeypatch.setattr(BackgroundWorker, "wake", lambda rounds: None)


@pytest.fixture
def office(store: Store, by_hand: None) -> Office:
    return Office(store)
