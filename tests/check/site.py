"""A site whose server signs, rightly or not, and the tool that looks at what it made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from hullo.api.bodies import CheckBody
from hullo.api.check import check_call
from hullo.api.schemas import CheckedResponse
from hullo.engine.explain import CheckResult
from hullo.hooks.entry_points import open_store
from hullo.model.instant import SECOND
from hullo.model.request_context import secret_digest
from hullo.operations.admin.register import NewApp
from hullo.operations.sessions.issue_token import IssueToken
from hullo.operations.sessions.open_session import OpenSession
from hullo.store.protocol import Store
from world import Browser, World

MINUTE, DAY = 60, 24 * 60 * 60


class Site(World):
    """One app, and a second one in the same workspace."""

    def __init__(self, store: Store | None = None, **options: Any) -> None:
        super().__init__(store or open_store("memory:"), **options)
        self.secret = self.app.identity_key
        self.bare = self.secret.removeprefix("hik_")
        self.other = self.hullo.create_app("Other shop")

    @property
    def seconds(self) -> int:
        """The time by hullo's clock."""
        return self.clock.now // SECOND

    def check(self, page: str | None = None, **body: Any) -> CheckResult:
        raw = json.dumps({**body, "origin": page}).encode()
        limits = self.hullo.settings.limits
        return check_call(self.hullo, self.app.app_key, CheckBody.parse(raw, limits), self.hullo.new_context())

    def codes(self, **body: Any) -> list[str]:
        """The names of the mistakes in a body."""
        return [mistake.code for mistake in self.check(**body).mistakes]

    def document(self, **body: Any) -> dict[str, Any]:
        document: dict[str, Any] = to_builtins(CheckedResponse.of(self.check(**body)))
        return document

    def hop(self, browser: Browser, audience: NewApp | None = None) -> str:
        """The token that carries this browser's identity to another page."""
        assert browser.token is not None
        visitor = OpenSession(
            verb="resume",
            app_key=browser.app.app_key,
            session_digest=secret_digest(browser.token),
            origin=None,
            context=self.hullo.new_context(),
        )
        work = IssueToken(open_session=visitor, audience=audience.app_key if audience else None, hooks=self.hullo.hooks)
        token: str = self.hullo.executor.run(work).result
        return token

    def token(self, *, header: Mapping[str, Any] | None = None, key: str | bytes | None = None, **payload: Any) -> str:
        """A token that is right but for what is said here; None leaves something out."""
        head = {"alg": "HS256", "typ": "JWT", **(header or {})}
        now = self.seconds
        body = {"sub": "user_123", "aud": self.app.app_key, "iat": now, "exp": now + 5 * MINUTE, **payload}
        return jws(head, {name: each for name, each in body.items() if each is not None}, key or self.secret)


def jws(header: Mapping[str, Any], payload: Mapping[str, Any], key: str | bytes, digest: str = "sha256") -> str:
    signed = f"{part(header)}.{part(payload)}"
    return f"{signed}.{unpadded(mac(key, signed, digest))}"


def part(of: Mapping[str, Any]) -> str:
    return unpadded(json.dumps(of).encode())


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def mac(key: str | bytes, value: str | bytes, digest: str = "sha256") -> bytes:
    return hmac.new(encoded(key), encoded(value), digest).digest()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
