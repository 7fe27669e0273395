"""How a schema comes to be on each engine: by whom, how it is the same, and what becomes of it when that breaks off."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from behind import ask, connected, once_asked
from databases import ENGINES, Databases, Engine
from hullo import Hullo, IdentityMiddleware
from hullo.errors import StoreUnavailable
from hullo.model.change_set import Absorption, ChangeSet, insertion
from hullo.store.protocol import APPLIED
from hullo.testing.builders import LATER, NOW, WORKSPACE, WRITER, a_conflict, a_contact, a_fact
from hullo.testing.store.everything import ONE_OF_EACH
from hullo_stores.peewee import ddl
from hullo_stores.peewee.ddl import create_table
from hullo_stores.peewee.engines.mysql import MysqlDatabase
from hullo_stores.peewee.store import PeeweeStore
from hullo_stores.peewee.tables import TABLES
from hullo_stores.peewee.writes import name_of
from hullo_stores.write_conflict import WriteConflict
from servers.fixtures import Kind, require
from servers.private import PATIENCE
from servers.wire import Wire, counting
from stores.wired import engine_of, peewee_store

OPENERS = Path(__file__).with_name("openers.py")
RELEASED = Path(__file__).with_name("released")
NAMES = sorted(name_of(table) for table in TABLES)
VERSIONS = sorted(file.stem for file in Path(ddl.__file__).with_name("migrations").glob("[0-9]*.py"))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.param
    return engine


@pytest.fixture
def url(engine: Engine, databases: Databases, tmp_path: Path) -> str:
    """Of an empty, migrated database."""
    url = databases.empty(engine, tmp_path)
    if engine == "sqlite":
        store = peewee_store(url)
        store.open()
        store.close()
    return url


@pytest.fixture
def fresh(engine: Engine, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/fresh.db"
        return
    server = require(engine)
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture
def wire(fresh: str) -> Iterator[Wire]:
    with counting(fresh) as wire:
        yield wire


def opened(url: str) -> None:
    """Brings it up to date."""
    store = peewee_store(url)
    store.open()
    store.close()


def tables_in(url: str) -> list[str]:
    if url.startswith("sqlite:"):
        text = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
            "AND name NOT LIKE 'contact_fts%' ORDER BY name"
        )
    else:
        text = (
            "SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN "
            "('pg_catalog', 'information_schema') AND table_schema IN "
            f"({'DATABASE()' if url.startswith('mysql:') else 'current_schema()'}) ORDER BY table_name"
        )
    return sorted(name for (name,) in once_asked(url, text))


def history_of(url: str) -> list[str]:
    if "hullo_migration" not in tables_in(url):
        return []
    return [name for (name,) in once_asked(url, "SELECT name FROM hullo_migration ORDER BY name")]


ASPECTS = {
    "postgresql": {
        # Counted anew: a column that was dropped leaves a gap.
        "columns": "SELECT table_name, column_name, "
        "row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position), data_type, character_maximum_length, "
        "is_nullable, collation_name, column_default FROM information_schema.columns "
        "WHERE table_schema = current_schema()",
        "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = current_schema()::regnamespace",
    },
    "mysql": {
        "tables": "SELECT table_name, engine, table_collation FROM information_schema.tables "
        "WHERE table_schema = DATABASE()",
        "columns": "SELECT table_name, column_name, ordinal_position, column_type, is_nullable, collation_name, "
        "column_default, column_key FROM information_schema.columns WHERE table_schema = DATABASE()",
        "indexes": "SELECT table_name, index_name, non_unique, seq_in_index, column_name, sub_part "
        "FROM information_schema.statistics WHERE table_schema = DATABASE()",
        "constraints": "SELECT table_name, constraint_name, column_name, ordinal_position, referenced_table_name, "
        "referenced_column_name FROM information_schema.key_column_usage WHERE table_schema = DATABASE()",
    },
    "sqlite": {
        "everything": "SELECT tbl_name, name, sql FROM sqlite_master WHERE sql IS NOT NULL",
    },
}


def schema_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Of hullo's own tables, whatever their order."""
    aspects = ASPECTS[url.partition(":")[0]]
    return {
        aspect: sorted((row for row in once_asked(url, text) if row[0] in NAMES), key=repr)
        for aspect, text in aspects.items()
    }


class TestANewDatabase:
    def test_one_of_ten_processes_makes_the_schema(self, fresh: str, engine: Engine):
        with nullcontext() if engine == "sqlite" else counting(fresh) as wire:
            url = fresh if wire is None else wire.url
            command = [sys.executable, str(OPENERS), url, "10"]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True)
            assert done.stdout.splitlines() == ["opened"] * 10
            if wire is not None:
                made = [found[1] for text in wire.texts if (found := re.match(r'CREATE TABLE ["`](\w+)', text))]
                assert sorted(made) == NAMES
        assert tables_in(fresh) == sorted([*NAMES, "hullo_migration"])
        assert history_of(fresh) == VERSIONS

    def test_migrations_make_the_declared_tables(self, fresh: str, url: str):
        declared = engine_of(peewee_store(fresh))
        declared.open()
        with declared.migration_lock():
            for table in TABLES:
                create_table(declared.database, table)
            if (index := declared.search_index) is not None:
                assert index.prepare(declared.database)
                index.build(declared.database)
        declared.close()
        migrated = schema_of(url)
        assert all(migrated.values())
        assert schema_of(fresh) == migrated

    def test_constraints_and_indexes_keep_their_names(self, url: str):
        """On PostgreSQL a clash of names that Peewee makes up drops an index without a word."""
        text = repr(schema_of(url))
        for table in TABLES:
            for index in table._meta.indexes:
                assert str(index._name) in text
            for constraint in table._meta.constraints or ():
                (name,) = re.findall(r"CONSTRAINT (\w+)", constraint.sql)
                assert name in text or ("PRIMARY KEY" in constraint.sql and url.startswith("mysql:"))

    def test_foreign_tables_are_left_alone(self, fresh: str):
        for text in ("CREATE TABLE contact (theirs INT)", "INSERT INTO contact VALUES (7)"):
            once_asked(fresh, text)
        for _ in range(2):
            with pytest.raises(
                StoreUnavailable, match=r"tables that are not hullo's \(contact\); give hullo one of its"
            ):
                peewee_store(fresh).open()
        assert tables_in(fresh) == ["contact"]
        assert once_asked(fresh, "SELECT * FROM contact") == [(7,)]

    def test_table_beside_hullos_is_ignored(self, fresh: str):
        once_asked(fresh, "CREATE TABLE theirs (n INT)")
        opened(fresh)
        assert tables_in(fresh) == sorted([*NAMES, "hullo_migration", "theirs"])


MOVED = ChangeSet(
    absorptions=(
        Absorption(
            merge_id="mrg_1", workspace_id=WORKSPACE, survivor_id="con_2", absorbed_id="con_1", at=LATER, by=WRITER
        ),
    ),
)
TWINS = {
    "identifier": "INSERT INTO identifier SELECT digest, workspace_id, kind, 'con_2' FROM identifier",
    "repeat key": "INSERT INTO message "
    "SELECT 'x', conversation_id, author, text, 0, NULL, repeat_key, NULL, NULL, NULL FROM message",
    "pair that is settled": "INSERT INTO conflict SELECT 'x', workspace_id, app_id, contact_id, other_id, field, rule, "
    "0, status, open_pair, 0, digest, NULL, NULL, NULL FROM conflict WHERE open_pair IS NOT NULL",
    "API key": "INSERT INTO api_key SELECT 'x', workspace_id, digest, 0, NULL, scopes, NULL, 0 FROM api_key",
    "block": "INSERT INTO custom_data SELECT contact_id, app_id, '{}' FROM custom_data",
    "tag": "INSERT INTO tag SELECT contact_id, name, 'ws_2' FROM tag",
    "number of an audit entry": "INSERT INTO audit "
    "SELECT workspace_id, number, 0, 'x', 'x', 'x', 'x', 'x', '{}' FROM audit",
    **{f"another {name}": f"INSERT INTO {name} SELECT * FROM {name}" for name in NAMES},
}
ORPHANS = {
    "identifier": "UPDATE identifier SET contact_id = 'gone'",
    "custom data": "UPDATE custom_data SET contact_id = 'gone'",
    "tag": "UPDATE tag SET contact_id = 'gone'",
    "session": "UPDATE session SET contact_id = 'gone'",
    "conversation": "UPDATE conversation SET contact_id = 'gone'",
    "message": "UPDATE message SET conversation_id = 'gone'",
    "conflict": "UPDATE conflict SET contact_id = 'gone'",
    "the other of a conflict": "UPDATE conflict SET other_id = 'gone'",
    "decision": "UPDATE decision SET contact_id = 'gone'",
    "line of a timeline": "UPDATE timeline SET contact_id = 'gone'",
    "survivor": "UPDATE merge SET survivor_id = 'gone'",
    "absorbed": "UPDATE merge SET absorbed_id = 'gone'",
    "a contact that is named": "DELETE FROM contact",
    "a conversation with messages": "DELETE FROM conversation",
}


class TestTheDatabaseItself:
    def test_database_refuses_duplicates_and_dangling_references(self, url: str):
        store = peewee_store(url)
        store.open()
        kept = replace(a_conflict("cfl_kept"), status="resolved", resolution="keep")
        tagged = replace(a_contact("con_3"), tags={"vip": a_fact(True)})
        for changes in (ONE_OF_EACH, MOVED, ChangeSet(contacts=(insertion(tagged),), conflicts=(insertion(kept),))):
            assert store.apply([changes]) == (APPLIED,)
        assert store.acquire_lease("tell", "somebody", NOW, LATER)
        own_index = engine_of(store).search_index is not None
        for name in NAMES:
            empty = own_index and name == "contact_gram"
            assert (once_asked(url, f"SELECT COUNT(*) FROM {name}") == [(0,)]) is empty, name
        for what, text in {**TWINS, **ORPHANS}.items():
            if own_index and what == "another contact_gram":
                continue
            assert self._refused(store, text), what
        store.close()

    @staticmethod
    def _refused(store: PeeweeStore, text: str) -> bool:
        try:
            with engine_of(store).write_transaction() as transaction:
                transaction.execute(text)
        except WriteConflict:
            return True
        return False


class TestVersions:
    @pytest.fixture
    def changed(self, url: str) -> Iterator[str]:
        """Its history may be changed: it is put right afterwards."""
        yield url
        once_asked(url, "DELETE FROM hullo_migration")
        for name in VERSIONS:
            once_asked(url, f"INSERT INTO hullo_migration (name, applied) VALUES ('{name}', '2026-01-01 00:00:00')")

    def test_newer_schema_is_refused(self, changed: str):
        store = peewee_store(changed)
        store.open()
        once_asked(changed, "INSERT INTO hullo_migration (name, applied) VALUES ('9999_future', '2040-01-01 00:00:00')")
        with pytest.raises(StoreUnavailable, match="newer hullo: it has 9999_future; update this one"):
            store.check()
        store.close()
        for refused in (store.open, store.pending_sql):
            with pytest.raises(StoreUnavailable, match="newer hullo: it has 9999_future; update this one"):
                refused()

    def test_older_schema_is_not_ready(self, changed: str):
        store = peewee_store(changed)
        store.open()
        for condition, lacking in (
            ("> '0003_identity_record'", ", ".join(VERSIONS[3:])),
            ("> '0002_verification'", ", ".join(VERSIONS[2:])),
            ("> '0001_first'", ", ".join(VERSIONS[1:])),
            ("> ''", ", ".join(VERSIONS)),
        ):
            once_asked(changed, f"DELETE FROM hullo_migration WHERE name {condition}")
            with pytest.raises(StoreUnavailable, match=f"lacks {lacking}; run 'hullo migrate'"):
                store.check()
        store.close()


@pytest.mark.parametrize("engine", ["postgresql", "mysql"], indirect=True)
class TestAMigrationThatBreaksOff:
    def test_broken_migration_is_undone_or_leaves_nothing(
        self, fresh: str, wire: Wire, engine: Engine, databases: Databases, tmp_path: Path
    ):
        for how, where in (
            ("break_before", "CREATE TABLE .*hullo_migration"),
            ("break_after", "CREATE TABLE .*hullo_migration"),
            ("break_before", "CREATE TABLE .workspace"),
            ("break_after", "CREATE TABLE .workspace"),
            ("break_before", "CREATE UNIQUE INDEX .message_repeat_key"),
            ("break_after", "CREATE TABLE .decision"),
            ("break_before", "INSERT INTO .hullo_migration.*"),
            ("break_before", "CREATE TABLE .spent_token"),
            ("break_after", "CREATE TABLE .call_count"),
            ("break_before", "ALTER TABLE .identity_key"),
            ("break_after", "ALTER TABLE .identity_key"),
            ("break_before", "CREATE TABLE .tag"),
            ("break_after", "CREATE TABLE .audit"),
            ("break_after", "ALTER TABLE .contact"),
            ("break_before", "ALTER TABLE .conflict. ADD COLUMN .resolved_by"),
            ("break_after", "CREATE INDEX .session_visitor"),
            ("break_before", "CREATE INDEX .decision_old"),
            ("break_before", "ALTER TABLE .conversation. ADD COLUMN .read_at"),
            ("break_after", "ALTER TABLE .conversation. ADD COLUMN .read_at"),
            ("break_after", "ALTER TABLE .session. ADD COLUMN .hop_group"),
            ("break_before", "CREATE INDEX .session_hop_group"),
        ):
            wire.reset()
            getattr(wire, how)(where)
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                peewee_store(wire.url).open()
            assert any(re.search(where, text) for text in wire.texts)
            if engine == "postgresql":
                assert tables_in(fresh) == []
            else:
                assert VERSIONS[-1] not in history_of(fresh)
        opened(wire.url)
        assert schema_of(fresh) == schema_of(databases.empty(engine, tmp_path))
        assert history_of(fresh) == VERSIONS

    def test_break_before_the_end_keeps_whole_tables(self, fresh: str, wire: Wire, engine: Engine):
        """What was made stays as it is: nobody drops tables that are whole."""
        end = {"mysql": f"DELETE FROM .hullo_migration.*{VERSIONS[-1]}", "postgresql": "^COMMIT"}
        wire.break_before(end[engine])
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            peewee_store(wire.url).open()
        wire.reset()
        opened(wire.url)
        made = [text for text in wire.texts if text.startswith(("CREATE TABLE", "DROP"))]
        assert bool(made) is (engine == "postgresql")


class TestWaiting:
    HELD = {  # noqa: RUF012
        "postgresql": ("SELECT pg_advisory_lock({hullo})", "SELECT pg_advisory_unlock({hullo})"),
        "mysql": ("SELECT GET_LOCK('hullo migration {name}', 0)", "SELECT RELEASE_LOCK('hullo migration {name}')"),
    }
    WAITING = {  # noqa: RUF012
        "postgresql": "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event = 'advisory'",
        "mysql": "SELECT COUNT(*) FROM information_schema.processlist "
        "WHERE db = DATABASE() AND info LIKE '%GET_LOCK(%' AND id <> CONNECTION_ID()",
    }

    @pytest.mark.parametrize("engine", ["postgresql", "mysql"], indirect=True)
    def test_second_process_waits_for_the_first_migration(
        self, fresh: str, engine: Kind, monkeypatch: pytest.MonkeyPatch
    ):
        """Longer than any statement may take, and than anybody waits for an answer or a lock."""
        monkeypatch.setattr("hullo_stores.peewee.engines.mysql.NETWORK_GRACE", 0)
        hold, let_go = (text.format(hullo=0x68756C6C6F, name=fresh.rpartition("/")[2]) for text in self.HELD[engine])
        url = f"{fresh}?statement_timeout_ms=200&lock_timeout_ms=100"
        with (
            closing(connected(fresh)) as first,
            closing(connected(fresh)) as watch,
            ThreadPoolExecutor(1) as elsewhere,
        ):
            ask(first, hold)
            opening = elsewhere.submit(opened, url)
            while ask(watch, self.WAITING[engine]) != [(1,)]:
                assert not opening.done(), opening.result()
            time.sleep(0.4)  # longer than all of them
            assert not opening.done(), opening.result()
            ask(first, let_go)
            opening.result(PATIENCE)
        assert tables_in(fresh) == sorted([*NAMES, "hullo_migration"])


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_cluster_leaves_another_nodes_migration_alone(
    fresh: str, monkeypatch: pytest.MonkeyPatch, databases: Databases, tmp_path: Path
):
    """Nodes have no lock in common: only after ten minutes is one given up for dead."""
    monkeypatch.setattr(
        MysqlDatabase, "several_nodes", property(lambda self: True, lambda self, value: None), raising=False
    )
    with counting(fresh) as wire:
        wire.break_before("CREATE TABLE .decision")
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            peewee_store(wire.url).open()
        assert "SET SESSION wsrep_sync_wait = 1" in wire.texts
    before = tables_in(fresh)
    with pytest.raises(StoreUnavailable, match="another node is bringing the database up to date; try again in a few"):
        peewee_store(fresh).open()
    assert tables_in(fresh) == before
    once_asked(fresh, "UPDATE hullo_migration SET applied = applied - INTERVAL 11 MINUTE")
    opened(fresh)
    assert schema_of(fresh) == schema_of(databases.empty("mysql", tmp_path))


class TestPendingSql:
    def test_pending_sql_is_what_opening_runs(self, fresh: str, engine: Engine):
        with nullcontext() if engine == "sqlite" else counting(fresh) as wire:
            store = peewee_store(fresh if wire is None else wire.url)
            pending = store.pending_sql()
            if wire is None:
                assert not Path(fresh.removeprefix("sqlite:///")).exists()
            else:
                assert not [text for text in wire.texts if not text.startswith(("SELECT", "SHOW", "SET"))]
                assert tables_in(fresh) == []
                wire.reset()
            store.open()
            store.close()
            if wire is not None:
                changing = [text for text in wire.texts if text.startswith(("CREATE", "ALTER", "DROP"))]
                once = list(dict.fromkeys(text.replace("IF NOT EXISTS ", "") for text in changing))
                # Then comes what fills the tables of searches, and their index: no SQL could say it.
                assert [text for text in once if "trgm" not in text] == [
                    text for text in pending if not text.startswith("INSERT")
                ]
            done = [text for text in pending if text.startswith("INSERT")]
            mark = done.pop(VERSIONS.index("0010_contact_search"))
            assert "hullo fills contact_search from all contacts" in mark
            assert done == [
                f"INSERT INTO hullo_migration (name, applied) VALUES ('{name}', CURRENT_TIMESTAMP)" for name in VERSIONS
            ]
            assert store.pending_sql() == ()

    def test_pending_sql_may_run_by_hand(self, fresh: str, url: str):
        with closing(connected(fresh)) as by_hand:
            for text in peewee_store(fresh).pending_sql():
                ask(by_hand, text)
        store = peewee_store(fresh)
        (left,) = store.pending_sql()
        assert "goes on to fill contact_search" in left
        store.open()
        store.check()
        store.close()
        assert store.pending_sql() == ()
        assert schema_of(fresh) == schema_of(url)


DUMPS = sorted(RELEASED.glob("*/*.sql"))


def _name(dump: Path) -> str:
    return f"{dump.parent.name}-{dump.stem}"


class Released:
    """A database of a released version. See `released/README.md`."""

    @pytest.fixture
    def engine(self, dump: Path) -> str:
        return dump.stem

    @pytest.fixture
    def loaded(self, dump: Path, fresh: str) -> str:
        with closing(connected(fresh)) as database:
            if dump.stem == "sqlite":
                database.executescript(dump.read_text("utf-8"))
            else:
                with closing(database.cursor()) as cursor:
                    cursor.execute(dump.read_text("utf-8"))
                    while cursor.nextset():
                        pass
        return fresh


@pytest.mark.parametrize("dump", DUMPS, ids=_name)
class TestAReleasedVersion(Released):
    def test_released_version_upgrades_and_keeps_contacts(self, dump: Path, loaded: str, url: str):
        known = json.loads(dump.with_name("known.json").read_text("utf-8"))
        with Hullo(loaded, clock=lambda: known["now"]) as hullo:
            hullo.store.check()
            client = TestClient(IdentityMiddleware(None, hullo))
            key = {"authorization": f"Bearer {known['api_key']}"}
            found = client.get("/hullo/v1/contacts", headers=key).json()["items"]
            # What was told then, among what is told since.
            told = [{name: item[name] for name in then} for item, then in zip(found, known["contacts"], strict=True)]
            assert told == known["contacts"]
            by_id = {contact["external_id"]: contact["id"] for contact in known["contacts"]}
            for name in ("ann", "bob"):
                said = {
                    "app_key": known["app_key"],
                    "external_id": name,
                    "user_hash": hullo.user_hash(known["app_key"], name),
                    "custom_data": {"since": "the upgrade"},
                }
                token = {"authorization": f"Bearer {known['tokens'][name]}"}
                answer = client.post("/hullo/v1/identify", json=said, headers=token).json()
                assert (answer["contact_id"], answer["standing"]) == (by_id[name], "proven")
            assert client.get("/hullo/v1/contacts", headers=key).json()["items"][1:] != found[1:]
            for name, status in (("ann", 200), ("bob", 200), ("stranger", 200), ("left", 401)):
                token = {"authorization": f"Bearer {known['tokens'][name]}"}
                assert client.get("/hullo/v1/me", headers=token).status_code == status
            token = {"authorization": f"Bearer {known['tokens']['ann']}"}
            (talk,) = client.get("/hullo/v1/conversations", headers=token).json()["items"]
            messages = client.get(f"/hullo/v1/conversations/{talk['id']}/messages", headers=token).json()["items"]
            assert [message["text"] for message in messages] == ["Do you ship to Łódź? 🦊"]
            assert talk["unread"] is False
            client.post(f"/hullo/v1/conversations/{talk['id']}/messages", json={"text": "We do."}, headers=key)
            assert [
                item["unread"] for item in client.get("/hullo/v1/conversations", headers=token).json()["items"]
            ] == [True]
            assert hullo.store.apply([ONE_OF_EACH]) == (APPLIED,)
        assert _without_expressions(schema_of(loaded)) == _without_expressions(schema_of(url))

    def test_released_version_may_upgrade_by_hand(self, loaded: str, url: str):
        with closing(connected(loaded)) as by_hand:
            for text in peewee_store(loaded).pending_sql():
                ask(by_hand, text)
        opened(loaded)
        assert history_of(loaded) == VERSIONS
        assert _without_expressions(schema_of(loaded)) == _without_expressions(schema_of(url))


@pytest.mark.parametrize("dump", [dump for dump in DUMPS if dump.stem != "sqlite"], ids=_name)
class TestAnUpgradeThatBreaksOff(Released):
    def test_broken_upgrade_is_completed_without_loss(self, loaded: str, wire: Wire, url: str):
        before = self._rows(loaded)
        assert all(before.values())
        for how, where in (
            ("break_after", "CREATE TABLE .spent_token"),
            ("break_before", "CREATE TABLE .call_count"),
            ("break_after", "ALTER TABLE .identity_key"),
            ("break_after", "CREATE TABLE .timeline"),
            ("break_after", "ALTER TABLE .conversation"),
            ("break_before", "CREATE INDEX .conversation_old"),
            ("break_after", "ALTER TABLE .conversation. ADD COLUMN .read_at"),
            ("break_after", "ALTER TABLE .session. ADD COLUMN .hop_group"),
            ("break_before", "CREATE INDEX .session_hop_group"),
        ):
            getattr(wire, how)(where)
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                peewee_store(wire.url).open()
            assert VERSIONS[-1] not in history_of(loaded)
            assert self._rows(loaded) == before
        opened(wire.url)
        assert history_of(loaded) == VERSIONS
        assert _without_expressions(schema_of(loaded)) == _without_expressions(schema_of(url))
        assert self._rows(loaded) == before

    @staticmethod
    def _rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
        texts = {
            "identity_key": "SELECT id, app_id, secret, created_at, last_used_at, retires_at FROM identity_key",
            "contact": "SELECT id, workspace_id, created_at, updated_at, last_seen_at, created_by, identifiers, "
            "profile, merged_into, version FROM contact ORDER BY id",
            "session": "SELECT digest, workspace_id, app_id, visitor_id, created_at, seen_at, expires_at, contact_id, "
            "standing, claimed, proved, revoked_at, version FROM session ORDER BY digest",
        }
        return {table: list(once_asked(url, text)) for table, text in texts.items()}


def _without_expressions(schema: dict[str, list[tuple[Any, ...]]]) -> str:
    """Dumps say some of it in other words."""
    return re.sub(r"\s+|IF NOT EXISTS|[\"']", "", repr(schema))
