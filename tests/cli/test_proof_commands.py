"""`hullo check` and `hullo token`."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from cli.terminal import Terminal
from hullo.application import Hullo
from hullo.model.user_hash import user_hash


@pytest.fixture
def made(terminal: Terminal) -> dict[str, Any]:
    app: dict[str, Any] = terminal.json("app", "create", "Shop")
    return app


def written(terminal: Terminal, body: object) -> str:
    """The name of a file that holds it."""
    path = terminal.folder / "body.json"
    path.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
    return path.name


def flat(text: str) -> str:
    """Without line breaks, wherever the terminal's width put them."""
    return " ".join(text.split())


@pytest.mark.rule("V8")
def test_wrong_hash_is_explained(terminal: Terminal, made: dict[str, Any]):
    right = user_hash(made["identity_key"], "user_123")
    file = written(terminal, {"external_id": "user_123", "user_hash": right.upper(), "phone": "none"})
    result = terminal.type("check", made["app_key"], file)
    assert result.exit_code == 1
    assert result.stdout.startswith("Refused: proof_rejected (401)\n")
    assert "user_hash: upper_case\n" in result.stdout
    assert "Write it in lower case." in flat(result.stdout)
    assert "phone not a phone number" in flat(result.stdout)
    assert right not in result.stdout.lower()


@pytest.mark.rule("V8")
def test_check_shows_what_would_be_written(terminal: Terminal, made: dict[str, Any]):
    said = {"external_id": "user_123", "custom_data": {"plan": "pro"}, "phone": "none"}
    signed = {**said, "user_hash": user_hash(made["identity_key"], "user_123")}
    text = terminal.text("check", made["app_key"], written(terminal, signed))
    assert text.startswith("Accepted, and signed\n")
    for line in ("contact a new one", "standing proven", "custom_data.plan written", "phone rejected not a phone"):
        assert line in flat(text)
    assert "verify user-hash vouches for external_id" in flat(text)
    text = terminal.text("check", made["app_key"], written(terminal, said))
    assert text.startswith("Accepted, and not signed\n")
    assert f"hullo hash {made['app_key']} VALUE" in flat(text)
    with Hullo("sqlite:///hullo.db") as hullo:
        hullo.identify({"app_key": made["app_key"], "external_id": "user_123"})
        contact = hullo.identify({"app_key": made["app_key"], **said, "email": "a@b.test"}).result
        other = hullo.identify({"app_key": made["app_key"], "external_id": "other"}).result
    assert contact.contact_id != other.contact_id
    text = flat(
        terminal.text("check", made["app_key"], written(terminal, {"external_id": "other", "email": "a@b.test"}))
    )
    assert f"contact {other.contact_id} matched by external_id" in text
    assert "conflict email is another contact's (C2)" in text


@pytest.mark.rule("V3", "V8")
def test_tolerated_wrong_evidence_still_fails_the_check(terminal: Terminal, made: dict[str, Any]):
    terminal.text("app", "set", made["app_key"], "verification=report")
    result = terminal.type("check", made["app_key"], written(terminal, {"external_id": "u", "user_hash": "0" * 64}))
    assert result.exit_code == 1
    assert result.stdout.startswith("Accepted, although its evidence is wrong\n")
    assert "mode is report" in flat(result.stdout)
    assert "user_hash: unrecognised" in result.stdout


@pytest.mark.rule("V8")
def test_check_json_equals_the_endpoint_document(terminal: Terminal, made: dict[str, Any]):
    file = written(terminal, {"external_id": "user_123", "user_hash": made["identity_key"]})
    result = terminal.type("check", made["app_key"], file, "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (document["accepted"], document["signature"]) == (False, "wrong")
    assert [each["code"] for each in document["mistakes"]] == ["key_sent"]
    assert terminal.json("check", made["app_key"], written(terminal, {"external_id": "u"}))["decision"]["created"]


@pytest.mark.rule("V8")
def test_named_page_is_checked(terminal: Terminal, made: dict[str, Any]):
    file = written(terminal, {"external_id": "user_123", "origin": "https://shop.example.com"})
    assert terminal.type("check", made["app_key"], file).stdout.startswith("Refused: bad_origin (403)\n")
    assert terminal.text("check", made["app_key"], file, "--origin", "http://localhost:8000/shop")


@pytest.mark.rule("V8")
def test_body_cannot_control_the_terminal(terminal: Terminal, made: dict[str, Any]):
    said = {"external_id": "u", "custom_data": {"\x1b[2J": 1}, "\x1b[1m": 2}
    result = terminal.type("check", made["app_key"], written(terminal, said))
    assert "\x1b" not in result.stdout


WRONG: list[tuple[bytes, str]] = [
    (b'{"a": 1,\n "b": x}', "line 2, column 7: Expecting value"),
    (b'{"a": 1,\n}', "line 2, column 1"),
    (b"", "line 1, column 1"),
    (b'{"a": "\xc3\xa9",\n "b\xff": 1}', "line 2, column 4: not UTF-8"),
    (b'{"a": "\xc3\xa9", "b": NaN}', "line 1, column 17"),
    (b'{"a": 1, "a": 2}', "must not give a key twice"),
    (b"[1]", "must be a JSON object"),
    (b"[" * 30_000, "nested too deeply"),
    (b" " * 40_000, "over 32768 bytes"),
]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("raw", "told"), WRONG)
def test_invalid_body_file_is_refused_with_place(terminal: Terminal, made: dict[str, Any], raw: bytes, told: str):
    refusal = terminal.refusal("check", made["app_key"], written(terminal, raw))
    assert refusal.startswith("body.json: ")
    assert told in refusal


@pytest.mark.rule("V8")
def test_body_may_come_from_stdin(terminal: Terminal, made: dict[str, Any]):
    body = json.dumps({"external_id": "user_123"})
    result = terminal.type("check", made["app_key"], "-", stdin=body)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "Accepted, and not signed")


def test_missing_file_or_app_is_refused(terminal: Terminal, made: dict[str, Any]):
    assert "No such file" in terminal.misuse("check", made["app_key"], "nowhere.json")
    assert "no app has this app_key" in terminal.refusal("check", "app_nobody", written(terminal, {}))


@pytest.mark.rule("V5", "V8")
def test_token_command_matches_the_server_side_token(terminal: Terminal, made: dict[str, Any]):
    words = ["token", made["app_key"], "--external-id", "user_123", "--email", "jane@example.com", "--name", "Jane"]
    document = terminal.json(*words, "--ttl", "60")
    assert document["expires_in"] == 60
    text = terminal.text("check", made["app_key"], written(terminal, {"token": document["token"]}))
    assert text.startswith("Accepted, and signed\n")
    with Hullo("sqlite:///hullo.db") as hullo:
        outcome = hullo.identify({"app_key": made["app_key"], "token": document["token"]}).result
    assert {verdict.field for verdict in outcome.written} == {"external_id", "email", "name"}
    spent = terminal.type("check", made["app_key"], written(terminal, {"token": document["token"]}))
    assert "token: used_before" in spent.stdout
    assert terminal.text(*words).count(".") == 2


@pytest.mark.rule("T6")
def test_token_command_makes_mail_links(terminal: Terminal, made: dict[str, Any]):
    words = ["token", made["app_key"], "--external-id", "user_123"]
    document = terminal.json(*words, "--mail", "--uses", "3")
    assert (document["expires_in"], terminal.json(*words)["expires_in"]) == (86_400, 300)
    payload = json.loads(urlsafe_b64decode(document["token"].split(".")[1] + "=="))
    assert (payload["hullo_confirm"], payload["hullo_uses"]) == (True, 3)
    told = terminal.type("check", made["app_key"], written(terminal, {"token": document["token"]}))
    assert "only after a click on the confirmation page" in told.stdout
    assert "1 to 20 uses" in terminal.refusal(*words, "--uses", "21")


def test_unacceptable_token_is_not_made(terminal: Terminal, made: dict[str, Any]):
    token = ["token", made["app_key"]]
    assert "names a person" in terminal.refusal(*token)
    assert "(email: not an email address)" in terminal.refusal(*token, "--email", "jane")
    assert "1 to 86400 seconds" in terminal.refusal(*token, "--external-id", "u", "--ttl", "0")
    assert "no app has this app_key" in terminal.refusal("token", "app_nobody", "--external-id", "u")
