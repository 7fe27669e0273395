"""Merges, their undoing, and conflicts, over HTTP."""

from __future__ import annotations

import pytest

from hullo.model.app import Scope


def upsert(shop, key, **fields):
    return shop.post("/contacts", fields, key).json()["id"]


def merge(shop, key, survivor, absorb, **options):
    return shop.post(f"/contacts/{survivor}/merge", {"absorb": absorb, **options}, key)


@pytest.fixture
def pair(shop):
    """An API key, and two contacts that may be one."""
    key, token = shop.api_key(), shop.join()
    jane = upsert(shop, key, external_id="jane", name="Jane", phone="1")
    shop.post("/conversations", {"text": "hello"}, token)
    signed = shop.signed("j.doe", email="j@x.test", name="J. Doe", company="Doe")
    other = shop.identify(token, **signed).json()["contact_id"]
    shop.post(f"/contacts/{other}/notes", {"text": "hm"}, key)
    shop.post(f"/contacts/{other}/tags", {"tags": ["vip"]}, key)
    return key, jane, other


@pytest.mark.rule("G1", "L4")
def test_merge_absorbs_one_contact_into_another(shop, pair):
    key, jane, other = pair
    answer = merge(shop, key, jane, other).json()
    assert list(answer) == ["merge_id", "survivor_id", "absorbed_id", "dry_run", "contact", "clashes", "moves"]
    assert (answer["survivor_id"], answer["absorbed_id"], answer["dry_run"]) == (jane, other, False)
    assert answer["contact"] == shop.get(f"/contacts/{jane}", key).json()
    assert (answer["contact"]["email"], answer["contact"]["tags"]) == ("j@x.test", ["vip"])
    assert {"field": "name", "kept": "Jane", "lost": "J. Doe"} in answer["clashes"]
    assert {name: answer["moves"][name] for name in ("conversations", "sessions", "notes", "people")} == {
        "conversations": 1,
        "sessions": 1,
        "notes": 1,
        "people": 1,
    }
    assert shop.get("/conversations", key).json()["items"][0]["contact_id"] == jane
    assert [each["id"] for each in shop.get("/contacts", key).json()["items"]] == [jane]


@pytest.mark.rule("G3")
def test_absorbed_id_answers_with_survivor_everywhere(shop, pair):
    key, jane, other = pair
    merge(shop, key, jane, other)
    last = upsert(shop, key, external_id="last")
    merge(shop, key, last, jane)
    for absorbed in (jane, other):
        shown = shop.get(f"/contacts/{absorbed}?provenance=1", key).json()
        assert shown.pop("merged_into") == shown["id"] == last
        assert shown == shop.get(f"/contacts/{last}?provenance=1", key).json()
        for path in ("decisions", "timeline", "notes", "tags", "sessions", "merges"):
            answer = shop.get(f"/contacts/{absorbed}/{path}", key)
            assert answer.json() == shop.get(f"/contacts/{last}/{path}", key).json(), path
    headers = {"authorization": f"Bearer {key}"}
    patched = shop.http.patch(f"/hullo/v1/contacts/{other}", json={"company": "Acme"}, headers=headers).json()
    assert (patched["id"], patched["merged_into"], patched["company"]) == (last, last, "Acme")
    assert shop.post(f"/contacts/{other}/notes", {"text": "x"}, key).json()["about"] == last
    assert shop.post(f"/contacts/{other}/events", {"name": "x"}, key).json()["contact_id"] == last
    assert shop.post(f"/contacts/{other}/tags", {"tags": ["new"]}, key).json() == {"tags": ["new", "vip"]}
    assert shop.http.delete(f"/hullo/v1/contacts/{other}/sessions", headers=headers).json()["id"] == last
    assert shop.http.delete(f"/hullo/v1/contacts/{other}", headers=headers).json()["id"] == last
    assert {shop.get(f"/contacts/{each}", key).status_code for each in (last, jane, other)} == {404}


def test_survivor_has_history_of_both(shop, pair):
    key, jane, other = pair
    before = {
        path: len(shop.get(f"/contacts/{jane}/{path}", key).json()["items"])
        + len(shop.get(f"/contacts/{other}/{path}", key).json()["items"])
        for path in ("timeline", "notes", "decisions")
    }
    merge(shop, key, jane, other)
    after = {path: len(shop.get(f"/contacts/{jane}/{path}", key).json()["items"]) for path in before}
    assert after == {"timeline": before["timeline"] + 1, "notes": before["notes"], "decisions": before["decisions"] + 1}
    entries = shop.get(f"/contacts/{jane}/timeline", key).json()["items"]
    assert {each["contact_id"] for each in entries} == {jane, other}


def test_dry_run_previews_and_changes_nothing(shop, pair):
    key, jane, other = pair
    before = shop.get("/contacts", key).json()
    preview = merge(shop, key, jane, other, dry_run=True).json()
    assert shop.get("/contacts", key).json() == before
    done = merge(shop, key, jane, other).json()
    for answer in (preview, done):
        answer["contact"].pop("updated_at")
    assert preview.pop("dry_run")
    assert not done.pop("dry_run")
    assert preview.pop("merge_id") != done.pop("merge_id")
    assert preview == done


@pytest.mark.rule("G4")
def test_impossible_merge_is_refused(shop, pair):
    _, jane, other = pair
    elsewhere = shop.hullo.create_app("Elsewhere", workspace="Elsewhere").app_key
    foreign = upsert(shop, shop.api_key(app_key=elsewhere), external_id="x")
    ours = shop.hullo.create_api_key(workspace=shop.made.workspace_id).secret
    assert merge(shop, ours, jane, jane).json()["code"] == "conflict"
    assert merge(shop, ours, jane, foreign).json()["code"] == "not_found"
    assert merge(shop, ours, foreign, jane).json()["code"] == "not_found"
    assert merge(shop, ours, jane, "con_unknown").json()["code"] == "not_found"
    assert merge(shop, ours, jane, "a/b").json()["code"] == "invalid"
    merge(shop, ours, jane, other)
    assert merge(shop, ours, other, jane).json()["code"] == "conflict"
    assert merge(shop, ours, jane, other).json()["code"] == "conflict"


@pytest.mark.rule("G2")
def test_undo_restores_both_contacts(shop, pair):
    key, jane, other = pair
    before = [shop.get(f"/contacts/{each}", key).json() for each in (jane, other)]
    merge_id = merge(shop, key, jane, other).json()["merge_id"]
    [listed] = shop.get(f"/contacts/{other}/merges", key).json()["items"]
    assert (listed["id"], listed["survivor_id"], listed["absorbed_id"]) == (merge_id, jane, other)
    assert listed["undone_at"] is None
    preview = shop.post(f"/merges/{merge_id}/undo", {"dry_run": True}, key).json()
    assert shop.get(f"/contacts/{other}", key).json()["id"] == jane
    undone = shop.post(f"/merges/{merge_id}/undo", None, key).json()
    assert list(undone) == ["merge_id", "dry_run", "survivor", "restored", "changed_since"]
    assert (preview["dry_run"], undone["dry_run"], undone["changed_since"]) == (True, False, [])
    after = [shop.get(f"/contacts/{each}", key).json() for each in (jane, other)]
    assert [undone["survivor"], undone["restored"]] == after
    for each in (*before, *after):
        each.pop("updated_at")
        each.pop("last_seen_at")  # they were seen, whoever they are
    assert before == after
    again = shop.post(f"/merges/{merge_id}/undo", {}, key)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert shop.post("/merges/mrg_unknown/undo", {}, key).json()["code"] == "not_found"
    [listed] = shop.get(f"/contacts/{jane}/merges", key).json()["items"]
    assert listed["undone_by"].startswith("api-key:")


@pytest.mark.rule("G2")
def test_undo_reports_what_changed_since(shop, pair):
    key, jane, other = pair
    merge_id = merge(shop, key, jane, other).json()["merge_id"]
    headers = {"authorization": f"Bearer {key}"}
    shop.http.patch(f"/hullo/v1/contacts/{jane}", json={"company": "Acme"}, headers=headers)
    undone = shop.post(f"/merges/{merge_id}/undo", {}, key).json()
    assert [each["field"] for each in undone["changed_since"]] == ["company"]
    assert (undone["survivor"]["company"], undone["restored"]["company"]) == ("Acme", "Doe")


@pytest.fixture
def conflict(shop):
    """An API key, and a conflict about an email."""
    shop.identify(**shop.signed("user_1", email="jane@x.test"))
    shop.identify(**shop.signed("user_2", email="jane@x.test"))
    key = shop.api_key()
    return key, shop.get("/conflicts", key).json()["items"][0]


@pytest.mark.rule("C7")
@pytest.mark.parametrize("action", ["merge", "keep", "move_email"])
def test_resolve_settles_a_conflict(shop, conflict, action):
    key, found = conflict
    answer = shop.post(f"/conflicts/{found['id']}/resolve", {"action": action}, key).json()
    assert (answer["status"], answer["resolution"]) == ("resolved", action)
    assert answer["resolved_by"].startswith("api-key:")
    emails = [shop.get(f"/contacts/{found[each]}", key).json()["email"] for each in ("contact_id", "other_id")]
    assert (answer.pop("merge") is not None) == (action == "merge")
    after = {
        "merge": ["jane@x.test", "jane@x.test"],
        "keep": [None, "jane@x.test"],
        "move_email": ["jane@x.test", None],
    }
    assert emails == after[action]
    again = shop.post(f"/conflicts/{found['id']}/resolve", {"action": action}, key)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert shop.get("/conflicts", key).json()["items"] == []
    assert shop.get("/conflicts?status=resolved", key).json()["items"] == [answer]


def test_conflicts_are_found_by_status_and_contact(shop, conflict):
    key, found = conflict

    def listed(query):
        return [each["id"] for each in shop.get(f"/conflicts?{query}", key).json()["items"]]

    for contact_id in (found["contact_id"], found["other_id"]):
        assert listed(f"contact_id={contact_id}") == [found["id"]]
    assert listed("status=all") == listed("status=open") == [found["id"]]
    assert listed("status=resolved") == listed("contact_id=con_unknown") == []
    for query in ("status=x", "contact_id=a.b", "contact_id="):
        assert shop.get(f"/conflicts?{query}", key).status_code == 422


def test_unknown_conflict_is_not_found(shop, conflict):
    _, found = conflict
    elsewhere = shop.hullo.create_app("Elsewhere", workspace="Elsewhere")
    theirs = shop.hullo.create_api_key(workspace=elsewhere.workspace_id).secret
    for conflict_id in (found["id"], "cfl_unknown"):
        answer = shop.post(f"/conflicts/{conflict_id}/resolve", {"action": "keep"}, theirs)
        assert answer.json()["code"] == "not_found"


def test_bound_key_may_not_merge_or_resolve(shop, pair):
    key, jane, other = pair
    merge_id = merge(shop, key, jane, other).json()["merge_id"]
    for bound in (shop.api_key(app_key=shop.app_key), shop.api_key(Scope.READ)):
        for path, body in (
            (f"/contacts/{jane}/merge", {"absorb": other}),
            (f"/merges/{merge_id}/undo", {}),
            ("/conflicts/cfl_1/resolve", {"action": "keep"}),
        ):
            assert shop.post(path, body, bound).json()["code"] == "forbidden"
        assert len(shop.get(f"/contacts/{jane}/merges", bound).json()["items"]) == 1


@pytest.mark.rule("C9")
def test_conflicts_of_a_rule_settle_in_one_call(shop, conflict):
    key, found = conflict
    body = {"rule": found["rule"], "action": "keep"}
    assert shop.post("/conflicts/resolve", {**body, "dry_run": True}, key).json() == {"resolved": 1, "dry_run": True}
    assert shop.get(f"/conflicts?contact_id={found['other_id']}", key).json()["items"] == [found]
    assert shop.post("/conflicts/resolve", body, key).json() == {"resolved": 1, "dry_run": False}
    assert shop.get("/conflicts", key).json()["items"] == []
    assert shop.post("/conflicts/resolve", {**body, "rule": "C5"}, key).json()["code"] == "invalid"


@pytest.mark.rule("J")
def test_contact_shows_its_joined_record(shop):
    key = shop.api_key()
    contact_id = shop.identify(**shop.signed("user_1", email="jane@x.test")).json()["contact_id"]
    written = shop.post("/contacts", {"email": "jane@x.test", "name": "Jane"}, key).json()
    assert (written["id"], written["matched_by"], written["created"]) == (contact_id, "email", False)
    joined = shop.get(f"/contacts/{contact_id}", key).json()["joined"]
    assert (written["joined"], joined["email"]) == (joined, "jane@x.test")
    [merge] = shop.get(f"/contacts/{contact_id}/merges", key).json()["items"]
    assert (merge["id"], merge["joined"], merge["rule"]) == (joined["merge_id"], True, "J")
    provenance = shop.get(f"/contacts/{contact_id}?provenance=1", key).json()["provenance"]
    assert {provenance[field]["standing"] for field in ("email", "name")} == {"claimed"}
