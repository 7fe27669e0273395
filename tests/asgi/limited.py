"""A shop with rate limits, whose time passes when the test says so."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from hullo import Hullo, IdentityMiddleware
from hullo.settings import RateLimits, Settings
from world import Clock

PAGE = "https://shop.example.com"
SECOND = 1_000_000
MINUTE = 60 * SECOND


class Limited:
    """One app behind the middleware, called from any address."""

    def __init__(
        self, backend: str, *, settings: dict[str, Any] | None = None, hullo: Hullo | None = None, **limits: Any
    ) -> None:
        self.backend = backend
        self.clock = Clock()
        options = Settings(rate_limits=RateLimits(**limits), **(settings or {}))
        self.hullo = hullo or Hullo("memory:", settings=options, clock=self.clock)
        self.middleware = IdentityMiddleware(None, self.hullo)
        self.made = self.hullo.create_app("Shop", origins=[PAGE])
        self.app_key = self.made.app_key

    def client(self, address: str = "203.0.113.5") -> TestClient:
        """A browser's, or whatever calls from there."""
        return TestClient(self.middleware, backend=self.backend, client=(address, 50_000))

    def post(self, path: str, body: Any = None, token: str | None = None, address: str = "203.0.113.5", **headers: str):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        body = {"app_key": self.app_key, **(body or {})}
        return self.client(address).post(f"/hullo/v1{path}", json=body, headers=sent)

    def me(self, address: str = "203.0.113.5", **headers: str) -> int:
        """The status of a call that needs next to nothing."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client(address).get("/hullo/v1/me", headers=sent).status_code

    def join(self, **more: Any) -> str:
        return self.post("/join", **more).json()["session_token"]

    def identify(self, token: str | None = None, /, *, key: str | None = None, **fields: Any):
        headers = {"idempotency_key": key} if key is not None else {}
        return self.post("/identify", fields, token, **headers)

    def signed(self, external_id: str, **fields: Any) -> dict[str, Any]:
        """The fields of a proven identify."""
        return {
            "external_id": external_id,
            "user_hash": self.hullo.user_hash(self.app_key, external_id),
            **fields,
        }

    def contacts(self) -> int:
        page = self.client().get("/hullo/v1/contacts", headers={"authorization": f"Bearer {self.api_key()}"})
        return len(page.json()["items"])

    def api_key(self) -> str:
        return self.hullo.create_api_key().secret


def refused(answer: Any) -> bool:
    """Whether it was the rate limit that refused it, in every way in which it should say so."""
    if answer.status_code != 429:
        assert "retry-after" not in answer.headers
        return False
    assert answer.json()["code"] == "rate_limited"
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    return True
