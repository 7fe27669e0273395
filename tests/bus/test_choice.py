"""Which bus there is, and what becomes of a URL that names none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hullo import Hullo
from hullo.bus.choice import IN_PROCESS_URL, bus_url
from hullo.bus.in_process import InProcessBus
from hullo.errors import SettingsError
from hullo.hooks.entry_points import open_bus, require_bus
from hullo.settings import Settings, read_settings
from hullo_plugins.bus.postgresql import PostgresqlTransport
from hullo_plugins.bus.redis import RedisTransport

POSTGRESQL = "postgresql://hullo:s3cret@db/hullo?pool=8&statement_timeout_ms=100"
REDIS = "redis://:s3cret@cache:6379/3"


@pytest.mark.parametrize(
    ("store", "settings", "chosen"),
    [
        ("sqlite:///hullo.db", {}, IN_PROCESS_URL),
        ("sqlite:///hullo.db", {"redis": REDIS}, REDIS),
        ("mysql://db/hullo", {"redis": REDIS}, REDIS),
        ("mysql://db/hullo", {}, IN_PROCESS_URL),
        (POSTGRESQL, {}, POSTGRESQL),
        ("postgres://db/hullo", {"redis": REDIS}, "postgres://db/hullo"),
        (POSTGRESQL, {"redis": REDIS}, POSTGRESQL),
        (POSTGRESQL, {"bus": REDIS}, REDIS),
        (POSTGRESQL, {"bus": IN_PROCESS_URL}, IN_PROCESS_URL),
        (f"{POSTGRESQL}&pooler=transaction", {"redis": REDIS}, REDIS),
        (f"{POSTGRESQL}&pooler=transaction", {}, IN_PROCESS_URL),
        (f"{POSTGRESQL}&pooler=none", {}, f"{POSTGRESQL}&pooler=none"),
        ("cockroachdb://db/hullo", {}, IN_PROCESS_URL),
        ("cockroachdb://db/hullo", {"redis": REDIS}, REDIS),
        (None, {}, IN_PROCESS_URL),
        (None, {"redis": REDIS}, REDIS),
    ],
)
def test_bus_defaults_to_what_the_store_offers(store: str | None, settings: dict[str, str], chosen: str):
    assert bus_url(Settings(**settings), store, shared_between_processes=True) == chosen


def test_single_process_store_needs_no_bus():
    assert bus_url(Settings(redis=REDIS), "memory:", shared_between_processes=False) == IN_PROCESS_URL
    assert bus_url(Settings(bus=REDIS), "memory:", shared_between_processes=False) == REDIS


def test_hullo_takes_given_bus_or_stores_own(tmp_path):
    assert not Hullo("memory:").bus.is_cross_process
    assert Hullo(f"sqlite:///{tmp_path}/hullo.db", settings=Settings(redis=REDIS)).bus.is_cross_process
    assert Hullo("memory:", bus=REDIS).bus.is_cross_process
    given = InProcessBus()
    assert Hullo(POSTGRESQL, bus=given).bus is given


def test_hullo_closes_its_bus():
    class Closing(InProcessBus):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    bus = Closing()
    with Hullo("memory:", bus=bus):
        assert bus.closed == 0
    assert bus.closed == 1


def test_file_and_environment_can_name_a_bus(tmp_path):
    path = tmp_path / "hullo.toml"
    path.write_text(f'bus = "{REDIS}"')
    assert read_settings(path, environment={}).bus == REDIS
    assert read_settings(path, environment={"HULLO_BUS": POSTGRESQL}).bus == POSTGRESQL
    assert read_settings(path, environment={"HULLO_BUS": " "}).bus == REDIS
    assert "s3cret" not in repr(read_settings(path, environment={}))


@pytest.mark.parametrize("url", ["mysql://me:s3cret@db/hullo", "cockroachdb://me:s3cret@db/hullo", "odd:s3cret"])
def test_unknown_bus_is_refused_with_the_choices(url: str):
    with pytest.raises(SettingsError, match=r"installed are memory, postgresql, redis, rediss, unix\.") as refused:
        open_bus(url)
    assert "s3cret" not in refused.value.detail


def test_invalid_url_is_no_bus():
    with pytest.raises(SettingsError, match="bus must be a URL") as refused:
        Settings(bus="s3cret")
    assert "s3cret" not in refused.value.detail
    with pytest.raises(SettingsError, match="'memory:'"):
        open_bus("memory:s3cret")


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@host:port",
        "redis://host?nonsense=s3cret",
        "redis://host?db=s3cret",
        "redis://host?channel=",
        "redis://:s3cret@host?channel=a%20b",
        "postgresql://u:s3cret/1@host/db",
        "postgresql://u:1/s3cret@host/db",
        "postgresql://u:s3@cret@host/db",
        "postgresql://u:p?s3cret@host/db",
        "postgresql://u:s3cret@host/db?nonsense=1",
        "postgresql://u:s3cret@host/db?pooler=transaction",
        "postgresql://u:s3cret@host/db?channel=" + "x" * 64,
    ],
)
def test_wrong_url_is_refused_without_its_password(url: str):
    with pytest.raises(SettingsError) as refused:
        open_bus(url)
    assert "s3cret" not in refused.value.detail.replace("nonsense=s3cret", "").replace("db=s3cret", "")


def test_wrong_object_is_refused_with_missing_methods():
    class Half:
        is_cross_process = is_connected = True

        def publish(self, notices: object) -> None: ...

    with pytest.raises(SettingsError, match="Half is no bus: it has no close, no subscribe"):
        require_bus(Half())  # type: ignore[arg-type]


def test_channel_defaults_to_the_database_name():
    assert RedisTransport("redis://host")._channel == "hullo:bus:0"
    assert RedisTransport("redis://host/3")._channel == "hullo:bus:3"
    assert RedisTransport("redis://host?db=4")._channel == "hullo:bus:4"
    assert RedisTransport("redis://host/3?channel=shop&protocol=3")._channel == "shop"
    assert PostgresqlTransport("postgresql://host/db")._channel == "hullo_bus"
    assert PostgresqlTransport("postgresql://host/db?channel=shop")._channel == "shop"


def test_store_url_as_bus_keeps_libpq_parameters():
    url = "postgresql://u:p%40ss@a,b:5433/db?pool=2&pooler=none&lock_timeout_ms=1&sslmode=prefer&connect_timeout=9"
    found = PostgresqlTransport(url)._parameters
    assert (found["password"], found["host"], found["dbname"]) == ("p@ss", "a,b", "db")
    assert (found["sslmode"], found["connect_timeout"], found["keepalives_idle"]) == (
        "prefer",
        "9",
        "15",
    )
    assert PostgresqlTransport("postgresql:///db?host=/run/postgresql")._parameters["host"] == "/run/postgresql"


@pytest.mark.parametrize(("url", "package"), [(REDIS, "redis"), (POSTGRESQL, "postgres")])
def test_missing_package_is_named(url: str, package: str):
    """In a process of its own, as others have imported it here."""
    program = (
        "import sys; sys.modules['redis'] = sys.modules['psycopg'] = None\n"
        "from hullo.hooks.entry_points import open_bus\n"
        f"try: open_bus({url!r})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.startswith("SettingsError")
    assert f"pip install 'hullo[{package}]'" in said
    assert "s3cret" not in said
