"""Many visitors of one world at once: units of work, for a pipeline to serve as one group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hullo.engine.idempotency import IdempotentOperation
from hullo.engine.retry import Job
from hullo.model.claim import Claim
from hullo.model.operation import Operation
from hullo.model.outcome import Outcome
from hullo.model.request_context import secret_digest
from hullo.operations.conversations.messages import SendMessage
from hullo.operations.sessions.open_session import OpenSession
from hullo.pipeline.claim import Identify
from world import World


def identify(world: World, token: str | None = None, **body: object) -> Identify:
    moment = world.hullo.new_context()
    return Identify(
        claim=Claim.from_body(body),
        app_key=world.app.app_key,
        session_digest=secret_digest(token) if token is not None else None,
        origin=None,
        context=moment,
        request_id=moment.new_id("req"),
        hooks=world.hullo.hooks,
        limits=world.hullo.settings.limits,
    )


def repeatable(work: Identify, key: str) -> IdempotentOperation[Outcome]:
    """With an `Idempotency-Key`."""
    return IdempotentOperation(
        operation=work,
        key=key,
        caller="somebody",
        request_body=key.encode(),
        context=work.context,
        encode=lambda outcome: outcome.request_id.encode(),
    )


def join(world: World) -> OpenSession:
    return OpenSession(
        verb="join", app_key=world.app.app_key, session_digest=None, origin=None, context=world.hullo.new_context()
    )


def say(world: World, token: str, text: str = "Hello") -> SendMessage:
    visitor = OpenSession(
        verb="resume",
        app_key=world.app.app_key,
        session_digest=secret_digest(token),
        origin=None,
        context=world.hullo.new_context(),
    )
    return SendMessage(open_session=visitor, conversation_id=None, text=text, client_id=None)


def served(world: World, works: Iterable[Operation[Any]]) -> list[Any]:
    """The answers, all served as one group."""
    units = [Job(work) for work in works]
    world.hullo.executor.run_batch(units)
    return answers(units)


def answers(units: Sequence[Job]) -> list[Any]:
    found: list[Any] = []
    for each in units:
        assert each.result is not None
        assert not isinstance(each.result, Exception), repr(each.result)
        found.append(each.result.result)
    return found
