"""Fills an empty database by what a released version offers to everybody, and notes whom it holds.

Usage: make.py URL FOLDER; see README.md. It is the same for every engine: `known.json` says it for all of them.
"""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path
from random import Random
from unittest import mock

from starlette.testclient import TestClient

from hullo import Hullo, IdentityMiddleware

NOW = 1_795_000_000_000_000


def main(url: str, folder: Path) -> None:
    ticks, chance = count(), Random(1)
    with (
        mock.patch("secrets.token_bytes", chance.randbytes),  # the same ids on every engine
        Hullo(url, clock=lambda: NOW + next(ticks)) as hullo,
    ):
        client = TestClient(IdentityMiddleware(None, hullo))
        app_key = hullo.create_app("Shop", origins=["https://shop.example"]).app_key

        def post(path: str, token: str | None = None, key: str | None = None, /, **body: object) -> dict[str, object]:
            headers = {"authorization": f"Bearer {token}"} if token is not None else {}
            headers |= {"idempotency-key": key} if key is not None else {}
            answer = client.post(f"/hullo/v1{path}", json=body, headers=headers)
            assert answer.status_code < 300, answer.text
            return answer.json()

        def signed(external_id: str) -> dict[str, str]:
            return {"external_id": external_id, "user_hash": hullo.user_hash(app_key, external_id)}

        ann = str(post("/join", app_key=app_key)["session_token"])
        post("/conversations", ann, text="Do you ship to Łódź? 🦊")
        jane = {"email": "Ann@shop.example", "name": "Änn", "custom_data": {"plan": "pro", "visits": 3, "vip": True}}
        post("/identify", ann, "once", app_key=app_key, **signed("ann"), **jane)
        bob = str(post("/identify", app_key=app_key, **signed("bob"), email="bob@shop.example")["session_token"])
        post("/identify", bob, app_key=app_key, **signed("bob"), email="ann@shop.example", custom_data={"plan": "free"})
        post("/identify", app_key=app_key, email="eve@shop.example", phone="+4930123456", name="ann ")
        stranger = str(post("/join", app_key=app_key)["session_token"])
        post("/conversations", stranger, text="Hello?")
        left = str(post("/join", app_key=app_key)["session_token"])
        post("/reset", left, app_key=app_key)
        api_key = hullo.create_api_key(app_key=app_key).secret
        found = client.get("/hullo/v1/contacts", headers={"authorization": f"Bearer {api_key}"}).json()["items"]
    known = {
        "now": NOW + 1_000_000,
        "app_key": app_key,
        "api_key": api_key,
        "contacts": found,
        "tokens": {"ann": ann, "bob": bob, "stranger": stranger, "left": left},
    }
    (folder / "known.json").write_text(f"{json.dumps(known, indent=1, ensure_ascii=False)}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
