"""The shop's own login: a signed cookie. hullo has no part in it; the shop tells it who has logged in."""

from __future__ import annotations

import hmac
import secrets
import time

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "shop_login"
SECONDS = 24 * 60 * 60


class Logins:
    """Signed with a key of this process: whoever logged in before it started is logged out."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def begin(self, response: Response, login: str) -> None:
        said = f"{login}.{int(time.time()) + SECONDS}"
        response.set_cookie(COOKIE, f"{said}.{self._signature(said)}", max_age=SECONDS, httponly=True, samesite="lax")

    def end(self, response: Response) -> None:
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")

    def login_of(self, request: Request) -> str | None:
        """None: nobody has logged in, or the cookie is too old, or not ours."""
        said, _, signature = request.cookies.get(COOKIE, "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(said).encode()):
            return None
        login, _, until = said.partition(".")
        return login if time.time() < int(until) else None

    def _signature(self, said: str) -> str:
        return hmac.digest(self._key, said.encode(), "sha256").hex()
