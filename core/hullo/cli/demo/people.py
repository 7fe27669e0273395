"""Who the demo's customers are: what a shop's own server would know of them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import field

from hullo.model.fact import Scalar
from hullo.value import Value


class Person(Value):
    """A customer with an account. `login` is what the demo page calls them by."""

    login: str
    external_id: str
    email: str
    name: str
    company: str
    phone: str
    custom_data: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])


PEOPLE = (
    Person(
        login="jane",
        external_id="user_123",
        email="jane@example.com",
        name="Jane Doe",
        company="Acme Inc",
        phone="+12025550123",
        custom_data={"plan": "pro", "order_count": 42, "newsletter": True},
    ),
    Person(
        login="ravi",
        external_id="user_124",
        email="ravi@example.com",
        name="Ravi Patel",
        company="Blue Kettle",
        phone="+442079460123",
        custom_data={"plan": "free", "order_count": 3},
    ),
    Person(
        login="zoe",
        external_id="user_125",
        email="zoe@example.com",
        name="Zoë Lindström",
        company="Ljus & Låda",
        phone="+46850550123",
        custom_data={"plan": "pro", "order_count": 7, "language": "sv"},
    ),
)
