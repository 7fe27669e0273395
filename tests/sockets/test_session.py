"""The protocol of a socket without any I/O: what happened goes in, actions come out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from hullo.api.bodies import Envelope
from hullo.api.request import Caller
from hullo.asgi.response import Response
from hullo.errors import (
    BadOrigin,
    ConsentRequired,
    HulloError,
    NotFound,
    ProofRejected,
    RateLimited,
    SessionRevoked,
    StoreUnavailable,
    UnknownApp,
)
from hullo.model.conversation import Conversation, Message
from hullo.model.instant import DAY, SECOND
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.operations.conversations.message_records import SentMessage
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
)
from hullo.realtime.session import FRAME_WINDOW, MAX_DELIVERED_IDS, MAX_QUEUED_FRAMES, SocketSession
from hullo.realtime.updates import SocketUpdate
from hullo.settings import RateLimits, Settings

NOW = 1_000 * DAY
TOKEN = "hvs_old"
NEW_TOKEN = "hvs_new"
IDENTITY = {"email": "jane@example.com"}


def session_named(name: str, **fields: Any) -> Session:
    return Session(
        digest=f"digest of {name}",
        workspace_id="wsp_1",
        app_id="app_1",
        visitor_id=f"vis_{name}",
        created_at=NOW,
        seen_at=NOW,
        expires_at=NOW + DAY,
        **fields,
    )


OLD = session_named("old")
NEW = session_named("new")


def caller(token: str | None = None) -> Caller:
    return Caller(app_key="app_1", token=token, session=None if token is None else OLD.digest)


def result(token: str | None = None, **fields: Any) -> CallResult:
    return CallResult(response=Response(body=b'{"answer":1}'), token=token, **fields)


def message(number: int = 1) -> Message:
    return Message(id=f"msg_{number}", conversation_id="cnv_1", author="agent", text="hello", created_at=NOW)


def sent(number: int = 1) -> SentMessage:
    conversation = Conversation(
        id="cnv_1", workspace_id="wsp_1", app_id="app_1", visitor_id="vis_old", created_at=NOW, last_message_at=NOW
    )
    return SentMessage(conversation=conversation, message=message(number))


class Client:
    """A socket session with a test on both sides of it."""

    def __init__(self, **limits: Any) -> None:
        self.session = SocketSession(Settings(rate_limits=RateLimits(**limits)))
        self.now = NOW

    def say(self, kind: str, **fields: Any) -> list[Action]:
        return self.text(json.dumps({"type": kind, **fields}))

    def text(self, text: str | None) -> list[Action]:
        return list(self.session.receive_frame(text, self.now))

    def give(self, outcome: object) -> list[Action]:
        """Give the outcome of the operation that the session waits for."""
        if isinstance(outcome, Exception):
            return list(self.session.receive_error(outcome))
        return list(self.session.receive_result(outcome))

    def update(self, session: Session | None = OLD, about: Session = OLD, **fields: Any) -> list[Action]:
        return list(self.session.receive_update(SocketUpdate(session_digest=about.digest, session=session, **fields)))


@pytest.fixture
def client() -> Client:
    return Client(on=False)


def joined(client: Client) -> Client:
    """Join with a session that is good."""
    client.say("join", app_key="app_1", session_token=TOKEN)
    client.give(caller(TOKEN))
    client.give(OLD)
    actions = client.give(result(TOKEN))
    assert [frame_of(action)["type"] for action in actions] == ["joined"]
    return client


def frame_of(action: Action) -> dict[str, Any]:
    assert isinstance(action, SendFrame), action
    return json.loads(action.text)


def closing(actions: list[Action]) -> object:
    (action,) = actions
    assert isinstance(action, Close), action
    return action.close_frame


def envelope_of(app_key: str, token: str | None = None, *, consent: bool = False) -> Envelope:
    return Envelope(app_key=app_key, session_token=token, consent=consent)


# Join


def test_join_resumes_session_without_second_read(client):
    assert client.say("join", ref="1", app_key="app_1", session_token=TOKEN) == [
        ResolveCaller(envelope=envelope_of("app_1", TOKEN))
    ]
    assert client.give(caller(TOKEN)) == [LoadSession(app_key="app_1", token=TOKEN)]
    assert client.give(OLD) == [Subscribe(session=OLD), OpenSession(verb="join", envelope=envelope_of("app_1", TOKEN))]
    assert client.session.session is OLD
    (answer,) = client.give(result(TOKEN, history_until=7))
    assert frame_of(answer) == {"type": "joined", "ref": "1", "answer": 1}
    assert client.session.history_until == 7


def test_join_without_session_loads_the_new_one(client):
    client.say("join", app_key="app_1")
    assert client.give(caller()) == [OpenSession(verb="join", envelope=envelope_of("app_1"))]
    assert client.give(result(NEW_TOKEN)) == [LoadSession(app_key="app_1", token=NEW_TOKEN)]
    subscribed, answer = client.give(NEW)
    assert subscribed == Subscribe(session=NEW)
    assert frame_of(answer)["type"] == "joined"


def test_join_without_consent_subscribes_to_nothing(client):
    client.say("join", app_key="app_1")
    client.give(caller())
    subscribed, answer = client.give(result(None))
    assert subscribed == Subscribe(session=None)
    assert frame_of(answer)["type"] == "joined"
    assert client.session.session is None
    assert client.update() == []


def test_consent_of_join_reaches_every_call(client):
    client.say("join", app_key="app_1", consent=True, identity=IDENTITY)
    (identify,) = client.give(caller())
    assert identify == Identify(envelope=envelope_of("app_1"), body={**IDENTITY, "consent": True})
    (opened,) = client.give(result(NEW_TOKEN))
    assert opened == OpenSession(verb="join", envelope=envelope_of("app_1", NEW_TOKEN, consent=True))


def test_join_with_identity_holds_both_answers(client):
    client.say("join", app_key="app_1", identity=IDENTITY)
    client.give(caller())
    client.give(result(NEW_TOKEN))
    client.give(result(NEW_TOKEN))
    _, answer = client.give(NEW)
    assert frame_of(answer) == {"type": "joined", "answer": 1, "identify": {"answer": 1}}


def test_refused_identity_does_not_refuse_join(client):
    refusal = ProofRejected("wrong")
    client.say("join", ref="j", app_key="app_1", session_token=TOKEN, identity=IDENTITY)
    client.give(caller(TOKEN))
    client.give(OLD)
    assert client.give(refusal) == [OpenSession(verb="join", envelope=envelope_of("app_1", TOKEN))]
    answer, error = client.give(result(TOKEN))
    assert frame_of(answer)["type"] == "joined"
    assert error == SendError(error=refusal, ref="j", about="identify")


@pytest.mark.rule("S2")
def test_ended_session_identifies_in_a_new_one(client):
    client.say("join", app_key="app_1", session_token=TOKEN, identity=IDENTITY)
    client.give(caller(TOKEN))
    client.give(None)
    assert client.give(SessionRevoked()) == [OpenSession(verb="join", envelope=envelope_of("app_1"))]
    (identify,) = client.give(result(NEW_TOKEN))
    assert identify == Identify(envelope=envelope_of("app_1", NEW_TOKEN), body={**IDENTITY, "consent": False})


def test_second_revocation_at_join_is_reported(client):
    client.say("join", app_key="app_1", session_token=TOKEN, identity=IDENTITY)
    client.give(caller(TOKEN))
    client.give(None)
    client.give(SessionRevoked())
    client.give(result(NEW_TOKEN))
    assert isinstance(client.give(SessionRevoked())[0], OpenSession)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownApp(), UNKNOWN_APP),
        (BadOrigin("whence?"), BAD_ORIGIN),
        (RateLimited("slowly", retry_after=1), RATE_LIMITED),
        (StoreUnavailable("away"), UNAVAILABLE),
        (ConsentRequired(), UNAVAILABLE),
        (ZeroDivisionError(), UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("step", range(3))
def test_failed_join_closes_with_reason(client, error, code, step):
    client.say("join", app_key="app_1", session_token=TOKEN)
    for outcome in [caller(TOKEN), OLD][:step]:
        client.give(outcome)
    assert client.give(error) == [Close(close_frame=code, error=error)]


@pytest.mark.parametrize("error", [UnknownApp(), BadOrigin("?"), StoreUnavailable("away"), ZeroDivisionError()])
def test_fatal_error_of_identity_refuses_join(client, error):
    client.say("join", app_key="app_1", identity=IDENTITY)
    client.give(caller())
    (action,) = client.give(error)
    assert isinstance(action, Close)


@pytest.mark.parametrize("identity", ["jane", [], 7, True])
def test_identity_of_wrong_type_closes_socket(client, identity):
    client.say("join", app_key="app_1", identity=identity)
    assert closing(client.give(caller())) == BAD_FRAME


@pytest.mark.parametrize("fields", [{"app_key": 7}, {"app_key": "app_1", "session_token": []}, {"after": {}}])
def test_join_field_of_wrong_type_closes_socket(client, fields):
    assert closing(client.say("join", **fields)) == BAD_FRAME


@pytest.mark.parametrize("kind", ["identify", "reset", "message", "read", "ping", "shout"])
def test_other_first_frame_closes_socket(client, kind):
    assert closing(client.say(kind)) == BAD_FRAME


def test_second_join_closes_socket(client):
    assert closing(joined(client).say("join", app_key="app_1")) == BAD_FRAME


def test_missing_join_times_out(client):
    assert client.session.join_timeout == 10
    assert closing(list(client.session.receive_timeout())) == JOIN_TIMED_OUT


def test_cursor_of_join_loads_missed_messages(client):
    client.say("join", app_key="app_1", session_token=TOKEN, after="msg_0")
    client.give(caller(TOKEN))
    client.give(OLD)
    assert client.give(result(TOKEN)) == [LoadMessages(session=OLD, after="msg_0")]
    frames = client.give([("cnv_1", message(1)), ("cnv_1", message(2))])
    assert [frame_of(frame).get("id") for frame in frames] == [None, "msg_1", "msg_2"]


def test_failed_catch_up_sends_no_answer(client):
    client.say("join", app_key="app_1", session_token=TOKEN, after="msg_0")
    client.give(caller(TOKEN))
    client.give(OLD)
    client.give(result(TOKEN))
    assert closing(client.give(StoreUnavailable("away"))) == UNAVAILABLE


def test_message_during_catch_up_arrives_once(client):
    client.say("join", app_key="app_1", session_token=TOKEN, after="msg_0")
    client.give(caller(TOKEN))
    client.give(OLD)
    assert client.update(messages=[("msg_1", '{"id": "msg_1"}')]) == []
    client.give(result(TOKEN))
    frames = client.give([("cnv_1", message(1))])
    assert sorted(frame_of(frame).get("id", "") for frame in frames) == ["", "msg_1"]


# Frames


@pytest.mark.parametrize("text", [None, "hello", "[]", "{}", '{"type": 7}', '{"type": "ping", "ref": 7}', ""])
def test_malformed_frame_closes_socket(client, text):
    assert closing(joined(client).text(text)) == BAD_FRAME


def test_frame_over_body_limit_closes_socket(client):
    limit = Settings().limits.body_bytes
    frame = '{"type": "ping"}'
    assert frame_of(joined(client).text(frame.ljust(limit))[0]) == {"type": "pong"}
    assert closing(client.text(frame.ljust(limit + 1))) == TOO_LARGE


def test_frames_over_rate_close_socket():
    client = joined(Client(frames_per_socket=3))
    assert len(client.say("ping") + client.say("ping")) == 2
    assert closing(client.say("ping")) == RATE_LIMITED


@pytest.mark.parametrize("passed", [FRAME_WINDOW, -SECOND])
def test_rate_window_ends_by_clock(passed):
    client = joined(Client(frames_per_socket=2))
    client.say("ping")
    client.now += passed
    assert frame_of(client.say("ping")[0]) == {"type": "pong"}


def test_malformed_frames_count_against_rate():
    client = Client(frames_per_socket=1)
    client.say("join", app_key="app_1", session_token=TOKEN)
    client.give(caller(TOKEN))
    client.give(OLD)
    client.give(result(TOKEN))
    assert closing(client.text("hello")) == RATE_LIMITED


def test_identify_loads_session_with_new_standing(client):
    joined(client)
    proven = replace(OLD, contact_id="con_1", standing=Standing.PROVEN)
    assert client.say("identify", ref="i", identity=IDENTITY) == [
        Identify(envelope=envelope_of("app_1", TOKEN), body=IDENTITY)
    ]
    assert client.give(result(None)) == [LoadSession(app_key="app_1", token=TOKEN)]
    subscribed, answer = client.give(proven)
    assert subscribed == Subscribe(session=proven)
    assert frame_of(answer) == {"type": "identified", "ref": "i", "answer": 1}


def test_identify_without_object_closes_socket(client):
    assert closing(joined(client).say("identify", identity="jane")) == BAD_FRAME


@pytest.mark.rule("S2")
def test_reset_continues_with_new_token(client):
    joined(client)
    assert client.say("reset") == [OpenSession(verb="reset", envelope=envelope_of("app_1", TOKEN))]
    assert client.give(result(NEW_TOKEN)) == [LoadSession(app_key="app_1", token=NEW_TOKEN)]
    subscribed, answer = client.give(NEW)
    assert subscribed == Subscribe(session=NEW)
    assert frame_of(answer)["type"] == "was_reset"
    (call,) = client.say("message", text="hello")
    assert call.envelope == envelope_of("app_1", NEW_TOKEN)


def test_frame_cannot_name_another_caller(client):
    (refused,) = joined(client).say("reset", app_key="app_2", session_token="hvs_stolen")
    assert [wrong.field for wrong in refused.error.rejected] == ["app_key", "session_token"]
    (call,) = client.say("reset")
    assert call.envelope == envelope_of("app_1", TOKEN)


@pytest.mark.parametrize("conversation_id", [None, "cnv_1"])
def test_message_answer_repeats_the_ref(client, conversation_id):
    (call,) = joined(client).say("message", ref="m", text="hello", conversation_id=conversation_id)
    assert isinstance(call, SendMessage)
    assert (call.body["text"], call.conversation_id) == ("hello", conversation_id)
    (answer,) = client.give(sent())
    assert (frame_of(answer)["id"], frame_of(answer)["ref"]) == ("msg_1", "m")


def test_read_with_ref_is_answered(client):
    assert joined(client).say("read", ref="r", conversation_id="cnv_1") == [
        MarkRead(envelope=envelope_of("app_1", TOKEN), conversation_id="cnv_1")
    ]
    (answer,) = client.give(None)
    assert frame_of(answer) == {"type": "read", "ref": "r", "conversation_id": "cnv_1"}


def test_read_without_ref_is_not_answered(client):
    joined(client).say("read", conversation_id="cnv_1")
    assert client.give(None) == []


@pytest.mark.parametrize(
    ("kind", "conversation_id"), [("message", "../../x"), ("read", "../../x"), ("read", None), ("message", "x" * 99)]
)
def test_impossible_conversation_id_asks_no_store(client, kind, conversation_id):
    (action,) = joined(client).say(kind, ref="r", conversation_id=conversation_id)
    assert isinstance(action, SendError)
    assert isinstance(action.error, NotFound)
    assert action.ref == "r"


@pytest.mark.parametrize("error", [NotFound("no"), RateLimited("slowly", retry_after=1), ZeroDivisionError()])
def test_refused_frame_is_reported_and_socket_stays(client, error):
    joined(client).say("message", ref="m", text="hello")
    assert client.give(error) == [SendError(error=error, ref="m")]
    assert frame_of(client.say("ping")[0]) == {"type": "pong"}


@pytest.mark.rule("S4")
def test_revoked_session_of_frame_closes_socket(client):
    joined(client).say("message", text="hello")
    assert closing(client.give(SessionRevoked())) == SESSION_REVOKED


def test_closed_session_returns_no_actions(client):
    joined(client).say("message", text="hello")
    client.give(SessionRevoked())
    assert client.say("ping") == []
    assert client.update(None) == []
    assert client.give(sent()) == []
    assert client.give(HulloError("late")) == []
    assert list(client.session.receive_timeout()) == []


# Updates


def test_update_reaches_idle_socket_at_once(client):
    frames = joined(client).update(
        messages=[("msg_1", '{"id": "msg_1"}'), ("msg_2", '{"id": "msg_2"}')], read_receipts=[("cnv_2", '{"id": "r"}')]
    )
    assert [frame_of(frame)["id"] for frame in frames] == ["msg_1", "msg_2", "r"]


def test_same_message_is_sent_once(client):
    joined(client)
    assert len(client.update(messages=[("msg_1", "{}")])) == 1
    assert client.update(messages=[("msg_1", "{}")]) == []


def test_oldest_delivered_id_is_forgotten(client):
    joined(client)
    client.update(messages=[(f"msg_{number}", "{}") for number in range(MAX_DELIVERED_IDS + 1)])
    assert len(client.update(messages=[("msg_0", "{}"), (f"msg_{MAX_DELIVERED_IDS}", "{}")])) == 1


def test_own_message_is_not_repeated_by_update(client):
    joined(client).say("message", text="hello")
    assert client.update(messages=[("msg_1", "{}")]) == []
    (answer,) = client.give(sent(1))
    assert frame_of(answer)["id"] == "msg_1"
    assert client.update(messages=[("msg_1", "{}")]) == []


def test_update_waits_for_frame_in_flight(client):
    joined(client).say("message", text="hello")
    assert client.update(messages=[("msg_9", '{"id": "msg_9"}')]) == []
    assert sorted(frame_of(frame)["id"] for frame in client.give(sent(1))) == ["msg_1", "msg_9"]


def test_own_read_receipt_is_not_returned(client):
    joined(client).say("read", conversation_id="cnv_1")
    assert client.update(read_receipts=[("cnv_1", "{}"), ("cnv_2", "{}")]) == []
    assert len(client.give(None)) == 1
    assert client.update(read_receipts=[("cnv_1", "{}")]) == []


def test_read_receipt_after_new_message_is_news(client):
    joined(client).say("read", conversation_id="cnv_1")
    client.give(None)
    assert len(client.update(messages=[("msg_1", "{}")], read_receipts=[("cnv_1", "{}")])) == 2


def test_too_many_updates_in_flight_close_socket(client):
    joined(client).say("message", text="hello")
    updates = [(f"msg_{number}", "{}") for number in range(MAX_QUEUED_FRAMES)]
    assert client.update(messages=updates) == []
    assert closing(client.update(messages=[("msg_x", "{}")])) == SLOW_READER


def test_too_many_frames_of_answer_close_socket(client):
    client.say("join", app_key="app_1", session_token=TOKEN, after="msg_0")
    client.give(caller(TOKEN))
    client.give(OLD)
    client.give(result(TOKEN))
    missed = [("cnv_1", message(number)) for number in range(MAX_QUEUED_FRAMES)]
    assert closing(client.give(missed)) == SLOW_READER


@pytest.mark.rule("H1")
def test_changed_standing_subscribes_anew(client):
    proven = replace(OLD, contact_id="con_1", standing=Standing.PROVEN)
    assert joined(client).update(proven) == [Subscribe(session=proven)]
    assert client.session.session is proven
    assert client.update(proven) == []


@pytest.mark.rule("S4")
def test_ended_session_closes_idle_socket(client):
    assert closing(joined(client).update(None)) == SESSION_REVOKED


@pytest.mark.rule("S2")
def test_session_ended_by_own_frame_is_checked_later(client):
    joined(client).say("reset")
    assert client.update(None) == []
    client.give(result(NEW_TOKEN))
    subscribed, check, answer = client.give(NEW)
    assert (subscribed, check) == (Subscribe(session=NEW), CheckSession())
    assert frame_of(answer)["type"] == "was_reset"


def test_deferred_check_is_asked_once(client):
    joined(client).say("ping")
    client.say("message", text="hello")
    client.update(None)
    assert client.give(sent())[0] == CheckSession()
    assert [type(action) for action in client.say("ping")] == [SendFrame]


def test_update_of_earlier_session_is_dropped(client):
    joined(client).say("reset")
    client.give(result(NEW_TOKEN))
    client.give(NEW)
    assert client.update(None, about=OLD) == []
    assert client.update(OLD, about=OLD, messages=[("msg_1", "{}")]) == []


def test_update_while_session_loads_is_kept(client):
    joined(client).say("identify", identity=IDENTITY)
    client.give(result(None))
    assert client.update(messages=[("msg_1", '{"type": "message"}')]) == []
    _, *frames = client.give(OLD)
    assert sorted(frame_of(frame)["type"] for frame in frames) == ["identified", "message"]


def test_unlisted_origin_closes_socket(client):
    assert closing(joined(client).update(origin_allowed=False)) == BAD_ORIGIN


def test_mistyped_field_is_refused_by_name(client):
    (refused,) = joined(client).say("read", ref="r", conversation="cnv_1")
    assert [(wrong.field, wrong.reason) for wrong in refused.error.rejected] == [("conversation", "unknown field")]
    assert refused.ref == "r"
    assert client.say("ping")[0].text


def test_mistyped_field_of_join_closes_socket(client):
    assert client.say("join", app_kay="app_1") == [Close(close_frame=BAD_FRAME)]
