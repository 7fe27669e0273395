"""Operations with an `Idempotency-Key`: a repeat within a day gets the first response, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b, sha256
from typing import Final, Generic, TypeVar

from msgspec.structs import replace

from hullo.errors import Conflicting
from hullo.model.change_set import StoredResponse
from hullo.model.decision import Decision
from hullo.model.instant import DAY
from hullo.model.operation import Apps, Operation, PreparedOperation
from hullo.model.outcome import Outcome
from hullo.model.request_context import SEED_BYTES, RequestContext
from hullo.model.snapshot import Snapshot
from hullo.rules import session_lifecycle
from hullo.rules.session_lifecycle import SESSION_PREFIX
from hullo.value import Value

A = TypeVar("A")

RESPONSE_LIFETIME: Final = DAY


class ReplayedResponse(Value, secrets=("session_token",)):
    """The first response: its body as it was encoded then, and the session token that it issued, or None."""

    body: bytes
    session_token: str | None


class IdempotentOperation(Value, Generic[A]):
    """Wraps an operation: it runs once for a caller and a key.

    `caller` distinguishes callers: the session's digest, or the client's address where there is no session yet. It
    keeps one caller's key from finding another's response; behind one address only the key itself does, so it should be
    as unguessable as a UUID. `encode` gives the response's body without secrets, which is what is stored.
    """

    operation: Operation[Outcome]
    key: str
    caller: str
    request_body: bytes
    context: RequestContext
    encode: Callable[[Outcome], bytes]

    def prepare(self, apps: Apps) -> PreparedOperation[Outcome | ReplayedResponse]:
        """Prepare the wrapped operation, and look up the stored response. Raises what the operation raises."""
        prepared = self.operation.prepare(apps)
        # Only the digest is stored: reading the store gives no key to replay a response with.
        digest = sha256(f"{prepared.query.app_id}\0{self.caller}\0{self.key}".encode()).hexdigest()
        return PreparedOperation(
            query=replace(prepared.query, stored_response_digest=digest),
            decide=lambda snapshot: self._decide(prepared, digest, snapshot),
            app=prepared.app,
        )

    def _decide(
        self, prepared: PreparedOperation[Outcome], digest: str, snapshot: Snapshot
    ) -> Decision[Outcome | ReplayedResponse]:
        """Return the stored response, or decide the operation and store its response in the same commit.

        Raises `Conflicting` when the key was used for another request, and `SessionRevoked` after a reset (S2).
        """
        request_digest = sha256(self.request_body).hexdigest()
        # Race: two first calls with one key both find nothing. They share `digest`, so the store commits one and gives
        # the other a conflict. Decided again, that one finds the response.
        first = snapshot.stored_response
        if first is not None and self.context.now < first.expires_at:
            if first.request_digest != request_digest:
                raise Conflicting("this Idempotency-Key was used with another body")
            return Decision(result=self._replay(first, prepared, snapshot))
        decision = prepared.decide(snapshot)
        if decision.refusal is not None:
            return decision  # no response to keep: a repeat is decided again
        token = decision.result.session_token
        response = StoredResponse(
            digest=digest,
            request_digest=request_digest,
            # The seed and not the token: the token is a credential, and is made again from this (`_mask_seed`).
            seed=self._mask_seed(self.context.seed) if token is not None else b"",
            at=self.context.now,
            body=self.encode(decision.result),
            expires_at=self.context.now + RESPONSE_LIFETIME,
        )
        change_set = replace(decision.change_set, stored_responses=(response,))
        return Decision(result=decision.result, change_set=change_set, build_trace=decision.build_trace)

    def _replay(
        self, first: StoredResponse, prepared: PreparedOperation[Outcome], snapshot: Snapshot
    ) -> ReplayedResponse:
        query = prepared.query
        if not first.seed and query.app_id is not None:
            # A call that issued a token may have ended its own session, by a switch of user (C5). Any other call needs
            # its session as much as the first time: after a reset no response is replayed (S2).
            session_lifecycle.validate_session(snapshot, query.session, query.app_id, self.context.now)
        return ReplayedResponse(body=first.body, session_token=self._recover_token(first))

    def _recover_token(self, first: StoredResponse) -> str | None:
        """Make the session token of the first response again. None when it issued none."""
        if not first.seed:
            return None
        return RequestContext(now=first.at, seed=self._mask_seed(first.seed)).new_secret(SESSION_PREFIX)

    def _mask_seed(self, seed: bytes) -> bytes:
        """Apply the pad that only this caller's key makes. Applied twice, it gives the seed again.

        The pad is used for one seed only, as both are bound to one stored response. The store alone, without the key,
        cannot make the session token from it.
        """
        salt = sha256(self.caller.encode()).digest()[:16]
        pad = blake2b(self.key.encode(), digest_size=SEED_BYTES, salt=salt, person=b"hullo-repeat").digest()
        return bytes(left ^ right for left, right in zip(seed, pad, strict=True))
