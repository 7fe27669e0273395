"""The protocol of one socket, without I/O: what happened goes in, actions come out (as in h11's `Connection`)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from hullo.api.bodies import Envelope
from hullo.api.request_body import is_plausible_id
from hullo.asgi.response import Response
from hullo.errors import (
    BadOrigin,
    HulloError,
    Invalid,
    NotFound,
    RateLimited,
    Rejection,
    SessionRevoked,
    Unavailable,
    UnknownApp,
)
from hullo.model.conversation import ConversationId, MessageId
from hullo.model.instant import SECOND, Instant
from hullo.model.visitor import Session
from hullo.realtime.actions import (
    Action,
    CallResult,
    CheckSession,
    Close,
    Identify,
    LoadMessages,
    LoadSession,
    MarkRead,
    OpenSession,
    Operation,
    ResolveCaller,
    SendError,
    SendFrame,
    SendMessage,
    Subscribe,
)
from hullo.realtime.close_codes import (
    BAD_FRAME,
    BAD_ORIGIN,
    JOIN_TIMED_OUT,
    RATE_LIMITED,
    SESSION_REVOKED,
    SLOW_READER,
    TOO_LARGE,
    UNAVAILABLE,
    UNKNOWN_APP,
    CloseFrame,
)
from hullo.realtime.frames import (
    FRAME_FIELDS,
    BadFrame,
    Frame,
    encode_frame,
    is_too_large,
    message_frame,
    parse_frame,
    read_receipt_frame,
    response_frame,
)
from hullo.realtime.updates import SocketUpdate, is_session_changed
from hullo.settings import Settings

R = TypeVar("R")

MAX_FIELD_NAME: Final = 64
"""Characters of an unknown field's name that an error repeats."""
JOIN_TIMEOUT: Final = 10.0
"""Seconds from the handshake to the first frame."""
FRAME_WINDOW: Final[Instant] = 10 * SECOND
MAX_QUEUED_FRAMES: Final = 256
"""Frames that wait for one client at most. A client that is further behind has to join again, and catches up then."""
MAX_DELIVERED_IDS: Final = 256
"""Ids of delivered messages that a session remembers."""

_JOIN_CLOSE_CODES: Final[tuple[tuple[type[HulloError], CloseFrame], ...]] = (
    (UnknownApp, UNKNOWN_APP),
    (BadOrigin, BAD_ORIGIN),
    (RateLimited, RATE_LIMITED),
    (Unavailable, UNAVAILABLE),
)
"""Errors that make a join impossible, each with the close code it leads to. Any other means UNAVAILABLE."""
_FATAL_AT_JOIN: Final = tuple(error for error, _ in _JOIN_CLOSE_CODES)

Steps = Generator[Action, Any, R]
"""What is done for one frame: yields actions, is sent the result of each operation, returns an `R`."""


class SocketSession:
    """Hold the protocol state of one socket and decide every action. No I/O, no clock, no event loop.

    Frames are handled one after the other: hand in the next one when the last is answered. Updates may come at any
    time. Execute the returned actions in their order; the last may be an `Operation`, and only the last: its outcome
    goes to `receive_result` or `receive_error`. After `Close` every method returns no actions.

    `session` is the visitor's. None: the socket has not joined, or the visitor has not consented to be remembered.
    Messages up to `history_until` are in the answer to the join.
    """

    __slots__ = (
        "_app_key",
        "_check_deferred",
        "_delivered",
        "_frame_count",
        "_held",
        "_is_closed",
        "_is_joined",
        "_own_read_receipt",
        "_ref",
        "_settings",
        "_steps",
        "_token",
        "_window_ends",
        "history_until",
        "session",
    )

    def __init__(self, settings: Settings) -> None:
        self.session: Session | None = None
        self.history_until: Instant = 0
        self._settings = settings
        self._app_key: str | None = None
        self._token: str | None = None
        self._is_joined = False
        self._is_closed = False
        self._check_deferred = False
        self._own_read_receipt: ConversationId | None = None
        self._window_ends: Instant = 0
        self._frame_count = 0
        # Of the frame in flight, and None between frames. Most sockets are idle and should cost nothing for it.
        self._steps: Steps[None] | None = None
        self._ref: str | None = None
        self._held: list[SendFrame | SendError] | None = None
        self._delivered: dict[MessageId, None] | None = None

    @property
    def join_timeout(self) -> float:
        """Seconds that the first frame may take. Later frames have no deadline."""
        return JOIN_TIMEOUT

    def receive_timeout(self) -> Sequence[Action]:
        """Close the socket: no frame came within `join_timeout`."""
        return self._close(JOIN_TIMED_OUT)

    def receive_frame(self, text: str | None, now: Instant) -> Sequence[Action]:
        """Begin to handle a frame. `text` is None for a binary frame, which the protocol has no use for."""
        if self._is_closed:
            return ()
        if text is None:
            return self._close(BAD_FRAME)
        raw = text.encode()
        limits = self._settings.limits
        if len(raw) > limits.max_body_bytes:
            return self._close(TOO_LARGE)
        # Counted before it is parsed: parsing costs something too.
        if not self._count_frame(now):
            return self._close(RATE_LIMITED)
        try:
            frame = parse_frame(raw)
            if is_too_large(frame, raw, limits.body_bytes):
                return self._close(TOO_LARGE)
            self._steps = self._steps_for(frame)
        except BadFrame:
            return self._close(BAD_FRAME)
        self._ref, self._held = frame.ref, []
        return self._advance(self._steps, partial(next, self._steps))

    def receive_result(self, result: object) -> Sequence[Action]:
        """Go on with the frame in flight: its operation has this result."""
        return () if self._steps is None else self._advance(self._steps, partial(self._steps.send, result))

    def receive_error(self, error: Exception) -> Sequence[Action]:
        """Go on with the frame in flight: its operation was refused, or failed."""
        return () if self._steps is None else self._advance(self._steps, partial(self._steps.throw, error))

    def receive_update(self, update: SocketUpdate) -> Sequence[Action]:
        """Take in what others did: messages, read receipts, an end of the session (S4) or another standing (H1)."""
        # Race: the update was computed in another thread. If the socket has gone on with another session since, its
        # answer held what that one may see, and this update must not reach it.
        if self._is_closed or self.session is None or self.session.digest != update.session_digest:
            return ()
        if update.session is None:
            if self._steps is not None:
                # Race: the frame in flight may have ended the session itself (S2, C5), and then the socket goes on
                # with the next one. Only after its answer can the two be told apart.
                self._check_deferred = True
                return ()
            return self._close(SESSION_REVOKED)
        if not update.origin_allowed:
            return self._close(BAD_ORIGIN)
        actions: list[Action] = []
        if is_session_changed(self.session, update.session):
            self.session = update.session
            actions.append(Subscribe(session=update.session))
        frames = list(self._frames_of(update))
        # Race: one of these messages may be the answer to the frame in flight, so they wait until that is known.
        return [*actions, *(self._unsent(frames) if self._held is None else self._hold(frames))]

    def _steps_for(self, frame: Frame) -> Steps[None]:
        """Choose what to do for a frame. Raises `BadFrame` for an unknown type, a second join, and a missing one."""
        unknown = frame.unknown_fields() if frame.kind in FRAME_FIELDS else []
        if unknown and self._is_joined:
            return self._refuse_fields(frame, unknown)
        if unknown:
            raise BadFrame(f"a {frame.kind} frame has no field {unknown[0]}")
        match frame.kind, self._is_joined:
            case "join", False:
                return self._join(frame)
            case "identify", True:
                return self._identify(frame)
            case "reset", True:
                return self._reset(frame)
            case "message", True:
                return self._message(frame)
            case "read", True:
                return self._read(frame)
            case "ping", True:
                return self._ping(frame)
            case _:
                raise BadFrame("a frame of this type is not allowed here")

    def _refuse_fields(self, frame: Frame, unknown: Sequence[str]) -> Steps[None]:
        """Refuse a frame by the names of its unknown fields: a mistyped one would be ignored otherwise."""
        rejected = [Rejection(field=name[:MAX_FIELD_NAME], reason="unknown field") for name in unknown]
        yield SendError(error=Invalid(Invalid.invalid_fields_detail, rejected), ref=frame.ref)

    def _join(self, frame: Frame) -> Steps[None]:
        """Answer the first frame. An identity that is refused does not refuse the join."""
        after = frame.field("after")
        caller = yield from _result_of(ResolveCaller(envelope=self._envelope(frame)))
        self._app_key, self._token = caller.app_key, caller.token
        if caller.session is not None:
            # Race: subscribe before the history is read, so that no message falls between the two.
            yield from self._load_session()
        identified: dict[str, Response] = {}
        refusal: HulloError | None = None
        if frame.fields.get("identity") is not None:
            try:
                identified["identify"] = yield from self._identify_at_join(frame)
            except HulloError as error:
                if isinstance(error, _FATAL_AT_JOIN):
                    raise
                refusal = error
        opened = yield from _result_of(OpenSession(verb="join", envelope=self._envelope(frame)))
        self.history_until = opened.history_until
        # A visitor who comes back unchanged was loaded above; a second look would cost every reconnect a read.
        if self.session is None or identified or opened.token != caller.token:
            yield from self._load_session(opened.token)
        yield SendFrame(text=response_frame("joined", frame.ref, opened.response, **identified))
        if refusal is not None:
            yield SendError(error=refusal, ref=frame.ref, about="identify")
        if after is not None and self.session is not None:
            missed = yield from _result_of(LoadMessages(session=self.session, after=after))
            for conversation_id, message in missed:
                yield SendFrame(text=message_frame(conversation_id, message), message_id=message.id)

    def _identify_at_join(self, frame: Frame) -> Steps[Response]:
        """Identify with the identity of a join; in a new session where the one that was shown is over (S2)."""
        consent = frame.fields.get("consent") is True
        body = {**frame.object_field("identity"), "consent": consent}
        try:
            return (yield from self._run_identify(body)).response
        except SessionRevoked:
            # A cookie would show the ended session again, unless the call names the token of a new one.
            envelope = Envelope(app_key=self._app_key, consent=consent)
            self._token = (yield from _result_of(OpenSession(verb="join", envelope=envelope))).token
            return (yield from self._run_identify(body)).response

    def _identify(self, frame: Frame) -> Steps[None]:
        result = yield from self._run_identify(frame.object_field("identity"))
        yield from self._load_session(result.token)
        yield SendFrame(text=response_frame("identified", frame.ref, result.response))

    def _reset(self, frame: Frame) -> Steps[None]:
        result = yield from _result_of(OpenSession(verb="reset", envelope=self._envelope(frame)))
        yield from self._load_session(result.token)
        yield SendFrame(text=response_frame("was_reset", frame.ref, result.response))

    def _message(self, frame: Frame) -> Steps[None]:
        conversation_id = frame.field("conversation_id")
        if conversation_id is not None and not is_plausible_id(conversation_id):
            raise NotFound("no such conversation")
        body = {name: value for name, value in frame.fields.items() if name != "conversation_id"}
        call = SendMessage(envelope=self._caller, body=body, conversation_id=conversation_id)
        sent = yield from _result_of(call)
        # Race: the notice of this message may already be here; the answer delivers it, the update must not repeat it.
        self._mark_delivered(sent.message.id)
        yield SendFrame(text=message_frame(sent.conversation.id, sent.message, frame.ref))

    def _read(self, frame: Frame) -> Steps[None]:
        conversation_id = frame.field("conversation_id")
        if conversation_id is None or not is_plausible_id(conversation_id):
            raise NotFound("no such conversation")
        # Race: set before the operation runs, since its notice may arrive before its result. Receipts are for the
        # visitor's other tabs.
        self._own_read_receipt = conversation_id
        yield from _result_of(MarkRead(envelope=self._caller, conversation_id=conversation_id))
        if frame.ref is not None:
            yield SendFrame(text=read_receipt_frame(conversation_id, frame.ref))

    def _ping(self, frame: Frame) -> Steps[None]:
        yield SendFrame(text=encode_frame("pong", frame.ref, {}))

    def _run_identify(self, body: dict[str, object]) -> Steps[CallResult]:
        result = yield from _result_of(Identify(envelope=self._caller, body=body))
        self._token = result.token or self._token
        return result

    def _load_session(self, token: str | None = None) -> Steps[None]:
        """Go on with the session of this token; None: with the token that the socket has."""
        self._token = token or self._token
        session: Session | None = None
        if self._token is not None:
            # Race: the old session stays until the new one is here. An update that arrives meanwhile belongs to it.
            session = yield from _result_of(LoadSession(app_key=self._app_key, token=self._token))
        self.session = session
        yield Subscribe(session=session)

    @property
    def _caller(self) -> Envelope:
        return Envelope(app_key=self._app_key, session_token=self._token)

    def _envelope(self, frame: Frame) -> Envelope:
        """Name the caller: until the join is resolved as the frame does, then as the socket knows better."""
        return Envelope(
            app_key=self._app_key or frame.field("app_key"),
            session_token=self._token or frame.field("session_token"),
            consent=frame.fields.get("consent") is True,
        )

    def _advance(self, steps: Steps[None], resume: Callable[[], Action]) -> Sequence[Action]:
        """Go on with the frame in flight until it needs the result of an operation, or is answered."""
        actions: list[Action] = []
        try:
            while True:
                action = resume()
                if isinstance(action, SendFrame | SendError):
                    if closing := self._hold([action]):
                        return [*actions, *closing]
                else:
                    actions.append(action)
                if isinstance(action, Operation):
                    return actions
                resume = partial(next, steps)
        except StopIteration:
            self._is_joined = True
        except BadFrame:
            return [*actions, *self._close(BAD_FRAME)]
        except Exception as error:
            if not self._is_joined:
                codes = (code for kind, code in _JOIN_CLOSE_CODES if isinstance(error, kind))
                return [*actions, *self._close(next(codes, UNAVAILABLE), error)]
            if isinstance(error, SessionRevoked):
                return [*actions, *self._close(SESSION_REVOKED)]
            # One refused frame does not end the socket.
            actions += self._hold([SendError(error=error, ref=self._ref)])
        return [*actions, *self._finish_frame()]

    def _finish_frame(self) -> Sequence[Action]:
        """Release what was held while the frame was in flight, in the order in which it arose."""
        held, self._held = self._held or [], None
        self._steps = self._ref = None
        check, self._check_deferred = self._check_deferred, False
        return [*([CheckSession()] if check else []), *self._unsent(held)]

    def _hold(self, frames: Sequence[SendFrame | SendError]) -> Sequence[Action]:
        """Keep frames until the one in flight is answered. Closes the socket where there are too many."""
        assert self._held is not None, "a frame is in flight"
        self._held += frames
        return self._close(SLOW_READER) if len(self._held) > MAX_QUEUED_FRAMES else ()

    def _frames_of(self, update: SocketUpdate) -> Iterable[SendFrame]:
        for message_id, text in update.messages:
            # With a new message the conversation is unread again: the next receipt is news in this tab too.
            self._own_read_receipt = None
            yield SendFrame(text=text, message_id=message_id)
        for text in update.conversations:
            yield SendFrame(text=text)
        for conversation_id, text in update.read_receipts:
            if conversation_id != self._own_read_receipt:
                yield SendFrame(text=text)

    def _unsent(self, frames: Iterable[SendFrame | SendError]) -> Sequence[Action]:
        """Leave out messages that were delivered before: a notice, the catch-up and a check may each bring one."""
        return [
            frame
            for frame in frames
            if isinstance(frame, SendError) or frame.message_id is None or self._mark_delivered(frame.message_id)
        ]

    def _mark_delivered(self, message_id: MessageId) -> bool:
        """Remember a message as delivered. False: it was already."""
        delivered = self._delivered = self._delivered if self._delivered is not None else {}
        if message_id in delivered:
            return False
        delivered[message_id] = None
        if len(delivered) > MAX_DELIVERED_IDS:
            del delivered[next(iter(delivered))]  # the oldest: dicts keep their order
        return True

    def _count_frame(self, now: Instant) -> bool:
        """Count a frame against the rate limit. False: it is over the limit."""
        limits = self._settings.rate_limits
        if not limits.on:
            return True
        # Clock: a window that ends further away than its length began before the clock was set back.
        if not now < self._window_ends <= now + FRAME_WINDOW:
            self._window_ends, self._frame_count = now + FRAME_WINDOW, 0
        self._frame_count += 1
        return self._frame_count <= limits.frames_per_socket

    def _close(self, close_frame: CloseFrame, error: Exception | None = None) -> Sequence[Action]:
        if self._is_closed:
            return ()
        self._is_closed = True
        self._steps = self._held = None
        return (Close(close_frame=close_frame, error=error),)


def _result_of(operation: Operation[R]) -> Steps[R]:
    """Have an operation run. Returns its result, raises what refused it."""
    result: R = yield operation
    return result
