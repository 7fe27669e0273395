"""Rule P4: secrets, tokens and personal values never reach logs or errors."""

from __future__ import annotations

import contextlib
import logging

import pytest

from hullo.errors import HulloError
from hullo.store.protocol import Store
from world import World

PERSONAL = {
    "external_id": "very-private-id",
    "email": "very.private@example.com",
    "name": "Very Private",
    "company": "Private Company",
    "phone": "+14155550123",
    "avatar_url": "https://example.com/private.png",
    "custom_data": {"diagnosis": "private-value", "bad": ["private-list"]},
}


@pytest.mark.rule("P4")
def test_log_holds_no_personal_data_or_secret(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(store)
    browser = world.visitor()
    errors: list[str] = []
    for body in (
        PERSONAL,
        {**PERSONAL, "user_hash": world.sign("very-private-id")},
        {**PERSONAL, "user_hash": "private-hash"},
        {**PERSONAL, "token": "private-token"},
        {**PERSONAL, "external_id": "null", "email": "private"},
        {**PERSONAL, "strict": True},
        {**PERSONAL, "external_id": "another-private-id"},
    ):
        try:
            browser.identify(**body)
        except HulloError as error:
            errors.append(f"{error} {error!r}")
    browser.say("private message")
    token = browser.token
    browser.reset()
    with contextlib.suppress(HulloError):
        browser.token = token
        browser.resume()
    assert len(errors) >= 3
    shown = caplog.text + repr([record.__dict__ for record in caplog.records]) + "".join(errors)
    assert "identified" in shown
    for secret in (str(token), world.app.identity_key, "private", "Private", "5550123"):
        assert secret not in shown


@pytest.mark.rule("P4")
def test_log_line_cannot_be_forged_by_caller(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(store)
    world.visitor().identify(external_id="a b", email="jane@example.com", custom_data={"x": "\n event=forged"})
    assert "forged" not in caplog.text
    assert all("\n" not in record.getMessage() for record in caplog.records)
