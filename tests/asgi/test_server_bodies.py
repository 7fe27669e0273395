"""What servers send about contacts, as it is decoded."""

from __future__ import annotations

import json

import pytest

from hullo.api.server_bodies import (
    parse_contact_body,
    parse_event_body,
    parse_merge_body,
    parse_note_body,
    parse_resolve_body,
    parse_tags_body,
    parse_undo_body,
)
from hullo.errors import BadRequest, Invalid
from hullo.model.instant import HOUR, parse_rfc3339
from hullo.model.limits import Limits

NOW = parse_rfc3339("2026-11-22T14:00:00Z")


def faults(decode, body):
    """What is wrong with it."""
    with pytest.raises(Invalid) as refused:
        decode(body if isinstance(body, bytes) else json.dumps(body).encode())
    return [(each.field, each.reason) for each in refused.value.rejected]


def event(body):
    return parse_event_body(body if isinstance(body, bytes) else json.dumps(body).encode(), Limits(), NOW)


def test_custom_data_may_be_flat_or_nested():
    flat = parse_contact_body(b'{"external_id": "u", "custom_data": {"plan": "pro"}}', Limits())
    nested = parse_contact_body(b'{"external_id": "u", "custom_data": {"app_1": {"plan": "pro"}}}', Limits())
    assert (flat.app_id, nested.app_id) == (None, "app_1")
    assert flat.claim.custom_data == nested.claim.custom_data == {"plan": "pro"}


def test_nested_custom_value_is_rejected():
    body = parse_contact_body(b'{"external_id": "u", "custom_data": {"plan": {"name": "pro"}}}', Limits())
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
        parse_contact_body(raw, Limits())
    assert refused.value.rejected


def test_null_clears_a_contact_identifier():
    body = parse_contact_body(b'{"email": null, "name": null, "app_key": "app_1"}', Limits())
    assert body.cleared_identifiers == {"email"}
    assert body.claim.profile == {"name": None}
    assert body.claim.rejected == ()


def test_lists_are_distinct_from_single_values():
    body = parse_contact_body(b'{"emails": ["a@x.test", "b@x.test"], "phones": null, "name": "Ann"}', Limits())
    assert (body.lists.emails, body.lists.phones) == (("a@x.test", "b@x.test"), ())
    assert (body.claim.email, body.claim.profile) == (None, {"name": "Ann"})
    assert body.claim.rejected == ()


def test_invalid_list_entries_are_dropped_and_named():
    body = parse_contact_body(b'{"emails": ["a@x.test", "no email", null], "phones": ["none"]}', Limits())
    assert (body.lists.emails, body.lists.phones) == (("a@x.test",), None)
    assert {(each.field, each.reason) for each in body.claim.rejected} == {
        ("emails", "not an email address"),
        ("emails", "must be text"),
        ("phones", "not a phone number"),
    }


@pytest.mark.rule("W10")
def test_list_over_the_limit_is_rejected():
    body = parse_contact_body(
        json.dumps({"emails": [f"{n}@x.test" for n in range(21)], "phones": "1"}).encode(), Limits()
    )
    assert body.lists.emails is body.lists.phones is None
    assert [(each.field, each.reason) for each in body.claim.rejected] == [
        ("emails", "more than 20"),
        ("phones", "must be a list"),
    ]


@pytest.mark.parametrize("body", [{"emails": [], "email": "a@x.test"}, {"phones": ["1"], "phone": None}])
def test_value_beside_its_list_is_refused(body):
    [(field, reason)] = faults(lambda raw: parse_contact_body(raw, Limits()), body)
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
    assert [field for field, _ in faults(event, {"name": "x", "occurred_at": occurred_at})] == ["occurred_at"]


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
    assert faults(event, {"name": "x", "properties": properties}) == [("properties", reason)]


def test_event_at_size_limits_is_accepted():
    properties = {"a": {"b": {"c": {"d": {"e": {"f": {"g": []}}}}}}, "n": 2**63 - 1, "e": "é" * 4000}
    assert event({"name": "x" * 255, "properties": properties}).properties == properties


@pytest.mark.parametrize("name", [None, "", "  ", 7, "x" * 256, "a\nb"])
def test_event_needs_a_name(name):
    assert [field for field, _ in faults(event, {"name": name})] == ["name"]


def test_event_faults_are_named_at_once():
    body = {"occurred_at": "x", "properties": 1}
    assert [field for field, _ in faults(event, body)] == ["name", "occurred_at", "properties"]


@pytest.mark.parametrize(
    ("decode", "body"),
    [
        (event, {"name": "x", "nam\ne": 1}),
        (lambda raw: parse_note_body(raw, Limits()), {"text": "x", "nam\ne": 1}),
        (lambda raw: parse_tags_body(raw, Limits()), {"tags": [], "nam\ne": 1}),
        (parse_merge_body, {"absorb": "con_1", "nam\ne": 1}),
        (parse_undo_body, {"nam\ne": 1}),
        (parse_resolve_body, {"action": "keep", "nam\ne": 1}),
    ],
)
def test_unknown_field_is_refused(decode, body):
    assert faults(decode, body) == [("nam?e", "unknown field")]


def test_tags_are_trimmed_and_unique():
    assert parse_tags_body(b'{"tags": [" vip", "VIP", "vip ", "a b"]}', Limits()) == ("vip", "VIP", "a b")


@pytest.mark.rule("W10")
@pytest.mark.parametrize("tags", [None, "vip", {}, [""], [" "], ["x" * 65], ["a\u0001b"], ["a\nb"], [7], [None], [[]]])
def test_tag_must_be_short_text(tags):
    assert [field for field, _ in faults(lambda raw: parse_tags_body(raw, Limits()), {"tags": tags})] == ["tags"]


@pytest.mark.parametrize("text", [None, "", " \n", 7, "x" * 8001, "a\u0001"])
def test_note_must_have_text(text):
    assert [field for field, _ in faults(lambda raw: parse_note_body(raw, Limits()), {"text": text})] == ["text"]


def test_note_may_have_lines():
    assert parse_note_body(b'{"text": "a\\n\\tb"}', Limits()) == "a\n\tb"


@pytest.mark.parametrize("absorb", [None, 7, "", "con_1;", "x" * 65, "con_\u00e9", "a\u0001"])
def test_merge_must_name_absorbed_contact(absorb):
    assert [field for field, _ in faults(parse_merge_body, {"absorb": absorb})] == ["absorb"]


@pytest.mark.parametrize("flag", ["dry_run", "confirm"])
def test_flag_must_be_true_or_false(flag):
    assert faults(parse_merge_body, {"absorb": "con_1", flag: "yes"}) == [(flag, "must be true or false")]
    assert not getattr(parse_merge_body(json.dumps({"absorb": "con_1", flag: None}).encode()), flag)
    assert getattr(parse_merge_body(json.dumps({"absorb": "con_1", flag: True}).encode()), flag)


def test_undo_needs_no_body():
    assert not parse_undo_body(b"")
    assert parse_undo_body(b'{"dry_run": true}')
    with pytest.raises(BadRequest):
        parse_undo_body(b"[]")


@pytest.mark.parametrize("action", [None, "undo", "MERGE", 1, ["merge"]])
def test_conflict_action_must_be_known(action):
    assert faults(parse_resolve_body, {"action": action}) == [("action", "must be one of merge, keep, move_email")]
