"""What an API key is told of an app."""

from __future__ import annotations

import pytest

from hullo.model.app import Scope
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.instant import DAY

APP = [
    "id",
    "app_key",
    "workspace_id",
    "name",
    "origins",
    "verification",
    "region",
    "consent",
    "email_match",
    "protected_keys",
    "retention",
    "created_at",
    "calls",
]


@pytest.mark.rule("V3")
def test_app_shows_calls_but_not_keys(shop):
    today = shop.hullo.clock() // DAY * DAY
    counts = [
        CallCount(app_id=shop.app_key, day=today - days * DAY, signed=signed, unsigned=12, wrong=4)
        for days, signed in ((0, 1000), (6, 218), (7, 50_000))
    ]
    shop.hullo.store.apply([ChangeSet(call_counts=tuple(counts))])
    answer = shop.get(f"/apps/{shop.app_key}", shop.api_key(Scope.READ, app_key=shop.app_key))
    told = answer.json()
    assert list(told) == APP
    assert (told["id"], told["app_key"], told["workspace_id"]) == (
        shop.app_key,
        shop.app_key,
        shop.made.workspace_id,
    )
    assert (told["name"], told["origins"]) == ("Shop", ["https://shop.example.com"])
    assert (told["verification"], told["region"]) == ("optional", None)
    assert told["calls"] == {"days": 7, "signed": 1218, "unsigned": 24, "wrong": 8, "signed_percent": 97.4}
    assert shop.made.identity_key not in answer.text


def test_app_without_calls_has_no_signed_percent(shop):
    calls = shop.get(f"/apps/{shop.app_key}", shop.api_key(Scope.READ)).json()["calls"]
    assert calls == {"days": 7, "signed": 0, "unsigned": 0, "wrong": 0, "signed_percent": None}


def test_app_is_shown_to_keys_reaching_it(shop):
    stranger = shop.hullo.create_app("Other", workspace="Elsewhere")
    sister = shop.hullo.create_app("Sister")
    bound = shop.api_key(Scope.READ, app_key=shop.app_key)
    assert shop.get(f"/apps/{sister.app_key}", bound).status_code == 403
    assert shop.get(f"/apps/{stranger.app_key}", bound).json()["code"] == "unknown_app"
    assert shop.get(f"/apps/{shop.app_key}", shop.join()).json()["code"] == "key_required"
    assert shop.get(f"/apps/{shop.app_key}", shop.api_key(Scope.WRITE, app_key=shop.app_key)).status_code == 403
