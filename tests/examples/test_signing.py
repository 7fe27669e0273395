"""A site's server signs alike in every language, and what it signs is what hullo asks for (V1, V5, T4)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from hullo.model.user_hash import user_hash

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "signing"
CALLERS = Path(__file__).parent / "signing_callers"

KEY = "3f9c" * 16
APP = "app_01m80a3k0gk2v0z3c5p7dq9xyw"
DAY = 24 * 60 * 60
NO_KEY = "HULLO_IDENTITY_KEY is not set: it holds the app's identity key (hik_…)\n"

PUBLISHED = [
    (KEY, "user_123", "777c61fcf84cde9bd537726458b85a6d5f7047b8891c7fb2ffcce433f1901c1c"),
    (KEY, "jane@example.com", "acff5f38529dd163c5e9b5ecf56792c31ca2b09f83348157a4f2271db720125e"),
    (KEY, "johns-store.myshopify.com", "cfed6ef6de2aa87f94d16dbefcbd69bbca437709c9ecb5c658255803160ce81c"),
    (KEY, "ユーザー1", "0b55c17c370a913a0ffbda406b3aff1a2529de4b1f4f447cbd08a7cc0c5dba49"),
]
AGREED = [
    (vector["secret"], vector["value"], vector["user_hash"])
    for vector in json.loads((ROOT / "tests/rules/user_hash_vectors.json").read_text("utf-8"))["vectors"]
]
LETTERS = [
    "Jané Döe",
    "日本語 🙂 👩‍👩‍👧",
    "a/b\\c\"d'e",
    "<b>&amp;</b>",
    "two\nlines\t",
    "\u2028",
    "%2F+%20",
    "-x",
    "0",
]


@dataclass(frozen=True)
class Language:
    needs: str
    """The program that runs it."""
    shown: str
    """How its reader is told to run it."""


LANGUAGES = {
    "python": Language(sys.executable, "python signing.py"),
    "node": Language("node", "node signing.mjs"),
    "php": Language("php", "php signing.php"),
    "ruby": Language("ruby", "ruby signing.rb"),
    "go": Language("go", "go run ."),
}


@dataclass(frozen=True)
class Server:
    """A site's server in one language."""

    shown: str
    command: tuple[str | Path, ...]
    caller: tuple[str | Path, ...]
    """What calls `signed_token` with the arguments that it reads."""

    def run(
        self, *arguments: str, key: str | None = KEY, key_id: str | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        named = {"HULLO_IDENTITY_KEY": key, "HULLO_IDENTITY_KEY_ID": key_id}
        variables = {name: value for name, value in named.items() if value is not None}
        return subprocess.run(
            (*self.command, *arguments), env=plain(variables), check=False, capture_output=True, timeout=60
        )

    def say(self, *arguments: str, key: str = KEY, key_id: str | None = None) -> str:
        """What it prints, which is one line."""
        done = self.run(*arguments, key=key, key_id=key_id)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stderr == b""
        (line,) = done.stdout.decode("ascii").splitlines()
        return line

    def call(self, claims: Mapping[str, object], ttl: int = 300, key_id: str | None = None) -> tuple[str, str]:
        """The token that `signed_token` returns, or why it does not."""
        done = subprocess.run(
            self.caller,
            input=json.dumps([KEY, key_id, APP, claims, ttl]).encode(),
            env=plain({}),
            check=False,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == (1 if done.stderr else 0), done.stderr.decode()
        return done.stdout.decode("ascii").strip(), done.stderr.decode().strip()


def plain(variables: Mapping[str, str]) -> Mapping[str, str]:
    """An environment as a service has it: no locale, so that no language can leave UTF-8 to that."""
    return {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1", **variables}


def built_with_go(folder: Path) -> Server:
    """Once for all tests, beside nothing that anybody else has cached, and without a network."""
    source = folder / "source"
    shutil.copytree(EXAMPLE, source)
    shutil.copy(CALLERS / "caller_test.go", source)
    variables = {
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(folder / "path"),
        "GOENV": "off",
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    for build in (("build", "-o", folder / "signing", "."), ("test", "-c", "-o", folder / "caller", ".")):
        done = subprocess.run(
            ("go", *build), cwd=source, env=plain(variables), check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    return Server(LANGUAGES["go"].shown, (folder / "signing",), (folder / "caller",))


@pytest.fixture(scope="session", params=LANGUAGES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Server:
    language = LANGUAGES[request.param]
    program = shutil.which(language.needs)
    if program is None:
        pytest.skip(f"there is no {language.needs} on this machine")
    if request.param == "go":
        return built_with_go(tmp_path_factory.mktemp("go"))
    file = EXAMPLE / language.shown.split()[-1]
    return Server(language.shown, (program, file), (program, CALLERS / f"caller{file.suffix}", EXAMPLE))


def read(token: str) -> dict[str, Any]:
    payload: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"], audience=APP)
    return payload


@pytest.mark.rule("V1")
@pytest.mark.parametrize(("key", "value", "expected"), PUBLISHED + AGREED, ids=repr)
def test_every_language_computes_the_same_hash(server: Server, key: str, value: str, expected: str) -> None:
    assert server.say("hash", value, key=key) == expected


@pytest.mark.rule("V1")
@pytest.mark.parametrize("value", ["-h", "--version", "--", "-", "*", "$HOME", "a b"])
def test_any_value_is_signed_unchanged(server: Server, value: str) -> None:
    assert server.say("hash", value) == user_hash(KEY, value)


@pytest.mark.rule("V5", "T4")
def test_token_names_subject_and_app(server: Server) -> None:
    token = server.say("token", APP, "user_123", "jane@example.com", "Jané Döe 🙂")
    said = read(token)
    assert said["exp"] - said["iat"] == 300
    assert len(said["jti"]) == 32
    assert {name: said[name] for name in said.keys() - {"iat", "exp", "jti"}} == {
        "sub": "user_123",
        "email": "jane@example.com",
        "name": "Jané Döe 🙂",
        "aud": APP,
    }
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}


@pytest.mark.rule("V5", "T4")
@pytest.mark.parametrize("name", LETTERS, ids=ascii)
def test_name_keeps_every_letter(server: Server, name: str) -> None:
    assert read(server.say("token", APP, "user_123", "", name))["name"] == name


@pytest.mark.rule("V5", "T4")
def test_empty_fields_are_left_out_of_token(server: Server) -> None:
    ours = {"iat", "exp", "aud", "jti"}
    assert read(server.say("token", APP, "user_123")).keys() == {"sub"} | ours
    assert read(server.say("token", APP, "", "jane@example.com", "")).keys() == {"email"} | ours


@pytest.mark.rule("V5", "T4")
def test_token_ids_are_unique(server: Server) -> None:
    assert len({read(server.say("token", APP, "user_123"))["jti"] for _ in range(5)}) == 5


@pytest.mark.rule("V5", "T4")
def test_token_names_its_key_when_known(server: Server) -> None:
    known = {"alg": "HS256", "typ": "JWT", "kid": "ik_1"}
    assert jwt.get_unverified_header(server.say("token", APP, "user_123", key_id="ik_1")) == known
    assert "kid" not in jwt.get_unverified_header(server.say("token", APP, "user_123", key_id=""))
    assert jwt.get_unverified_header(server.call({"sub": "user_123"}, key_id="ik_1")[0]) == known
    assert "kid" not in jwt.get_unverified_header(server.call({"sub": "user_123"}, key_id=None)[0])


@pytest.mark.rule("V5", "T4")
@pytest.mark.parametrize("length", range(4))
def test_token_needs_no_url_escaping(server: Server, length: int) -> None:
    # Of these letters base64 makes `+` and `/`, and of one of these lengths each of its paddings.
    token, _ = server.call({"sub": "user_123", "name": "?>~ÿ" * 40 + "x" * length})
    assert re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}", token)
    assert {"-", "_"} <= set(token)
    read(token)


@pytest.mark.rule("V5", "T4")
def test_token_carries_every_allowed_claim(server: Server) -> None:
    claims = {
        "sub": "user_123",
        "email": "jane@example.com",
        "name": "Jané",
        "phone": None,
        "company": "Acme / Söhne",
        "avatar_url": "https://example.com/jané.png?a=1&b=2",
        "custom_data": {"plan": "pro", "order_count": 42, "rate": 1.5, "trial": False, "old": None, "città": "Forlì"},
    }
    said = read(server.call(claims)[0])
    assert {name: said[name] for name in claims} == claims


@pytest.mark.rule("V5", "T4")
@pytest.mark.parametrize("custom_data", [{}, {"0": "a"}, {"0": "a", "1": "b"}], ids=repr)
def test_custom_data_stays_object_with_any_keys(server: Server, custom_data: dict[str, str]) -> None:
    assert read(server.call({"sub": "user_123", "custom_data": custom_data})[0])["custom_data"] == custom_data


@pytest.mark.rule("V5", "T4")
def test_extra_claims_cannot_change_token_bounds(server: Server) -> None:
    said = read(server.call({"sub": "user_123", "exp": 9_999_999_999, "iat": 1, "aud": "other", "jti": "x"})[0])
    assert said["aud"] == APP
    assert said["exp"] - said["iat"] == 300
    assert said["jti"] != "x"


@pytest.mark.rule("V5", "T4")
@pytest.mark.parametrize("ttl", [1, 300, DAY])
def test_token_lives_as_long_as_asked(server: Server, ttl: int) -> None:
    token, _ = server.call({"sub": "user_123"}, ttl)
    said = jwt.decode(token, KEY, algorithms=["HS256"], audience=APP, options={"verify_exp": False})
    assert said["exp"] - said["iat"] == ttl


@pytest.mark.rule("V5", "T4")
@pytest.mark.parametrize("ttl", [DAY + 1, 30 * DAY, 0, -1])
def test_token_of_refused_lifetime_is_not_made(server: Server, ttl: int) -> None:
    assert server.call({"sub": "user_123"}, ttl) == ("", f"a token lives for 1 to 86400 seconds, not for {ttl}")


@pytest.mark.parametrize("arguments", [("hash", "user_123"), ("token", APP, "user_123")], ids=" ".join)
@pytest.mark.parametrize("key", [None, ""], ids=["unset", "empty"])
def test_signing_needs_a_key(server: Server, arguments: tuple[str, ...], key: str | None) -> None:
    done = server.run(*arguments, key=key)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", NO_KEY)


WRONG = [
    (),
    ("hash",),
    ("hash", "a", "b"),
    ("token",),
    ("token", APP),
    ("token", APP, "user_123", "jane@example.com", "Jane", "more"),
    ("sign", "user_123"),
    ("--help",),
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
def test_wrong_usage_prints_the_right_one(server: Server, arguments: tuple[str, ...], key: str | None) -> None:
    done = server.run(*arguments, key=key)
    usage = f"usage: {server.shown} hash VALUE\n       {server.shown} token APP_KEY EXTERNAL_ID [EMAIL] [NAME]\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", usage)


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_readme_shows_how_to_run_each_language(language: Language) -> None:
    assert f"`{language.shown} hash user_123`" in (EXAMPLE / "README.md").read_text("utf-8")
