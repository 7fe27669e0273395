"""Which pages may call which app."""

from __future__ import annotations

import pytest

from hullo.model.app import App
from hullo.rules.origins import is_loopback, is_origin_allowed, normalise_origin, parse_origin_pattern

LISTED = App(
    id="app_1",
    workspace_id="ws_1",
    name="Shop",
    created_at=0,
    origins=("https://shop.example.com", "http://shop.example.com:8080"),
)
UNLISTED = App(id="app_2", workspace_id="ws_1", name="Shop", created_at=0)


@pytest.mark.parametrize(
    "origin", ["https://shop.example.com", "https://shop.example.com:443", "http://SHOP.example.com:8080"]
)
def test_listed_origin_is_allowed(origin: str) -> None:
    assert is_origin_allowed(origin, LISTED)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://shop.example.com",
        "https://shop.example.com:8443",
        "https://shop.example.com.evil.test",
        "https://evil.test/https://shop.example.com",
        "https://shop.example.com@evil.test",
        "https://example.com",
        "ftp://shop.example.com",
        "https://[::1",
        "https://shop.example.com:99999",
        "http://localhost",
    ],
)
def test_unlisted_origin_is_refused(origin: str) -> None:
    assert not is_origin_allowed(origin, LISTED)


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443", "http://shop.localhost"]
)
def test_app_without_origins_allows_local_pages(origin: str) -> None:
    assert is_loopback(origin)
    assert is_origin_allowed(origin, UNLISTED)


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "null",
        "http://localhost.evil.test",
        "http://10.0.0.1",
        "http://localhost/x",
        "tauri://localhost",
    ],
)
def test_app_without_origins_refuses_other_pages(origin: str) -> None:
    assert not is_origin_allowed(origin, UNLISTED)


def test_origin_is_normalised_like_browsers_send_it() -> None:
    assert normalise_origin("HTTPS://Shop.Example.com:443") == "https://shop.example.com"
    assert normalise_origin("http://[::1]:80") == "http://[::1]"


SUBDOMAINS = App(
    id="app_3",
    workspace_id="ws_1",
    name="Shop",
    created_at=0,
    origins=("https://*.example.com", "https://*.shop.test:8443"),
)


@pytest.mark.parametrize(
    "origin",
    ["https://www.example.com", "https://a.b.example.com", "https://A.EXAMPLE.com", "https://help.shop.test:8443"],
)
def test_star_matches_subdomains_at_any_depth(origin: str) -> None:
    assert is_origin_allowed(origin, SUBDOMAINS)


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "https://.example.com",
        "https://evilexample.com",
        "http://www.example.com",
        "https://www.example.com:8443",
        "https://help.shop.test",
        "https://www.example.com.evil.test",
        "https://evil.test/.example.com",
        "https://evil.test#.example.com",
        "https://evil.test?.example.com",
        "https://evil.test\\.example.com",
        "https://evil.test%2f.example.com",
        "https://me@www.example.com",
        "https://*.example.com",
        "null",
    ],
)
def test_star_matches_nothing_else(origin: str) -> None:
    assert not is_origin_allowed(origin, SUBDOMAINS)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://Shop.Example.com:443", "https://shop.example.com"),
        ("https://*.Example.com:443", "https://*.example.com"),
        ("https://*.münchen.de", "https://*.xn--mnchen-3ya.de"),
        ("https://münchen.de", "https://xn--mnchen-3ya.de"),
        ("http://*.localhost:3000", "http://*.localhost:3000"),
        ("http://[0:0::1]:81", "http://[::1]:81"),
        ("Capacitor://localhost", "capacitor://localhost"),
        ("tauri://localhost", "tauri://localhost"),
    ],
)
def test_listed_origins_are_stored_as_browsers_send(text: str, kept: str) -> None:
    assert parse_origin_pattern(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "https://*",
        "https://*.com",
        "https://*.*.com",
        "https://a*.example.com",
        "https://www.*.com",
        "https://*.1.2.3.4",
        "https://*.[::1]",
        "https://*.example.com/path",
        "*.example.com",
        "https://a..b.example.com",
        "https://-a.example.com",
        "https://exam ple.com",
        "null",
        "capacitor://*.example.com",
        "moz-extension://7f0e",
        "file://",
    ],
)
def test_overly_broad_or_empty_pattern_is_refused(text: str) -> None:
    assert parse_origin_pattern(text) is None
