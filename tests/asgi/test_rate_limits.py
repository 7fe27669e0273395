"""How much a caller may do in a minute, and what is free."""

from __future__ import annotations

import anyio
import pytest
from anyio import to_thread
from httpx2 import ASGITransport, AsyncClient
from starlette.testclient import TestClient

from asgi.limited import MINUTE, PAGE, SECOND, Limited, refused
from hullo import Hullo, IdentityMiddleware, hookimpl
from hullo.errors import SettingsError, StoreUnavailable
from hullo.ratelimit.origin_cache import MAX_ORIGINS, OriginCache
from hullo.ratelimit.windows import MAX_WINDOWS as WINDOWS
from hullo.ratelimit.windows import LocalWindows
from hullo.settings import RateLimits, Settings, read_settings
from world import Clock

ALLOWED = "access-control-allow-origin"


# Calls of one address


def test_address_is_limited_in_calls(backend):
    site = Limited(backend, calls_per_address=3)
    assert [site.me() for _ in range(5)] == [401, 401, 401, 429, 429]
    assert site.me("203.0.113.6") == 401


def test_refused_call_gets_true_retry_time(backend):
    site = Limited(backend, calls_per_address=2)
    site.join()
    site.clock.now += 20 * SECOND
    site.join()
    answer = site.post("/join")
    assert refused(answer)
    assert answer.headers["retry-after"] == "40"
    assert answer.json()["detail"] == "too many calls from this address within a minute; try again later"
    site.clock.now += 39 * SECOND
    assert refused(site.post("/join"))
    site.clock.now += SECOND
    assert [site.me() for _ in range(3)] == [401, 401, 429]


def test_calls_of_every_kind_count_together(backend):
    site = Limited(backend, calls_per_address=6)
    http = site.client()
    calls = [
        http.get("/hullo/v1/me"),
        http.get("/hullo/v1/identify"),
        http.post("/hullo/v1/conversations", content=b"no json"),
        http.get("/hullo/v1/conversations"),
        http.head("/hullo/v1/me"),
        site.post("/identify", {"email": "jane@example.com"}),
    ]
    assert not any(map(refused, calls))
    assert refused(site.post("/join"))
    assert refused(http.put("/hullo/v1/join"))


def test_preflights_are_counted(backend):
    site = Limited(backend, calls_per_address=3)
    http = site.client()
    asked = {"origin": PAGE, "access-control-request-method": "POST"}
    answers = [http.options("/hullo/v1/join", headers=asked) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [204, 204, 204, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_health_checks_are_free(backend):
    site = Limited(backend, calls_per_address=1)
    http = site.client()
    assert site.me() == 401
    assert [http.get(f"/hullo/{path}").status_code for path in ("healthz", "readyz")] * 2 == [200] * 4
    assert [http.get("/hullo/nothing").status_code for _ in range(3)] == [404] * 3
    assert site.me() == 429


def test_host_pages_are_not_counted(backend):
    async def page(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    settings = Settings(rate_limits=RateLimits(calls_per_address=1))
    client = TestClient(IdentityMiddleware(page, Hullo("memory:", settings=settings)), backend=backend)
    assert [client.get("/").status_code for _ in range(3)] == [200] * 3


def test_refused_call_has_its_body_unread(backend):
    site = Limited(backend, calls_per_address=1)
    site.me()
    sent = []

    async def receive():
        raise AssertionError("it is read")

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/hullo/v1/join",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": ("203.0.113.5", 1),
    }
    anyio.run(site.middleware, scope, receive, send, backend=backend)
    assert sent[0]["status"] == 429


def test_unix_socket_callers_count_as_one(backend):
    site = Limited(backend, calls_per_address=1, sessions_per_address=1)
    statuses = []

    async def receive():
        return {"type": "http.request", "body": b'{"app_key": "app_unknown"}'}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def calls():
        for _ in range(2):
            scope = {"type": "http", "method": "POST", "path": "/hullo/v1/join", "query_string": b"", "headers": []}
            await site.middleware({**scope, "client": None}, receive, send)
            site.clock.now += 30 * SECOND

    anyio.run(calls, backend=backend)
    assert statuses == [404, 429]


def test_server_with_valid_key_is_free(backend):
    site = Limited(backend, calls_per_address=1)
    key = {"authorization": f"Bearer {site.api_key()}"}
    paths = ("conversations", "contacts")
    assert [site.client().get(f"/hullo/v1/{path}", headers=key).status_code for path in paths * 3] == [200] * 6
    assert site.me() == 401
    assert site.me() == 429
    assert [site.client().get(f"/hullo/v1/{path}", headers=key).status_code for path in paths] == [200] * 2


def test_valid_key_is_looked_up_once(backend):
    site = Limited(backend)
    looks, find = [], site.hullo.store.find_api_key
    site.hullo.store.find_api_key = lambda digest: looks.append(digest) or find(digest)
    key = {"authorization": f"Bearer {site.api_key()}"}
    assert site.client().get("/hullo/v1/conversations", headers=key).status_code == 200
    assert len(looks) == 1


@pytest.mark.parametrize("path", ["contacts", "conversations", "conflicts"])
def test_guessed_keys_are_counted(backend, path):
    site = Limited(backend, calls_per_address=3)
    key = {"authorization": "Bearer hsk_guessed"}
    answers = [site.client().get(f"/hullo/v1/{path}", headers=key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert refused(answers[-1])
    assert site.me() == 429
    assert site.client().get(f"/hullo/v1/{path}").status_code == 429


def test_revoked_key_is_counted(backend):
    site = Limited(backend, calls_per_address=1)
    made = site.hullo.create_api_key()
    site.hullo.register.revoke_api_key(made.key.id)
    key = {"authorization": f"Bearer {made.secret}"}
    assert [site.client().get("/hullo/v1/contacts", headers=key).status_code for _ in range(2)] == [401, 429]


def test_unchecked_key_does_not_bypass_limit(backend):
    site = Limited(backend, calls_per_address=2)
    answers = [site.post("/join", token="hsk_guessed") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


# Who calls


def test_forged_forwarded_header_gains_nothing(backend):
    site = Limited(backend, calls_per_address=2)
    assert [site.me(x_forwarded_for=f"198.51.100.{number}") for number in range(4)] == [401, 401, 429, 429]


def test_clients_behind_listed_proxy_count_separately(backend):
    site = Limited(backend, calls_per_address=1, settings={"trusted_proxies": ("10.0.0.1",)})
    through = [site.me("10.0.0.1", x_forwarded_for=f"198.51.100.{number}") for number in range(3)]
    assert through == [401] * 3
    assert site.me("10.0.0.1", x_forwarded_for="198.51.100.7, 198.51.100.1") == 429
    assert site.me("10.0.0.2", x_forwarded_for="198.51.100.8") == 401
    assert site.me("10.0.0.2", x_forwarded_for="198.51.100.9") == 429


def test_ipv6_network_has_one_count(backend):
    site = Limited(backend, calls_per_address=2)
    assert site.me("2001:db8:1:2::1") == site.me("2001:db8:1:2:ffff::9") == 401
    assert site.me("2001:db8:1:2::3") == 429
    assert site.me("2001:db8:1:3::1") == 401
    assert [site.me("::ffff:198.51.100.1"), site.me("198.51.100.1"), site.me("::ffff:c633:6401")] == [401, 401, 429]
    assert site.me("::ffff:198.51.100.2") == 401


def test_repeat_is_tied_to_client_behind_proxy(backend):
    site = Limited(backend, settings={"trusted_proxies": ("10.0.0.1",)})

    def identify(client):
        body, headers = {"email": "jane@example.com"}, {"idempotency_key": "k", "x_forwarded_for": client}
        return site.post("/identify", body, address="10.0.0.1", **headers).json()["visitor_id"]

    assert identify("198.51.100.1") == identify("198.51.100.1") != identify("198.51.100.2")


# New sessions of one address


def test_new_sessions_of_every_kind_count_together(backend):
    site = Limited(backend, sessions_per_address=3)
    token = site.join()
    assert site.post("/reset", token=token).status_code == 200
    assert site.identify(email="jane@example.com").status_code == 200
    answers = [site.post("/join"), site.post("/reset"), site.identify(email="joe@example.com")]
    assert all(map(refused, answers))
    assert answers[0].json()["detail"].startswith("too many new sessions from this address")
    assert site.post("/join", address="203.0.113.6").status_code == 200
    site.clock.now += MINUTE
    assert site.post("/join").status_code == 200


def test_continuing_session_is_free_at_limit(backend):
    site = Limited(backend, sessions_per_address=2)
    token = site.join()
    assert [site.post("/join", token=token).status_code for _ in range(5)] == [200] * 5
    assert site.post("/join").status_code == 200
    assert refused(site.post("/join"))
    again = site.post("/join", token=token)
    assert again.json()["session_token"] == token


def test_join_with_ended_session_makes_one(backend):
    site = Limited(backend, sessions_per_address=3)
    old = site.join()
    site.post("/reset", token=old)
    assert site.post("/join", token=old).status_code == 200
    assert refused(site.post("/join", token=old))
    assert refused(site.post("/join", token="hvs_unknown"))


def test_refused_reset_resets_nothing(backend):
    site = Limited(backend, sessions_per_address=1)
    token = site.join()
    assert refused(site.post("/reset", token=token))
    assert site.client().get("/hullo/v1/me", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_calls_without_new_session_are_uncounted(backend):
    site = Limited(backend, sessions_per_address=1)
    for _ in range(3):
        assert site.post("/join", {"app_key": "app_unknown"}).status_code == 404
        assert site.post("/join", origin="https://evil.example.com").status_code == 403
        assert site.identify(external_id="user_1", user_hash="0" * 64).status_code == 401
        assert site.identify(name="Jane").status_code == 400
    assert site.post("/join").status_code == 200


def test_repeat_of_session_making_call_is_free(backend):
    site = Limited(backend, sessions_per_address=1)
    first = site.identify(key="k1", email="jane@example.com")
    assert refused(site.identify(key="k2", email="joe@example.com"))
    again = [site.identify(key="k1", email="jane@example.com") for _ in range(3)]
    assert [answer.content for answer in again] == [first.content] * 3
    site.clock.now += MINUTE
    assert site.identify(key="k1", email="jane@example.com").content == first.content
    assert site.identify(email="joe@example.com").status_code == 200


# Identify calls of one session


def test_session_is_limited_in_changes(backend):
    site = Limited(backend, identifies_per_session=3)
    token = site.join()
    answers = [site.identify(token, email="jane@example.com", name=f"Jane {number}") for number in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert refused(answers[-1])
    assert answers[-1].json()["detail"].startswith("too many identify calls in this session")
    other = site.join()
    assert site.identify(other, email="joe@example.com").status_code == 200
    site.clock.now += MINUTE
    assert site.identify(token, email="jane@example.com", name="Jane 9").status_code == 200


@pytest.mark.rule("W9")
def test_unchanged_calls_are_free_at_limit(backend):
    site = Limited(backend, identifies_per_session=3)
    token = site.join()
    jane = site.signed("user_1", name="Jane", custom_data={"plan": "pro"})
    assert site.identify(token, **jane).status_code == 200
    assert [site.identify(token, **jane).status_code for _ in range(10)] == [200] * 10
    assert [site.identify(token, **jane, phone=f"+1415555010{number}").status_code for number in (1, 2)] == [200] * 2
    answer = site.identify(token, **jane, phone="+14155550103")
    assert refused(answer)
    assert [site.identify(token, **jane).status_code for _ in range(10)] == [200] * 10
    assert site.identify(token, **jane, phone="+14155550102").status_code == 200
    assert refused(site.identify(token, **jane, phone="+14155550101"))


@pytest.mark.rule("V2")
def test_repeated_wrong_proof_counts_once(backend):
    """Observers learn of it once too. Another guess, and the same one in another session, are attempts."""
    site = Limited(backend, identifies_per_session=3)
    refusals = []
    site.hullo.hooks.identify_refused = lambda error, app, request_id: refusals.append(error.code)
    token = site.join()
    wrong = {"external_id": "user_1", "user_hash": "0" * 64}
    assert [site.identify(token, **wrong, name=f"N{number}").status_code for number in range(6)] == [401] * 6
    assert refusals == ["proof_rejected"]
    for number, fields in enumerate(({"user_hash": "1" * 64}, {"external_id": "user_2"})):
        assert site.identify(token, **{**wrong, **fields}).status_code == 401
        assert len(refusals) == number + 2
    # The three attempts are used up; what is right by itself is refused until the minute is over.
    assert refused(site.identify(token, **site.signed("user_1")))
    assert site.identify(site.join(), **wrong).status_code == 401
    assert refusals.count("proof_rejected") == 4


@pytest.mark.rule("H2", "H3")
@pytest.mark.parametrize("proves", [False, True])
def test_call_with_claims_repeating_last_is_free(backend, proves):
    """An email beside a proof is counted like a claim: the count must not tell whether it is known."""
    site = Limited(backend, identifies_per_session=3)
    token = site.join()
    proof = site.signed("user_1") if proves else {}
    said = [{**proof, "email": "jane@example.com", "custom_data": {"plan": plan}} for plan in ("a", "b", "c", "d")]
    for fields in said[:3]:
        assert [site.identify(token, **fields).status_code for _ in range(5)] == [200] * 5
    assert refused(site.identify(token, **said[3]))
    assert [site.identify(token, **said[2]).status_code for _ in range(5)] == [200] * 5
    assert refused(site.identify(token, **said[0]))


@pytest.mark.rule("H2")
@pytest.mark.parametrize("repeats", [1, 2])
def test_free_calls_hide_known_contacts(backend, repeats):
    site = Limited(backend, identifies_per_session=3)
    site.identify(**site.signed("user_1", email="known@example.com", name="Jane"))

    def statuses(email):
        token = site.join()
        said = [{"email": email}, *({"email": email, "name": name} for name in ("Ann", "Joe", "Ann", "Joe"))]
        return [site.identify(token, **fields).status_code for fields in said for _ in range(repeats)]

    known = statuses("known@example.com")
    assert known == statuses("unknown@example.com")
    # The fifth repeats the last that was let in.
    assert known == [status for status in (200, 200, 200, 429, 200) for _ in range(repeats)]


def test_refused_call_is_counted(backend):
    site = Limited(backend, identifies_per_session=3)
    token = site.join()
    assert site.identify(token, external_id="user_1", user_hash="0" * 64).status_code == 401
    assert site.identify(token, name="Jane").status_code == 400
    assert site.identify(token, email="jane@example.com", phone="none", strict=True).status_code == 422
    assert refused(site.identify(token, email="jane@example.com"))
    assert site.contacts() == 0


def test_failed_call_is_not_counted(backend):
    site = Limited(backend, identifies_per_session=1, sessions_per_address=2)
    token = site.join()
    apply, site.hullo.store.apply = site.hullo.store.apply, _unavailable
    assert [site.identify(token, email=f"{n}@example.com").status_code for n in range(3)] == [503] * 3
    assert [site.post("/join").status_code for _ in range(3)] == [503] * 3
    site.hullo.store.apply = _broken
    assert [site.identify(token, email=f"{n}@example.com").status_code for n in range(3)] == [500] * 3
    site.hullo.store.apply = apply
    assert site.identify(token, email="jane@example.com").status_code == 200
    assert refused(site.identify(token, email="joe@example.com"))
    assert site.post("/join").status_code == 200


def _unavailable(changes):
    raise StoreUnavailable("the database is being moved")


def _broken(changes):
    raise ZeroDivisionError


def test_repeat_with_stored_answer_is_free(backend):
    site = Limited(backend, identifies_per_session=2)
    token = site.join()
    first = site.identify(token, key="k1", email="jane@example.com", name="Jane")
    again = [site.identify(token, key="k1", email="jane@example.com", name="Jane") for _ in range(5)]
    assert [answer.content for answer in again] == [first.content] * 5
    assert site.identify(token, key="k2", email="jane@example.com", name="Joe").status_code == 200
    assert refused(site.identify(token, key="k3", email="jane@example.com", name="Ann"))
    assert site.identify(token, key="k1", email="jane@example.com", name="Jane").content == first.content


def test_switch_does_not_reset_the_count(backend):
    site = Limited(backend, identifies_per_session=3)
    token, statuses = site.join(), []
    for number in range(4):
        answer = site.identify(token, email=f"user{number}@example.com")
        statuses.append(answer.status_code)
        token = answer.json().get("session_token", token)
    assert statuses == [200, 200, 200, 429]
    assert site.identify(token, email="user2@example.com").status_code == 429
    site.clock.now += MINUTE
    assert site.identify(token, email="user4@example.com").json()["switched"] is True


def test_observers_hear_of_limited_identify(backend):
    told = []

    class Listener:
        name = "listener"

        @hookimpl
        def identify_refused(self, error, app, request_id):
            told.append((error.code, error.retry_after is not None, app is not None, request_id))

    limits = RateLimits(identifies_per_session=1, sessions_per_address=1, calls_per_address=5)
    hullo = Hullo("memory:", plugins=[Listener()], settings=Settings(rate_limits=limits), clock=Clock())
    site = Limited(backend, hullo=hullo)
    token = site.join()
    assert site.identify(token, email="jane@example.com").status_code == 200
    answers = [site.identify(token, email="joe@example.com"), site.identify(email="joe@example.com")]
    site.me()
    answers.append(site.identify(token, email="joe@example.com"))
    assert all(map(refused, answers))
    refusals = [answer.headers["x-request-id"] for answer in answers]
    # The last was refused before its body told the app.
    assert told == [("rate_limited", True, known, each) for each, known in zip(refusals, [1, 1, 0], strict=True)]
    assert site.me() == 429
    assert len(told) == 3


# At once


@pytest.fixture
def anyio_backend(backend):
    return backend


async def _at_once(site, bodies, token=None):
    transport = ASGITransport(site.middleware, client=("203.0.113.5", 1))
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    statuses = []
    async with AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:

        async def call(path, body):
            answer = await client.post(f"/hullo/v1{path}", json={"app_key": site.app_key, **body})
            statuses.append(answer.status_code)

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                for path, body in bodies:
                    group.start_soon(call, path, body)
    return [statuses.count(200), statuses.count(429)]


@pytest.mark.anyio
async def test_parallel_calls_get_no_further(backend):
    limits = {"identifies_per_session": 7, "sessions_per_address": 9, "calls_per_address": 100}
    site = await to_thread.run_sync(lambda: Limited(backend, **limits))
    token = await to_thread.run_sync(site.join)
    changing = [("/identify", {"email": "jane@example.com", "name": f"Jane {number}"}) for number in range(30)]
    assert await _at_once(site, changing, token) == [7, 23]
    joins = [("/join", {}) for _ in range(15)] + [("/identify", {"email": f"{n}@example.com"}) for n in range(15)]
    assert await _at_once(site, joins) == [8, 22]
    # 1 + 30 + 30 were made before.
    assert await _at_once(site, [("/join", {}) for _ in range(50)], token) == [39, 11]


@pytest.mark.anyio
async def test_unchanged_calls_may_run_in_parallel(backend):
    site = await to_thread.run_sync(lambda: Limited(backend, identifies_per_session=3))
    token = await to_thread.run_sync(site.join)
    jane = await to_thread.run_sync(lambda: site.signed("user_1", name="Jane"))
    await to_thread.run_sync(lambda: site.identify(token, **jane))
    assert await _at_once(site, [("/identify", jane)] * 30, token) == [30, 0]


# Pages


def test_only_listed_page_reads_its_refusal(backend):
    site = Limited(backend, calls_per_address=3, sessions_per_address=1)
    site.join()
    told_later = [site.post("/join", origin=PAGE), site.post("/join", origin="https://evil.example.com")]
    at_once = [site.post("/join", origin=PAGE), site.post("/join", origin="https://evil.example.com")]
    for listed, other in (told_later, at_once):
        assert refused(listed)
        assert refused(other)
        assert listed.headers[ALLOWED] == PAGE
        assert "Retry-After" in listed.headers["access-control-expose-headers"]
        assert ALLOWED not in other.headers
        assert listed.headers["vary"] == other.headers["vary"] == "Origin"


def test_flood_of_refused_calls_spares_store(backend):
    site = Limited(backend, calls_per_address=1)
    site.me()
    asked = []
    for question in ("list_apps", "find_app", "find_session", "load"):
        ask = getattr(site.hullo.store, question)
        setattr(site.hullo.store, question, lambda *given, ask=ask: asked.append(1) or ask(*given))
    for number in range(100):
        app = {"x_hullo_app": f"app_{number}"} if number % 2 else {}
        assert site.me(origin=PAGE, **app) == 429
    assert len(asked) == 1
    for number in range(100):
        assert site.me(origin=f"https://{number}.example.com") == 429
    assert len(asked) <= 60


def test_newly_listed_page_reads_refusals_soon(backend):
    site = Limited(backend, calls_per_address=1)
    site.me()
    new = "https://new.example.com"

    def allowed():
        return ALLOWED in site.client().get("/hullo/v1/me", headers={"origin": new}).headers

    assert not allowed()
    site.hullo.register.change_app(site.app_key, {"origins": f"{PAGE}, {new}"})
    assert not allowed()
    site.clock.now += 10 * SECOND
    assert allowed()


def test_remembered_pages_are_bounded(backend):
    clock = Clock()
    pages = OriginCache(clock)

    async def ask():
        return True

    async def visit():
        for number in range(MAX_ORIGINS + 50):
            clock.now += SECOND
            assert await pages.is_listed(f"https://{number}.example.com", ask)
        assert not await pages.is_listed("https://" + "x" * 5000, ask)

    anyio.run(visit, backend=backend)
    assert len(pages) == MAX_ORIGINS


# Windows


def test_windows_over_room_drop_oldest_first():
    clock = Clock()
    windows = LocalWindows(clock, max_windows=10)
    for number in range(25):
        assert windows.acquire(f"key {number}", 1).is_taken
    assert len(windows) == 10
    assert not windows.acquire("key 24", 1).is_taken
    assert not windows.acquire("key 15", 1).is_taken
    assert windows.acquire("key 14", 1).is_taken  # forgotten, and so counted from nothing
    assert not windows.acquire("key 16", 1).is_taken
    assert windows.acquire("key 15", 1).is_taken
    windows.transfer(windows.acquire("last", 1), "alias")
    assert len(windows) == 10


def test_ended_windows_are_swept_away():
    clock = Clock()
    windows = LocalWindows(clock)
    for number in range(1000):
        windows.acquire(f"key {number}", 1)
    clock.now += MINUTE
    for number in range(150):
        windows.acquire(f"new {number}", 1)
    assert len(windows) == 150


def test_million_callers_stay_within_room():
    clock = Clock()
    windows = LocalWindows(clock)
    for number in range(WINDOWS + 1000):
        windows.acquire(str(number), 1)
    assert len(windows) == WINDOWS


def test_late_give_back_skips_next_window():
    clock = Clock()
    windows = LocalWindows(clock)
    late = windows.acquire("key", 2)
    clock.now += MINUTE
    windows.acquire("key", 2)
    windows.release(late)
    assert windows.acquire("key", 2).is_taken
    assert not windows.acquire("key", 2).is_taken
    windows.transfer(late, "other")
    assert windows.acquire("other", 1).is_taken


def test_place_is_given_back_only_once():
    windows = LocalWindows(Clock())
    place = windows.acquire("key", 1)
    for _ in range(3):
        windows.release(place)
    assert windows.acquire("key", 1).is_taken
    assert not windows.acquire("key", 1).is_taken


def test_clock_set_back_blocks_no_caller():
    clock = Clock()
    windows = LocalWindows(clock)
    assert windows.acquire("key", 1).is_taken
    clock.now -= 24 * 60 * MINUTE
    assert windows.acquire("key", 1).is_taken
    assert windows.acquire("key", 1).retry_after == 60


# Settings


def test_limits_off_means_no_limits(backend, monkeypatch):
    monkeypatch.setenv("HULLO_LIMITS", "off")
    hullo = Hullo("memory:")
    assert hullo.settings.rate_limits == RateLimits(on=False)
    site = Limited(backend, hullo=hullo)
    token = site.join()
    body = {"email": "jane@example.com"}
    assert {site.identify(token, **body, name=f"Jane {n}").status_code for n in range(65)} == {200}
    assert site.identify(token, email="joe@example.com").json()["switched"] is True
    with site.client() as http:  # in one event loop, as to start one takes longer than the call
        body = {"app_key": site.app_key}
        assert {http.post("/hullo/v1/join", json=body).status_code for _ in range(125)} == {200}
        assert {http.get("/hullo/v1/me").status_code for _ in range(500)} == {401}
        assert http.get("/hullo/v1/contacts", headers={"authorization": "Bearer hsk_x"}).status_code == 401


def test_default_limits_are_the_protocols():
    limits = Settings().rate_limits
    assert (limits.identifies_per_session, limits.calls_per_address, limits.sessions_per_address) == (60, 600, 120)
    assert limits.on


@pytest.mark.parametrize("name", ["identifies_per_session", "calls_per_address", "sessions_per_address"])
@pytest.mark.parametrize("value", [0, -1, True, "60", 1.5, None])
def test_invalid_limit_is_named(name, value):
    with pytest.raises(SettingsError) as wrong:
        RateLimits(**{name: value})
    assert f"rate_limits.{name} must be a whole number from 1 on" in wrong.value.detail
    assert "HULLO_LIMITS=off" in wrong.value.detail


def test_limits_file_is_read_and_faults_named(tmp_path):
    path = tmp_path / "hullo.toml"
    path.write_text("[rate_limits]\ncalls_per_address = 7")
    assert read_settings(path, {}).rate_limits == RateLimits(calls_per_address=7)
    assert read_settings(path, {"HULLO_LIMITS": "off"}).rate_limits == RateLimits(on=False, calls_per_address=7)
    path.write_text("[rate_limits]\ncalls_per_address = 0")
    with pytest.raises(SettingsError, match=f"{path}: rate_limits.calls_per_address must be"):
        read_settings(path, {})


# New people of one address


@pytest.mark.rule("H2")
def test_claims_of_new_people_are_limited(backend):
    site = Limited(backend, contacts_per_address=3)
    known = {"email": "jane@example.com"}
    key = {"authorization": f"Bearer {site.api_key()}"}
    assert site.client().post("/hullo/v1/contacts", json=known, headers=key).status_code == 200
    sessions = [site.join() for _ in range(4)]
    claims = [known, {"email": "joe@example.com"}, {"external_id": "7"}]
    answers = [site.identify(token, **claim) for token, claim in zip(sessions, claims, strict=False)]
    assert [answer.status_code for answer in answers] == [200] * 3
    # The same for a known person: what is refused must not tell who is known.
    assert all(refused(site.identify(sessions[3], **claim)) for claim in (known, {"email": "ann@example.com"}))
    assert refused(site.identify(email="ann@example.com"))
    again = site.identify(sessions[1], email="joe@example.com", name="Joe")
    assert (again.status_code, refused(site.identify(sessions[1], email="ann@example.com"))) == (200, True)
    assert site.identify(sessions[3], **site.signed("42")).status_code == 200
    assert site.identify(**site.signed("43")).status_code == 200
    assert site.client().post("/hullo/v1/contacts", json={"email": "new@example.com"}, headers=key).status_code == 200
    assert not refused(site.post("/identify", {"email": "ann@example.com"}, address="203.0.113.6"))
    site.clock.now += MINUTE
    assert site.identify(sessions[3], email="ann@example.com").status_code == 200


@pytest.mark.parametrize("mode", ["off", "report"])
def test_ignored_evidence_saves_no_slot(backend, mode):
    site = Limited(backend, contacts_per_address=1)
    site.app_key = site.hullo.create_app("Careless", verification=mode).app_key
    sessions = [site.join() for _ in range(2)]
    made_up = {"user_hash": "0" * 64}
    assert site.identify(sessions[0], email="jane@example.com", **made_up).status_code == 200
    assert refused(site.identify(sessions[1], email="joe@example.com", **made_up))


def test_repeat_at_contact_limit_is_replayed(backend):
    site = Limited(backend, contacts_per_address=1)
    answers = [site.identify(email="jane@example.com", key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["visitor_id"] == answers[1].json()["visitor_id"]
