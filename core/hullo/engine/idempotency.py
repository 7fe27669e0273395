"""A call with an `Idempotency-Key`: a repeat within a day gets the first answer, and changes nothing."""

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
    """The first answer: its body as it was encoded then, and the session token that it issued, if it did."""

    body: bytes
    session_token: str | None


class IdempotentOperation(Value, Generic[A]):
    """Another work, done once for a caller and key.

    `caller` is what tells callers apart: the session's digest, or the client's address where there is no session
    yet. It keeps one caller's key from finding another's answer; behind one address only the key itself does, so
    it should be as unguessable as a UUID. `encode` gives the answer's body without
    secrets, which is what is stored.
    """

    operation: Operation[Outcome]
    key: str
    caller: str
    request_body: bytes
    context: RequestContext
    encode: Callable[[Outcome], bytes]

    def prepare(self, apps: Apps) -> PreparedOperation[Outcome | ReplayedResponse]:
        """Raises what the work raises."""
        prepared = self.operation.prepare(apps)
        digest = sha256(f"{prepared.query.app_id}\0{self.caller}\0{self.key}".encode()).hexdigest()
        return PreparedOperation(
            query=replace(prepared.query, stored_response_digest=digest),
            decide=lambda snapshot: self._decide(prepared, digest, snapshot),
            app=prepared.app,
        )

    def _decide(
        self, prepared: PreparedOperation[Outcome], digest: str, snapshot: Snapshot
    ) -> Decision[Outcome | ReplayedResponse]:
        """Raises `Conflicting` when the key was used for another request, and `SessionRevoked` after a reset (S2)."""
        request = sha256(self.request_body).hexdigest()
        first = snapshot.stored_response
        if first is not None and self.context.now < first.expires_at:
            if first.request_digest != request:
                raise Conflicting("this Idempotency-Key was used with another body")
            return Decision(result=self._replay(first, prepared, snapshot))
        decision = prepared.decide(snapshot)
        token = decision.result.session_token
        answer = StoredResponse(
            digest=digest,
            request_digest=request,
            seed=self._mask_seed(self.context.seed) if token is not None else b"",
            at=self.context.now,
            body=self.encode(decision.result),
            expires_at=self.context.now + RESPONSE_LIFETIME,
        )
        change_set = replace(decision.change_set, stored_responses=(answer,))
        return Decision(result=decision.result, change_set=change_set, build_trace=decision.build_trace)

    def _replay(
        self, first: StoredResponse, prepared: PreparedOperation[Outcome], snapshot: Snapshot
    ) -> ReplayedResponse:
        query = prepared.query
        if not first.seed and query.app_id is not None:
            # A call that issued a token may have ended the session that it came with, by a switch; any other needs
            # its session as much as the first time.
            session_lifecycle.validate_session(snapshot, query.session, query.app_id, self.context.now)
        return ReplayedResponse(body=first.body, session_token=self._recover_token(first))

    def _recover_token(self, first: StoredResponse) -> str | None:
        if not first.seed:
            return None
        return RequestContext(now=first.at, seed=self._mask_seed(first.seed)).new_secret(SESSION_PREFIX)

    def _mask_seed(self, seed: bytes) -> bytes:
        """The seed under a pad that only this caller's key makes; done twice it is open again.

        The pad is used for one seed only, as both are bound to one stored answer. The store alone, without the
        key, cannot make the session token from it.
        """
        salt = sha256(self.caller.encode()).digest()[:16]
        pad = blake2b(self.key.encode(), digest_size=SEED_BYTES, salt=salt, person=b"hullo-repeat").digest()
        return bytes(left ^ right for left, right in zip(seed, pad, strict=True))
