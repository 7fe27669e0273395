"""Export, erasure and the audit log over HTTP (rules P)."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import response_schema_conformance

from asgi.conftest import Shop
from hullo.model.app import Scope


def _person(shop: Shop, **fields: Any) -> str:
    body = {"external_id": "jane", "email": "jane@example.com", **fields}
    return str(shop.post("/contacts", body, shop.api_key()).json()["id"])


def _erase(shop: Shop, contact_id: str, **params: str) -> Any:
    headers = {"authorization": f"Bearer {shop.api_key()}"}
    return shop.http.delete(f"/hullo/v1/contacts/{contact_id}", params=params, headers=headers)


def _audit(shop: Shop) -> list[Any]:
    return list(shop.get("/audit?limit=200", shop.api_key()).json()["items"])


@pytest.mark.rule("P1")
def test_export_is_one_document(shop: Shop) -> None:
    contact_id = _person(shop, custom_data={"plan": "pro"})
    answer = shop.get(f"/contacts/{contact_id}/export", shop.api_key())
    assert answer.status_code == 200
    told = answer.json()
    assert list(told) == [
        "format",
        "exported_at",
        "contact",
        "merges",
        "conversations",
        "sessions",
        "timeline",
        "decisions",
        "conflicts",
        "notes",
        "audit",
    ]
    assert told["contact"]["custom_data"][shop.app_key]["plan"]["value"] == "pro"
    [entry] = [each for each in _audit(shop) if each["action"] == "contact.exported"]
    assert entry["subject"] == contact_id
    assert entry["by"].startswith("api-key:key_")


@pytest.mark.rule("P1")
def test_full_export_matches_the_api_description(shop: Shop) -> None:
    key, token = shop.api_key(), shop.join()
    shop.post("/conversations", {"text": "Hello", "client_id": "1"}, token)
    contact_id = shop.identify(
        token, **shop.signed("jane", email="jane@example.com", phone="none", custom_data={"vip": True, "n": 1.5})
    ).json()["contact_id"]
    shop.identify(**shop.signed("joe", email="jane@example.com"))
    absorbed = shop.post("/contacts", {"email": "old@example.com", "phone": "+4930123456"}, key).json()["id"]
    shop.post(f"/contacts/{contact_id}/merge", {"absorb": absorbed}, key)
    shop.post(f"/contacts/{contact_id}/tags", {"tags": ["vip"]}, key)
    shop.post(f"/contacts/{contact_id}/notes", {"text": "Likes llamas"}, key)
    shop.post(f"/contacts/{contact_id}/events", {"name": "ordered", "properties": {"n": [1]}}, key)
    answer = shop.get(f"/contacts/{absorbed}/export", key)
    told = answer.json()
    assert all(told[name] for name in told), [name for name in told if not told[name]]
    assert told["contact"]["tags"]
    schema = schemathesis.openapi.from_dict(shop.http.get("/hullo/openapi.json").json())
    case = schema["/v1/contacts/{id}/export"]["GET"].Case(path_parameters={"id": absorbed})
    case.validate_response(answer, checks=[response_schema_conformance])
    audit = shop.get("/audit", key)
    schema["/v1/audit"]["GET"].Case().validate_response(audit, checks=[response_schema_conformance])


@pytest.mark.rule("P1", "G3")
def test_absorbed_id_exports_its_survivor(shop: Shop) -> None:
    key, survivor = shop.api_key(), _person(shop)
    absorbed = shop.post("/contacts", {"email": "old@example.com"}, key).json()["id"]
    assert shop.post(f"/contacts/{survivor}/merge", {"absorb": absorbed}, key).status_code == 200
    told = shop.get(f"/contacts/{absorbed}/export", key).json()
    assert (told["asked_for"], told["merged_into"]) == (absorbed, survivor)
    assert _erase(shop, absorbed).json() == {"id": survivor, "erased": True}
    assert shop.get(f"/contacts/{absorbed}/export", key).status_code == 404


@pytest.mark.rule("P1")
@pytest.mark.parametrize("path", ["/contacts/{id}/export", "/audit"])
def test_bound_key_is_forbidden_privacy_calls(shop: Shop, path: str) -> None:
    contact_id = _person(shop)
    before = len(_audit(shop))
    bound = shop.api_key(app_key=shop.app_key)
    answer = shop.get(path.format(id=contact_id), bound)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    others = shop.api_key(Scope.WRITE, Scope.ERASE)
    assert shop.get(path.format(id=contact_id), others).status_code == 403
    assert all(each["action"] == "api_key.created" for each in _audit(shop)[:-before])


@pytest.mark.rule("P1")
def test_unknown_contact_is_not_exported_or_audited(shop: Shop) -> None:
    for contact_id in ("con_unknown", "x" * 500, "%00"):
        assert shop.get(f"/contacts/{contact_id}/export", shop.api_key()).json()["code"] == "not_found"
    assert all(each["action"] != "contact.exported" for each in _audit(shop))


@pytest.mark.rule("P2")
def test_audit_log_records_the_erasure(shop: Shop) -> None:
    contact_id = _person(shop)
    assert _erase(shop, contact_id, conversations="anonymise").status_code == 200
    assert _erase(shop, contact_id).status_code == 404
    [entry] = [each for each in _audit(shop) if each["action"] == "contact.erased"]
    assert list(entry) == ["number", "at", "by", "action", "subject", "data", "previous", "digest"]
    assert entry["data"]["fate_of_conversations"] == "anonymise"
    numbers = [each["number"] for each in _audit(shop)]
    assert numbers == sorted(numbers, reverse=True)
    page = shop.get("/audit?limit=2", shop.api_key()).json()
    rest = shop.get(f"/audit?limit=200&cursor={page['next']}", shop.api_key()).json()["items"]
    assert rest[0]["number"] == page["items"][-1]["number"] - 1


def test_app_shows_retention_and_consent(shop: Shop) -> None:
    shop.hullo.register.change_app(shop.app_key, {"consent": "required", "keep_conversation_days": "365"})
    told = shop.get(f"/apps/{shop.app_key}", shop.api_key()).json()
    assert told["consent"] == "required"
    assert told["retention"] == {
        "keep_anonymous_days": 30,
        "keep_conversation_days": 365,
        "keep_decision_days": 90,
        "keep_timeline_days": None,
        "keep_contact_days": 365,
    }
