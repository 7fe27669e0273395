"""What the API does with queries: every parameter is used, or the call is refused and names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from asgi.conftest import PAGE, Shop
from hullo import Hullo, hookimpl
from hullo.errors import HulloError

PROBES = {"/healthz", "/readyz"}
"""Proxies add parameters to these."""


def calls(shop: Shop) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and declared parameters of every operation but the probes."""
    document = shop.http.get("/hullo/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            resolved = [
                document["components"]["parameters"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
                for part in operation.get("parameters", [])
            ]
            if path not in PROBES:
                declared = {part["name"]: part["schema"] for part in resolved if part["in"] == "query"}
                yield method, path.replace("{id}", "con_1").replace("{tag}", "vip"), declared


def faults(answer: Any) -> dict[str, str]:
    """The reason for each field, of a call that was refused as invalid."""
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
    return {fault["field"]: fault["reason"] for fault in answer.json()["errors"]}


def listed(shop: Shop, key: str, query: str) -> list[str]:
    answer = shop.get(f"/contacts?{query}", key)
    assert answer.status_code == 200, answer.text
    return [contact["external_id"] for contact in answer.json()["items"]]


def test_every_operation_refuses_unknown_parameters(shop: Shop) -> None:
    headers = {"authorization": f"Bearer {shop.api_key()}"}
    for method, path, declared in calls(shop):
        answer = shop.http.request(method, f"/hullo{path}?limti=2", headers=headers)
        assert list(faults(answer)) == ["limti"], (method, path)
        assert all(name in faults(answer)["limti"] for name in declared)


def test_every_operation_refuses_repeated_parameters(shop: Shop) -> None:
    headers = {"authorization": f"Bearer {shop.api_key()}"}
    seen = 0
    for method, path, declared in calls(shop):
        for name, schema in declared.items():
            value = schema.get("enum", ["x@y1"])[0] if name != "limit" else "2"
            query = "&".join([f"{name}={value}"] * 2)
            answer = shop.http.request(method, f"/hullo{path}?{query}", headers=headers)
            assert faults(answer)[name] == "is given twice", (method, path, name)
            seen += 1
    assert seen > 20


def test_probes_ignore_parameters(shop: Shop) -> None:
    assert {shop.http.get(f"/hullo{path}?cachebust=1").status_code for path in PROBES} == {200}


def test_mistyped_mode_erases_nothing(shop: Shop) -> None:
    key = shop.api_key()
    contact = shop.post("/contacts", {"external_id": "user_1"}, key).json()["id"]
    for query in ("conversation=anonymise", "conversations=anonymise&conversations=erase", "conversations=keep"):
        answer = shop.http.delete(f"/hullo/v1/contacts/{contact}?{query}", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 422
    assert shop.get(f"/contacts/{contact}", key).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("email=notanemail", "email"),
        ("email=", "email"),
        ("query=", "query"),
        ("phone=none", "phone"),
        ("standing=sure", "standing"),
        ("query=%00", "query"),
        ("query=%ff", "query"),
        ("limit=0", "limit"),
        ("cursor=garbage", "cursor"),
        ("%1b[31mred=1", "?[31mred"),
        ("a%20b=1", "a b"),
        ("x" * 300 + "=1", "x" * 64),
        ("limit", "limit"),
    ],
)
def test_unusable_values_are_refused(shop: Shop, query: str, field: str) -> None:
    assert list(faults(shop.get(f"/contacts?{query}", shop.api_key()))) == [field]


def test_all_wrong_parameters_are_named_together(shop: Shop) -> None:
    answer = shop.get("/contacts?limit=x&mail=a&standing=b", shop.api_key())
    assert list(faults(answer)) == ["limit", "mail", "standing"]
    many = "&".join(f"p{number}=1" for number in range(60))
    assert shop.get(f"/contacts?{many}", shop.api_key()).status_code == 422


def test_refused_query_of_identify_reaches_observers(serve: Callable[..., Shop], backend: str) -> None:
    seen = []

    class Observer:
        name = "observer"

        @hookimpl
        def identify_refused(self, error: HulloError) -> None:
            seen.append(error.code)

    shop = serve(Hullo("memory:", plugins=[Observer()]), backend)
    answer = shop.post("/identify?debug=1", {"app_key": shop.app_key, "email": "jane@example.com"}, origin=PAGE)
    assert list(faults(answer)) == ["debug"]
    assert seen == ["invalid"]
    # The page may read which parameter is wrong.
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert shop.get("/contacts", shop.api_key()).json()["items"] == []


def test_plus_finds_plus_addresses(shop: Shop) -> None:
    key = shop.api_key()
    shop.post("/contacts", {"external_id": "a", "email": "ann+one@example.com", "name": "Ann Smith"}, key)
    shop.post("/contacts", {"external_id": "b", "email": "ann.one@example.com", "name": "Ann Smithers"}, key)
    for query in ("email=ann%2Bone@example.com", "email=ann+one@example.com", "email=%20ANN%2bone@example.com"):
        assert listed(shop, key, query) == ["a"]
    assert listed(shop, key, "query=ann+one@example.com") == ["a"]
    assert listed(shop, key, "query=ann+one") == ["a"]
    # A form writes a space as a plus: with no plus anywhere, that is what is meant.
    assert listed(shop, key, "query=Ann+Smith") == ["b", "a"]
    page = shop.get("/contacts?query=Ann+Smith&limit=1", key).json()
    assert listed(shop, key, f"query=Ann+Smith&limit=1&cursor={page['next']}") == ["a"]


def test_contacts_are_filtered_by_phone(shop: Shop) -> None:
    key = shop.api_key()
    shop.hullo.register.change_app(shop.app_key, {"region": "DE"})
    shop.post("/contacts", {"external_id": "a", "phones": ["+4930901820", "+4930901821"]}, key)
    shop.post("/contacts", {"external_id": "b", "phone": "+49309018201"}, key)
    shop.post("/contacts", {"external_id": "c", "phone": "ext. 12"}, key)
    for phone in ("+4930901820", "+49 30 901820", "030 901820", "+49 (30) 901821"):
        assert listed(shop, key, f"phone={quote(phone)}") == ["a"], phone
    assert listed(shop, key, "phone=+4930901820") == ["a"]
    assert listed(shop, key, "phone=ext.%2012") == ["c"]
    assert listed(shop, key, "phone=%2B4930901820&query=nobody") == []


def test_contacts_are_filtered_by_standing(shop: Shop) -> None:
    key = shop.api_key()
    for number in range(3):
        shop.post("/contacts", {"external_id": f"user_{number}", "tags": []}, key)
        shop.identify(external_id=f"visitor_{number}")
    assert listed(shop, key, "standing=owned") == ["visitor_2", "visitor_1", "visitor_0"]
    assert listed(shop, key, "standing=claimed") == []
    page = shop.get("/contacts?standing=proven&limit=2", key).json()
    assert [contact["external_id"] for contact in page["items"]] == ["user_2", "user_1"]
    assert listed(shop, key, f"standing=proven&limit=2&cursor={page['next']}") == ["user_0"]
