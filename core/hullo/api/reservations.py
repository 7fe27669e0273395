"""A place under a limit, around the work that it is for: taken before, given back when it was not needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from hullo.api.request import Request
from hullo.asgi.address import rate_limit_key
from hullo.engine.idempotency import ReplayedResponse
from hullo.engine.rate_limited import RateLimitedOperation
from hullo.errors import HulloError
from hullo.model.operation import Operation
from hullo.model.outcome import Outcome
from hullo.model.request_context import secret_digest
from hullo.model.standing import Standing
from hullo.model.visitor import SessionDigest
from hullo.ratelimit.limits import RateLimit
from hullo.ratelimit.windows import Slot
from hullo.rules.session_lifecycle import SessionUpdate

A = TypeVar("A")
B = TypeVar("B")


class Reservation(Generic[A]):
    """One call's place. Those who call at the same time hold one each, so that together they get no further.

    `counts` says of an answer whether it cost the place, `fault` of an error.
    """

    __slots__ = ("_counts", "_is_caller_error", "_limit", "_slot")

    def __init__(
        self, limit: RateLimit, slot: Slot, counts: Callable[[A], bool], is_caller_error: Callable[[Exception], bool]
    ) -> None:
        self._limit = limit
        self._slot = slot
        self._counts: Callable[[Any], bool] = counts
        self._is_caller_error = is_caller_error

    def guard(self, operation: Operation[A]) -> Operation[A]:
        """The work as it may be done now: without a place it is refused once it turns out to need one."""
        if self._slot.is_taken:
            return operation
        return RateLimitedOperation(
            operation=operation, is_counted=self._counts, error=self._limit.error_for(self._slot)
        )

    async def finish(self, running: Awaitable[B]) -> B:
        """What comes of the work. A caller who leaves meanwhile leaves its place taken."""
        try:
            answer = await running
        except Exception as failed:
            if not self._is_caller_error(failed):
                await self._limit.release(self._slot)
            raise
        if isinstance(answer, ReplayedResponse) or not self._counts(answer):
            await self._limit.release(self._slot)
        elif isinstance(answer, Outcome) and answer.switched and answer.session_token is not None:
            # Otherwise a chain of switches would have no limit but the address's.
            await self._limit.transfer(self._slot, secret_digest(answer.session_token))
        return answer


async def reserve_identify(
    request: Request, session: SessionDigest | None, raw: bytes, key: str | None
) -> Reservation[Outcome]:
    """For an identify with this session and body; `key` as in `Idempotency-Key`. Raises `RateLimited`."""
    if session is None:
        # A repeat gets the answer that is stored, and makes no session.
        return await _reserve_session(request, _outcome_has_new_session, creates_session=key is None)
    limit = request.runtime.rate_limiter.identify_calls
    place = await limit.acquire(session, blake2b(raw, digest_size=16, key=session.encode()).digest())

    def counts(outcome: Outcome) -> bool:
        """Calls that change nothing are free.

        Where nothing is proven that cannot be judged by what is stored: who said a name of one visitor and then
        another could tell by the count whether it had been written, and so whether the person was known (H2). There
        a call is free if it says what the last one did.
        """
        return outcome.changed or (outcome.standing is not Standing.PROVEN and not place.is_repeat)

    return Reservation(limit, place, counts, _is_caller_error)


async def reserve_session(request: Request, creates_session: bool) -> Reservation[SessionUpdate]:
    """For a join or reset. `certainly`: it makes a session, whatever the one that is shown is good for.

    Raises `RateLimited`.
    """
    return await _reserve_session(request, _update_has_new_session, creates_session)


async def _reserve_session(request: Request, counts: Callable[[A], bool], creates_session: bool) -> Reservation[A]:
    limit = request.runtime.rate_limiter.new_sessions
    place = await limit.acquire(rate_limit_key(request.address))
    if creates_session and not place.is_taken:
        raise limit.error_for(place)
    return Reservation(limit, place, counts, _never_caller_error)


def _outcome_has_new_session(outcome: Outcome) -> bool:
    return outcome.session_token is not None


def _update_has_new_session(update: SessionUpdate) -> bool:
    return update.token is not None


def _is_caller_error(error: Exception) -> bool:
    return isinstance(error, HulloError) and error.status < 500


def _never_caller_error(error: Exception) -> bool:  # noqa: ARG001 - whatever it is, no session was made
    return False
