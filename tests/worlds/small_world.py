"""A small world that can be left and entered again: one app over a memory store, driven call by call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import jwt
import msgspec
from calls import EMAILS, EXTERNAL_IDS, SESSIONS, Call

from hullo.api.schemas import identify_response
from hullo.application import Hullo
from hullo.asgi.json import encode
from hullo.errors import HulloError
from hullo.model.claim import Claim
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.operation import Operation
from hullo.model.outcome import Outcome
from hullo.model.request_context import RequestContext, secret_digest
from hullo.operations.contacts.undo_merge import UndoMerge
from hullo.operations.conversations.messages import SendMessage
from hullo.operations.privacy.erase import EraseContact
from hullo.operations.sessions.leave import LeaveIdentity
from hullo.operations.sessions.open_session import OpenSession
from hullo.pipeline.claim import Upsert
from hullo.value import Value
from hullo_stores.memory.store import MemoryStore
from hullo_stores.memory.tables import Tables

START: Final = 1_790_000_000_000_000
SECOND: Final = 1_000_000
AGENT: Final = "agent:ada"
EmailMatch = Literal["joined", "trusted", "proven"]
_IDS: Final = re.compile(rb"\b(vis|con|cnv|req|cfl|mrg|hvs)_[0-9a-z]+")


class State(Value):
    """Everything that a later call may depend on."""

    tables: Tables
    tokens: Mapping[str, str]
    """The session token that the browser of each session keeps."""
    depth: int = 0
    """The number of calls so far."""


class Answer(Value):
    """What the caller of one call got, and whether anything was written."""

    outcome: Outcome | None
    """None for a call that is no identify or upsert, and for one that was refused."""
    error: str | None
    public: bytes | None
    """The answer of an identify as its page reads it, without ids."""
    changed: bool


class SmallWorld:
    """One app, its server, two browsers and an agent."""

    def __init__(self, email_match: EmailMatch, *, chats_first: bool = False) -> None:
        self.email_match = email_match
        self.store = MemoryStore()
        self.hullo = Hullo(self.store, clock=lambda: START).open()
        app = self.hullo.create_app("Shop")
        self.app_key, self.workspace_id = app.app_key, app.workspace_id
        self.api_key = self.hullo.create_api_key(app_key=app.app_key).key
        self.hullo.register.change_app(app.app_key, {"email_match": email_match})
        self._hashes = {name: self.hullo.user_hash(app.app_key, name) for name in (*EXTERNAL_IDS, *EMAILS)}
        self._identity_key = app.identity_key
        self._digests = {
            name: Identifier(kind, name).digest(self.workspace_id)
            for kind, names in ((EXTERNAL_ID, EXTERNAL_IDS), (EMAIL, EMAILS))
            for name in names
        }
        self._claims: dict[Call, Claim] = {}
        tokens = {session: self._join(number) for number, session in enumerate(SESSIONS)}
        self.start = State(tables=self._tables, tokens=tokens)
        if chats_first:
            for session in SESSIONS:
                self.start, _ = self.make(self.start, Call(kind="message", caller=session))

    def close(self) -> None:
        """Stop hullo."""
        self.hullo.close()

    def digest(self, name: str) -> str:
        """Return the digest under which the store keeps an identifier of this world."""
        return self._digests[name]

    def make(self, state: State, call: Call) -> tuple[State, Answer]:
        """Make one call in a state. The state itself stays as it is."""
        self._tables = _copy(state.tables)
        context = RequestContext(now=START + (state.depth + 1) * SECOND, seed=state.depth.to_bytes(32))
        tokens, depth = state.tokens, state.depth + 1
        try:
            operation = self._operation(call, state, context)
            if operation is None:
                return State(tables=state.tables, tokens=tokens, depth=depth), _nothing()
            decision = self.hullo.executor.run(operation)
        except HulloError as error:
            # A refused call writes nothing, and the page keeps its session.
            after = State(tables=self._tables, tokens=tokens, depth=depth)
            return after, Answer(outcome=None, error=type(error).__name__, public=None, changed=False)
        result = decision.result
        outcome = result if isinstance(result, Outcome) else None
        token = outcome.session_token if outcome is not None else getattr(result, "token", None)
        if call.caller in tokens and token is not None:
            tokens = {**tokens, call.caller: token}
        answer = Answer(
            outcome=outcome,
            error=None,
            public=_public(outcome) if outcome is not None and call.caller != "server" else None,
            changed=not decision.change_set.is_empty,
        )
        return State(tables=self._tables, tokens=tokens, depth=depth), answer

    def repeat(self, state: State, call: Call) -> tuple[State, Answer]:
        """Make the call that led to this state once more, with the same body."""
        return self.make(msgspec.structs.replace(state, depth=state.depth - 1), call)

    def _operation(self, call: Call, state: State, context: RequestContext) -> Operation[Any] | None:
        """Build the operation of a call. None where there is nothing to erase or undo."""
        match call.kind:
            case "identify":
                return self.hullo.identify_operation(
                    self._claim(call, state.depth),
                    app_key=self.app_key,
                    session_digest=secret_digest(state.tokens[call.caller]),
                    context=context,
                )
            case "upsert":
                return Upsert(
                    claim=self._claim(call, state.depth),
                    key=self.api_key,
                    app_id=self.app_key,
                    context=context,
                    request_id=context.new_id("req"),
                    hooks=self.hullo.hooks,
                    limits=self.hullo.settings.limits,
                )
            case "message":
                return SendMessage(
                    open_session=self._session_operation("resume", call.caller, state, context),
                    conversation_id=None,
                    text="Hello",
                    client_id=None,
                )
            case "reset":
                return self._session_operation("reset", call.caller, state, context)
            case "nobody":
                digest = secret_digest(state.tokens[call.caller])
                return LeaveIdentity(app_key=self.app_key, session_digest=digest, origin=None, context=context)
            case "erase":
                return self._erasure(call, state, context)
            case "undo":
                return self._undo(state, context)

    def _erasure(self, call: Call, state: State, context: RequestContext) -> EraseContact | None:
        (name,) = call.identifiers
        contact_id = state.tables.identifiers.get(self._digests[name])
        if contact_id is None:
            return None
        return EraseContact.for_contact(
            self.store, self.workspace_id, contact_id, conversations="erase", by=AGENT, context=context
        )

    def _undo(self, state: State, context: RequestContext) -> UndoMerge | None:
        merges = [merge for merge in state.tables.merges.values() if merge.is_active]
        if not merges:
            return None
        last = max(merges, key=lambda merge: merge.id)
        return UndoMerge(merge=last, writer=AGENT, context=context, request_id=context.new_id("req"))

    def _session_operation(self, verb: Any, session: str, state: State, context: RequestContext) -> OpenSession:
        digest = secret_digest(state.tokens[session])
        return OpenSession(verb=verb, app_key=self.app_key, session_digest=digest, origin=None, context=context)

    def _join(self, number: int) -> str:
        context = RequestContext(now=START, seed=(2**32 + number).to_bytes(32))
        operation = OpenSession(verb="join", app_key=self.app_key, session_digest=None, origin=None, context=context)
        token: str = self.hullo.executor.run(operation).result.token
        return token

    def _claim(self, call: Call, depth: int) -> Claim:
        key = msgspec.structs.replace(call, caller="server" if call.caller == "server" else f"page at {depth}")
        claim = self._claims.get(key)
        if claim is None:
            claim = self._claims[key] = Claim.from_body(self._body(call, depth), self.hullo.settings.limits)
        return claim

    def _body(self, call: Call, depth: int) -> dict[str, object]:
        body: dict[str, object] = {}
        if call.external_id is not None:
            body["external_id"] = call.external_id
        if call.email is not None:
            body["email"] = call.email
        if call.source == "prompt":
            body["source"] = "prompt"
        if call.caller == "server":
            # A key of its own for each kind of write: what the site wrote stays apart from what pages said.
            body["custom_data"] = {site_key(call): "site"}
        else:
            body["custom_data"] = {"said": f"{depth} {call.evidence}"}
        if call.evidence == "hash":
            body["user_hash"] = self._hashes[call.external_id or call.email or ""]
        if call.evidence == "token":
            stated = {"sub": call.external_id, "email": call.email, "aud": self.app_key}
            life = {"iat": START // SECOND, "exp": START // SECOND + 3600}
            body["token"] = jwt.encode({**stated, **life}, self._identity_key, "HS256")
        return body

    @property
    def _tables(self) -> Tables:
        return self.store._tables

    @_tables.setter
    def _tables(self, tables: Tables) -> None:
        self.store._tables = tables


def site_key(call: Call) -> str:
    """Return the custom key under which the site's server writes in this call."""
    return "site." + ".".join(
        sorted(name.partition("@")[0] + ("-mail" if "@" in name else "") for name in call.identifiers)
    )


def _copy(tables: Tables) -> Tables:
    return Tables(*[dict(getattr(tables, name)) for name in Tables.__struct_fields__])


def _public(outcome: Outcome) -> bytes:
    body = encode(identify_response(outcome, outcome.session_token))
    return _IDS.sub(rb"\1_", body)


def _nothing() -> Answer:
    return Answer(outcome=None, error=None, public=None, changed=False)
