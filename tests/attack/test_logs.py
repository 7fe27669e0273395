"""What a server prints (P4): nothing that a caller sent, whether the call was accepted, refused, or broke something."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from attack.jose import hs256, in_order
from attack.serving import ENGINES, Target, begin
from attack.site import V1, Site
from servers.fixtures import require

LINE = re.compile(r"time=\S+ level=(info|warning|error) logger=(hullo[\w.]*|uvicorn\.error|psycopg) \S.*")
BREAK = "\r\ntime=2030-01-01T00:00:00.000Z level=error logger=hullo message=forged"
FORGED = ("forged", "2030-01-01")


class Spoken:
    """Somebody who says everything that can be said, in words that occur nowhere else, and remembers the answers."""

    def __init__(self, site: Site) -> None:
        self.site = site
        mark = site.target.name("marker")
        self.person: dict[str, Any] = {
            "external_id": f"id-{mark}",
            "email": f"mail-{mark}@example.com",
            "name": f"name {mark}",
            "phone": "+14155550187",
            "company": f"company {mark}",
            "avatar_url": f"https://example.com/avatar-{mark}.png",
            "custom_data": {"secret": f"custom {mark}"},
            "shop": f"shop {mark}",
        }
        self.text = f"message {mark}"
        self.secrets = [mark, "4155550187", site.secret, site.api_key]
        self.errors: list[bytes] = []

    def call(self, method: str, path: str, body: Any = None, *headers: tuple[str, str]) -> Any:
        answer = self.site.target.call(method, V1 + path, json=body, headers=headers)
        if answer.status_code >= 400:
            self.errors.append(answer.content)
        return answer

    def raw(self, line: str, body: bytes = b"", *headers: tuple[str, str]) -> None:
        answer = self.site.target.answer_to(line, body, headers=headers)
        if answer.status >= 400:
            self.errors.append(answer.body)

    def say_everything(self) -> None:
        site, person = self.site, self.person
        app = {"app_key": site.app_key}
        user_hash = site.hash(person["external_id"])
        token = hs256(site.secret, in_order(site.app_key, sub=person["external_id"], jti=f"jti {self.secrets[0]}"))
        proven = self.call("POST", "/identify", {**app, **person, "user_hash": user_hash}).json()
        session = str(proven.get("session_token", f"hvs_{self.text}"))
        bearer = ("authorization", f"Bearer {session}")
        hop = str(self.call("POST", "/identity-token", app, bearer).json().get("token", token))
        self.secrets += [user_hash, *token.split(".")[1:], *hop.split(".")[1:], session]
        wrong_hash, wrong_token = user_hash[::-1], token[:-5] + "AAAAA"
        self.secrets += [wrong_hash, wrong_token.split(".")[2]]
        for said in (
            {"user_hash": wrong_hash},
            {"token": token},
            {"token": token},
            {"token": wrong_token},
            {"identity_token": wrong_token},
            {"identity_token": hop, "external_id": None, "email": None},
            {"identity_token": hop},
            {"shop_hash": wrong_hash},
            {"strict": True, "phone": self.text},
            {"strict": True, "name": self.text + BREAK, "custom_data": {"secret": self.text + BREAK}},
            {"name": person["name"] + BREAK, "external_id": person["external_id"] + BREAK},
            {"email": person["email"] + BREAK, "external_id": None},
            {"user_hash": wrong_hash + BREAK},
            {"token": token + BREAK},
            {"identity_token": hop + BREAK},
            {"app_key": person["external_id"] + BREAK},
            {"app_key": [person["external_id"]]},
            {"session_token": person["name"] + BREAK},
        ):
            self.call("POST", "/identify", {**app, **person, **said})
        broken = f'{{"app_key": "{site.app_key}", "email": "{person["email"]}", "email": "{person["email"]}"'.encode()
        for raw in (broken, broken + b"}", b'{"name": "' + self.text.encode() + b'\xff"}'):
            self.raw(f"POST {V1}/identify HTTP/1.1", raw)
        self.call("POST", "/conversations", {**app, "text": self.text}, bearer)
        self.call("POST", "/conversations", {**app, "text": self.text + "\x07"}, bearer)
        self.call("POST", "/conversations", {**app, "text": [self.text], "client_id": self.text + BREAK}, bearer)
        self.call("POST", "/conversations", {**app, "text": self.text}, ("authorization", f"Bearer {session}0"))
        self.call("POST", "/identity-token", {**app, "audience": self.text + BREAK}, bearer)
        for key in (site.api_key, site.api_key[:-1]):
            server = ("authorization", f"Bearer {key}")
            self.call("POST", "/contacts", {**person, "app_id": site.app_key}, server)
            self.call("POST", "/contacts", {**person, "app_id": self.text + BREAK}, server)
            self.call("PATCH", f"/contacts/{proven.get('contact_id')}", {"email": self.text}, server)
            self.call("GET", f"/contacts?email={person['email']}&limit={self.secrets[0]}", None, server)
            self.call("GET", f"/contacts/{self.secrets[0]}%0d%0atime=forged", None, server)
        for parameter in (hop, wrong_token, self.secrets[0] + "%0d%0atime=forged"):
            self.raw(f"GET /?hullo_identity={parameter} HTTP/1.1", b"", ("Cookie", f"hullo_session={session}"))
        self.raw(f"GET /{self.secrets[0]}%0d%0atime=forged?x={self.secrets[0]} HTTP/1.1")
        self.raw(f"GET {V1}/{self.secrets[0]}%0atime=forged HTTP/1.1")
        self.raw(f"{self.secrets[0].upper()} / HTTP/1.1")
        for header in (
            "X-Hullo-App",
            "Idempotency-Key",
            "Origin",
            "User-Agent",
            "Referer",
            "X-Request-Id",
            "Cookie",
            "Host",
        ):
            said_in_header = f"{self.secrets[0]} %0d%0atime=forged"
            self.raw(f"POST {V1}/identify HTTP/1.1", b"{}", (header, said_in_header))
        self.raw(
            f"POST {V1}/join HTTP/1.1", b"{}", ("Content-Type", self.secrets[0]), ("X-Forwarded-For", self.secrets[0])
        )
        self.call("POST", "/reset", app, bearer)
        self.call("GET", "/me", None, bearer)

    def assert_untold(self, told: str) -> None:
        for secret in self.secrets:
            assert secret not in told, secret
        for line in told.splitlines():
            assert LINE.fullmatch(line), line
            assert not any(word in line for word in FORGED), line

    def assert_unrepeated(self) -> None:
        """In no error answer. (What a field is called may be; what is in it may not.)"""
        assert len(self.errors) > 30
        for error in self.errors:
            for secret in self.secrets:
                assert secret.encode() not in error, (secret, error)


@pytest.mark.rule("P4", "V7")
def test_caller_input_never_reaches_logs_or_errors(site: Site) -> None:
    spoken = Spoken(site)
    before = site.target.printed()
    spoken.say_everything()
    told = site.target.told(before)
    assert "event=identified" in told
    assert "event=refused" in told
    spoken.assert_untold(told)
    spoken.assert_unrepeated()


@pytest.mark.slow
@pytest.mark.rule("P4")
@pytest.mark.parametrize("engine", ENGINES)
def test_database_failure_quotes_no_caller_data(engine: str, tmp_path: Path) -> None:
    """Databases like to say which value they could not write."""
    shared = require("postgresql") if engine == "postgresql" else None
    url = shared.new_database() if shared is not None else f"sqlite:///{tmp_path}/hullo.db"
    target = begin(tmp_path, url, HULLO_LIMITS="off")
    try:
        site = Site(target)
        spoken = Spoken(site)
        site.browser().prove(site.target.name("warm"))
        for harm in HARM[engine]:
            _execute(url, tmp_path, harm)
            before = target.printed()
            spoken.say_everything()
            told = target.told(before)
            assert b"the database cannot store one of the values" in b"".join(spoken.errors)
            spoken.assert_untold(told)
            spoken.assert_unrepeated()
        assert any(b'"status":50' in error for error in spoken.errors)
    finally:
        target.close()
        if shared is not None:
            shared.drop(url)


HARM = {
    "sqlite": (
        "CREATE TRIGGER broken BEFORE INSERT ON contact BEGIN SELECT raise(ABORT, 'broken'); END",
        "DROP TABLE contact",
    ),
    "postgresql": ("ALTER TABLE contact ADD CONSTRAINT broken CHECK (false) NOT VALID", "DROP TABLE contact CASCADE"),
}
"""First no contact can be written any more, and whoever tries is told with what; then there are none."""


def _execute(url: str, folder: Path, statement: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(folder / "hullo.db")) as connection:
            connection.execute(statement)
            connection.commit()
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())


def test_attacked_server_logs_only_well_formed_lines(target: Target) -> None:
    """Whatever the tests before this one have sent."""
    lines = [line for line in target.told().splitlines() if not line.startswith("hullo is serving on ")]
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert not re.search(r"hvs_|hsk_|hik_|@|Traceback", "\n".join(lines))
