"""Rate limits that several processes share through Redis, and what happens when there is none."""

from __future__ import annotations

import logging
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import anyio
import pytest
import redis
from starlette.testclient import TestClient

from asgi.limited import MINUTE, Limited, refused
from hullo import Hullo, IdentityMiddleware
from hullo.errors import SettingsError
from hullo.model.request_context import secret_digest
from hullo.ratelimit import redis_windows
from hullo.ratelimit.redis_windows import RETRY_PAUSE, RedisWindows
from hullo.ratelimit.windows import LocalWindows
from hullo.settings import RateLimits, Settings, read_settings
from servers.private import free_port
from servers.protocol import Unavailable
from servers.redis_server import redis_url
from world import Clock

LOG = "hullo.rates"


@pytest.fixture
def prefix(monkeypatch) -> str:
    """Of this test's keys alone."""
    prefix = f"hullo-test:{secrets.token_hex(8)}:"
    monkeypatch.setattr(redis_windows, "PREFIX", prefix)
    return prefix


@pytest.fixture
def url(prefix: str) -> Iterator[str]:
    try:
        url = redis_url()
    except Unavailable as reason:
        pytest.skip(str(reason))  # which is a failure in CI
    yield url
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url) as client:
        yield client


@pytest.fixture
def closed() -> str:
    """Nobody listens there."""
    return f"redis://:s3cret@127.0.0.1:{free_port()}/0"


def _two(backend, url, **limits):
    """Two edges as in two processes: what they have in common is the store and Redis."""
    first = Limited(backend, settings={"redis": url}, **limits)
    second = Limited(backend, hullo=first.hullo)
    second.app_key = first.app_key
    return first, second


# What both kinds of windows keep to


@pytest.fixture(params=["here", "in Redis"])
def windows(request):
    if request.param == "here":
        yield LocalWindows(Clock())
        return
    windows = RedisWindows(request.getfixturevalue("url"), Clock())
    yield windows
    windows.close()


def test_each_key_has_its_own_room(windows):
    assert [windows.acquire("a", 2).is_taken for _ in range(4)] == [True, True, False, False]
    assert windows.acquire("b", 2).is_taken
    assert 1 <= windows.acquire("a", 2).retry_after <= 60


def test_given_back_place_can_be_retaken(windows):
    place = windows.acquire("a", 1)
    assert not windows.acquire("a", 1).is_taken
    windows.release(place)
    windows.release(place)
    assert windows.acquire("a", 1).is_taken
    assert not windows.acquire("a", 1).is_taken


def test_given_back_call_still_counts_as_repeat(windows):
    assert not windows.acquire("a", 9, b"x").is_repeat
    windows.release(windows.acquire("a", 9, b"x"))
    assert windows.acquire("a", 9, b"x").is_repeat
    assert not windows.acquire("a", 9, b"\0\xff").is_repeat
    assert windows.acquire("a", 9, b"\0\xff").is_repeat
    assert not windows.acquire("a", 9).is_repeat
    assert not windows.acquire("a", 9).is_repeat
    assert not windows.acquire("b", 9, b"x").is_repeat


def test_refused_call_is_not_remembered_as_last(windows):
    windows.acquire("a", 1, b"x")
    assert not windows.acquire("a", 1, b"y").is_repeat
    assert windows.acquire("a", 1, b"x").is_repeat


def test_handed_on_window_keeps_its_count(windows):
    windows.acquire("a", 3)
    windows.transfer(windows.acquire("a", 3, b"x"), "b")
    assert windows.acquire("b", 3, b"x").is_repeat
    assert not windows.acquire("b", 3).is_taken


def test_late_place_is_not_returned_or_moved(windows):
    late = windows.acquire("a", 1)._replace(ends_at=0)
    windows.release(late)
    assert not windows.acquire("a", 1).is_taken
    windows.transfer(late, "b")
    assert windows.acquire("b", 1).is_taken


# Together


def test_calls_count_across_processes(backend, url):
    first, second = _two(backend, url, calls_per_address=3)
    assert [site.me() for site in (first, second, first, second, first)] == [401, 401, 401, 429, 429]
    assert second.me("203.0.113.6") == 401


def test_new_sessions_count_across_processes(backend, url):
    first, second = _two(backend, url, sessions_per_address=2)
    assert first.post("/join", {"app_key": "app_unknown"}).status_code == 404
    token = first.join()
    assert second.post("/join", token=token).json()["session_token"] == token
    assert second.identify(email="jane@example.com").status_code == 200
    assert refused(first.post("/join"))
    assert refused(second.post("/reset", token=token))
    assert first.post("/join", token=token).status_code == 200


def test_identify_calls_count_across_processes(backend, url):
    first, second = _two(backend, url, identifies_per_session=2)
    token = first.join()
    jane = first.signed("user_1", name="Jane")
    assert [site.identify(token, **jane).status_code for site in (first, second) * 3] == [200] * 6
    assert second.identify(token, **jane, phone="+14155550101").status_code == 200
    answer = first.identify(token, **jane, phone="+14155550102")
    assert refused(answer)
    assert [site.identify(token, **jane).status_code for site in (first, second)] == [200, 200]


def test_unproven_repeat_is_free_across_processes(backend, url):
    first, second = _two(backend, url, identifies_per_session=1)
    token = first.join()
    assert [site.identify(token, email="jane@example.com").status_code for site in (first, second) * 2] == [200] * 4
    assert refused(second.identify(token, email="jane@example.com", name="Jane"))


def test_switch_resets_no_count_across_processes(backend, url):
    first, second = _two(backend, url, identifies_per_session=2)
    token, statuses = first.join(), []
    for number, site in enumerate((first, second, first)):
        answer = site.identify(token, email=f"user{number}@example.com")
        statuses.append(answer.status_code)
        token = answer.json().get("session_token", token)
    assert statuses == [200, 200, 429]


PROCESS = """
import sys
from hullo.ratelimit import redis_windows
from hullo.model.request_context import system_clock
redis_windows.PREFIX = sys.argv[2]
windows = redis_windows.RedisWindows(sys.argv[1], system_clock)
print(sum(windows.acquire("key", 50).is_taken for _ in range(40)))
windows.close()
"""


def test_processes_share_one_limit_under_load(url, prefix):
    command = [sys.executable, "-c", PROCESS, url, prefix]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    taken = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(taken) == 50


def test_window_ends_by_redis_clock_without_extension(backend, url, client, prefix):
    site = Limited(backend, settings={"redis": url}, calls_per_address=2)
    site.me()
    [key] = client.scan_iter(f"{prefix}*")
    assert 50_000 < client.pttl(key) <= 60_000
    client.pexpire(key, 5_000)
    site.me()
    assert site.me() == 429
    assert 0 < client.pttl(key) <= 5_000
    assert 1 <= int(site.post("/join").headers["retry-after"]) <= 5
    client.pexpire(key, -1)
    assert site.me() == 401


def test_window_without_expiry_starts_anew(url, client, prefix):
    windows = RedisWindows(url, Clock())
    windows.acquire("key", 1)
    [key] = client.scan_iter(f"{prefix}*")
    client.persist(key)
    assert windows.acquire("key", 1).is_taken
    assert client.pttl(key) > 0
    windows.close()


def test_redis_holds_no_readable_personal_data(backend, url, client, prefix):
    site = Limited(backend, settings={"redis": url})
    token = site.join()
    site.identify(token, email="jane@example.com")
    keys = list(client.scan_iter(f"{prefix}*"))
    kept = b"".join([*keys, *(part for key in keys for pair in client.hgetall(key).items() for part in pair)])
    assert len(keys) == 4
    for secret in ("203.0.113.5", token, secret_digest(token), "jane", site.app_key):
        assert secret.encode() not in kept


def test_limits_off_never_asks_redis(backend, closed, caplog):
    site = Limited(backend, settings={"redis": closed}, on=False)
    assert site.post("/join").status_code == 200
    assert caplog.messages == []


def test_closed_connection_is_reopened(url, client, prefix):
    name = f"hullo-test-{secrets.token_hex(4)}"
    windows = RedisWindows(f"{url}?client_name={name}", Clock())
    windows.acquire("key", 2)
    [ours] = [each for each in client.client_list() if each["name"] == name]
    client.client_kill_filter(_id=ours["id"])
    assert windows.acquire("key", 2).is_taken
    assert not windows.acquire("key", 2).is_taken
    windows.close()


def test_forgotten_scripts_are_sent_again(url, client):
    windows = RedisWindows(url, Clock())
    assert windows.acquire("key", 2).is_taken
    client.script_flush()
    assert windows.acquire("key", 2).is_taken
    windows.close()


def test_connections_close_with_host_and_reopen(backend, url, client):
    name = f"hullo-test-{secrets.token_hex(4)}"

    def connections():
        return [each for each in client.client_list() if each["name"] == name]

    site = Limited(backend, settings={"redis": f"{url}?client_name={name}"}, calls_per_address=3)
    for statuses in ([401, 401], [401, 429]):
        with TestClient(site.middleware, backend=backend) as http:
            assert [http.get("/hullo/v1/me").status_code for _ in range(2)] == statuses
            assert len(connections()) == 1
        assert connections() == []


def test_redis_wait_does_not_block_the_loop(backend, url):
    site = Limited(backend, settings={"redis": url}, sessions_per_address=9)
    statuses = []

    async def join():
        sent = []

        async def receive():
            return {"type": "http.request", "body": b'{"app_key": "%s"}' % site.app_key.encode()}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/hullo/v1/join", "query_string": b"", "headers": []}
        await site.middleware({**scope, "client": ("203.0.113.5", 1)}, receive, send)
        statuses.append(sent[0]["status"])

    async def crowd():
        async with anyio.create_task_group() as group:
            for _ in range(40):
                group.start_soon(join)

    anyio.run(crowd, backend=backend)
    assert (statuses.count(200), statuses.count(429)) == (9, 31)


# Without Redis


def test_redis_down_counts_locally_and_logs_once(backend, closed, caplog):
    first, second = _two(backend, closed, calls_per_address=4, identifies_per_session=1, sessions_per_address=2)
    with caplog.at_level(logging.WARNING, LOG):
        token = first.join()
        assert first.identify(token, email="jane@example.com").status_code == 200
        assert refused(first.identify(token, email="joe@example.com"))
        assert [first.me(), first.me(), second.me()] == [401, 429, 401]
    told = [each for each in caplog.messages if "Redis" in each]
    assert len(told) == 2  # one of each edge
    assert "counted by each process for itself" in told[0]
    assert f"redis://:***@127.0.0.1:{closed.rpartition(':')[2]} does not answer: ConnectionError" in told[0]
    assert "s3cret" not in caplog.text


class _Broken:
    """A Redis that answers or does not, as the test says."""

    def __init__(self):
        self.asked, self.working = 0, True

    def __call__(self, keys, args):
        self.asked += 1
        if not self.working:
            raise redis.TimeoutError("Timeout reading from 10.0.0.1:6379")
        return [1, 60_000, 0]


@pytest.fixture
def broken(monkeypatch) -> _Broken:
    broken = _Broken()
    monkeypatch.setattr(redis.Redis, "register_script", lambda self, text: broken)
    return broken


def test_redis_retry_after_pause_by_one_caller(broken, caplog):
    clock = Clock()
    windows = RedisWindows("redis://redis.test", clock)
    place = windows.acquire("key", 1)
    broken.working = False
    with caplog.at_level(logging.WARNING, LOG):
        assert windows.acquire("key", 1) is None
        assert broken.asked == 2
        windows.release(place)
        windows.transfer(place, "other")
        assert (windows.acquire("key", 1), windows.is_available, broken.asked) == (None, False, 2)
        clock.now += RETRY_PAUSE
        assert windows.is_available
        assert windows.acquire("key", 1) is None
        assert (windows.is_available, broken.asked) == (False, 3)
        broken.working = True
        clock.now += RETRY_PAUSE
        assert windows.acquire("key", 1).is_taken
        assert windows.acquire("key", 1).is_taken
        assert broken.asked == 5
        assert len(caplog.messages) == 1
        broken.working = False
        clock.now += MINUTE
        assert windows.acquire("key", 1) is None
        assert len(caplog.messages) == 2


def test_redis_retry_does_not_delay_others(broken):
    clock = Clock()
    windows = RedisWindows("redis://redis.test", clock)
    broken.working = False
    windows.acquire("key", 1)
    clock.now += RETRY_PAUSE
    reached, opened = threading.Event(), threading.Event()

    def slow(keys, args):
        reached.set()
        assert opened.wait(10)
        return [1, 60_000, 0]

    windows._acquire_script = slow
    places = []
    looking = threading.Thread(target=lambda: places.append(windows.acquire("key", 1)))
    looking.start()
    assert reached.wait(10)
    assert not windows.is_available
    assert windows.acquire("key", 1) is None
    opened.set()
    looking.join(10)
    assert places[0].is_taken
    assert windows.is_available


def test_clock_set_back_still_retries_redis(broken):
    clock = Clock()
    windows = RedisWindows("redis://redis.test", clock)
    broken.working = False
    windows.acquire("key", 1)
    clock.now -= 60 * MINUTE
    broken.working = True
    assert windows.acquire("key", 1).is_taken


def test_place_from_redis_is_returned_only_there(backend, broken):
    site = Limited(backend, settings={"redis": "redis://redis.test"}, sessions_per_address=1)
    token = site.join()
    site.post("/join", token=token)
    assert broken.asked == 5  # each join: a call and a session, and the second gives that back
    broken.working = False
    assert site.post("/join").status_code == 200
    assert refused(site.post("/join"))


def test_redis_lost_mid_call_does_not_fail(backend, broken):
    site = Limited(backend, settings={"redis": "redis://redis.test"})
    token = site.join()
    load = site.hullo.store.load

    def load_while_redis_goes(queries):
        broken.working = False
        assert site.middleware._runtime.rate_limiter._shared.acquire("somebody else", 1) is None
        return load(queries)

    for call in (
        lambda: site.post("/join", token=token),
        lambda: site.identify(token, email="jane@example.com"),
        lambda: site.identify(token, email="joe@example.com"),
    ):
        broken.working = True
        site.clock.now += RETRY_PAUSE
        site.hullo.store.load = load_while_redis_goes
        assert call().status_code == 200
        site.hullo.store.load = load


@pytest.mark.parametrize("kind", ["says nothing", "is no Redis", "has no socket"])
def test_unresponsive_redis_is_left_alone(backend, kind, monkeypatch, caplog):
    monkeypatch.setattr(redis_windows, "TIMEOUT", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as listener:  # whose connections are made, and answered by nobody
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        if kind == "is no Redis":
            threading.Thread(target=_be_rude, args=[listener], daemon=True).start()
        if kind == "has no socket":
            url = "unix:///nowhere/redis.sock"
        site = Limited(backend, settings={"redis": url}, calls_per_address=3)
        assert [site.me() for _ in range(4)] == [401, 401, 401, 429]
    assert len([each for each in caplog.messages if "does not answer" in each]) == 1


def _be_rude(listener):
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 3)


# Settings


@pytest.mark.parametrize("wrong", ["localhost:6379", "http://:s3cret@localhost", "", "redis:/s3cret", "memory:", 7])
def test_non_redis_url_is_refused_in_settings(wrong):
    with pytest.raises(SettingsError) as refused:
        Settings(redis=wrong)
    assert "redis must be a URL that begins with redis://, rediss:// or unix://" in refused.value.detail
    assert "s3cret" not in refused.value.detail


def test_environment_sets_the_redis_url(tmp_path):
    path = tmp_path / "hullo.toml"
    path.write_text('redis = "redis://one"')
    assert read_settings(path, {}).redis == "redis://one"
    assert read_settings(path, {"HULLO_REDIS": "rediss://two"}).redis == "rediss://two"
    with pytest.raises(SettingsError, match="redis must be a URL"):
        read_settings(path, {"HULLO_REDIS": "two"})
    path.write_text('redis = "one"')
    with pytest.raises(SettingsError, match=f"{path}: redis must be a URL"):
        read_settings(path, {})


@pytest.mark.parametrize(
    "wrong", ["redis://:s3cret/x@localhost", "redis://:s3cret@localhost:port", "redis://:s3cret@localhost?nonsense=1"]
)
def test_impossible_redis_url_is_refused_at_mounting(wrong):
    hullo = Hullo("memory:", settings=Settings(redis=wrong))
    with pytest.raises(SettingsError, match="is no URL that Redis's client understands") as refused:
        IdentityMiddleware(None, hullo)
    assert "s3cret" not in refused.value.detail
    assert refused.value.__suppress_context__


def test_missing_redis_package_named_at_mounting(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    hullo = Hullo("memory:", settings=Settings(redis="redis://localhost"))
    with pytest.raises(SettingsError, match=r"pip install 'hullo\[redis\]'"):
        IdentityMiddleware(None, hullo)
    settings = Settings(redis="redis://localhost", rate_limits=RateLimits(on=False))
    IdentityMiddleware(None, Hullo("memory:", settings=settings))


def test_redis_url_is_hidden_in_repr():
    assert "s3cret" not in repr(Settings(redis="redis://:s3cret@localhost"))
