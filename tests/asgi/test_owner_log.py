"""What the owner reads of refused calls: once a minute, with the remedy, and nothing personal."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from asgi.limited import MINUTE, PAGE, Limited
from hullo import Hullo, IdentityMiddleware
from hullo.errors import StoreUnavailable
from hullo.hooks.entry_points import open_store

SUBMITTING = {"access-control-request-method": "POST"}


def warnings(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == logger]


def test_refused_origin_is_logged_with_its_command(backend, caplog):
    site = Limited(backend, on=False)
    for _ in range(2):
        for origin in ("https://new.example.com", "https://NEW.example.com"):
            assert site.post("/join", origin=origin).json()["code"] == "bad_origin"
    [told] = warnings(caplog, "hullo.origins")
    assert f"hullo app set {site.app_key} origins={PAGE},https://new.example.com" in told
    site.clock.now += MINUTE
    site.post("/join", origin="https://new.example.com")
    assert warnings(caplog, "hullo.origins") == [told, told]


def test_refused_preflight_and_strange_origin_are_logged(backend, caplog):
    site = Limited(backend, on=False)
    for origin in ("https://new.example.com", "null", "https://evil.example.com/\x7f$(reboot)"):
        site.client().options("/hullo/v1/join", headers={"origin": origin, **SUBMITTING})
    preflight, strange = warnings(caplog, "hullo.origins")
    assert "hullo app set APP_KEY origins=https://new.example.com" in preflight
    assert "reboot" not in strange


def test_flood_of_origins_fills_no_log(backend, caplog):
    site = Limited(backend, on=False)
    for number in range(50):
        site.post("/join", origin=f"https://{number}.example.com")
    assert len(warnings(caplog, "hullo.origins")) == 20


def test_first_refusal_of_a_minute_is_logged(backend, caplog):
    site = Limited(backend, calls_per_address=1)
    for _ in range(2):
        statuses = [site.me(address) for address in ("203.0.113.5", "203.0.113.6") for _ in range(3)]
        assert statuses.count(429) == 4
        site.clock.now += MINUTE
    told, again = warnings(caplog, "hullo.rates")
    assert told == again
    assert "calls_per_address under [rate_limits]" in told
    assert "203.0.113" not in told


@pytest.mark.rule("P4")
def test_unlisted_proxy_is_named_and_visitors_are_not(backend, caplog):
    site = Limited(backend, calls_per_address=1, settings={"trusted_proxies": ("10.0.0.1",)})
    for _ in range(3):
        site.me("203.0.113.7")
        site.me("10.0.0.1", x_forwarded_for="203.0.113.7")
    assert not [told for told in warnings(caplog, "hullo.rates") if "X-Forwarded-For" in told]
    for _ in range(3):
        site.me("10.0.0.2", x_forwarded_for="198.51.100.1")
        site.me("1.2.3.4", x_forwarded_for="198.51.100.1")
    private, public = (told for told in warnings(caplog, "hullo.rates") if "X-Forwarded-For" in told)
    assert 'trusted_proxies = ["10.0.0.2"]' in private
    assert "list it in trusted_proxies" in public
    assert "198.51.100" not in private + public
    assert "1.2.3.4" not in private + public


def test_unusable_store_is_logged_and_not_described(backend, caplog, monkeypatch):
    hullo = Hullo(store := open_store("memory:"))
    app_key = hullo.create_app("Shop").app_key

    def full(*args):
        raise StoreUnavailable("the database /srv/hullo.db cannot grow: the disk is full")

    monkeypatch.setattr(store, "apply", full)
    client = TestClient(IdentityMiddleware(None, hullo), backend=backend)
    for _ in range(3):
        answer = client.post("/hullo/v1/join", json={"app_key": app_key})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "/srv" not in answer.text
        assert "the server's log" in answer.text.lower()
    [told] = warnings(caplog, "hullo.store")
    assert told == "calls are refused since the database /srv/hullo.db cannot grow: the disk is full"
