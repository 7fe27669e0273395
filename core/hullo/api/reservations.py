"""Reservation of a slot under a rate limit, released when the call turns out to be free."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from hullo.api.request import Request
from hullo.asgi.address import rate_limit_key
from hullo.engine.idempotency import ReplayedResponse
from hullo.engine.rate_limited import RateLimitedOperation
from hullo.errors import HulloError, ProofRejected
from hullo.model.app import VerificationMode
from hullo.model.claim import Claim
from hullo.model.operation import Operation
from hullo.model.outcome import Outcome
from hullo.model.request_context import secret_digest
from hullo.model.standing import Standing
from hullo.model.visitor import SessionDigest
from hullo.operations.conversations.message_records import SentMessage
from hullo.ratelimit.limits import UNLIMITED, RateLimit
from hullo.ratelimit.windows import Slot
from hullo.rules.session_lifecycle import SessionUpdate

A = TypeVar("A")
B = TypeVar("B")


class Reservation(Generic[A]):
    """Slot of one call. Concurrent calls hold one slot each, so that together they stay within the limit.

    `counts` decides whether a result uses the slot, `is_caller_error` whether an error does.
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
        """Wrap the operation: without a slot it is refused if its result would count."""
        if self._slot.is_taken:
            return operation
        # Not refused yet: only the result shows whether the call is one of the free ones.
        return RateLimitedOperation(
            operation=operation, is_counted=self._counts, error=self._limit.error_for(self._slot)
        )

    async def finish(self, running: Awaitable[B]) -> B:
        """Wait for the result, and release the slot if it does not count. A cancelled caller's slot stays taken."""
        try:
            result = await running
        except Exception as failed:
            # An error of the caller keeps the slot: if wrong proofs were free, guessing would be too.
            if not self._is_caller_error(failed):
                await self._limit.release(self._slot)
            raise
        # A response that was stored before has decided nothing, so it is free.
        if isinstance(result, ReplayedResponse) or not self._counts(result):
            await self._limit.release(self._slot)
        elif isinstance(result, Outcome) and result.switched and result.session_token is not None:
            # The new session inherits the count: a chain of user switches would escape the limit otherwise.
            await self._limit.transfer(self._slot, secret_digest(result.session_token))
        return result


async def reserve_identify(
    request: Request, session: SessionDigest | None, raw: bytes, key: str | None, claim: Claim
) -> Reservation[Outcome]:
    """Reserve a slot for an identify with this session, body and claim; `key` is the `Idempotency-Key`. Raises
    `RateLimited`."""
    # Without a session the call makes one, so the limit of new sessions holds.
    if session is None:
        # With a key the call may be a repeat, which gets the stored response and creates no session.
        return await _reserve_session(request, _outcome_has_new_session, creates_session=key is None)
    limit = request.runtime.rate_limiter.identify_calls
    # Keyed with the session: equal bodies of two visitors must not look alike in Redis (P4).
    slot = await limit.acquire(session, blake2b(raw, digest_size=16, key=session.encode()).digest())

    def counts(outcome: Outcome) -> bool:
        """Return whether the call counts: calls that change nothing are free.

        Without proof, stored data must not decide that: a caller who sends one identifier and then another could infer
        from the count whether it was written, and so whether the person is known (H2). There a call is free only if it
        repeats the previous one. The same holds for what stands beside a proof (H3).
        """
        is_told_all = outcome.standing is Standing.PROVEN and not outcome.noted
        return outcome.changed or (not is_told_all and not slot.is_repeat)

    def is_attempt(error: Exception) -> bool:
        """Return whether the error counts: a repeat of evidence that was refused in this session does not (V2)."""
        if isinstance(error, ProofRejected):
            error.is_repeat = request.runtime.refused_evidence.remember(session, claim)
            return not error.is_repeat
        return isinstance(error, HulloError) and error.status < 500

    return Reservation(limit, slot, counts, is_attempt)


async def reserve_session(request: Request, creates_session: bool) -> Reservation[SessionUpdate]:
    """Reserve a slot for a join or reset. `creates_session`: it creates a session in any case.

    Raises `RateLimited`.
    """
    return await _reserve_session(request, _update_has_new_session, creates_session)


async def reserve_contact(request: Request, claim: Claim) -> Reservation[Outcome] | None:
    """Reserve a slot for the contact that an identify may add. None for one that is refused or proven: it is not
    counted. Never raises: only the result shows whether it may."""
    # The usual call of a site that signs: to count it would ask Redis twice.
    if _is_proof_sure(request, claim):
        return None
    limit = request.runtime.rate_limiter.new_contacts
    slot = await limit.acquire(rate_limit_key(request.address))
    return Reservation(limit, slot, _outcome_may_add_contact, _never_caller_error)


async def reserve_message(request: Request, session: SessionDigest | None) -> Reservation[SentMessage]:
    """Reserve a slot for a visitor's message. Never raises: a repeat of one that was sent is free."""
    limit = request.runtime.rate_limiter.messages
    # Without a session the message is refused, and takes no slot.
    slot = await limit.acquire(session) if session is not None else UNLIMITED
    return Reservation(limit, slot, _is_new_message, _never_caller_error)


async def reserve_leave(request: Request) -> Reservation[SessionUpdate | None]:
    """Reserve a slot for the end of an identity, which may begin a new session. Raises `RateLimited`."""
    return await _reserve_session(request, _leave_has_new_session, creates_session=False)


async def _reserve_session(request: Request, counts: Callable[[A], bool], creates_session: bool) -> Reservation[A]:
    limit = request.runtime.rate_limiter.new_sessions
    slot = await limit.acquire(rate_limit_key(request.address))
    # A call that makes a session in any case is refused before it costs a query.
    if creates_session and not slot.is_taken:
        raise limit.error_for(slot)
    return Reservation(limit, slot, counts, _never_caller_error)


def _outcome_has_new_session(outcome: Outcome) -> bool:
    return outcome.session_token is not None


def _is_proof_sure(request: Request, claim: Claim) -> bool:
    """Return whether the call is either refused or proven: it has evidence, and its app ignores none (V3)."""
    if claim.user_hash is None and claim.token is None:
        return False
    app = request.runtime.hullo.executor.apps.cached(request.app_key)
    return app is not None and app.verification in {VerificationMode.OPTIONAL, VerificationMode.REQUIRED}


def _outcome_may_add_contact(outcome: Outcome) -> bool:
    return outcome.may_add_contact


def _is_new_message(sent: SentMessage) -> bool:
    return not sent.is_repeat


def _update_has_new_session(update: SessionUpdate) -> bool:
    return update.token is not None


def _leave_has_new_session(update: SessionUpdate | None) -> bool:
    return update is not None and update.token is not None


def _never_caller_error(error: Exception) -> bool:  # noqa: ARG001 - after any error, no session exists
    return False
