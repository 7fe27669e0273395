"""The customers with an account at the shop, and the identity that the shop's server signs for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from hullo import Hullo

PLANS: Final = ("free", "pro")
MAX_NAME_LENGTH: Final = 255


@dataclass(frozen=True, kw_only=True)
class Customer:
    """An account. `number` never changes: it is hullo's `external_id`."""

    login: str
    number: str
    email: str
    name: str
    company: str
    phone: str
    plan: str
    order_count: int

    def with_profile(self, name: str, plan: str) -> Customer:
        """Return the customer with a new name and plan. A blank name or an unknown plan changes nothing."""
        return replace(
            self, name=name.strip()[:MAX_NAME_LENGTH] or self.name, plan=plan if plan in PLANS else self.plan
        )

    def custom_data(self) -> dict[str, str | int]:
        """Return what the shop knows beyond hullo's own fields."""
        return {"plan": self.plan, "order_count": self.order_count}

    def identity(self, hullo: Hullo, app_key: str) -> dict[str, Any]:
        """Build what the page passes to `Hullo.identify`. The hash proves the number: only this server can make it."""
        return {
            "external_id": self.number,
            "user_hash": hullo.user_hash(app_key, self.number),
            "email": self.email,
            "name": self.name,
            "custom_data": self.custom_data(),
        }


CUSTOMERS: Final = (
    Customer(
        login="jane",
        number="user_123",
        email="jane@example.com",
        name="Jane Doe",
        company="Acme Inc",
        phone="+12025550123",
        plan="pro",
        order_count=42,
    ),
    Customer(
        login="ravi",
        number="user_124",
        email="ravi@example.com",
        name="Ravi Patel",
        company="Blue Kettle",
        phone="+442079460123",
        plan="free",
        order_count=3,
    ),
    Customer(
        login="zoe",
        number="user_125",
        email="zoe@example.com",
        name="Zoë Lindström",
        company="Ljus & Låda",
        phone="+46850550123",
        plan="pro",
        order_count=7,
    ),
)


def find_customer(login: str) -> Customer | None:
    """Return the customer with this login name."""
    return next((customer for customer in CUSTOMERS if customer.login == login), None)
