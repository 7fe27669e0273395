"""The server API for contacts."""

from __future__ import annotations

import pytest

from hullo.model.app import Scope

CONTACT = [
    "id",
    "external_id",
    "email",
    "name",
    "phone",
    "company",
    "avatar_url",
    "emails",
    "phones",
    "identifiers",
    "tags",
    "custom_data",
    "standing",
    "blocked",
    "created_at",
    "updated_at",
    "last_seen_at",
]
CONFLICT = [
    "id",
    "contact_id",
    "other_id",
    "field",
    "rule",
    "status",
    "resolution",
    "created_at",
    "resolved_at",
    "resolved_by",
]


def _upsert(shop, key, **fields):
    return shop.post("/contacts", fields, key)


def _write(shop, method, contact_id, key, body=None, **params):
    return shop.http.request(
        method,
        f"/hullo/v1/contacts/{contact_id}",
        json=body,
        params=params,
        headers={"authorization": f"Bearer {key}"},
    )


def _find(shop, key, **params):
    answer = shop.http.get("/hullo/v1/contacts", params=params, headers={"authorization": f"Bearer {key}"})
    return [each["external_id"] for each in answer.json()["items"]]


def test_server_creates_and_reads_a_contact(shop):
    key = shop.api_key()
    made = _upsert(shop, key, external_id="user_1", email="Jane@Example.com", custom_data={"plan": "pro"}, phone="none")
    answer = made.json()
    assert made.status_code == 200
    assert list(answer)[: len(CONTACT)] == CONTACT
    assert (answer["matched_by"], answer["created"], answer["standing"]) == ("created", True, "proven")
    assert answer["written"] == ["external_id", "email", "custom_data.plan"]
    assert answer["rejected"] == [{"field": "phone", "reason": "not a phone number"}]
    read = shop.get(f"/contacts/{answer['id']}", key).json()
    assert list(read) == CONTACT
    assert read["custom_data"] == {shop.app_key: {"plan": "pro"}}
    assert read["name"] is None
    assert read == {name: answer[name] for name in CONTACT}


@pytest.mark.rule("M1", "M2")
def test_upsert_matches_like_identify(shop):
    key = shop.api_key()
    first = _upsert(shop, key, external_id="user_1", email="jane@example.com").json()
    by_id = _upsert(shop, key, external_id="user_1", name="Jane").json()
    by_email = _upsert(shop, key, email="JANE@example.com").json()
    assert {first["id"], by_id["id"], by_email["id"]} == {first["id"]}
    assert (by_id["matched_by"], by_email["matched_by"]) == ("external_id", "email")
    assert (by_id["created"], by_id["name"]) == (False, "Jane")


def test_owned_contact_is_shown_to_servers(shop):
    shop.identify(email="jane@example.com")
    contact = shop.get("/contacts", shop.api_key()).json()["items"][0]
    assert contact["standing"] == "owned"


def test_provenance_is_shown_when_asked(shop):
    key = shop.api_key()
    made = _upsert(shop, key, external_id="user_1", name="Jane", custom_data={"plan": "pro"}).json()
    provenance = shop.get(f"/contacts/{made['id']}?provenance=1", key).json()["provenance"]
    assert set(provenance) == {"external_id", "name", f"custom_data.{shop.app_key}.plan"}
    assert set(provenance["name"]) == {"standing", "at", "by"}
    assert provenance["name"]["by"].startswith("api-key:")


def test_contacts_are_found_by_query(shop):
    key = shop.api_key()
    _upsert(shop, key, external_id="user_1", email="jane@example.com", name="Jane Doe")
    _upsert(shop, key, external_id="user_2", email="joe@example.com", name="Joe")
    assert _find(shop, key) == ["user_2", "user_1"]
    assert _find(shop, key, query="jane") == ["user_1"]
    assert _find(shop, key, external_id="user_2") == ["user_2"]
    assert _find(shop, key, external_id="User_2") == []
    assert _find(shop, key, external_id="user_2", email="jane@example.com") == []
    assert _find(shop, key, external_id="user_2", email="joe@example.com") == ["user_2"]


def test_patch_writes_fields_and_null_clears(shop):
    key = shop.api_key()
    made = _upsert(shop, key, external_id="user_1", email="jane@example.com", name="Jane", company="Acme").json()
    patched = _write(shop, "PATCH", made["id"], key, {"email": None, "name": None, "phone": "+4930123456"}).json()
    assert list(patched) == CONTACT
    assert (patched["email"], patched["name"], patched["company"]) == (None, None, "Acme")
    assert patched["phone"] == "+4930123456"
    assert _find(shop, key, email="jane@example.com") == []


def test_empty_patch_changes_nothing(shop):
    key = shop.api_key()
    made = _upsert(shop, key, external_id="user_1").json()
    assert _write(shop, "PATCH", made["id"], key, {}).json() == {name: made[name] for name in CONTACT}


def test_patch_with_a_fault_writes_nothing(shop):
    key = shop.api_key()
    made = _upsert(shop, key, external_id="user_1", name="Jane").json()
    answer = _write(shop, "PATCH", made["id"], key, {"name": "Joe", "phone": "none", "nickname": "J"})
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {"phone", "nickname"}
    assert shop.get(f"/contacts/{made['id']}", key).json()["name"] == "Jane"


def test_patch_cannot_take_another_contacts_identifier(shop):
    key = shop.api_key()
    _upsert(shop, key, external_id="user_1", email="jane@example.com")
    other = _upsert(shop, key, external_id="user_2").json()
    answer = _write(shop, "PATCH", other["id"], key, {"email": "jane@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_delete_erases_the_contact(shop):
    key = shop.api_key()
    made = _upsert(shop, key, external_id="user_1").json()
    erased = _write(shop, "DELETE", made["id"], key)
    assert erased.json() == {"id": made["id"], "erased": True}
    assert shop.get(f"/contacts/{made['id']}", key).status_code == 404
    assert _write(shop, "DELETE", made["id"], key).json()["code"] == "not_found"


@pytest.mark.parametrize(("fate", "left"), [("erase", 0), ("anonymise", 1)])
def test_erasure_deletes_or_anonymises_conversations(shop, fate, left):
    key, token = shop.api_key(), shop.join()
    shop.identify(token, **shop.signed("user_1"))
    shop.post("/conversations", {"text": "hello"}, token)
    contact = shop.get("/contacts", key).json()["items"][0]["id"]
    assert _write(shop, "DELETE", contact, key, conversations=fate).status_code == 200
    conversations = shop.get("/conversations", key).json()["items"]
    assert [each["contact_id"] for each in conversations] == [None] * left
    assert shop.get("/me", token).json()["code"] == "session_revoked"


def test_erasure_with_unknown_fate_does_nothing(shop):
    key = shop.api_key()
    made = _upsert(shop, key, external_id="user_1").json()
    assert _write(shop, "DELETE", made["id"], key, conversations="keep").status_code == 422
    assert shop.get(f"/contacts/{made['id']}", key).status_code == 200


def test_decision_gives_its_reasons(shop):
    key = shop.api_key()
    asked = shop.identify(**shop.signed("user_1", email="jane@example.com", phone="none")).json()
    items = shop.get(f"/contacts/{asked['contact_id']}/decisions", key).json()["items"]
    assert [list(each) for each in items] == [
        ["id", "at", "request_id", "by", "matched_by", "standing", "words", "steps", "fields"]
    ]
    assert items[0]["request_id"] == asked["request_id"]
    assert {"stage", "plugin", "answer"} == set(items[0]["steps"][0])
    assert {"field": "phone", "verdict": "rejected", "reason": "not a phone number"} in items[0]["fields"]


@pytest.mark.rule("C7")
def test_conflicts_are_listed(shop):
    shop.identify(**shop.signed("user_1", email="jane@example.com"))
    answer = shop.identify(**shop.signed("user_2", email="jane@example.com")).json()
    items = shop.get("/conflicts", shop.api_key()).json()["items"]
    assert [list(each) for each in items] == [CONFLICT]
    assert items[0]["contact_id"] == answer["contact_id"]


@pytest.mark.parametrize("contact_id", ["con_unknown", "x" * 500, "%00", "a.b", "é", "con_1;"])
def test_unknown_contact_is_not_found(shop, contact_id):
    key = shop.api_key()
    answers = [
        _write(shop, "GET", contact_id, key),
        _write(shop, "PATCH", contact_id, key, {"name": "x"}),
        _write(shop, "DELETE", contact_id, key),
        shop.get(f"/contacts/{contact_id}/decisions", key),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}


def test_contact_of_other_workspace_not_found(shop):
    other = shop.hullo.create_app("Other", workspace="Other").app_key
    made = _upsert(shop, shop.api_key(app_key=other), external_id="user_1").json()
    ours = shop.api_key(app_key=shop.app_key)
    assert _write(shop, "GET", made["id"], ours).status_code == 404
    assert _write(shop, "PATCH", made["id"], ours, {"name": "x"}).status_code == 404
    assert _find(shop, ours) == []


def test_custom_data_needs_app_among_several(shop):
    other = shop.hullo.create_app("Other").app_key
    key, bound = shop.api_key(), shop.api_key(app_key=other)
    unclear = _upsert(shop, key, external_id="user_1", custom_data={"plan": "pro"})
    assert (unclear.status_code, unclear.json()["errors"][0]["field"]) == (422, "custom_data")
    named = _upsert(shop, key, external_id="user_1", custom_data={"plan": "pro"}, app_id=shop.app_key)
    assert named.json()["custom_data"] == {shop.app_key: {"plan": "pro"}}
    nested = _upsert(shop, key, external_id="user_1", custom_data={other: {"plan": "free"}})
    assert nested.json()["custom_data"] == {shop.app_key: {"plan": "pro"}, other: {"plan": "free"}}
    own = _upsert(shop, bound, external_id="user_1", custom_data={"plan": "basic"})
    assert own.json()["custom_data"][other] == {"plan": "basic"}
    foreign = _upsert(shop, bound, external_id="user_1", custom_data={shop.app_key: {"plan": "x"}})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    assert _upsert(shop, key, external_id="user_2").status_code == 200


def test_app_of_other_workspace_is_unknown(shop):
    other = shop.hullo.create_app("Other", workspace="Other").app_key
    key = shop.api_key(app_key=shop.app_key)
    for app_id in (other, "app_unknown"):
        answer = _upsert(shop, key, external_id="user_1", app_id=app_id)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_app")


def test_server_gets_faults_of_its_request(shop):
    key = shop.api_key()
    assert _upsert(shop, key, name="Jane").json()["code"] == "no_identifier"
    assert _upsert(shop, key, external_id="user_1", phone="none", strict=True).status_code == 422


@pytest.mark.parametrize("token", [None, "hvs_x", "hsk_unknown", "garbage", "hsk_" + "x" * 5000, ""])
def test_server_api_needs_a_key(shop, token):
    answers = [
        shop.get("/contacts", token),
        shop.post("/contacts", {"external_id": "user_1"}, token),
        shop.get("/contacts/con_1", token),
        shop.get("/contacts/con_1/decisions", token),
        shop.get("/conflicts", token),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "key_required")}


def test_revoked_key_is_refused(shop):
    made = shop.hullo.create_api_key(app_key=shop.app_key)
    assert shop.get("/contacts", made.secret).status_code == 200
    shop.hullo.register.revoke_api_key(made.key.id)
    assert shop.get("/contacts", made.secret).json()["code"] == "key_required"


def test_key_is_limited_to_its_scopes(shop):
    made = _upsert(shop, shop.api_key(), external_id="user_1").json()["id"]

    def allowed(scope):
        key = shop.api_key(scope)
        answers = {
            "list": shop.get("/contacts", key),
            "read": _write(shop, "GET", made, key),
            "decisions": shop.get(f"/contacts/{made}/decisions", key),
            "conflicts": shop.get("/conflicts", key),
            "patch": _write(shop, "PATCH", made, key, {"name": "x"}),
            "erase": _write(shop, "DELETE", "con_unknown", key),
        }
        assert {answer.status_code for answer in answers.values()} <= {200, 403, 404}
        return {name for name, answer in answers.items() if answer.json().get("code") != "forbidden"}

    assert allowed(Scope.READ) == {"list", "read", "decisions", "conflicts"}
    assert allowed(Scope.WRITE) == {"patch"}
    assert allowed(Scope.ERASE) == {"erase"}
    assert _upsert(shop, shop.api_key(Scope.READ), external_id="u").json()["code"] == "forbidden"


@pytest.mark.rule("W3")
def test_bound_key_sees_only_own_custom_data(shop):
    other = shop.hullo.create_app("Second shop")
    person = shop.post("/contacts", {"external_id": "jane", "custom_data": {shop.app_key: {"a": 1}}}, shop.api_key())
    shop.post("/contacts", {"external_id": "jane", "custom_data": {other.app_key: {"b": 2}}}, shop.api_key())
    key = shop.api_key(app_key=other.app_key)
    path = f"/contacts/{person.json()['id']}"
    assert shop.get(path, key).json()["custom_data"] == {other.app_key: {"b": 2}}
    assert shop.get("/contacts", key).json()["items"][0]["custom_data"] == {other.app_key: {"b": 2}}
    assert set(shop.get(path, shop.api_key()).json()["custom_data"]) == {shop.app_key, other.app_key}


@pytest.mark.rule("C1", "W9")
def test_patch_takes_email_from_stub_as_post(shop):
    key = shop.api_key()
    for verb in ("patch", "post"):
        email = f"{verb}@x.test"
        shop.identify(email=email, name="Stub")
        [stub] = shop.get(f"/contacts?email={email}", key).json()["items"]
        contact = shop.post("/contacts", {"external_id": verb, "name": "Jane"}, key).json()["id"]
        if verb == "patch":
            assert shop.patch(f"/contacts/{contact}", {"email": email}, key).json()["email"] == email
        else:
            shop.post("/contacts", {"external_id": verb, "email": email}, key)
        seen = shop.get(f"/contacts/{stub['id']}?provenance=1", key).json()
        assert (seen["id"], seen["merged_into"], seen["name"]) == (contact, contact, "Jane")
        assert (seen["email"], seen["provenance"]["email"]["standing"]) == (email, "proven")
        [merge] = shop.get(f"/contacts/{contact}/merges", key).json()["items"]
        assert (merge["rule"], merge["absorbed_id"]) == ("C1", stub["id"])
        shop.post(f"/merges/{merge['id']}/undo", {}, key)
        assert shop.get(f"/contacts/{stub['id']}", key).json()["email"] == email


def test_conflict_of_patch_names_the_other_contact(shop):
    key = shop.api_key()
    other = shop.post("/contacts", {"email": "taken@x.test"}, key).json()["id"]
    contact = shop.post("/contacts", {"external_id": "user_1"}, key).json()["id"]
    answer = shop.patch(f"/contacts/{contact}", {"email": "taken@x.test"}, key)
    assert (answer.status_code, answer.json()["code"], answer.json()["other_id"]) == (409, "conflict", other)
    assert "taken" not in answer.json()["detail"]


@pytest.mark.rule("M2", "W9")
def test_site_corrects_the_spelling_of_an_email(shop):
    key = shop.api_key()
    contact = shop.post("/contacts", {"external_id": "user_1", "email": "mcdonald@x.test"}, key).json()["id"]
    assert shop.patch(f"/contacts/{contact}", {"email": "McDonald@x.test"}, key).json()["email"] == "McDonald@x.test"
    written = shop.post("/contacts", {"external_id": "user_1", "email": "MCDONALD@x.test"}, key).json()
    assert (written["id"], written["email"]) == (contact, "MCDONALD@x.test")
    # A visitor's spelling changes nothing, or each page would write (W9).
    shop.identify(**shop.signed("user_1", email="mcdonald@x.test"))
    assert shop.get(f"/contacts/{contact}", key).json()["email"] == "MCDONALD@x.test"
