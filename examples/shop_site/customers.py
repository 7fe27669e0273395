"""Who has an account at the shop, and what the shop's server signs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hullo import Hullo

PLANS = ("free", "pro")


@dataclass
class Customer:
    login: str
    number: str
    """What never changes: hullo's `external_id`."""
    email: str
    name: str
    plan: str
    orders: int

    def change(self, name: str, plan: str) -> None:
        """On the profile page. What is blank or unknown stays as it was."""
        self.name = name.strip()[:255] or self.name
        self.plan = plan if plan in PLANS else self.plan

    def identity(self, hullo: Hullo, app_key: str) -> dict[str, Any]:
        """What the page hands to `Hullo.identify`. The hash vouches for the number: nobody else can say it."""
        return {
            "external_id": self.number,
            "user_hash": hullo.user_hash(app_key, self.number),
            "email": self.email,
            "name": self.name,
            "custom_data": {"plan": self.plan, "order_count": self.orders},
        }


class Customers:
    """As long as the process lives, each with what they changed."""

    def __init__(self) -> None:
        everybody = (
            Customer("jane", "user_123", "jane@example.com", "Jane Doe", "pro", 42),
            Customer("ravi", "user_124", "ravi@example.com", "Ravi Patel", "free", 3),
            Customer("zoe", "user_125", "zoe@example.com", "Zoë Lindström", "pro", 7),
        )
        self._by_login = {each.login: each for each in everybody}

    def all(self) -> list[Customer]:
        return list(self._by_login.values())

    def find(self, login: str | None) -> Customer | None:
        return self._by_login.get(login or "")
