"""`hullo identity-key` and `hullo api-key`."""

from __future__ import annotations

import json
import subprocess

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from cli.terminal import HULLO, Terminal
from hullo.hooks.entry_points import open_store
from hullo.model.app import IdentityKey
from hullo.model.user_hash import user_hash


def stored(terminal: Terminal, app_key: str) -> dict[str, IdentityKey]:
    """The app's keys as the database has them, by id."""
    store = open_store(f"sqlite:///{terminal.folder}/hullo.db")
    store.open()
    app = store.find_app(app_key)
    store.close()
    assert app is not None
    return {key.id: key for key in app.identity_keys}


def a_public_key(terminal: Terminal, kid: str | None = None) -> str:
    """Its file."""
    fields = OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate().public_key(), as_dict=True)
    path = terminal.folder / "key.json"
    path.write_text(json.dumps({**fields, "kid": kid} if kid is not None else fields))
    return str(path)


@pytest.mark.rule("V4")
def test_key_rotates_without_a_gap(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    key = app["app_key"]
    added = terminal.json("identity-key", "add", key)
    assert set(added) == {"identity_key_id", "identity_key"}
    assert terminal.json("hash", key, "u1")["user_hash"] == user_hash(added["identity_key"], "u1")

    terminal.json("identity-key", "retire", key, added["identity_key_id"])
    assert terminal.json("hash", key, "u1")["user_hash"] == user_hash(app["identity_key"], "u1")

    result = terminal.type("identity-key", "retire", key, app["identity_key_id"])
    assert result.exit_code == 0
    assert "No active key is left" in result.stderr
    assert "every identity key of this app is retired" in terminal.refusal("hash", key, "u1")

    again = terminal.json("identity-key", "add", key)
    assert terminal.json("hash", key, "u1")["user_hash"] == user_hash(again["identity_key"], "u1")


def test_retirement_may_be_scheduled_and_moved(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    words = ["identity-key", "retire", app["app_key"], app["identity_key_id"], "--at"]
    later = terminal.json(*words, "2999-01-01T01:00:00+01:00")
    assert (later["retires_at"], later["active"]) == ("2999-01-01T00:00:00.000Z", True)
    assert "is valid until 2998-06-01 00:00:00 UTC" in terminal.text(*words, "2998-06-01T00:00:00Z")
    past = terminal.type(*words, "2020-01-01T00:00:00Z")
    assert "was retired at 2020-01-01" in past.stdout
    [listed] = terminal.json("identity-key", "list", app["app_key"])["items"]
    assert (listed["identity_key_id"], listed["active"]) == (app["identity_key_id"], False)
    assert "retired" in terminal.text("identity-key", "list", app["app_key"])


@pytest.mark.parametrize("time", ["tomorrow", "2030-01-01", "2030-01-01T00:00:00", "0001-01-01T00:00:00+23:00"])
def test_time_needs_its_utc_offset(terminal: Terminal, time: str):
    assert "with its offset" in terminal.misuse("identity-key", "retire", "app_1", "ik_1", "--at", time)


def test_unknown_key_is_refused(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    assert "no identity key ik_1" in terminal.refusal("identity-key", "retire", app["app_key"], "ik_1")
    for command in (["add", "app_nobody"], ["list", "app_nobody"], ["retire", "app_nobody", "ik_1"]):
        assert "no app has this app_key" in terminal.refusal("identity-key", *command)
    assert "does not show it again" in terminal.text("identity-key", "add", app["app_key"])


@pytest.mark.rule("V5")
class TestPublicKeys:
    def test_public_key_from_pem_verifies_tokens(self, terminal: Terminal):
        app_key = terminal.json("app", "create", "Shop")["app_key"]
        private = Ed25519PrivateKey.generate()
        path = terminal.folder / "key.pem"
        path.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        added = terminal.json("identity-key", "add", app_key, "--public-key", str(path))
        assert added == {"identity_key_id": added["identity_key_id"], "algorithm": "EdDSA", "kid": None}
        kept = stored(terminal, app_key)[added["identity_key_id"]]
        assert (kept.secret, kept.last_used_at, kept.retires_at) == ("", None, None)
        token = jwt.encode({"sub": "jane"}, private, algorithm="EdDSA")
        assert jwt.decode(token, jwt.PyJWK.from_json(kept.public_key or ""), algorithms=["EdDSA"]) == {"sub": "jane"}

    def test_public_key_lists_algorithm_and_name(self, terminal: Terminal):
        app = terminal.json("app", "create", "Shop")
        key = app["app_key"]
        added = terminal.json("identity-key", "add", key, "--public-key", a_public_key(terminal, kid="2030-01"))
        assert (added["algorithm"], added["kid"]) == ("EdDSA", "2030-01")
        for items in (
            terminal.json("identity-key", "list", key)["items"],
            terminal.json("app", "show", key)["identity_keys"],
        ):
            assert [(each["identity_key_id"], each["algorithm"], each["kid"], each["active"]) for each in items] == [
                (app["identity_key_id"], "HS256", None, True),
                (added["identity_key_id"], "EdDSA", "2030-01", True),
            ]
        for text in (terminal.text("identity-key", "list", key), terminal.text("app", "show", key)):
            [line] = [line for line in text.splitlines() if added["identity_key_id"] in line]
            assert line.split()[1] == "EdDSA"
            assert line.split()[-2:] == ["active", "2030-01"]

    def test_public_key_retires_like_a_secret(self, terminal: Terminal):
        key = terminal.json("app", "create", "Shop")["app_key"]
        path = a_public_key(terminal)
        added = terminal.json("identity-key", "add", key, "--public-key", path)["identity_key_id"]
        assert terminal.json("identity-key", "retire", key, added)["active"] is False
        assert f"has this key already, as {added}" in terminal.refusal("identity-key", "add", key, "--public-key", path)
        assert terminal.json("identity-key", "retire", key, added, "--at", "2999-01-01T00:00:00Z")["active"] is True

    def test_public_key_signs_no_user_hash(self, terminal: Terminal):
        app = terminal.json("app", "create", "Shop")
        terminal.json("identity-key", "add", app["app_key"], "--public-key", a_public_key(terminal))
        assert terminal.json("hash", app["app_key"], "u1")["user_hash"] == user_hash(app["identity_key"], "u1")
        terminal.type("identity-key", "retire", app["app_key"], app["identity_key_id"])
        assert "every active identity key of this app is a public one" in terminal.refusal("hash", app["app_key"], "u1")

    def test_public_key_added_twice_is_refused(self, terminal: Terminal):
        key = terminal.json("app", "create", "Shop")["app_key"]
        path = a_public_key(terminal, kid="a")
        first = terminal.json("identity-key", "add", key, "--public-key", path)["identity_key_id"]
        fields = json.loads((terminal.folder / "key.json").read_text())
        (terminal.folder / "key.json").write_text(json.dumps({"keys": [{**fields, "kid": "b"}]}))
        assert f"as {first}" in terminal.refusal("identity-key", "add", key, "--public-key", path)
        other = terminal.json("app", "create", "Other")["app_key"]
        assert terminal.json("identity-key", "add", other, "--public-key", path)["kid"] == "b"

    def test_public_key_is_read_from_stdin(self, terminal: Terminal):
        key = terminal.json("app", "create", "Shop")["app_key"]
        with open(a_public_key(terminal, kid="piped"), "rb") as file:
            done = subprocess.run(
                [*HULLO, "identity-key", "add", key, "--public-key", "-", "--json"],
                cwd=terminal.folder,
                stdin=file,
                capture_output=True,
                check=True,
            )
        assert json.loads(done.stdout)["kid"] == "piped"

    def test_public_key_prints_signing_advice(self, terminal: Terminal):
        key = terminal.json("app", "create", "Shop")["app_key"]
        text = terminal.text("identity-key", "add", key, "--public-key", a_public_key(terminal))
        assert f"with alg EdDSA and aud {key}" in text
        assert f"hullo identity-key retire {key} ID" in text
        assert "hik_" not in text

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", "that is the private half"),
            (b"-----BEGIN CERTIFICATE-----\n", "that is a certificate"),
            (b'{"kty": "oct", "k": "c2VjcmV0"}', "that is a secret"),
            (b"\x30\x2a\x30\x05\xff", "-inform DER"),
            (b"", "that is no public key"),
            (b"x" * 100_000, "longer than any"),
        ],
    )
    def test_other_content_is_refused_in_a_sentence(self, terminal: Terminal, content: bytes, told: str):
        key = terminal.json("app", "create", "Shop")["app_key"]
        (terminal.folder / "key").write_bytes(content)
        refusal = terminal.refusal("identity-key", "add", key, "--public-key", "key")
        assert told in refusal
        assert "c2VjcmV0" not in refusal
        assert len(terminal.json("identity-key", "list", key)["items"]) == 1

    def test_missing_file_and_unknown_app_are_refused(self, terminal: Terminal):
        assert "No such file" in terminal.misuse("identity-key", "add", "app_1", "--public-key", "missing.pem")
        path = a_public_key(terminal)
        assert "no app has this app_key" in terminal.refusal("identity-key", "add", "app_1", "--public-key", path)


def test_active_keys_per_app_are_limited(terminal: Terminal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hullo.operations.admin.keys.MAX_ACTIVE_KEYS", 3)
    app = terminal.json("app", "create", "Shop")
    key = app["app_key"]
    terminal.json("identity-key", "add", key)
    terminal.json("identity-key", "add", key, "--public-key", a_public_key(terminal))
    for more in ([], ["--public-key", a_public_key(terminal)]):
        assert "3 active identity keys; retire one first" in terminal.refusal("identity-key", "add", key, *more)
    terminal.type("identity-key", "retire", key, app["identity_key_id"])
    terminal.json("identity-key", "add", key)


def test_api_key_is_made_listed_and_revoked(terminal: Terminal):
    app = terminal.json("app", "create", "Shop")
    made = terminal.json("api-key", "create")
    assert made["key"].startswith("hsk_")
    assert made["workspace_id"] == app["workspace_id"]
    assert (made["app_id"], made["scopes"]) == (None, ["read", "write", "erase"])

    bound = terminal.json("api-key", "create", "--app", app["app_key"], "--scopes", "write, read")
    assert (bound["app_id"], bound["scopes"]) == (app["app_id"], ["read", "write"])

    assert [item["key_id"] for item in terminal.json("api-key", "list")["items"]] == [bound["key_id"], made["key_id"]]
    revoked = terminal.json("api-key", "revoke", made["key_id"])
    assert revoked["revoked_at"] is not None
    assert terminal.json("api-key", "revoke", made["key_id"]) == revoked
    assert "was revoked at" in terminal.text("api-key", "revoke", made["key_id"])
    assert "no API key key_1" in terminal.refusal("api-key", "revoke", "key_1")


def test_new_api_key_prints_its_usage(terminal: Terminal):
    terminal.text("migrate")
    assert "hullo api-key create" in terminal.text("api-key", "list")
    terminal.json("app", "create", "Shop")
    text = terminal.text("api-key", "create")
    assert "Authorization: Bearer hsk_" in text
    assert "all of the workspace" in text
    assert "key_" in terminal.text("api-key", "list")


def test_api_key_belongs_to_the_named_workspace(terminal: Terminal):
    assert "create an app first" in terminal.refusal("api-key", "create")
    acme = terminal.json("app", "create", "Shop", "--workspace", "Acme")["workspace_id"]
    assert terminal.json("api-key", "create")["workspace_id"] == acme
    other = terminal.json("app", "create", "Shop", "--workspace", "Other")["workspace_id"]
    assert "say which workspace" in terminal.refusal("api-key", "create")
    assert terminal.json("api-key", "create", "--workspace", "Acme")["workspace_id"] == acme
    assert terminal.json("api-key", "create", "--workspace", other)["workspace_id"] == other
    usual = terminal.json("app", "create", "Shop")["workspace_id"]
    assert terminal.json("api-key", "create")["workspace_id"] == usual
    assert "no workspace is called" in terminal.refusal("api-key", "create", "--workspace", "Nobody")
    assert "no app has this app_key" in terminal.refusal("api-key", "create", "--app", "app_nobody")
