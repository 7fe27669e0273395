"""What the Peewee store says when a server fails, what it leaves behind, and that it heals by itself."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from behind import ask, connected, once_asked
from hullo import Hullo, IdentityMiddleware
from hullo.background.worker import BackgroundWorker
from hullo.errors import StoreUnavailable
from hullo.hooks.entry_points import open_store
from hullo.model.change_set import ChangeSet, insertion, replacement
from hullo.model.snapshot import SnapshotQuery
from hullo.store.protocol import APPLIED, StoreConflict
from hullo.testing.builders import (
    WORKSPACE,
    a_contact,
    a_conversation,
    a_message,
    a_session,
    a_workspace,
)
from hullo_stores.peewee.store import PeeweeStore
from servers.fixtures import Kind, require, require_private
from servers.private import PATIENCE, free_port
from servers.wire import Wire
from stores.wired import engine_of, peewee_store
from world import World

LOST = "cannot be reached; it may be starting or failing over, and if this lasts check the store's URL"


@pytest.fixture
def store(wire: Wire) -> Iterator[PeeweeStore]:
    with opened(wire.url) as store:
        yield store


@contextmanager
def opened(url: str) -> Iterator[PeeweeStore]:
    store = peewee_store(url)
    store.open()
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done beside the calls: the next commit is theirs."""
    monkeypatch.setattr(BackgroundWorker, "wake", lambda rounds: None)


@pytest.fixture
def world(quiet: None, wire: Wire) -> Iterator[World]:
    world = World(open_store(wire.url))
    yield world
    world.hullo.close()


def ann() -> ChangeSet:
    contact = a_contact(external_id="ann")
    return ChangeSet(
        contacts=(insertion(contact),),
        sessions=(insertion(a_session(contact_id=contact.id)),),
        conversations=(insertion(a_conversation(contact_id=contact.id)),),
        messages=(a_message(),),
    )


CALLS: dict[str, Callable[[PeeweeStore], object]] = {
    "load": lambda store: store.load([SnapshotQuery(workspace_id=WORKSPACE, app_id=None, contacts=("con_1",))]),
    "apply": lambda store: store.apply([ann()]),
    "apply a group": lambda store: store.apply([ann(), ChangeSet(workspaces=(insertion(a_workspace()),))]),
    "read one thing": lambda store: store.find_session("nobody's"),
    "read several": lambda store: store.list_apps(),
    "check": lambda store: store.check(),
    "lock": lambda store: locking(store),
}


def locking(store: PeeweeStore) -> None:
    with store.locking():
        CALLS["load"](store)
        store.apply([ann()])


def rows_in(url: str) -> int:
    """Of what `ann` writes."""
    tables = ("contact", "identifier", "session", "conversation", "message")
    return sum(once_asked(url, f"SELECT COUNT(*) FROM {table}")[0][0] for table in tables)


@pytest.mark.parametrize("call", CALLS)
class TestALostConnection:
    def test_idle_connection_loss_is_not_noticed(self, store: PeeweeStore, wire: Wire, call: str):
        wire.cut()
        wire.mend()
        CALLS[call](store)

    def test_lost_connection_is_reported_and_next_works(self, store: PeeweeStore, wire: Wire, call: str):
        wire.cut()
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=LOST):
                CALLS[call](store)
        wire.mend()
        CALLS[call](store)

    @pytest.mark.parametrize("how", ["break_before", "break_after"])
    def test_loss_during_first_statement_is_reported(
        self, store: PeeweeStore, wire: Wire, url: str, call: str, how: str
    ):
        getattr(wire, how)("")  # its very first statement
        with pytest.raises(StoreUnavailable, match=LOST):
            CALLS[call](store)
        assert rows_in(url) == 0
        CALLS[call](store)


CONNECTION = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
LIVING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE pid IN {}",
    "mysql": "SELECT COUNT(*) FROM information_schema.processlist WHERE id IN {}",
}


def connection_of(store: PeeweeStore, kind: Kind) -> int:
    """The server's own number for the connection that is used next."""
    with engine_of(store).autocommit_connection() as asked:
        ((number,),) = asked.rows(CONNECTION[kind])
    return int(number)


def wait_until_gone(url: str, kind: Kind, connections: tuple[int, int]) -> None:
    deadline = time.monotonic() + PATIENCE
    with closing(connected(url)) as watch:
        while ask(watch, LIVING[kind].format(connections)) != [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_lost_connection_drops_the_idle_ones(store: PeeweeStore, wire: Wire, url: str, kind: Kind):
    """They lead to the same server, which is gone, or no longer the one to write to."""
    with engine_of(store).autocommit_connection() as held, ThreadPoolExecutor(1) as elsewhere:
        two = (elsewhere.submit(connection_of, store, kind).result(), int(held.rows(CONNECTION[kind])[0][0]))
    assert once_asked(url, LIVING[kind].format(two)) == [(2,)]
    wire.break_before("SELECT")
    with pytest.raises(StoreUnavailable, match=LOST):
        store.list_workspaces()
    wait_until_gone(url, kind, two)
    store.list_workspaces()


def test_closed_store_leaves_no_connection(store: PeeweeStore, url: str, kind: Kind):
    with engine_of(store).autocommit_connection() as held, ThreadPoolExecutor(1) as elsewhere:
        two = (elsewhere.submit(connection_of, store, kind).result(), int(held.rows(CONNECTION[kind])[0][0]))
        store.close()
        assert held.rows(CONNECTION[kind]) == [(two[1],)]
    wait_until_gone(url, kind, two)


class TestABrokenCommit:
    @pytest.mark.parametrize(
        "statement", ["BEGIN", 'INSERT INTO "contact"', 'INSERT INTO "session"', 'INSERT INTO "message"', "^COMMIT"]
    )
    def test_commit_lost_before_server_leaves_nothing(self, store: PeeweeStore, wire: Wire, url: str, statement: str):
        wire.break_before(statement)
        with pytest.raises(StoreUnavailable, match=LOST):
            store.apply([ann()])
        assert rows_in(url) == 0
        assert store.apply([ann()]) == (APPLIED,)

    @pytest.mark.parametrize("group", [1, 5])
    def test_commit_lost_after_server_is_stored(self, store: PeeweeStore, wire: Wire, url: str, group: int):
        others = [ChangeSet(workspaces=(insertion(a_workspace(f"ws_{number}")),)) for number in range(1, group)]
        wire.break_after("^COMMIT")
        with pytest.raises(StoreUnavailable, match=LOST):
            store.apply([ann(), *others])
        assert rows_in(url) == 5
        assert [type(result) for result in store.apply([ann(), *others])] == [StoreConflict] * group

    @pytest.mark.rule("R3")
    @pytest.mark.parametrize(("how", "kept"), [("break_before", 0), ("break_after", 1)])
    def test_broken_commit_is_retried_without_double_write(self, world: World, wire: Wire, how: str, kept: int):
        browser = world.visitor()
        browser.join()
        browser.say()
        getattr(wire, how)("^COMMIT")
        with pytest.raises(StoreUnavailable):
            browser.identify(external_id="ann", name="Ann", custom_data={"plan": "pro"})
        assert len(world.contacts()) == kept
        outcome = browser.identify(external_id="ann", name="Ann", custom_data={"plan": "pro"})
        assert browser.wrote.is_empty is bool(kept)
        assert [contact.id for contact in world.contacts()] == [outcome.contact_id]
        assert world.contact(outcome.contact_id).version == 0
        assert world.custom_data(outcome.contact_id) == {"plan": "pro"}
        assert [conversation.contact_id for conversation in browser.conversations()] == [outcome.contact_id]


class TestOverHttp:
    @pytest.fixture
    def hullo(self, quiet: None, wire: Wire) -> Iterator[Hullo]:
        with Hullo(wire.url) as hullo:
            yield hullo

    @pytest.fixture
    def client(self, hullo: Hullo) -> TestClient:
        return TestClient(IdentityMiddleware(None, hullo))

    def test_lost_connection_is_503_with_retry_after(
        self, hullo: Hullo, client: TestClient, wire: Wire, caplog: pytest.LogCaptureFixture
    ):
        said = {"app_key": hullo.create_app("Shop").app_key, "email": "ann@shop.example"}
        assert client.post("/hullo/v1/identify", json=said).status_code == 200
        wire.cut()
        for answer in (
            client.post("/hullo/v1/identify", json=said),
            client.post("/hullo/v1/join", json={"app_key": said["app_key"]}),
            client.get("/hullo/readyz"),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["code"] == "unavailable"
            assert LOST not in answer.text
        assert [told for told in caplog.messages if told.endswith(LOST)]
        assert client.get("/hullo/healthz").status_code == 200
        wire.mend()
        assert client.post("/hullo/v1/identify", json=said).status_code == 200
        assert client.get("/hullo/readyz").status_code == 200

    @pytest.mark.parametrize("how", ["break_before", "break_after"])
    def test_retry_with_same_key_gets_normal_answer(
        self, hullo: Hullo, client: TestClient, wire: Wire, url: str, how: str
    ):
        said = {"app_key": hullo.create_app("Shop").app_key, "email": "ann@shop.example"}
        getattr(wire, how)("^COMMIT")
        answers = [client.post("/hullo/v1/identify", json=said, headers={"idempotency-key": "k1"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [503, 200, 200]
        assert answers[1].content == answers[2].content
        assert once_asked(url, "SELECT COUNT(*) FROM session") == [(1,)]
        me = client.get("/hullo/v1/me", headers={"authorization": f"Bearer {answers[1].json()['session_token']}"})
        assert me.status_code == 200


class TestLimits:
    def test_slow_statement_is_ended(self, url: str, kind: Kind):
        forever = {"postgresql": "SELECT pg_sleep(30)", "mysql": "SELECT SLEEP(30)"}[kind]
        with opened(f"{url}?statement_timeout_ms=50") as store:
            for how in ("autocommit_connection", "write_transaction"):
                with pytest.raises(StoreUnavailable, match="took too long"), getattr(engine_of(store), how)() as some:
                    some.rows(forever)
            assert store.list_apps() == ()

    def test_slow_lock_wait_is_ended(self, url: str):
        with opened(f"{url}?lock_timeout_ms=100") as store, closing(connected(url)) as other:
            assert store.apply([ann()]) == (APPLIED,)
            contact = store.find_contact(WORKSPACE, "con_1")
            assert contact is not None
            change = ChangeSet(contacts=(replacement(contact, contact),))
            ask(other, "BEGIN")
            ask(other, "UPDATE contact SET updated_at = 0")
            with pytest.raises(StoreUnavailable, match="waited too long for a lock"):
                store.apply([change])
            with pytest.raises(StoreUnavailable, match="waited too long for a lock"):
                locking(store)
            ask(other, "ROLLBACK")
            assert store.apply([change]) == (APPLIED,)

    def test_exhausted_pool_is_reported(self, url: str, kind: Kind, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(f"hullo_stores.peewee.engines.{kind}.POOL_TIMEOUT", 0.05)
        with opened(f"{url}?pool=1") as store, ThreadPoolExecutor(1) as elsewhere:
            refused = pytest.raises(StoreUnavailable, match="all 1 connections to the database are busy")
            with engine_of(store).autocommit_connection(), refused:
                elsewhere.submit(store.list_apps).result()
            assert elsewhere.submit(store.list_apps).result() == ()

    def test_call_waits_while_connections_are_busy(self, url: str):
        with opened(f"{url}?pool=1") as store, ThreadPoolExecutor(3) as elsewhere:
            with engine_of(store).autocommit_connection():
                waiting = [elsewhere.submit(store.list_apps) for _ in range(3)]
            assert [future.result(PATIENCE) for future in waiting] == [()] * 3

    def test_connect_failure_costs_no_pool_slot(
        self, url: str, kind: Kind, monkeypatch: pytest.MonkeyPatch, wire: Wire
    ):
        monkeypatch.setattr(f"hullo_stores.peewee.engines.{kind}.POOL_TIMEOUT", 0.05)
        with opened(f"{wire.url}?pool=2") as store:
            for _ in range(5):
                wire.cut()
                wire.mend()
                wire.break_before("")  # what sets a connection up, else what is asked on it
                with pytest.raises(StoreUnavailable, match=LOST):
                    store.list_apps()
            assert store.list_apps() == ()


BLOCKED = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mysql": "SELECT COUNT(*) FROM information_schema.innodb_trx "
    "JOIN information_schema.processlist ON id = trx_mysql_thread_id "
    "WHERE db = DATABASE() AND trx_state = 'LOCK WAIT'",
}


class TestADeadlock:
    """The store has a contact and wants a session, somebody else has the session and wants the contact."""

    @pytest.mark.parametrize("savepoints", [False, True], ids=["at once", "with savepoints"])
    def test_deadlock_is_a_conflict_for_the_group(
        self, store: PeeweeStore, wire: Wire, url: str, kind: Kind, savepoints: bool
    ):
        workspace = ChangeSet(workspaces=(insertion(a_workspace()),))
        assert store.apply([ann(), workspace]) == (APPLIED, APPLIED)
        contact, session = store.find_contact(WORKSPACE, "con_1"), store.find_session(a_session().digest)
        assert contact is not None
        assert session is not None
        group = [
            ChangeSet(contacts=(replacement(contact, contact),)),
            ChangeSet(sessions=(replacement(session, session),)),
            ChangeSet(workspaces=(insertion(a_workspace("ws_2")),)),
        ]
        if savepoints:  # one that is refused at once, so that the others are written part by part
            group.insert(0, workspace)
        verdicts = self._deadlocked(url, kind, lambda: store.apply(group))
        assert verdicts == (StoreConflict("deadlock"),) * len(group)
        assert store.find_contact(WORKSPACE, "con_1") == contact
        wire.reset()
        assert store.apply(group[-3:]) == (APPLIED,) * 3
        assert wire.texts[0].startswith("BEGIN")  # on the very connection

    def test_same_rows_cause_no_deadlock(self, store: PeeweeStore, url: str, kind: Kind):
        """All of them ask in one order, whatever the order of their units: who waits for the first holds no other."""
        people = [a_contact(f"con_{number}", external_id=f"user {number}") for number in range(5)]
        assert set(store.apply([ChangeSet(contacts=(insertion(person),)) for person in people])) == {APPLIED}
        group = [ChangeSet(contacts=(replacement(person, person),)) for person in reversed(people)]
        with closing(connected(url)) as other, closing(connected(url)) as watch, ThreadPoolExecutor(1) as elsewhere:
            ask(other, "BEGIN")
            ask(other, "UPDATE contact SET updated_at = updated_at + 1 WHERE id = 'con_0'")
            applying = elsewhere.submit(store.apply, group)
            self._wait_until_blocked(watch, kind, applying)
            ask(watch, "BEGIN")
            for person in people[1:]:
                assert ask(watch, f"SELECT id FROM contact WHERE id = '{person.id}' FOR UPDATE NOWAIT") == [
                    (person.id,)
                ]
            ask(watch, "ROLLBACK")
            ask(other, "ROLLBACK")
            assert set(applying.result(PATIENCE)) == {APPLIED}

    @staticmethod
    def _wait_until_blocked(watch: Any, kind: Kind, applying: Future[Any]) -> None:
        while ask(watch, BLOCKED[kind]) != [(1,)]:
            assert not applying.done(), applying.result()
            time.sleep(0.12)  # MariaDB makes up its tables of locks anew when nobody has looked for 0.1 s

    @classmethod
    def _deadlocked(cls, url: str, kind: Kind, apply: Callable[[], Sequence[object]]) -> Sequence[object]:
        """The server chooses who gives up: the one with fewer changes, or who has waited for a second."""
        with closing(connected(url)) as other, closing(connected(url)) as watch, ThreadPoolExecutor(1) as elsewhere:
            ask(other, "BEGIN")
            for number in range(50):
                ask(other, f"INSERT INTO visitor VALUES ('vis {number}', 'app_1', 0)")
            ask(other, "UPDATE session SET seen_at = seen_at + 1")
            applying: Future[Sequence[object]] = elsewhere.submit(apply)
            cls._wait_until_blocked(watch, kind, applying)
            ask(other, "UPDATE contact SET updated_at = updated_at + 1")
            ask(other, "ROLLBACK")
            return applying.result(PATIENCE)


class TestSentences:
    """What to do, and never with which password."""

    @pytest.fixture
    def fresh(self, kind: Kind) -> Iterator[str]:
        server = require(kind)
        url = server.new_database()
        yield url
        server.drop(url)

    def test_missing_database_is_reported(self, kind: Kind, url: str):
        self._refused(f"{url}_not", "the database does not exist; create it, or correct the store's URL")

    def test_closed_port_is_reported(self, kind: Kind):
        self._refused(f"{kind}://shop:s3cret@127.0.0.1:{free_port()}/hullo", LOST)

    def test_unknown_host_is_reported(self, kind: Kind):
        self._refused(f"{kind}://shop:s3cret@nowhere.invalid/hullo", LOST)

    def test_unknown_user_is_reported(self, kind: Kind, url: str):
        parts = urlsplit(url)
        where = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        self._refused(f"{kind}://nobody_here:s3cret@{where}{parts.path}", "check user, password and rights")

    def test_missing_schema_is_reported(self, fresh: str):
        with opened(fresh) as store:
            once_asked(fresh, "ALTER TABLE app RENAME TO application")
            with pytest.raises(StoreUnavailable, match="lacks tables or columns; run 'hullo migrate'"):
                store.list_apps()
            once_asked(fresh, "DELETE FROM hullo_migration")
            with pytest.raises(StoreUnavailable, match=r"lacks 0001_first, 0002_verification, .*; run 'hullo migrate'"):
                store.check()
            once_asked(fresh, "DROP TABLE hullo_migration")
            with pytest.raises(StoreUnavailable, match="lacks tables or columns; run 'hullo migrate'"):
                store.check()

    @staticmethod
    def _refused(url: str, sentence: str) -> None:
        store = open_store(url)
        for _ in range(2):
            with pytest.raises(StoreUnavailable) as refused:
                store.open()
            assert sentence in refused.value.detail
            assert "s3cret" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.slow
class TestAServerOfItsOwn:
    """What nobody may do to one that all tests share."""

    @pytest.fixture(scope="class", params=["postgresql", "mysql"])
    @classmethod
    def server(cls, request: pytest.FixtureRequest) -> Iterator[Any]:
        with require_private(request.param) as server:
            with opened(server.url):
                pass
            for text in USERS[request.param]:
                once_asked(server.url, text)
            if request.param == "postgresql":
                rules = Path(server.folder) / "data" / "pg_hba.conf"
                rules.write_text(f"host all shop,busy all scram-sha-256\n{rules.read_text()}")
                once_asked(server.url, "SELECT pg_reload_conf()")
            yield server

    @pytest.mark.parametrize("end", ["stop", "kill"])
    def test_lost_server_is_reported_and_return_noticed(self, server: Any, end: str):
        with opened(server.url) as store:
            store.apply([ann()])
            before = rows_in(server.url)
            getattr(server, end)()
            try:
                for call in CALLS.values():
                    with pytest.raises(StoreUnavailable, match=LOST):
                        call(store)
            finally:
                server.start()
            for call in CALLS.values():
                call(store)
            assert rows_in(server.url) == before == 5

    def test_wrong_password_is_reported(self, server: Any):
        with opened(self._as(server, "shop:s3cret")) as store:
            store.check()
        for who in ("shop:wr0ng", "shop"):
            with pytest.raises(StoreUnavailable, match="check user, password and rights") as refused:
                open_store(self._as(server, who)).open()
            assert "wr0ng" not in "".join(traceback.format_exception(refused.value))

    def test_changed_password_refuses_only_new_connections(self, server: Any):
        """Connections that are there go on; a new one is refused with a sentence."""
        with opened(self._as(server, "shop:s3cret")) as store, ThreadPoolExecutor(1) as elsewhere:
            once_asked(server.url, "ALTER USER shop " + self._password(server, "other"))
            try:
                store.list_apps()
                with (
                    engine_of(store).autocommit_connection(),
                    pytest.raises(StoreUnavailable, match="check user, password and rights"),
                ):
                    elsewhere.submit(store.list_apps).result()
            finally:
                once_asked(server.url, "ALTER USER shop " + self._password(server, "s3cret"))

    def test_full_server_is_reported(self, server: Any):
        url = self._as(server, "busy:s3cret")
        with opened(url), pytest.raises(StoreUnavailable, match="its connections are used up"):
            open_store(url).open()

    def test_standby_is_read_only(self, server: Any):
        if server.url.startswith("postgresql"):
            only_read = partial("ALTER ROLE shop SET default_transaction_read_only = {}".format)
        else:
            only_read = partial("SET GLOBAL read_only = {}".format)
        once_asked(server.url, only_read("on"))
        try:
            with opened(self._as(server, "shop:s3cret")) as store:
                store.list_apps()
                for write in (store.check, lambda: store.apply([ChangeSet(workspaces=(insertion(a_workspace()),))])):
                    with pytest.raises(StoreUnavailable, match="may only be read; it may be a standby"):
                        write()
                once_asked(server.url, only_read("off"))
                store.check()
        finally:
            once_asked(server.url, only_read("off"))

    @staticmethod
    def _password(server: Any, password: str) -> str:
        return f"PASSWORD '{password}'" if server.url.startswith("postgresql") else f"IDENTIFIED BY '{password}'"

    @staticmethod
    def _as(server: Any, who: str) -> str:
        parts = urlsplit(server.url)
        return f"{parts.scheme}://{who}@127.0.0.1:{server.port}{parts.path}"


USERS = {
    "postgresql": (
        "CREATE ROLE shop LOGIN SUPERUSER PASSWORD 's3cret'",
        "CREATE ROLE busy LOGIN PASSWORD 's3cret' CONNECTION LIMIT 1",
        "GRANT SELECT ON hullo_migration TO busy",
    ),
    "mysql": (
        "CREATE USER shop IDENTIFIED BY 's3cret'",
        "CREATE USER busy IDENTIFIED BY 's3cret' WITH MAX_USER_CONNECTIONS 1",
        "GRANT ALL ON test.* TO shop, busy",
        "DELETE FROM mysql.global_priv WHERE user = ''",
        "FLUSH PRIVILEGES",
    ),
}
