"""Cursors: good for the list that gave them, and for nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asgi.conftest import Shop
from hullo.api.cursors import decode_cursor, encode_cursor
from hullo.model.app import Scope

NAMES = st.text(min_size=1)
POSITIONS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=90)


def refused(list_name: str, cursor: str) -> bool:
    try:
        decode_cursor(list_name, cursor)
    except ValueError:
        return True
    return False


@given(list_name=st.text(st.characters(codec="utf-8")), position=POSITIONS)
def test_cursors_return_their_position(list_name: str, position: str) -> None:
    cursor = encode_cursor(list_name, position)
    assert decode_cursor(list_name, cursor) == position
    assert quote(cursor, safe="") == cursor
    assert refused(list_name + "x", cursor)


@given(position=POSITIONS, at=st.integers(0), text=st.text(max_size=3), length=st.integers(0, 3))
def test_changed_cursors_are_refused(position: str, at: int, text: str, length: int) -> None:
    cursor = encode_cursor("list", position)
    at %= len(cursor) + 1
    changed = cursor[:at] + text + cursor[at + length :]
    assert changed == cursor or refused("list", changed)


@given(cursor=st.text())
def test_made_up_cursors_are_refused(cursor: str) -> None:
    assert refused("list", cursor)


def page(shop: Shop, path: str, token: str) -> Any:
    return shop.get(path, token).json()


def test_cursor_belongs_to_list_filters_and_caller(shop: Shop) -> None:
    key, one_app = shop.api_key(), shop.api_key(Scope.READ, app_key=shop.app_key)
    contacts = [shop.post("/contacts", {"external_id": f"user_{number}"}, key).json()["id"] for number in range(3)]
    for contact in contacts:
        for text in ("one", "two"):
            shop.post(f"/contacts/{contact}/notes", {"text": text}, key)
    cursor = page(shop, "/contacts?limit=1", key)["next"]
    noted = page(shop, f"/contacts/{contacts[0]}/notes?limit=1", key)["next"]
    assert page(shop, f"/contacts?limit=2&cursor={cursor}", key)["next"] is None
    assert len(page(shop, "/contacts?cursor=", key)["items"]) == 3
    for path, token in (
        (f"/contacts?query=user&cursor={cursor}", key),
        (f"/contacts?cursor={cursor[:-4]}", key),
        (f"/contacts?cursor={cursor}", one_app),
        (f"/conversations?cursor={cursor}", key),
        (f"/contacts/{contacts[1]}/notes?cursor={noted}", key),
        (f"/contacts/{contacts[0]}/timeline?cursor={noted}", key),
    ):
        answer = shop.get(path, token)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor"), path


def test_cursor_of_another_visitor_is_refused(shop: Shop) -> None:
    tokens = [shop.join(), shop.join()]
    for token in tokens * 2:
        shop.post("/conversations", {"text": "hello"}, token)
    cursor = page(shop, "/conversations?limit=1", tokens[0])["next"]
    assert len(page(shop, f"/conversations?cursor={cursor}", tokens[0])["items"]) == 1
    assert shop.get(f"/conversations?cursor={cursor}", tokens[1]).status_code == 422


@pytest.mark.parametrize("own", [0, 2, 3])
def test_pages_of_one_app_hide_others(shop: Shop, own: int) -> None:
    """A key of one app pages within that app's rows: neither page sizes nor cursors tell of the rest."""
    other = shop.hullo.create_app("Other").app_key
    key = shop.api_key(app_key=shop.app_key)
    contact = shop.post("/contacts", {"external_id": "user_1"}, shop.api_key()).json()["id"]

    def identify(app_key: str) -> None:
        signed = {"external_id": "user_1", "user_hash": shop.hullo.user_hash(app_key, "user_1")}
        token = shop.post("/identify", {"app_key": app_key, **signed}).json()["session_token"]
        shop.post("/conversations", {"text": "hello"}, token)

    for number in range(6):
        identify(other)
        if number < own:
            identify(shop.app_key)
    for path in ("/conversations", f"/contacts/{contact}/sessions"):
        sizes, query = [], "?limit=2"
        while True:
            part = page(shop, path + query, key)
            assert {item["app_id"] for item in part["items"]} <= {shop.app_key}
            sizes.append(len(part["items"]))
            if part["next"] is None:
                break
            query = f"?limit=2&cursor={part['next']}"
        assert sizes == {0: [0], 2: [2], 3: [2, 1]}[own], path
