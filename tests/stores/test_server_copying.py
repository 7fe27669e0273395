"""Copying between engines, and what servers say where SQLite has files."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from hullo.errors import SettingsError, StoreUnavailable
from hullo.hooks.entry_points import open_store
from hullo.store.copying import copy_store
from hullo.store.maintenance import Finding, no_progress
from hullo_stores.peewee.store import PeeweeStore
from hullo_stores.peewee.writes import MAX_STATEMENT_BYTES
from peopled import fill
from servers.fixtures import Kind, require
from stores.portable import PortableContract, fill_every_table

Databases = Callable[[Kind, str], str]


@pytest.fixture
def databases() -> Iterator[Databases]:
    """The URL of a new database by its engine and a name: the same one for the same name."""
    made: dict[tuple[Kind, str], str] = {}

    def url_of(kind: Kind, name: str) -> str:
        if (kind, name) not in made:
            made[kind, name] = require(kind).new_database()
        return made[kind, name]

    yield url_of
    for (kind, _), url in made.items():
        require(kind).drop(url)


def store_at(url: str) -> PeeweeStore:
    store = open_store(url)
    assert isinstance(store, PeeweeStore)
    return store


class ServerContract(PortableContract):
    kind: ClassVar[Kind]

    @pytest.fixture(scope="class")
    @classmethod
    def full(cls) -> Iterator[str]:
        """The database that all tests copy from, and none changes."""
        server = require(cls.kind)
        url = server.new_database()
        store = store_at(url)
        store.open()
        fill_every_table(store)
        store.close()
        yield url
        server.drop(url)

    @pytest.fixture(autouse=True)
    def server(self, databases: Databases, full: str) -> None:
        self.url_of = lambda name: full if name == "source" else databases(self.kind, name)

    @pytest.fixture
    def source(self, tmp_path: Path) -> PeeweeStore:
        return self.make_store(tmp_path, "source")

    def make_store(self, folder: Path, name: str) -> PeeweeStore:
        return store_at(self.url_of(name))


class TestPostgresql(ServerContract):
    kind: ClassVar[Kind] = "postgresql"
    trigger = (
        "CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER evil BEFORE INSERT ON session FOR EACH ROW EXECUTE FUNCTION evil()",
    )


class TestMariaDB(ServerContract):
    kind: ClassVar[Kind] = "mysql"
    trigger = ("CREATE TRIGGER evil AFTER INSERT ON session FOR EACH ROW SET @loot = NEW.digest",)


def test_digests_stay_equal_across_engines(databases: Databases, tmp_path: Path):
    way = [
        f"sqlite:///{tmp_path}/first.db",
        databases("postgresql", "one"),
        databases("mysql", "one"),
        databases("postgresql", "two"),
        f"sqlite:///{tmp_path}/second.db",
        databases("mysql", "two"),
        f"sqlite:///{tmp_path}/last.db",
    ]
    first = store_at(way[0])
    first.open()
    fill_every_table(first, 60)
    first.close()
    copies = [copy_store(store_at(source), store_at(target), chunk=7) for source, target in itertools.pairwise(way)]
    assert all(copy == copies[0] for copy in copies)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_overlong_rows_are_copied(databases: Databases, tmp_path: Path, kind: Kind):
    source, target = store_at(f"sqlite:///{tmp_path}/source.db"), store_at(databases(kind, "target"))
    source.open()
    fill(source, 40, answer=bytes(range(256)) * (MAX_STATEMENT_BYTES // 100))
    source.close()
    copied = {table.name: table for table in copy_store(source, target)}
    assert copied["answer"].rows == 2


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
class TestAServer:
    def test_server_place_differs_and_holds_no_secret(self, databases: Databases, kind: Kind):
        one, other = (store_at(databases(kind, name)) for name in ("one", "other"))
        assert one.location != other.location
        assert (
            one.location
            == store_at(f"{databases(kind, 'one').partition('?')[0]}{self._query(databases, kind)}").location
        )
        password = re.search(r"://[^:/@]*:([^@]+)@", databases(kind, "one"))
        assert password is None or password[1] not in one.location

    @staticmethod
    def _query(databases: Databases, kind: Kind) -> str:
        _, mark, query = databases(kind, "one").partition("?")
        return f"?{query}&pool=2" if mark else "?pool=2"

    def test_server_refuses_backup_and_names_its_tool(self, databases: Databases, kind: Kind):
        store, name = store_at(databases(kind, "one")), databases(kind, "one").rpartition("/")[2].partition("?")[0]
        product, dump, load = {
            "postgresql": ("PostgreSQL", r"pg_dump .*--file='my backup' ", r"pg_restore .* --dbname="),
            "mysql": ("MariaDB", r"mariadb-dump .*--result-file='my backup' ", "mariadb "),
        }[kind]
        with pytest.raises(SettingsError, match=rf"{product} makes its own backups; type  {dump}{name}  and see"):
            store.backup(Path("my backup"), no_progress)
        assert not store.has_rows()
        with pytest.raises(SettingsError, match=rf"{product} is restored by its own tools; type  {load}{name} .*'my b"):
            store.restore(Path("my backup"), no_progress)

    def test_schema_state_is_read_without_making_one(self, databases: Databases, kind: Kind):
        store = store_at(databases(kind, "one"))
        for _ in range(2):
            schema = store.diagnose()[-1]
            assert schema.advice is not None
            assert "hullo migrate" in schema.advice
        store.open()
        store.close()
        assert Finding(name="schema", value="current") in store.diagnose()

    def test_unreachable_server_is_a_finding(self, kind: Kind):
        (finding,) = store_at(f"{kind}://me:s3cret@127.0.0.1:1/db").diagnose()
        assert (finding.name, finding.is_ok) == ("connection", False)
        assert "s3cret" not in repr(finding)

    def test_server_without_schema_is_no_source(self, databases: Databases, kind: Kind, tmp_path: Path):
        with pytest.raises(StoreUnavailable, match="hullo migrate"):
            copy_store(store_at(databases(kind, "one")), store_at(f"sqlite:///{tmp_path}/target.db"))

    def test_server_reports_its_state(self, databases: Databases, kind: Kind):
        store = store_at(databases(kind, "one"))
        store.open()
        store.close()
        findings = {finding.name: finding for finding in store.diagnose()}
        assert {"engine", "isolation", "clock", "pool", "commit", "writing", "schema"} <= findings.keys()
        assert findings["isolation"].value == "read committed"
        assert findings["pool"].value.startswith("6 for each process")
        assert findings["writing"].is_ok
        if kind == "mysql":
            # On a cluster too: 2 and 0 lose answered writes when all nodes lose power.
            assert findings["commit"].is_ok is (findings["commit"].value == "innodb_flush_log_at_trx_commit 1")


def test_cockroachdb_names_its_own_backup_tool():
    store = store_at("cockroachdb://me@127.0.0.1:1/shop")
    with pytest.raises(SettingsError, match=r"CockroachDB makes its own backups; type  BACKUP DATABASE shop"):
        store.backup(Path("x"), no_progress)
