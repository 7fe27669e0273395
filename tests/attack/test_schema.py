"""Whatever the server's own description says can be sent, and what it says cannot: it answers as is described there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig

from attack.serving import Target
from attack.site import Browser, Site
from hullo import Hullo
from hullo.api.openapi.document import document
from hullo.api.routes import api_routes
from hullo.api.runtime import AsyncRuntime
from hullo.asgi.json import encode
from hullo.model.limits import Limits

MOUNT: Final = "/hullo"
EVIDENCE: Final = ("user_hash", "token", "identity_token", "shop_hash")

SCHEMA: Final = schemathesis.openapi.from_dict(
    {**json.loads(encode(document(Limits(), api_routes(AsyncRuntime(Hullo("memory:")))))), "servers": [{"url": MOUNT}]},
    config=SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "suppress-health-check": ["all"],
            "generation": {
                "deterministic": True,
                "max-examples": 5,
                "database": "none",
                "with-security-parameters": False,  # the tests say who calls
            },
            "phases": {"stateful": {"generation": {"mode": "positive"}, "inference": {"algorithms": []}}},
            "checks": {
                # A wrong field does not lose the rest (W8), and what is right may contradict what is stored.
                "negative_data_rejection": {"enabled": False},
                "positive_data_acceptance": {"enabled": False},
            },
            "operations": [
                # Its body is the one of identify, which is tried in every way, and it takes longer.
                {"include-operation-id": "check_identify", "phases": {"coverage": {"enabled": False}}},
                # They are ended, and still told of.
                {"include-operation-id": "list_sessions", "checks": {"use_after_free": {"enabled": False}}},
                # It names a second contact, who need not be there.
                {
                    "include-operation-id": "merge_contacts",
                    "checks": {"ensure_resource_availability": {"enabled": False}},
                },
            ],
        }
    ),
)
CALLED_WITH_A_SESSION: Final = SCHEMA.exclude(tag=["Servers", "Operators"])
CALLED_WITH_A_KEY: Final = SCHEMA.exclude(tag="Operators").exclude(path_regex="^/v1/(identi|join|reset|me)")
CALLED_BY_SERVERS: Final = SCHEMA.exclude(tag=["Pages", "Operators"])
CALLED_BY_ANYBODY: Final = SCHEMA.exclude(tag=["Pages", "Servers"])


Ids = dict[str, Callable[[], Any]]
"""How to come by something that is there, by how its ids begin."""


class World:
    """Who and what there is, to be named where otherwise names are made up."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.url = site.target.url + MOUNT
        self.person = site.victim()
        self.statuses: set[int] = set()

    def browser(self) -> Browser:
        """Another one of theirs, proven."""
        browser = self.site.browser()
        browser.prove(self.person.external_id)
        return browser

    def call(self, case: schemathesis.Case, bearer: str | None) -> None:
        """Whatever comes of it is checked against the description."""
        self.inhabit(case)
        if bearer == self.site.api_key:
            self._name_session(case)
        answer = case.call_and_validate(self.url, headers=_authorized(bearer))
        self.statuses.add(answer.status_code)
        if case.operation.definition.raw["operationId"] == "erase_contact" and answer.status_code == 200:
            self.person = self.site.victim()

    def _name_session(self, case: schemathesis.Case) -> None:
        """A key is no session: what only a visitor may do names theirs in the body, unless the case names one."""
        ways = case.operation.definition.raw["security"]
        if isinstance(case.body, dict) and not any("apiKey" in way for way in ways):
            case.body = {"app_key": self.site.app_key, "session_token": self.browser().token, **case.body}

    def inhabit(self, case: schemathesis.Case) -> None:
        """Ids that look like some are of those who are there; evidence that looks like some is right."""
        ids: Ids = {
            "app_": lambda: self.site.app_key,
            "con_": lambda: self.person.id,
            "cnv_": lambda: self.person.conversation,
            "vis_": lambda: self.person.browser.me()["visitor_id"],
            "hvs_": lambda: self.person.browser.token,
            "mrg_": lambda: self.merge,
            "cfl_": lambda: self.conflict,
            "note": lambda: self.note,
        }
        case.path_parameters = _renamed(case.path_parameters, ids)
        # Whoever becomes part of the person is somebody else.
        case.body = self._vouched(_renamed(case.body, {**ids, "con_": lambda: self.other}))

    @cached_property
    def other(self) -> str:
        """A contact who may be the same person."""
        return str(self.site.api("POST", "/contacts", {"external_id": self.site.target.name("other")}).json()["id"])

    @cached_property
    def merge(self) -> str:
        """One that may be undone."""
        done = self.site.api("POST", f"/contacts/{self.person.id}/merge", {"absorb": self.other})
        return str(done.json()["merge_id"])

    @cached_property
    def conflict(self) -> str:
        """One about the person's email."""
        body = {"external_id": self.site.target.name("rival"), "email": self.person.email}
        return str(self.site.api("POST", "/contacts", body).json()["conflicts"][0]["id"])

    @cached_property
    def note(self) -> str:
        """One about the person."""
        return str(self.site.api("POST", f"/contacts/{self.person.id}/notes", {"text": "hm"}).json()["id"])

    def _vouched(self, body: Any) -> Any:
        """The same, with one good piece of evidence for those that it had."""
        sent = [body[name] for name in EVIDENCE if name in body] if isinstance(body, dict) else []
        if not sent or not all(isinstance(each, str) for each in sent):
            return body
        vouched = {name: value for name, value in body.items() if name not in EVIDENCE}
        if "user_hash" in body:
            signed = vouched.setdefault("external_id", self.person.external_id) or vouched.get("email") or ""
            vouched["user_hash"] = self.site.hash(str(signed))
        elif "token" in body:
            vouched["token"] = self.site.target.hullo.mint_token(self.site.app_key, external_id=self.person.external_id)
        elif "identity_token" in body:
            vouched["identity_token"] = self.browser().hop()
        if isinstance(vouched.get("shop"), str):
            vouched["shop_hash"] = self.site.hash(vouched["shop"])
        return vouched


def _authorized(bearer: str | None) -> dict[str, str]:
    return {} if bearer is None else {"Authorization": f"Bearer {bearer}"}


def _renamed(value: Any, ids: Ids) -> Any:
    if isinstance(value, dict):
        return {_renamed(name, ids): _renamed(each, ids) for name, each in value.items()}
    return ids[value[:4]]() if isinstance(value, str) and value[:4] in ids else value


@pytest.fixture
def world(site: Site) -> Iterator[World]:
    """One of its own for each operation, which must have been of use at least once."""
    world = World(site)
    yield world
    assert 200 in world.statuses


@pytest.mark.slow
@CALLED_WITH_A_SESSION.parametrize()
def test_answers_to_a_session_match_the_schema(case: schemathesis.Case, world: World) -> None:
    world.call(case, world.browser().token)


@pytest.mark.slow
@CALLED_WITH_A_KEY.parametrize()
def test_answers_to_a_key_match_the_schema(case: schemathesis.Case, world: World) -> None:
    world.call(case, world.site.api_key)


@pytest.mark.slow
@CALLED_BY_ANYBODY.parametrize()
def test_answers_without_credentials_match_the_schema(case: schemathesis.Case, world: World) -> None:
    world.call(case, None)


@pytest.mark.slow
def test_answers_to_linked_calls_match_the_schema(target: Target) -> None:
    class Story(CALLED_BY_SERVERS.as_state_machine()):
        def setup(self) -> None:
            self.site = Site(target)  # every story begins alike

        def before_call(self, case: schemathesis.Case) -> None:
            case.body = _renamed(case.body, {"app_": lambda: self.site.app_key})
            if case.path == "/v1/contacts" and isinstance(case.body, dict):
                case.body.setdefault("external_id", "user_1")

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return {"base_url": target.url + MOUNT, "headers": _authorized(self.site.api_key)}

    Story.run(settings=settings(max_examples=15, stateful_step_count=6, deadline=None, derandomize=True, database=None))
