"""One bad field loses only itself (W8), whichever way it comes in: a page, a server, a check."""

from __future__ import annotations

import json

import pytest

from asgi.conftest import Shop
from hullo.model.limits import Limits

DEEP = '{"a":' * 2_000 + "1" + "}" * 2_000
BAD = {
    "NUL": ('"name": "J\\u0000"', "name"),
    "NUL in an id": ('"external_id": "a\\u0000"', "external_id"),
    "NUL in a name of a field": ('"na\\u0000me": "x"', "na?me"),
    "half an emoji": ('"company": "\\ud83d"', "company"),
    "half an emoji in custom data": ('"custom_data": {"mood": "\\ud83d"}', "custom_data.mood"),
    "half an emoji as a key": ('"custom_data": {"\\udc00": 1}', "custom_data.?"),
    "a list too deep": ('"name": ' + "[" * 5_000 + '"]"' + "]" * 5_000, "name"),
    "a custom value too deep": (f'"custom_data": {{"deep": {DEEP}}}', "custom_data.deep"),
    "an unknown field too deep": (f'"traits": {DEEP}', "traits"),
    "a key too many": (f'"custom_data": {json.dumps({f"k{number}": 1 for number in range(101)})}', "custom_data"),
    "traits of 72 KB": (
        f'"custom_data": {json.dumps({f"k{number}": "x" * 1000 for number in range(72)})}',
        "custom_data",
    ),
    "traits with white space": ('"custom_data": {' + " " * 70_000 + '"plan": "pro"}', "custom_data"),
    "large traits with half an emoji": (f'"custom_data": {{"bio": "\\ud83d{"x" * 70_000}"}}', "custom_data"),
}


def body(shop: Shop, bad: str, *, strict: bool = False) -> bytes:
    told = f'"app_key": "{shop.app_key}", "email": "jane@example.com", "phone": "030 901820"'
    return f'{{{told}, {bad}, "strict": {json.dumps(strict)}}}'.encode()


@pytest.mark.rule("W8")
@pytest.mark.parametrize(("bad", "field"), BAD.values(), ids=BAD.keys())
def test_bad_field_in_body_loses_only_itself(shop: Shop, bad: str, field: str) -> None:
    key = {"authorization": f"Bearer {shop.api_key()}"}
    strict = shop.http.post("/hullo/v1/identify", content=body(shop, bad, strict=True))
    assert (strict.status_code, [fault["field"] for fault in strict.json()["errors"]]) == (422, [field])
    for path in ("/identify", f"/apps/{shop.app_key}/check", "/contacts"):
        answer = shop.http.post(f"/hullo/v1{path}", content=body(shop, bad), headers={} if path == "/identify" else key)
        assert answer.status_code == 200, answer.text
        assert [fault["field"] for fault in answer.json()["rejected"]] == [field]
    (contact,) = shop.http.get("/hullo/v1/contacts", headers=key).json()["items"]
    assert (contact["email"], contact["phone"], contact["custom_data"]) == ("jane@example.com", "030 901820", {})


@pytest.mark.rule("W8", "W10")
@pytest.mark.parametrize("path", ["/identify", "/contacts"])
def test_large_body_without_large_traits_is_refused(shop: Shop, path: str) -> None:
    large = "x" * Limits().body_bytes
    key = {"authorization": f"Bearer {shop.api_key()}"} if path == "/contacts" else {}
    for bad in (f'"name": "{large}"', f'"name": "{large}\\ud83d", "custom_data": {{}}', f'"custom_data": {{}},{large}'):
        answer = shop.http.post(f"/hullo/v1{path}", content=body(shop, bad), headers=key)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    traits = f'"custom_data": "{"x" * Limits().max_body_bytes}"'
    assert shop.http.post(f"/hullo/v1{path}", content=body(shop, traits), headers=key).status_code == 413


@pytest.mark.rule("W8")
@pytest.mark.parametrize("bad", ['"app_key": "app_\\u0000"', '"app_key": "\\ud83d"', '"session_token": "hvs_\\ud83d"'])
def test_unreadable_caller_is_refused_as_unknown(shop: Shop, bad: str) -> None:
    told = f'{{"email": "jane@example.com", {bad}}}'.encode()
    answer = shop.http.post("/hullo/v1/identify", content=told)
    assert answer.status_code in {401, 404}
    nested = f'{{"email": "jane@example.com", {bad.replace("app_key", "app_id")}}}'.encode()
    key = {"authorization": f"Bearer {shop.api_key()}"}
    assert shop.http.post("/hullo/v1/contacts", content=nested, headers=key).status_code in {200, 422}


@pytest.mark.rule("W8")
def test_evidence_that_is_no_text_is_wrong(shop: Shop) -> None:
    for hashed in ('"\\ud83d"', '"\\u0000"', "[1]", '" "'):
        answer = shop.http.post("/hullo/v1/identify", content=body(shop, f'"user_hash": {hashed}'))
        assert answer.json()["code"] == "proof_rejected"


@pytest.mark.rule("V2")
@pytest.mark.parametrize("blank", ["", None])
def test_blank_evidence_is_absent(shop: Shop, blank: str | None) -> None:
    answer = shop.identify(external_id="user_1", user_hash=blank, token=blank)
    assert (answer.status_code, answer.json()["standing"]) == (200, "claimed")
    shop.hullo.register.change_app(shop.app_key, {"verification": "required"})
    answer = shop.identify(external_id="user_1", user_hash=blank, token=blank)
    assert (answer.status_code, answer.json()["code"]) == (401, "proof_required")
