"""The shop's own login: a signed cookie. hullo has no part in it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hullo_plugins.demo.customers import Customer, find_customer

COOKIE: Final = "shop_login"
SECONDS: Final = 24 * 60 * 60


class Logins:
    """Log customers in and out. The cookie also holds their profile, so that all worker processes know its changes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def begin(self, response: Response, customer: Customer) -> None:
        """Log the customer in, or renew the login after a change of the profile."""
        fields = [customer.login, customer.name, customer.plan, int(time.time()) + SECONDS]
        text = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
        response.set_cookie(COOKIE, f"{text}.{self._signature(text)}", max_age=SECONDS, httponly=True, samesite="lax")

    def end(self, response: Response) -> None:
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")

    def customer(self, request: Request) -> Customer | None:
        """Return the customer who has logged in. None without a login, or with an old or forged cookie."""
        text, _, signature = request.cookies.get(COOKIE, "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(text).encode()):
            return None
        login, name, plan, expires_at = json.loads(base64.urlsafe_b64decode(text))
        customer = find_customer(login)
        if customer is None or expires_at < time.time():
            return None
        return customer.with_profile(name, plan)

    def _signature(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256").hex()
