"""What servers send about contacts, as it is decoded."""

from __future__ import annotations

import json

import pytest

from hullo.api.server_bodies import ContactBody, EventBody, MergeBody, NoteBody, ResolveBody, TagsBody, UndoBody
from hullo.errors import BadRequest, Invalid
from hullo.model.instant import HOUR, parse_rfc3339
from hullo.model.limits import Limits

LIMITS = Limits()
NOW = parse_rfc3339("2026-11-22T14:00:00Z")


def faults(kind, body):
    """What is wrong with it."""
    read = event if kind is EventBody else lambda raw: kind.parse(raw, LIMITS)
    with pytest.raises(Invalid) as refused:
        read(body if isinstance(body, bytes) else json.dumps(body).encode())
    return [(each.field, each.reason) for each in refused.value.rejected]


def event(body):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return EventBody.parse(raw, LIMITS).report(LIMITS, NOW)


def test_custom_data_may_be_flat_or_nested():
    flat = ContactBody.parse(b'{"external_id": "u", "custom_data": {"plan": "pro"}}', LIMITS)
    nested = ContactBody.parse(b'{"external_id": "u", "custom_data": {"app_1": {"plan": "pro"}}}', LIMITS)
    assert (flat.app_id, nested.app_id) == (None, "app_1")
    assert flat.claim.custom_data == nested.claim.custom_data == {"plan": "pro"}


def test_nested_custom_value_is_rejected():
    body = ContactBody.parse(b'{"external_id": "u", "custom_data": {"plan": {"name": "pro"}}}', LIMITS)
    assert [each.field for each in body.claim.rejected] == ["custom_data.plan"]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"custom_data": {"app_1": {}, "app_2": {}}}',
        b'{"app_id": "app_2", "custom_data": {"app_1": {"a": 1}}}',
        b'{"app_id": "app_2", "app_key": "app_1"}',
        b'{"app_id": 7}',
    ],
)
def test_custom_data_of_unclear_app_is_refused(raw):
    with pytest.raises(Invalid) as refused:
        ContactBody.parse(raw, LIMITS)
    assert refused.value.rejected


def test_null_clears_a_contact_identifier():
    body = ContactBody.parse(b'{"email": null, "name": null, "app_key": "app_1"}', LIMITS)
    assert body.cleared_identifiers == {"email"}
    assert body.claim.profile == {"name": None}
    assert body.claim.rejected == ()


def test_lists_are_distinct_from_single_values():
    body = ContactBody.parse(b'{"emails": ["a@x.test", "b@x.test"], "phones": null, "name": "Ann"}', LIMITS)
    assert (body.lists.emails, body.lists.phones) == (("a@x.test", "b@x.test"), ())
    assert (body.claim.email, body.claim.profile) == (None, {"name": "Ann"})
    assert body.claim.rejected == ()


def test_invalid_list_entries_are_dropped_and_named():
    body = ContactBody.parse(b'{"emails": ["a@x.test", "no email", null], "phones": ["none"]}', LIMITS)
    assert (body.lists.emails, body.lists.phones) == (("a@x.test",), None)
    assert {(each.field, each.reason) for each in body.claim.rejected} == {
        ("emails", "not an email address"),
        ("emails", "must be text"),
        ("phones", "not a phone number"),
    }


@pytest.mark.rule("W10")
def test_list_over_the_limit_is_rejected():
    body = ContactBody.parse(json.dumps({"emails": [f"{n}@x.test" for n in range(21)], "phones": "1"}).encode(), LIMITS)
    assert body.lists.emails is body.lists.phones is None
    assert [(each.field, each.reason) for each in body.claim.rejected] == [
        ("emails", "more than 20"),
        ("phones", "must be a list"),
    ]


@pytest.mark.parametrize("body", [{"emails": [], "email": "a@x.test"}, {"phones": ["1"], "phone": None}])
def test_value_beside_its_list_is_refused(body):
    [(field, reason)] = faults(ContactBody, body)
    assert field in {"email", "phone"}
    assert "send one of them" in reason


def test_event_keeps_time_and_json_properties():
    report = event({"name": " Order placed ", "occurred_at": "2026-11-22T15:30:00+02:00", "properties": {"a": [{}, 1]}})
    assert (report.name, report.properties) == ("Order placed", {"a": [{}, 1]})
    assert report.occurred_at == parse_rfc3339("2026-11-22T13:30:00Z")
    assert event({"name": "x", "occurred_at": None, "properties": None}).properties == {}


@pytest.mark.parametrize(
    "occurred_at",
    [
        "yesterday",
        "2026-11-22",
        "2026-11-22T14:00:00",
        "2026-W47-7T14:00:00Z",
        "2026-02-30T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-11-22T15:00:01Z",
        1790000000,
        "",
    ],
)
def test_event_with_impossible_time_is_refused(occurred_at):
    assert [field for field, _ in faults(EventBody, {"name": "x", "occurred_at": occurred_at})] == ["occurred_at"]


def test_event_clock_may_differ_an_hour():
    assert event({"name": "x", "occurred_at": "2026-11-22T15:00:00Z"}).occurred_at == NOW + HOUR
    assert event({"name": "x", "occurred_at": "1970-01-01T00:00:00Z"}).occurred_at == 0


@pytest.mark.rule("W10")
@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ([], "must be an object"),
        ("x", "must be an object"),
        ({"a": "x" * 16384}, "over 16384 bytes"),
        ({"a": {"b": {"c": {"d": {"e": {"f": {"g": [[]]}}}}}}}, "is nested too deeply"),
        ({"a": [2**63]}, "holds a number that does not fit in 64 bits; send it as text"),
    ],
)
def test_event_properties_are_limited(properties, reason):
    assert faults(EventBody, {"name": "x", "properties": properties}) == [("properties", reason)]


def test_event_at_size_limits_is_accepted():
    properties = {"a": {"b": {"c": {"d": {"e": {"f": {"g": []}}}}}}, "n": 2**63 - 1, "e": "é" * 4000}
    assert event({"name": "x" * 255, "properties": properties}).properties == properties


@pytest.mark.parametrize("name", [None, "", "  ", 7, "x" * 256, "a\nb"])
def test_event_needs_a_name(name):
    assert [field for field, _ in faults(EventBody, {"name": name})] == ["name"]


def test_event_faults_are_named_at_once():
    body = {"occurred_at": "x", "properties": 1}
    assert [field for field, _ in faults(EventBody, body)] == ["name", "occurred_at", "properties"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (EventBody, {"name": "x", "nam\ne": 1}),
        (NoteBody, {"text": "x", "nam\ne": 1}),
        (TagsBody, {"tags": [], "nam\ne": 1}),
        (MergeBody, {"absorb": "con_1", "nam\ne": 1}),
        (UndoBody, {"nam\ne": 1}),
        (ResolveBody, {"action": "keep", "nam\ne": 1}),
    ],
)
def test_unknown_field_is_refused(kind, body):
    assert faults(kind, body) == [("nam?e", "unknown field")]


def test_tags_are_trimmed_and_unique():
    assert TagsBody.parse(b'{"tags": [" vip", "VIP", "vip ", "a b"]}', LIMITS).tags == ("vip", "VIP", "a b")


@pytest.mark.rule("W10")
@pytest.mark.parametrize("tags", [None, "vip", {}, [""], [" "], ["x" * 65], ["a\u0001b"], ["a\nb"], [7], [None], [[]]])
def test_tag_must_be_short_text(tags):
    assert [field for field, _ in faults(TagsBody, {"tags": tags})] == ["tags"]


@pytest.mark.parametrize("text", [None, "", " \n", 7, "x" * 8001, "a\u0001"])
def test_note_must_have_text(text):
    assert [field for field, _ in faults(NoteBody, {"text": text})] == ["text"]


def test_note_may_have_lines():
    assert NoteBody.parse(b'{"text": "a\\n\\tb"}', LIMITS).text == "a\n\tb"


@pytest.mark.parametrize("absorb", [None, 7, "", "con_1;", "x" * 65, "con_\u00e9", "a\u0001"])
def test_merge_must_name_absorbed_contact(absorb):
    assert [field for field, _ in faults(MergeBody, {"absorb": absorb})] == ["absorb"]


@pytest.mark.parametrize("flag", ["dry_run", "confirm"])
def test_flag_must_be_true_or_false(flag):
    assert faults(MergeBody, {"absorb": "con_1", flag: "yes"}) == [(flag, "must be true or false")]
    assert not getattr(MergeBody.parse(json.dumps({"absorb": "con_1", flag: None}).encode(), LIMITS), flag)
    assert getattr(MergeBody.parse(json.dumps({"absorb": "con_1", flag: True}).encode(), LIMITS), flag)


def test_undo_needs_no_body():
    assert not UndoBody.parse_optional(b"", LIMITS).dry_run
    assert UndoBody.parse_optional(b'{"dry_run": true}', LIMITS).dry_run
    with pytest.raises(BadRequest):
        UndoBody.parse_optional(b"[]", LIMITS)


@pytest.mark.parametrize("action", [None, "undo", "MERGE", 1, ["merge"]])
def test_conflict_action_must_be_known(action):
    assert faults(ResolveBody, {"action": action}) == [("action", "must be one of merge, keep, move_email")]
