"""Many visitors of one world at once: units of work, for a pipeline to serve as one group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hullo.model.claim import Claim
from hullo.model.moment import secret_digest
from hullo.model.outcome import Outcome
from hullo.pipeline.identify import Identify
from hullo.pipeline.repeat import Repeatable
from hullo.pipeline.sessions import Attend
from hullo.pipeline.talk import Say
from hullo.pipeline.work import Unit, Work
from world import World


def identify(world: World, token: str | None = None, **body: object) -> Identify:
    moment = world.hullo.moment()
    return Identify(
        claim=Claim.read(body),
        app_key=world.app.app_key,
        session=secret_digest(token) if token is not None else None,
        origin=None,
        moment=moment,
        request_id=moment.new_id("req"),
        hooks=world.hullo.hooks,
        limits=world.hullo.settings.limits,
    )


def repeatable(work: Identify, key: str) -> Repeatable[Outcome]:
    """With an `Idempotency-Key`."""
    return Repeatable(
        work=work,
        key=key,
        caller="somebody",
        request=key.encode(),
        moment=work.moment,
        encode=lambda outcome: outcome.request_id.encode(),
    )


def join(world: World) -> Attend:
    return Attend(verb="join", app_key=world.app.app_key, session=None, origin=None, moment=world.hullo.moment())


def say(world: World, token: str, text: str = "Hello") -> Say:
    visitor = Attend(
        verb="resume",
        app_key=world.app.app_key,
        session=secret_digest(token),
        origin=None,
        moment=world.hullo.moment(),
    )
    return Say(visitor=visitor, conversation_id=None, text=text, client_id=None)


def served(world: World, works: Iterable[Work[Any]]) -> list[Any]:
    """The answers, all served as one group."""
    units = [Unit(work) for work in works]
    world.hullo.pipeline.serve(units)
    return answers(units)


def answers(units: Sequence[Unit]) -> list[Any]:
    found: list[Any] = []
    for each in units:
        assert each.result is not None
        assert not isinstance(each.result, Exception), repr(each.result)
        found.append(each.result.answer)
    return found
