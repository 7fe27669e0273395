"""A place under a limit, around the work that it is for: taken before, given back when it was not needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from hullo.asgi.address import counted_as
from hullo.asgi.exchange import Exchange
from hullo.asgi.rates.limits import Limit
from hullo.asgi.rates.windows import Place
from hullo.errors import HulloError
from hullo.model.moment import secret_digest
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.model.visitor import SessionDigest
from hullo.pipeline.repeat import Replayed
from hullo.pipeline.restrained import Restrained
from hullo.pipeline.visits import Visit
from hullo.pipeline.work import Work

A = TypeVar("A")
B = TypeVar("B")


class Turn(Generic[A]):
    """One call's place. Those who call at the same time hold one each, so that together they get no further.

    `counts` says of an answer whether it cost the place, `fault` of an error.
    """

    __slots__ = ("_counts", "_fault", "_limit", "_place")

    def __init__(
        self, limit: Limit, place: Place, counts: Callable[[A], bool], fault: Callable[[Exception], bool]
    ) -> None:
        self._limit = limit
        self._place = place
        self._counts: Callable[[Any], bool] = counts
        self._fault = fault

    def around(self, work: Work[A]) -> Work[A]:
        """The work as it may be done now: without a place it is refused once it turns out to need one."""
        if self._place.taken:
            return work
        return Restrained(work=work, counts=self._counts, refusal=self._limit.refusal(self._place))

    async def settled(self, doing: Awaitable[B]) -> B:
        """What comes of the work. A caller who leaves meanwhile leaves its place taken."""
        try:
            answer = await doing
        except Exception as failed:
            if not self._fault(failed):
                await self._limit.give_back(self._place)
            raise
        if isinstance(answer, Replayed) or not self._counts(answer):
            await self._limit.give_back(self._place)
        elif isinstance(answer, Outcome) and answer.switched and answer.session_token is not None:
            # Otherwise a chain of switches would have no limit but the address's.
            await self._limit.hand_on(self._place, secret_digest(answer.session_token))
        return answer


async def identify_turn(
    exchange: Exchange, session: SessionDigest | None, raw: bytes, key: str | None
) -> Turn[Outcome]:
    """For an identify with this session and body; `key` as in `Idempotency-Key`. Raises `RateLimited`."""
    if session is None:
        # A repeat gets the answer that is stored, and makes no session.
        return await _new_session(exchange, _makes_session, certainly=key is None)
    limit = exchange.edge.rates.identifies
    place = await limit.take(session, blake2b(raw, digest_size=16, key=session.encode()).digest())

    def counts(outcome: Outcome) -> bool:
        """Calls that change nothing are free.

        Where nothing is proven that cannot be judged by what is stored: who said a name of one visitor and then
        another could tell by the count whether it had been written, and so whether the person was known (H2). There
        a call is free if it says what the last one did.
        """
        return outcome.changed or (outcome.standing is not Standing.PROVEN and not place.repeated)

    return Turn(limit, place, counts, _callers_fault)


async def attend_turn(exchange: Exchange, certainly: bool) -> Turn[Visit]:
    """For a join or reset. `certainly`: it makes a session, whatever the one that is shown is good for.

    Raises `RateLimited`.
    """
    return await _new_session(exchange, _begins, certainly)


async def _new_session(exchange: Exchange, counts: Callable[[A], bool], certainly: bool) -> Turn[A]:
    limit = exchange.edge.rates.sessions
    place = await limit.take(counted_as(exchange.address))
    if certainly and not place.taken:
        raise limit.refusal(place)
    return Turn(limit, place, counts, _no_fault)


def _makes_session(outcome: Outcome) -> bool:
    return outcome.session_token is not None


def _begins(visit: Visit) -> bool:
    return visit.token is not None


def _callers_fault(error: Exception) -> bool:
    return isinstance(error, HulloError) and error.status < 500


def _no_fault(error: Exception) -> bool:  # noqa: ARG001 - whatever it is, no session was made
    return False
