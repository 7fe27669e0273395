"""The socket: other people's conversations, other pages' cookies, and frames that no client of ours would send."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from attack.serving import Headers, Target, begin, masked
from attack.site import V1, Site, Victim
from attack.test_cookies import FOREIGN, spelt
from cli.serving import PATIENCE
from hullo.cli.serve import MAX_MESSAGE_BYTES
from hullo.cli.websocket import MAX_FRAGMENTS
from hullo.realtime.session import MAX_QUEUED_FRAMES
from hullo.rules.origins import is_loopback

LARGEST = 32 * 1024
DOCUMENTED = {4400, 4401, 4403, 4408, 4413, 4429}


class Line:
    """An attacker's end of a socket, which says whatever it likes."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, text: str | bytes) -> None:
        """The server may have hung up, which whoever listens is told."""
        with suppress(ConnectionClosed):
            self.connection.send(text)

    def say(self, kind: str, **fields: Any) -> None:
        self.send(json.dumps({"type": kind, **fields}))

    def hear_text(self) -> str:
        return str(self.connection.recv(PATIENCE))

    def hear(self) -> Any:
        return json.loads(self.hear_text())

    def ask(self, kind: str, **fields: Any) -> Any:
        self.say(kind, **fields)
        return self.hear()

    def told(self) -> list[Any]:
        """Everything that it has been told by now."""
        self.say("ping", ref="that is all")
        frames = list(iter(self.hear, {"type": "pong", "ref": "that is all"}))
        return frames

    def closed(self) -> tuple[int, str]:
        """Code and reason, once the server has closed it; whatever it still tells is passed over."""
        while (over := self._end()) is None:
            pass
        return over

    def _end(self) -> tuple[int, str] | None:
        try:
            self.connection.recv(PATIENCE)
        except ConnectionClosed as over:
            return ended(over)
        return None


def ended(over: ConnectionClosed) -> tuple[int, str]:
    """How the server has closed a socket that it was to close itself."""
    assert over.rcvd is not None, "it was cut off"
    return over.rcvd.code, over.rcvd.reason


Dial = Callable[..., Line]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Opens sockets to a site's server, and says nothing yet."""
    with ExitStack() as open_ones:

        def dial(site: Site, *headers: tuple[str, str], query: str = "", source: str = "127.0.0.1") -> Line:
            address = f"{site.target.url.replace('http', 'ws', 1)}{V1}/socket{query}"
            opened = connect(
                address,
                additional_headers=list(headers),
                compression=None,
                proxy=None,
                max_size=None,
                close_timeout=1,
                source_address=(source, 0),
            )
            return Line(open_ones.enter_context(opened))

        yield dial


def join(line: Line, site: Site, token: str | None = None, **fields: Any) -> Any:
    joined = line.ask("join", app_key=site.app_key, session_token=token, **fields)
    assert joined["type"] == "joined", joined
    return joined


def joined_line(dial: Dial, site: Site, token: str | None = None, **fields: Any) -> Line:
    line = dial(site)
    join(line, site, token, **fields)
    return line


def reply(victim: Victim, text: str) -> None:
    """An agent answers the victim."""
    answer = victim.site.api("POST", f"/conversations/{victim.conversation}/messages", {"text": text})
    assert answer.status_code == 200, answer.text


def signed(site: Site, external_id: str) -> dict[str, str]:
    return {"external_id": external_id, "user_hash": site.hash(external_id)}


# Other people's conversations.


@pytest.mark.rule("H1")
@pytest.mark.parametrize("place", ["the same app", "another app", "another workspace"])
def test_foreign_conversation_looks_missing_to_a_socket(site: Site, victim: Victim, dial: Dial, place: str) -> None:
    here = {"the same app": site, "another app": site.beside(), "another workspace": site.elsewhere()}[place]
    line, before = joined_line(dial, here), victim.data()
    for kind, more in (("message", {"text": "hello", "client_id": "1"}), ("read", {})):
        line.say(kind, conversation_id=victim.conversation, ref="r", **more)
        theirs = line.hear_text()
        line.say(kind, conversation_id="cnv_" + "0" * 26, ref="r", **more)
        assert theirs == line.hear_text()
        assert json.loads(theirs)["code"] == "not_found"
    assert victim.data() == before


@pytest.mark.rule("H1", "H2")
@pytest.mark.parametrize("after", ["msg_" + "0" * 26, "msg_", "", "0", "\u00b2", "msg_" + "z" * 26, "x" * 20_000, "%"])
def test_missed_frames_reach_no_other_visitor(site: Site, victim: Victim, dial: Dial, after: str) -> None:
    claimed = dial(site)
    join(claimed, site, identity={"external_id": victim.external_id, "email": victim.email}, after=after)
    assert claimed.told() == []
    elsewhere = joined_line(dial, site.beside(), after=after)
    assert elsewhere.told() == []


@pytest.mark.rule("H1", "H2")
def test_claimed_socket_hears_nothing_sent_to_contact(site: Site, victim: Victim, dial: Dial) -> None:
    """Not before, and not after the victim proves it once more: that one is proven says nothing of the other."""
    own = joined_line(dial, site, victim.browser.token)
    before = joined_line(dial, site, identity={"external_id": victim.external_id})
    later = joined_line(dial, site)
    assert later.ask("identify", identity={"email": victim.email})["standing"] == "claimed"
    reply(victim, "for the victim alone")
    assert own.hear()["text"] == "for the victim alone"
    device = joined_line(dial, site, identity=signed(site, victim.external_id))
    reply(victim, "on both devices")
    assert {own.hear()["text"], device.hear()["text"]} == {"on both devices"}
    assert before.told() == later.told() == []
    assert join(dial(site), site, identity={"external_id": victim.external_id})["conversations"] == []


@pytest.mark.rule("S2", "S4", "C5")
def test_switch_on_one_socket_silences_the_others(site: Site, victim: Victim, dial: Dial) -> None:
    token = victim.browser.token
    one, other = joined_line(dial, site, token), joined_line(dial, site, token)
    switched = one.ask("identify", identity=signed(site, site.target.name("other")))
    assert switched["switched"] is True
    assert other.closed() == (4401, "session_revoked")
    reply(victim, "for the victim alone")
    assert one.told() == []


# Sessions and proofs.


@pytest.mark.rule("S1", "S2")
def test_session_of_another_app_opens_nothing(site: Site, victim: Victim, dial: Dial) -> None:
    for other in (site.beside(), site.elsewhere()):
        joined = join(dial(other), other, victim.browser.token)
        assert joined["session_token"] != victim.browser.token
        assert (joined["identified"], joined["conversations"]) == (False, [])
        named = join(dial(other), other, victim.browser.token, identity={"email": "x@example.com"})
        # The answer to the join holds the new token, and so the one inside of it does not.
        assert named["session_token"] not in {None, victim.browser.token, joined["session_token"]}
        assert "session_token" not in named["identify"]
        assert (named["standing"], named["conversations"]) == ("claimed", [])
    assert victim.sees() == {victim.conversation}


@pytest.mark.rule("S2", "S4")
def test_session_ended_elsewhere_opens_no_socket(site: Site, victim: Victim, dial: Dial) -> None:
    token = victim.browser.token
    line = joined_line(dial, site, token)
    assert site.api("DELETE", f"/contacts/{victim.id}/sessions").status_code == 200
    assert line.closed() == (4401, "session_revoked")
    again = join(dial(site), site, token, after="msg_" + "0" * 26)
    assert (again["identified"], again["conversations"]) == (False, [])
    assert again["session_token"] != token


@pytest.mark.rule("S1")
@pytest.mark.parametrize("field", ["session_token", "app_key"])
def test_frame_cannot_act_for_another_session(site: Site, victim: Victim, dial: Dial, field: str) -> None:
    """Whoever has joined is who they are, whatever their frames say."""
    line, before = joined_line(dial, site), victim.data()
    said = {"session_token": victim.browser.token, "app_key": site.beside().app_key}[field]
    for frame in ({"text": "hello", "client_id": "1"}, {"conversation_id": victim.conversation, "ref": "r"}, {}):
        kind = "message" if "text" in frame else "read" if "ref" in frame else "reset"
        refused = line.ask(kind, **frame, **{field: said})
        assert (refused["code"], [wrong["field"] for wrong in refused["errors"]]) == ("invalid", [field])
    mine = line.ask("message", text="hello", client_id="1")
    assert mine["conversation_id"] != victim.conversation
    assert line.ask("read", conversation_id=victim.conversation, ref="r")["code"] == "not_found"
    assert line.ask("identify", identity={"email": "mallory@evil.test", field: said})["standing"] == "claimed"
    assert victim.browser.me()["identified"] is True
    assert victim.data() == before


@pytest.mark.rule("T1", "T5")
def test_hop_token_works_once_in_one_app(site: Site, victim: Victim, dial: Dial) -> None:
    stolen = victim.browser.hop()
    for there in (site.beside(), site.elsewhere()):
        line = dial(there)
        assert join(line, there, identity={"identity_token": stolen})["identified"] is False
        assert line.hear()["about"] == "identify"
    first = join(dial(site), site, identity={"identity_token": stolen})
    assert first["standing"] == "proven"
    spent = dial(site)
    assert join(spent, site, identity={"identity_token": stolen})["identified"] is False
    assert spent.hear()["code"] == "proof_rejected"
    assert spent.ask("identify", identity={"identity_token": stolen})["code"] == "proof_rejected"


@pytest.mark.rule("W2", "W4", "W7")
def test_claim_over_a_socket_overwrites_nothing(site: Site, victim: Victim, dial: Dial) -> None:
    before, _ = victim.data()
    forged = {"name": "Mallory", "phone": None, "company": "Evil", "custom_data": {"plan": "free", "vip": None}}
    line = joined_line(dial, site, identity={"external_id": victim.external_id, **forged})
    line.ask("identify", identity={"email": victim.email, "external_id": "mallory", **forged})
    after, _ = victim.data()
    for field in ("external_id", "email", "name", "phone", "company", "avatar_url", "custom_data", "standing"):
        assert after[field] == before[field], field


@pytest.mark.rule("V3")
def test_required_mode_socket_writes_nothing_without_proof(target: Target, dial: Dial) -> None:
    site = Site(target, mode="required")
    line = dial(site)
    join(line, site, identity={"email": "mallory@evil.test"})
    assert line.hear()["code"] == "proof_required"
    assert line.ask("identify", identity={"external_id": "mallory"})["code"] == "proof_required"
    assert site.contacts() == []


# Oracles.


def seen_with(dial: Dial, site: Site, identity: dict[str, Any], headers: Headers = ()) -> list[bytes]:
    """Everything that can be told of an identity, at the join and after it, but for what is random."""
    frames: list[bytes] = []
    at_join, later = dial(site, *headers), dial(site, *headers)
    at_join.say("join", app_key=site.app_key, identity=identity, after="msg_" + "0" * 26)
    later.say("join", app_key=site.app_key)
    later.say("identify", identity=identity, ref="i")
    for line in (at_join, later):
        line.say("message", text="hello", client_id="1")
        line.say("ping", ref="end")
        while (text := line.hear_text()) != '{"type":"pong","ref":"end"}':
            frames.append(masked(text.encode()))
    return frames


UNPROVEN: dict[str, dict[str, Any]] = {
    "a claim": {},
    "a claim with more": {"name": "N", "phone": "+14155550199", "custom_data": {"plan": "free"}},
    "a wrong hash": {"user_hash": "0" * 64},
    "no hash at all": {"user_hash": "x"},
    "a token that is none": {"token": "a.b.c"},
    "a hop that is none": {"identity_token": "a.b.c"},
    "a wrong shop": {"shop": "s", "shop_hash": "0" * 64},
}


@pytest.mark.rule("H2", "V7")
@pytest.mark.parametrize("said", UNPROVEN.values(), ids=UNPROVEN.keys())
def test_socket_does_not_reveal_known_contacts(site: Site, dial: Dial, said: dict[str, Any]) -> None:
    for names in ("external_id", "email"):
        known, unknown = site.victim(), site.target.name("victim")
        stranger = unknown if names == "external_id" else f"{unknown}@example.com"
        theirs = seen_with(dial, site, {names: getattr(known, names), **said})
        assert theirs == seen_with(dial, site, {names: stranger, **said})


# Pages of other origins.


@pytest.mark.rule("S1", "H1")
@pytest.mark.parametrize("pattern", [*FOREIGN.values(), None], ids=[*FOREIGN.keys(), "none"])
def test_cross_site_cookie_handshake_joins_as_anonymous(bystander: Victim, dial: Dial, pattern: str | None) -> None:
    """Cross-site WebSocket hijacking: browsers send the cookie along with a handshake that any page may make."""
    site, before = bystander.site, bystander.data()
    origin = [] if pattern is None else [("Origin", spelt(site, pattern))]
    line = dial(site, ("Cookie", f"hullo_session={bystander.browser.token}"), *origin)
    line.say("join", app_key=site.app_key, after="msg_" + "0" * 26)
    if pattern is None or is_loopback(spelt(site, pattern)):
        joined = line.hear()
        assert joined["visitor_id"] != bystander.browser.me()["visitor_id"]
        assert (joined["identified"], joined["conversations"]) == (False, [])
        assert line.ask("reset")["type"] == "was_reset"
        assert line.ask("read", conversation_id=bystander.conversation, ref="r")["code"] == "not_found"
    else:
        assert line.closed() == (4403, "bad_origin")
    assert bystander.browser.me()["identified"] is True
    assert bystander.data() == before


@pytest.mark.rule("S1")
def test_same_host_page_joins_without_seeing_token(bystander: Victim, dial: Dial) -> None:
    site = bystander.site
    line = dial(site, ("Cookie", f"hullo_session={bystander.browser.token}"), ("Origin", site.target.url))
    line.say("join", app_key=site.app_key)
    text = line.hear_text()
    assert json.loads(text)["visitor_id"] == bystander.browser.me()["visitor_id"]
    assert "hvs_" not in text


@pytest.mark.rule("H1")
@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "https://shop.example.evil.test", "http://shop.example"]
)
def test_unlisted_page_is_refused_despite_valid_session(site: Site, victim: Victim, dial: Dial, origin: str) -> None:
    site.set(origins="https://shop.example")
    count = len(site.contacts())
    for more in ({}, {"session_token": victim.browser.token}, {"identity": {"email": "mallory@evil.test"}}):
        line = dial(site, ("Origin", origin))
        line.say("join", app_key=site.app_key, after="msg_" + "0" * 26, **more)
        assert line.closed() == (4403, "bad_origin")
    assert len(site.contacts()) == count


@pytest.mark.rule("P4")
def test_handshake_url_proves_nothing(bystander: Victim, dial: Dial) -> None:
    """A socket cannot set headers, and what stands in an address ends up in logs."""
    site, token = bystander.site, bystander.browser.token
    line = dial(site, ("Authorization", f"Bearer {token}"), query=f"?session_token={token}&app_key={site.app_key}")
    assert join(line, site)["identified"] is False


# Frames.

CLOSING_FRAMES = {
    "no JSON": "hello",
    "nothing": "",
    "a list": "[]",
    "NaN": '{"type": "ping", "more": NaN}',
    "infinity": '{"type": "ping", "more": 1e999}',
    "a key twice": '{"type": "ping", "type": "ping"}',
    "a key twice inside": '{"type": "message", "text": "x", "client_id": "1", "more": {"a": 1, "a": 2}}',
    "NUL": '{"type": "ping", "ref": "\\u0000"}',
    "a lone surrogate": '{"type": "ping", "ref": "\\ud800"}',
    "a surrogate the wrong way round": '{"type": "ping", "ref": "\\udc00\\ud800"}',
    "lists without end": "[" * LARGEST,
    "objects without end": '{"a":' * (LARGEST // 5),
    "two objects": '{"type": "ping"}{"type": "ping"}',
    "a mark of its order": '\ufeff{"type": "ping"}',
    "a type that is none": '{"type": "__proto__"}',
    "a private name": '{"type": "_join"}',
    "an identity that is none": '{"type": "identify", "identity": ["x"]}',
    "no identity": '{"type": "identify"}',
    "a ref that is none": '{"type": "ping", "ref": {"toString": 1}}',
    "a conversation that is none": '{"type": "read", "conversation_id": 7}',
}


@pytest.mark.parametrize("text", CLOSING_FRAMES.values(), ids=CLOSING_FRAMES.keys())
def test_unparsable_frame_closes_the_socket(bystander: Victim, dial: Dial, text: str) -> None:
    for line in (dial(bystander.site), joined_line(dial, bystander.site)):
        line.send(text)
        assert line.closed() == (4400, "bad_frame")


@pytest.mark.rule("W8")
def test_deep_identity_loses_only_its_field(bystander: Victim, dial: Dial) -> None:
    deep = '{"type":"identify","identity":' + '{"a":' * 5000 + "1" + "}" * 5001
    stranger, line = dial(bystander.site), joined_line(dial, bystander.site)
    stranger.send(deep)
    assert stranger.closed() == (4400, "bad_frame")
    line.send(deep)
    refused = line.hear()
    assert (refused["code"], refused["errors"]) == ("no_identifier", [{"field": "a", "reason": "unknown field"}])
    assert line.told() == []


@pytest.mark.parametrize("sent", [b"", b'{"type": "ping"}', b"\xff\xfe"])
def test_binary_frame_closes_the_socket(bystander: Victim, dial: Dial, sent: bytes) -> None:
    for line in (dial(bystander.site), joined_line(dial, bystander.site)):
        line.send(sent)
        assert line.closed() == (4400, "bad_frame")


@pytest.mark.parametrize("letter", ["x", "ü", "😀", "\\"])
def test_frame_length_is_counted_in_bytes(bystander: Victim, dial: Dial, letter: str) -> None:
    line = joined_line(dial, bystander.site)
    empty = len(json.dumps({"type": "ping", "ref": ""}))
    spelt_out = json.dumps(letter, ensure_ascii=False)[1:-1]
    fits = (LARGEST - empty) // len(spelt_out.encode())
    line.send(json.dumps({"type": "ping", "ref": letter * fits}, ensure_ascii=False))
    assert line.hear() == {"type": "pong", "ref": letter * fits}
    line.send(json.dumps({"type": "ping", "ref": letter * (fits + 1)}, ensure_ascii=False) + " " * LARGEST)
    assert line.closed() == (4413, "too_large")


@pytest.mark.parametrize("pieces", [2, 500])
def test_fragmented_frame_is_one_frame(bystander: Victim, dial: Dial, pieces: int) -> None:
    line = joined_line(dial, bystander.site)
    text = json.dumps({"type": "ping", "ref": "r" * 10_000})
    size = len(text) // pieces + 1
    line.connection.send(text[at : at + size] for at in range(0, len(text), size))
    assert line.hear()["type"] == "pong"


def test_endless_fragments_are_not_kept(bystander: Victim, dial: Dial) -> None:
    line, over = joined_line(dial, bystander.site), list[tuple[int, str]]()

    def pieces() -> Iterator[str]:
        """The last one goes beyond the limit, and nothing is on its way any more when the server hangs up for it."""
        yield from itertools.repeat("x" * 4096, MAX_MESSAGE_BYTES // 4096 + 1)
        over.append(line.closed())

    with suppress(ConnectionClosed):
        line.connection.send(pieces())
    assert over[0][0] == 1009


@pytest.mark.parametrize("piece", ["", "x"])
def test_message_with_too_many_fragments_is_dropped(bystander: Victim, dial: Dial, piece: str) -> None:
    line, over = joined_line(dial, bystander.site), list[tuple[int, str]]()

    def pieces() -> Iterator[str]:
        yield from itertools.repeat(piece, MAX_FRAGMENTS + 1)
        over.append(line.closed())

    with suppress(ConnectionClosed):
        line.connection.send(pieces())
    assert over[0][0] == 1009


def test_pings_without_reading_close_the_socket(bystander: Victim) -> None:
    target, before = bystander.site.target, bystander.site.target.memory
    handshake = (
        f"GET {V1}/socket HTTP/1.1\r\nHost: {target.url[7:]}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'x' * 22}==\r\n\r\n"
    )
    pings = (b"\x89\xfd\0\0\0\0" + b"x" * 125) * 100
    with socket.create_connection(("127.0.0.1", int(target.url.rpartition(":")[2])), PATIENCE) as raw:
        raw.sendall(handshake.encode())
        assert b" 101 " in raw.recv(4096)
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            set(map(raw.sendall, itertools.repeat(pings, 10_000)))
    assert target.memory - before < 16 * 1024 * 1024


@pytest.mark.rule("W8", "W10")
def test_prototype_keys_are_not_stored(site: Site, dial: Dial) -> None:
    line, person = joined_line(dial, site), signed(site, site.target.name("curious"))
    keys = {"__proto__": "x", "constructor": "x", "prototype": "x", "plan": "pro"}
    told = line.ask("identify", identity={**person, "custom_data": keys, "__proto__": {"standing": "proven"}})
    assert {each["field"] for each in told["rejected"]} >= {f"custom_data.{each}" for each in keys if each != "plan"}
    assert site.contact(told["contact_id"])["custom_data"][site.app_key].keys() == {"plan"}


often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=5)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(words, inner), max_leaves=6)
kinds = st.sampled_from(["identify", "reset", "message", "read", "ping", "join"]) | words
names = st.sampled_from(
    ["ref", "identity", "text", "client_id", "conversation_id", "session_token", "app_key", "after", "consent"]
)
identities = st.dictionaries(
    st.sampled_from(["external_id", "email", "name", "custom_data", "user_hash", "token", "identity_token", "strict"]),
    values,
)


def spoken(kind: str, fields: dict[str, Any], more: dict[str, Any]) -> str:
    return json.dumps({"type": kind, **more, **fields})


objects = st.builds(
    spoken,
    kinds,
    st.dictionaries(names | words, values, max_size=5),
    st.fixed_dictionaries({}, optional={"identity": identities, "text": words, "conversation_id": words, "ref": words}),
)
frames = objects | words | words.map('{{"type": {}'.format) | st.binary(max_size=50)


@pytest.mark.slow
@often
@given(said=st.lists(frames, min_size=1, max_size=6))
def test_every_frame_is_answered_or_closes_socket(bystander: Victim, said: list[str | bytes]) -> None:
    site = bystander.site
    address = f"{site.target.url.replace('http', 'ws', 1)}{V1}/socket"
    with connect(address, compression=None, proxy=None, close_timeout=1) as connection:
        line = Line(connection)
        join(line, site)
        for each in said:
            line.send(each)
        line.say("ping", ref="the last")
        try:
            while (told := line.hear()) != {"type": "pong", "ref": "the last"}:
                assert told["type"] in {"identified", "was_reset", "message", "read", "pong", "error"}
                assert told.get("code") != "internal", (said, told)
        except ConnectionClosed as over:
            code, _ = ended(over)
            if code not in DOCUMENTED:
                pytest.fail(f"{code}: {said}")


# Too much of everything.

SOCKETS, FRAMES = 4, 12
SETTINGS = f"[rate_limits]\nsockets_per_address = {SOCKETS}\nframes_per_socket = {FRAMES}\n"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("strict")
    (folder / "hullo.toml").write_text(SETTINGS)
    target = begin(folder, f"sqlite:///{folder}/hullo.db")
    yield target
    target.close()


def test_frame_flood_closes_the_socket(strict: Target, dial: Dial) -> None:
    with strict.undisturbed():
        site = Site(strict)
        line = dial(site, source="127.2.0.1")
        join(line, site)
        for number in range(FRAMES * 20):
            line.say("message", text="flood", client_id=str(number))
        assert line.closed() == (4429, "rate_limited")
        assert len(site.api("GET", "/conversations?limit=200").json()["items"]) == FRAMES - 1


def test_sockets_per_address_are_limited(strict: Target, dial: Dial) -> None:
    with strict.undisturbed():
        site = Site(strict)
        silent = [dial(site, source="127.2.0.2") for _ in range(SOCKETS)]
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            line = dial(site, (name, "10.0.0.1"), source="127.2.0.2")
            assert line.closed() == (4429, "too_many_sockets")
        join(dial(site, source="127.2.0.3"), site)
        for line in silent:
            line.connection.close()


def test_slow_reader_costs_little_and_delays_none(bystander: Victim, dial: Dial) -> None:
    """Once nothing more fits on the way to a client, nothing more is taken from it."""
    site, before = bystander.site, bystander.site.target.memory
    deaf, other = joined_line(dial, site), joined_line(dial, site)
    frame = json.dumps({"type": "ping", "ref": "r" * (LARGEST - 100)})
    sent: list[int] = []

    def flood() -> None:
        with suppress(OSError):
            for number in range(2000):
                deaf.send(frame)
                sent.append(number)

    flooding = threading.Thread(target=flood)
    flooding.start()
    stuck = -1
    while len(sent) > stuck:
        stuck = len(sent)
        flooding.join(0.5)
        assert other.ask("ping") == {"type": "pong"}
    deaf.connection.socket.shutdown(socket.SHUT_RDWR)
    flooding.join(PATIENCE)
    assert 0 < stuck < 1900
    assert site.target.memory - before < 32 * 1024 * 1024


@pytest.mark.rule("H1")
def test_backlog_over_the_frame_limit_still_joins(site: Site, victim: Victim, dial: Dial) -> None:
    """Or a conversation that somebody filled would lock its visitor out for ever."""
    path = f"/conversations/{victim.conversation}/messages"
    after = site.api("GET", path).json()["items"][0]["id"]
    for number in range(MAX_QUEUED_FRAMES + 5):
        assert site.api("POST", path, {"text": str(number)}).status_code == 200
    line = dial(site)
    join(line, site, victim.browser.token, after=after)
    told = [each["text"] for each in line.told()]
    assert told == [str(number) for number in range(MAX_QUEUED_FRAMES + 5)][-len(told) :]
    assert len(told) > 100


@pytest.mark.slow
def test_silent_socket_is_closed(bystander: Victim, dial: Dial) -> None:
    assert dial(bystander.site).closed() == (4408, "no_join")


# Logs.


@pytest.mark.rule("P4")
def test_socket_input_never_reaches_logs_or_errors(site: Site, dial: Dial) -> None:
    mark = site.target.name("marker")
    person = {"external_id": f"id-{mark}", "email": f"{mark}@example.com", "name": f"name {mark}"}
    proven = {**person, "user_hash": site.hash(person["external_id"])}
    wrong = {**person, "user_hash": proven["user_hash"][::-1]}
    before = site.target.printed()
    line = dial(site, ("User-Agent", mark), ("Cookie", f"hullo_session={mark}"), query=f"?hullo_identity={mark}")
    token = join(line, site, identity=proven)["session_token"]
    refused = [
        line.ask("identify", identity=wrong),
        line.ask("identify", identity={"token": f"{mark}.{mark}.{mark}"}),
        line.ask("identify", identity={"identity_token": f"{mark}\r\nlevel=error"}),
        line.ask("identify", identity={**proven, "company": f"{mark}\x07", "strict": True}),
        line.ask("message", text=f"{mark}\x07", client_id=mark),
        line.ask("message", text=mark, client_id=[mark]),
        line.ask("message", text=mark, client_id="1", conversation_id=mark),
        line.ask("read", conversation_id=f"cnv_{mark}"),
    ]
    assert {each["type"] for each in refused} == {"error"}
    assert mark not in json.dumps(refused)
    assert line.ask("message", text=f"says {mark}", client_id="2")["type"] == "message"
    for text in (mark, json.dumps({"type": mark}), json.dumps({"type": "ping", "ref": [mark]})):
        line = joined_line(dial, site, token)
        line.send(text)
        assert mark not in line.closed()[1]
    for first in ({"app_key": mark}, {"app_key": [mark]}, {"app_key": site.app_key, "session_token": [mark]}):
        line = dial(site, ("Origin", "https://evil.test"))
        line.say("join", **first, identity=person)
        line.closed()
    told = site.target.told(before)
    assert "event=identified" in told
    for secret in (mark, token, *proven.values(), wrong["user_hash"], "127.0.0.1", "forged"):
        assert secret not in told
