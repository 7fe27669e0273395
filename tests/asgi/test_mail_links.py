"""Links that more than a click opens: browsers ahead of it, and programs that check mails (T6)."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from asgi.test_identity_tokens import arrive, hop_token, kept, proven

OWN = "http://testserver"
AHEAD = [
    {"sec-purpose": "prefetch"},
    {"sec-purpose": "prefetch;prerender"},
    {"sec-purpose": "prefetch;anonymous-client-ip"},
    {"purpose": "prefetch"},
    {"x-moz": "prefetch"},
    {"x-purpose": "preview"},
]


def press(shop, token, query="", *, path="/", **headers):
    """The button of the confirmation page."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()} or {"origin": OWN}
    return shop.http.post(f"{path}?hullo_identity={token}{query}", headers=headers, follow_redirects=False)


def standing(shop, answer):
    name, value, _ = kept(answer)
    return shop.http.get("/", headers={"cookie": f"{name}={value}"}).json()[2]


@pytest.mark.rule("T6")
@pytest.mark.parametrize("headers", AHEAD, ids=str)
def test_page_loaded_ahead_redeems_no_token(shop, headers):
    tokens = [hop_token(shop, proven(shop)[0]), shop.hullo.mint_token(shop.app_key, external_id="jane")]
    for token in tokens:
        ahead = shop.http.get(f"/?hullo_identity={token}", headers=headers, follow_redirects=False)
        # No success and not kept: the browser loads the page again when the visitor opens it.
        assert (ahead.status_code, ahead.headers["cache-control"]) == (503, "no-store")
        assert not ahead.headers.keys() & {"set-cookie", "location"}
        assert shop.http.head(f"/?hullo_identity={token}", follow_redirects=False).headers.get("set-cookie") is None
        assert standing(shop, arrive(shop, token)) == "proven"
        shop.http.cookies.clear()
    assert shop.http.get("/?page=2", headers=headers).status_code == 200


class Parsed(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.rule("T6", "T3")
def test_mail_link_counts_after_its_button(shop):
    token = shop.hullo.mint_token(shop.app_key, external_id="jane", for_mail=True)
    for _ in range(3):
        asked = arrive(shop, token, path="/orders", query="&page=2")
        assert (asked.status_code, asked.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "set-cookie" not in asked.headers
        assert token not in asked.text
    assert shop.http.head(f"/?hullo_identity={token}").headers.get("set-cookie") is None
    assert shop.identify(identity_token=token).json()["code"] == "proof_rejected"
    assert shop.identify(token=token).json()["code"] == "proof_rejected"
    answer = press(shop, token, "&page=2&q=a%2Fb", path="/orders")
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders?page=2&q=a%2Fb")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert standing(shop, answer) == "proven"
    shop.http.cookies.clear()
    # Once: the page works all the same.
    again = press(shop, token)
    assert (again.status_code, again.headers["location"]) == (303, "/")
    assert "set-cookie" not in again.headers


@pytest.mark.rule("T6")
def test_confirmation_page_works_without_scripts(shop):
    page = arrive(shop, shop.hullo.mint_token(shop.app_key, external_id="jane", for_mail=True))
    tags = Parsed(page.text).tags
    names = [name for name, _ in tags]
    assert tags[0] == ("html", {"lang": "en"})
    assert [dict(attributes) for name, attributes in tags if name in {"form", "button"}] == [
        {"method": "post", "data-parameter": "hullo_identity"},
        {"type": "submit"},
    ]
    assert names.count("h1") == names.count("main") == 1
    # Nothing is loaded. What runs where it may cleans the address; the form needs none of it.
    assert not {"link", "img", "iframe"} & set(names)
    assert [attributes for name, attributes in tags if name == "script"] == [{}]
    style, script = (re.search(f"<{tag}>(.*)</{tag}>", page.text, re.DOTALL) for tag in ("style", "script"))
    assert style is not None
    assert script is not None
    styles, scripts = (b64encode(sha256(found[1].encode()).digest()).decode() for found in (style, script))
    policy = page.headers["content-security-policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        f"style-src 'sha256-{styles}'",
        f"script-src 'sha256-{scripts}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "strict-origin"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.rule("T6", "T5")
@pytest.mark.parametrize(
    ("headers", "is_pressed"),
    [
        ({"origin": OWN}, True),
        # A proxy may write another Host; the browser says that the page is the same one's.
        ({"origin": "https://shop.example.com", "sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://evil.test"}, False),
        ({"origin": "null"}, False),
        ({"origin": OWN, "sec-fetch-site": "cross-site"}, False),
        ({"origin": OWN, "sec-fetch-site": "same-site"}, False),
        ({"x-none": "1"}, False),
    ],
    ids=str,
)
def test_button_of_another_page_does_not_count(shop, headers, is_pressed):
    token = shop.hullo.mint_token(shop.app_key, external_id="jane", for_mail=True)
    answer = press(shop, token, **headers)
    assert answer.status_code == (303 if is_pressed else 200)
    assert ("set-cookie" in answer.headers) == is_pressed
    shop.http.cookies.clear()
    assert ("set-cookie" in press(shop, token).headers) != is_pressed


@pytest.mark.rule("T6")
def test_forms_of_the_host_keep_their_requests(shop):
    for token in (hop_token(shop, proven(shop)[0]), "x", "a.b.c"):
        assert press(shop, token).status_code == 405  # the page takes no POST
        assert shop.http.put(f"/?hullo_identity={token}").status_code == 405


@pytest.mark.rule("T6")
def test_token_for_three_uses_counts_three(shop):
    token = shop.hullo.mint_token(shop.app_key, external_id="jane", uses=3)
    answers = []
    for _ in range(5):
        answers.append("set-cookie" in arrive(shop, token).headers)
        shop.http.cookies.clear()
    assert answers == [True, True, True, False, False]
