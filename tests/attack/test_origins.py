"""Pages that an app does not list (Origin), however much they look like one that it does."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from attack.site import V1, Site, Victim

CORS = "access-control-"

UNLISTED = {
    "another page": "https://evil.test",
    "null": "null",
    "NULL": "NULL",
    "empty": "",
    "a star": "*",
    "as a sub-domain of another": "https://DOMAIN.evil.test",
    "as the end of another": "https://evilDOMAIN",
    "as the end of another, with a hyphen": "https://evil-DOMAIN",
    "as a user": "https://DOMAIN@evil.test",
    "as a user with a password": "https://DOMAIN:443@evil.test",
    "with a user": "https://evil.test@DOMAIN",
    "a sub-domain": "https://sub.DOMAIN",
    "another scheme": "http://DOMAIN",
    "a scheme of files": "file://DOMAIN",
    "a scheme of extensions": "chrome-extension://DOMAIN",
    "no scheme": "DOMAIN",
    "a relative scheme": "//DOMAIN",
    "another port": "https://DOMAIN:8443",
    "port 80": "https://DOMAIN:80",
    "a port that is none": "https://DOMAIN:x",
    "a port beyond all": "https://DOMAIN:99999",
    "a trailing dot": "https://DOMAIN.",
    "with a path": "https://DOMAIN/page",
    "with a slash": "https://DOMAIN/",
    "with a query": "https://DOMAIN?a=b",
    "with a fragment": "https://DOMAIN#a",
    "behind a backslash": "https://evil.test\\DOMAIN",
    "before a backslash": "https://DOMAIN\\.evil.test",
    "behind a fragment": "https://evil.test#DOMAIN",
    "behind a query": "https://evil.test?DOMAIN",
    "behind a path": "https://evil.test/DOMAIN",
    "behind NUL, escaped": "https://evil.test%00DOMAIN",
    "two with a space": "https://DOMAIN https://evil.test",
    "two with a comma": "https://DOMAIN, https://evil.test",
    "in letters that look the same": "https://xn--LOOKALIKE",
    "in full-width letters": "https://\xef\xbd\x85DOMAIN",
    "as a list": '["https://DOMAIN"]',
    "quoted": '"https://DOMAIN"',
    "brackets": "https://[DOMAIN]",
    "an address": "https://127.0.0.1",
    "localhost": "http://localhost",
}


def domain(site: Site) -> str:
    return f"{site.target.name('shop')}.example"


def listing(site: Site, *origins: str) -> None:
    site.set(origins=",".join(origins))


def call(site: Site, method: str, path: str, *origins: str, body: Any = None, **headers: str) -> httpx2.Response:
    said = [("origin", origin) for origin in origins]
    said += [(name.replace("_", "-"), value) for name, value in headers.items()]
    encoded: Any = [(name.encode(), value.encode("latin-1")) for name, value in said]
    return site.target.call(method, V1 + path, json=body, headers=encoded)


def cors_in(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith(CORS)}


def spelt(pattern: str, name: str) -> str:
    return pattern.replace("DOMAIN", name).replace("LOOKALIKE", name.replace("o", "-0"))


@pytest.fixture
def listed(bystander: Victim) -> str:
    """The domain whose page the file's site lists, and nothing else."""
    name = f"{bystander.external_id}.example"
    if name not in str(bystander.site.target.hullo.store.find_app(bystander.site.app_key)):
        listing(bystander.site, f"https://{name}")
    return name


@pytest.mark.parametrize("pattern", UNLISTED.values(), ids=UNLISTED.keys())
def test_unlisted_page_calls_and_reads_nothing(listed: str, bystander: Victim, pattern: str) -> None:
    victim, site = bystander, bystander.site
    origin = spelt(pattern, listed)
    token = f"Bearer {victim.browser.token}"
    said = {"app_key": site.app_key}
    answers = [
        call(site, "POST", "/join", origin, body=said),
        call(site, "POST", "/identify", origin, body={**said, "external_id": "x"}),
        call(site, "POST", "/identify", origin, body={**said, "external_id": "x", "user_hash": site.hash("x")}),
        call(site, "POST", "/reset", origin, body=said, authorization=token),
        call(site, "GET", "/me", origin, authorization=token),
        call(site, "GET", "/conversations", origin, authorization=token),
        call(site, "POST", "/conversations", origin, body={**said, "text": "hello"}, authorization=token),
        call(site, "POST", "/identity-token", origin, body=said, authorization=token),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "bad_origin")}
    assert [cors_in(answer) for answer in answers] == [{}] * len(answers)
    assert victim.sees() == {victim.conversation}
    assert site.has(external_id="x") == []


LOCAL = ("an address", "localhost")
"""What apps take that list nothing."""


@pytest.mark.parametrize("look", [look for look in UNLISTED if look not in LOCAL])
def test_unlisted_page_gets_no_preflight(listed: str, bystander: Victim, look: str) -> None:
    site, origin = bystander.site, spelt(UNLISTED[look], listed)
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "authorization"}
    answer = call(site, "OPTIONS", "/identify", origin, **asked, access_control_request_private_network="true")
    assert (answer.status_code, cors_in(answer)) == (403, {})


@pytest.mark.rule("T1", "T2")
@pytest.mark.parametrize("pattern", UNLISTED.values(), ids=UNLISTED.keys())
def test_identity_token_refused_for_listed_origin_lookalikes(listed: str, bystander: Victim, pattern: str) -> None:
    answer = bystander.browser.post("/identity-token", {"to": spelt(pattern, listed)})
    assert answer.json()["code"] in {"not_found", "invalid"}
    assert bystander.browser.post("/identity-token", {"to": f"https://{listed}"}).status_code == 200


@pytest.mark.rule("T1")
def test_identity_token_refusal_hides_foreign_origins(site: Site, victim: Victim) -> None:
    name, stranger = domain(site), site.elsewhere()
    listing(site, "https://kept.example")
    listing(stranger, f"https://{name}", f"https://*.{name}")
    theirs, nobodys = (
        victim.browser.post("/identity-token", {"to": to}) for to in (f"https://sub.{name}", "https://nobody.test")
    )
    assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content)
    assert theirs.json()["code"] == "not_found"


WILDCARD = {
    "the apex": ("https://DOMAIN", False),
    "a sub-domain": ("https://a.DOMAIN", True),
    "a sub-domain's sub-domain": ("https://a.b.DOMAIN", True),
    "its default port": ("https://a.DOMAIN:443", True),
    "another port": ("https://a.DOMAIN:8443", False),
    "another scheme": ("http://a.DOMAIN", False),
    "as a path": ("https://evil.test/.DOMAIN", False),
    "as a query": ("https://evil.test?.DOMAIN", False),
    "as a fragment": ("https://evil.test#.DOMAIN", False),
    "as a host behind a user": ("https://evil.test@a.DOMAIN", False),
    "as a sub-domain of another": ("https://a.DOMAIN.evil.test", False),
    "without its dot": ("https://evilDOMAIN", False),
    "with a hyphen": ("https://evil-DOMAIN", False),
    "a trailing dot": ("https://a.DOMAIN.", False),
    "the star itself": ("https://*.DOMAIN", False),
    "an empty label": ("https://.DOMAIN", False),
    "an empty label inside": ("https://a..DOMAIN", False),
    "behind a backslash": ("https://evil.test\\.DOMAIN", False),
    "behind a space": ("https://evil.test .DOMAIN", False),
    "behind a comma": ("https://evil.test,https://a.DOMAIN", False),
    "behind NUL, escaped": ("https://evil.test%00.DOMAIN", False),
    "behind a slash, escaped": ("https://evil.test%2f.DOMAIN", False),
    "null": ("null", False),
}


@pytest.mark.parametrize(("pattern", "taken"), WILDCARD.values(), ids=WILDCARD.keys())
def test_star_matches_subdomains_only(site: Site, pattern: str, taken: bool) -> None:
    name = domain(site)
    listing(site, f"https://*.{name}")
    origin = spelt(pattern, name)
    answer = call(site, "POST", "/join", origin, body={"app_key": site.app_key})
    preflight = call(site, "OPTIONS", "/join", origin, access_control_request_method="POST")
    assert (answer.status_code, preflight.status_code) == ((200, 204) if taken else (403, 403))
    assert [cors_in(each).get(f"{CORS}allow-origin") for each in (answer, preflight)] == [origin if taken else None] * 2


@pytest.mark.parametrize(
    "pattern",
    [
        *("*", "https://*", "https://*.*", "https://*.com", "https://*.", "*.example.com", "https://*example.com"),
        *("https://a.*.com", "https://*.*.example.com", "*://*.example.com", "https://*.127.0.0.1", "https://*.[::1]"),
        *("https://*.example.com/", "https://*.evil.test@example.com", "null", "https://example.com@evil.test"),
    ],
)
def test_app_cannot_list_overly_broad_origins(site: Site, pattern: str) -> None:
    from hullo.errors import Invalid

    if pattern.endswith("/"):
        return  # which is how people copy it, and means the same
    with pytest.raises(Invalid):
        listing(site, pattern)


def test_listed_origins_cannot_read_each_other(site: Site) -> None:
    name = domain(site)
    listing(site, f"https://{name}")
    for origins in (("https://evil.test", f"https://{name}"), (f"https://{name}", "https://evil.test")):
        answer = call(site, "POST", "/join", *origins, body={"app_key": site.app_key})
        assert "evil" not in str(cors_in(answer))


LOOKS_LOCAL = [
    "http://localhost.evil.test",
    "http://127.0.0.1.evil.test",
    "http://127.0.0.1@evil.test",
    "http://localhost@evil.test",
    "http://evil.test#localhost",
    "http://2130706433",
    "http://0x7f.1",
    "http://127.1",
    "http://0.0.0.0",
    "http://[::ffff:8.8.8.8]",
    "http://10.0.0.1",
    "http://notlocalhost",
    "null",
    "file://",
]


def test_app_without_origins_refuses_local_lookalike_pages(site: Site) -> None:
    for origin in LOOKS_LOCAL:
        answer = call(site, "POST", "/join", origin, body={"app_key": site.app_key})
        assert (answer.status_code, cors_in(answer)) == (403, {}), origin


@pytest.mark.rule("T1", "T2")
def test_identity_token_refused_for_local_lookalikes(site: Site, victim: Victim) -> None:
    site.beside()
    for origin in LOOKS_LOCAL:
        answer = victim.browser.post("/identity-token", {"to": origin})
        assert answer.json()["code"] in {"not_found", "invalid"}, origin


def test_cors_never_allows_all_pages_or_credentials(site: Site, victim: Victim) -> None:
    name = domain(site)
    listing(site, f"https://{name}")
    token = f"Bearer {victim.browser.token}"
    key = f"Bearer {site.api_key}"
    said = {"app_key": site.app_key}
    for origin in (f"https://{name}", "https://evil.test", "null"):
        answers = [
            call(site, "POST", "/join", origin, body=said),
            call(site, "POST", "/identify", origin, body={**said, "email": "x@example.com"}),
            call(site, "POST", "/identify", origin, body={**said, "email": "x@example.com", "user_hash": "x"}),
            call(site, "POST", "/identify", origin, body=said),
            call(site, "POST", "/identify", origin, body=[]),
            call(site, "GET", "/me", origin, authorization=token),
            call(site, "GET", "/conversations", origin, authorization=token),
            call(site, "GET", f"/conversations/{victim.conversation}/messages", origin, authorization=token),
            call(site, "GET", "/conversations", origin, authorization=key),
            call(site, "GET", "/contacts", origin, authorization=key),
            call(site, "GET", f"/contacts/{victim.id}", origin, authorization=key),
            call(site, "GET", "/nowhere", origin),
            call(site, "DELETE", "/join", origin),
            call(site, "OPTIONS", "/join", origin, access_control_request_method="POST"),
            site.target.call("GET", "/", headers=[("origin", origin)]),
            site.target.call("GET", "/hullo/healthz", headers=[("origin", origin)]),
        ]
        for answer in answers:
            told = cors_in(answer)
            assert "*" not in told.values()
            assert f"{CORS}allow-credentials" not in told
            assert told.get(f"{CORS}allow-origin") in {None, f"https://{name}"}, answer.request
            assert not told or answer.headers["vary"] == "Origin"


def test_server_api_is_unreadable_to_every_page(site: Site, victim: Victim) -> None:
    """A page that has got hold of an API key."""
    name = domain(site)
    listing(site, f"https://{name}")
    key = f"Bearer {site.api_key}"
    for path in (
        "/contacts",
        f"/contacts/{victim.id}",
        "/conversations",
        f"/conversations/{victim.conversation}/messages",
    ):
        answer = call(site, "GET", path, f"https://{name}", authorization=key)
        assert (answer.status_code, cors_in(answer)) == (200, {})
    preflight = call(site, "OPTIONS", "/contacts", f"https://{name}", access_control_request_method="GET")
    assert cors_in(preflight) == {}


def test_origin_of_another_app_is_refused(site: Site) -> None:
    name, other = domain(site), site.beside()
    listing(site, f"https://{name}")
    listing(other, f"https://other.{name}")
    assert call(site, "POST", "/join", f"https://{name}", body={"app_key": site.app_key}).status_code == 200
    answer = call(site, "POST", "/join", f"https://{name}", body={"app_key": other.app_key}, x_hullo_app=site.app_key)
    assert (answer.status_code, cors_in(answer)) == (403, {})


def test_removed_origin_is_refused_at_once(site: Site) -> None:
    name = domain(site)
    listing(site, f"https://{name}", "https://kept.example")
    said = {"app_key": site.app_key}
    assert call(site, "POST", "/join", f"https://{name}", body=said).status_code == 200
    listing(site, "https://kept.example")
    assert call(site, "POST", "/join", f"https://{name}", body=said).status_code == 403
