"""A call with an `Idempotency-Key`: a repeat within a day gets the first answer, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b, sha256
from typing import Final, Generic, TypeVar

from hullo.errors import Conflicting
from hullo.model.change_set import StoredAnswer
from hullo.model.decision import Decision
from hullo.model.instant import DAY
from hullo.model.moment import SEED_BYTES, Moment
from hullo.model.outcome import Outcome
from hullo.pipeline import visits
from hullo.pipeline.apps import AppDirectory
from hullo.pipeline.visits import SESSION_PREFIX
from hullo.pipeline.work import Prepared, Work
from hullo.store.protocol import Snapshot

A = TypeVar("A")

REMEMBERED_FOR: Final = DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """The first answer: its body as it was encoded then, and the session token that it issued, if it did."""

    body: bytes
    session_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable(Generic[A]):
    """Another work, done once for a caller and key.

    `caller` is what tells callers apart: the session's digest, or the client's address where there is no session
    yet. It keeps one caller's key from finding another's answer; behind one address only the key itself does, so
    it should be as unguessable as a UUID. `encode` gives the answer's body without
    secrets, which is what is stored.
    """

    work: Work[Outcome]
    key: str
    caller: str
    request: bytes
    moment: Moment
    encode: Callable[[Outcome], bytes]

    def prepare(self, apps: AppDirectory) -> Prepared[Outcome | Replayed]:
        """Raises what the work raises."""
        prepared = self.work.prepare(apps)
        digest = sha256(f"{prepared.query.app_id}\0{self.caller}\0{self.key}".encode()).hexdigest()
        return Prepared(
            query=replace(prepared.query, answer=digest),
            decide=lambda snapshot: self._decide(prepared, digest, snapshot),
            app=prepared.app,
        )

    def _decide(self, prepared: Prepared[Outcome], digest: str, snapshot: Snapshot) -> Decision[Outcome | Replayed]:
        """Raises `Conflicting` when the key was used for another request, and `SessionRevoked` after a reset (S2)."""
        request = sha256(self.request).hexdigest()
        first = snapshot.answer
        if first is not None and self.moment.now < first.expires_at:
            if first.request != request:
                raise Conflicting("this Idempotency-Key was used with another body")
            return Decision(answer=self._replayed(first, prepared, snapshot))
        decision = prepared.decide(snapshot)
        token = decision.answer.session_token
        answer = StoredAnswer(
            digest=digest,
            request=request,
            seed=self._sealed(self.moment.seed) if token is not None else b"",
            at=self.moment.now,
            body=self.encode(decision.answer),
            expires_at=self.moment.now + REMEMBERED_FOR,
        )
        change_set = replace(decision.change_set, answers=(answer,))
        return Decision(answer=decision.answer, change_set=change_set, explain=decision.explain)

    def _replayed(self, first: StoredAnswer, prepared: Prepared[Outcome], snapshot: Snapshot) -> Replayed:
        query = prepared.query
        if not first.seed and query.app_id is not None:
            # A call that issued a token may have ended the session that it came with, by a switch; any other needs
            # its session as much as the first time.
            visits.valid_session(snapshot, query.session, query.app_id, self.moment.now)
        return Replayed(body=first.body, session_token=self._token(first))

    def _token(self, first: StoredAnswer) -> str | None:
        if not first.seed:
            return None
        return Moment(now=first.at, seed=self._sealed(first.seed)).new_secret(SESSION_PREFIX)

    def _sealed(self, seed: bytes) -> bytes:
        """The seed under a pad that only this caller's key makes; done twice it is open again.

        The pad is used for one seed only, as both are bound to one stored answer. The store alone, without the
        key, cannot make the session token from it.
        """
        salt = sha256(self.caller.encode()).digest()[:16]
        pad = blake2b(self.key.encode(), digest_size=SEED_BYTES, salt=salt, person=b"hullo-repeat").digest()
        return bytes(left ^ right for left, right in zip(seed, pad, strict=True))
