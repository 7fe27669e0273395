"""Identity keys in the database: sealed under the master key, and opened by nobody without it (V4)."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullo.application import Hullo
from hullo.errors import ProofRejected, SettingsError, StoreUnavailable, TooContended
from hullo.hooks.entry_points import open_store
from hullo.model.app import App, IdentityKey
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.standing import Standing
from hullo.model.user_hash import user_hash
from hullo.secrets.reseal import reseal_stored
from hullo.secrets.vault import FORMAT_PREFIX, Vault
from hullo.settings import Settings
from hullo.store.copying import copy_store
from hullo.store.maintenance import SupportsCopy
from hullo.store.protocol import Store
from hullo.testing.builders import an_app, an_identity_key
from world import World

pytestmark = pytest.mark.rule("V4")

PATIENCE = 60.0
"""Seconds."""
OLD, NEW = (secrets.token_hex(32) for _ in range(2))
APP_ID, KEY_ID = "app_1", "ik_1"


def a_key(secret: str, *, key_id: str = KEY_ID, app_id: str = APP_ID) -> IdentityKey:
    return replace(an_identity_key(key_id, app_id=app_id), secret=secret)


def opened(vault: Vault, secret: str, **row: str) -> str:
    """What the vault makes of a stored secret."""
    key = a_key(secret, **row)
    [found] = vault.open_app(an_app(key.app_id, identity_keys=(key,))).identity_keys
    return found.secret


def sealing(*master_keys: str, **more: Any) -> dict[str, Any]:
    """The options of a hullo with these master keys."""
    return {"settings": Settings(master_keys=master_keys, **more)}


class TestSealing:
    @given(st.text(), st.text(), st.text())
    def test_sealed_text_opens_unchanged(self, secret: str, app_id: str, key_id: str) -> None:
        sealed = Vault([NEW]).seal(app_id, key_id, secret)
        assert sealed.startswith(FORMAT_PREFIX)
        assert opened(Vault([OLD, NEW]), sealed, app_id=app_id, key_id=key_id) == secret

    @given(st.data())
    def test_altered_sealed_text_does_not_open(self, data: st.DataObject) -> None:
        sealed = Vault([NEW]).seal(APP_ID, KEY_ID, "hik_" + data.draw(st.text(max_size=20)))
        place = data.draw(st.integers(len("sealed:"), len(sealed) - 1))
        letter = data.draw(st.characters().filter(lambda each: each != sealed[place]))
        with pytest.raises(SettingsError):
            opened(Vault([NEW]), sealed[:place] + letter + sealed[place + 1 :])

    @given(st.text(st.sampled_from("AZaz09-_+/= \n:ü"), max_size=80))
    def test_nonsense_does_not_open(self, text: str) -> None:
        with pytest.raises(SettingsError):
            opened(Vault([NEW]), "sealed:" + text)

    def test_cut_or_extended_text_does_not_open(self) -> None:
        sealed = Vault([NEW]).seal(APP_ID, KEY_ID, "hik_1")
        for text in (*(sealed[:length] for length in range(len("sealed:"), len(sealed))), sealed + "A", sealed + "="):
            with pytest.raises(SettingsError):
                opened(Vault([NEW]), text)

    def test_secret_moved_to_another_row_stays_closed(self) -> None:
        vault = Vault([NEW])
        sealed = vault.seal("app_1", "ik_1", "hik_1")
        for row in (("app_2", "ik_1"), ("app_1", "ik_2"), ("app_1i", "k_1"), ("app_", "1ik_1")):
            with pytest.raises(SettingsError):
                opened(vault, sealed, app_id=row[0], key_id=row[1])

    def test_sealing_twice_gives_different_texts(self) -> None:
        vault = Vault([NEW])
        assert len({vault.seal(APP_ID, KEY_ID, "hik_1") for _ in range(100)}) == 100

    def test_every_master_key_opens_and_first_seals(self) -> None:
        sealed = Vault([OLD]).seal(APP_ID, KEY_ID, "hik_1")
        assert opened(Vault([NEW, OLD]), sealed) == "hik_1"
        anew = Vault([NEW, OLD]).reseal_app(an_app(identity_keys=(a_key(sealed),)))
        assert opened(Vault([NEW]), anew.identity_keys[0].secret) == "hik_1"
        with pytest.raises(SettingsError):
            opened(Vault([OLD]), anew.identity_keys[0].secret)

    def test_secret_under_first_key_stays_unchanged(self) -> None:
        app = an_app(identity_keys=(a_key(Vault([NEW]).seal(APP_ID, KEY_ID, "hik_1")),))
        assert Vault([NEW, OLD]).reseal_app(app) == app

    def test_public_key_has_nothing_to_seal(self) -> None:
        app = an_app(identity_keys=(replace(a_key(""), public_key="{}"),))
        assert Vault([NEW]).reseal_app(app) == app
        assert Vault([NEW]).open_app(app) is app

    def test_secrets_stay_plain_without_master_keys(self) -> None:
        app = an_app(identity_keys=(a_key("hik_1"), a_key("an old one of any form", key_id="ik_2")))
        assert Vault().seal(APP_ID, KEY_ID, "hik_1") == "hik_1"
        assert Vault().open_app(app) is app
        assert Vault().reseal_app(app) == app
        assert Vault([NEW]).open_app(app) is app

    def test_error_names_the_variable_and_no_secret(self) -> None:
        sealed = Vault([OLD]).seal(APP_ID, KEY_ID, "hik_very_secret")
        for vault in (Vault([NEW]), Vault()):
            with pytest.raises(SettingsError, match="HULLO_MASTER_KEY") as refused:
                opened(vault, sealed)
            assert not any(secret in refused.value.detail for secret in (OLD, NEW, "hik_very_secret", sealed))


class TestThePackage:
    @pytest.fixture(autouse=True)
    def without_cryptography(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "cryptography", None)

    def test_crypto_package_is_required_with_master_key(self) -> None:
        with pytest.raises(SettingsError, match=r"pip install 'hullo\[crypto\]'"):
            Hullo("memory:", **sealing(NEW)).open()

    def test_crypto_package_is_optional_without_master_key(self) -> None:
        with Hullo("memory:", **sealing()) as hullo:
            key = hullo.create_app("Shop").app_key
            assert hullo.user_hash(key, "jane")


class TestTheDirectory:
    def test_directory_returns_plain_while_store_keeps_sealed(self, store: Store) -> None:
        world = World(store, **sealing(NEW))
        [stored] = store.list_apps()[0].identity_keys
        assert stored.secret.startswith(FORMAT_PREFIX)
        assert world.app.identity_key.startswith("hik_")
        for find in (world.hullo.executor.apps.find, world.hullo.executor.apps.reload):
            [key] = find(world.app.app_key).identity_keys
            assert key.secret == world.app.identity_key

    def test_directory_opens_once_for_many_requests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(open_store("memory:"), **sealing(NEW))
        counted: list[App] = []
        plainly = Vault.open_app
        monkeypatch.setattr(Vault, "open_app", lambda vault, app: counted.append(app) or plainly(vault, app))
        signature = user_hash(world.app.identity_key, "jane")
        for _ in range(20):
            world.visitor().identify(external_id="jane", user_hash=signature)
        assert len(counted) <= 3

    def test_sealed_key_proves_unlike_its_stored_text(self, store: Store) -> None:
        world = World(store, **sealing(NEW))
        stored = store.list_apps()[0].identity_keys[0].secret
        signature = user_hash(world.app.identity_key, "jane")
        assert world.visitor().identify(external_id="jane", user_hash=signature).standing is Standing.PROVEN
        with pytest.raises(ProofRejected):
            world.visitor().identify(external_id="jane", user_hash=user_hash(stored, "jane"))
        assert world.sign("jane") == user_hash(world.app.identity_key, "jane")

    def test_dry_run_opens_sealed_keys_too(self) -> None:
        world = World(open_store("memory:"), **sealing(NEW))
        claim = {"external_id": "jane", "user_hash": user_hash(world.app.identity_key, "jane")}
        decision = world.hullo.identify(claim, app_key=world.app.app_key, dry_run=True)
        assert decision.result.standing is Standing.PROVEN


class TestTheRegister:
    def test_register_seals_new_secrets_and_keeps_old(self, store: Store) -> None:
        world = World(store, **sealing(NEW))
        first = stored_secrets(store)
        added = world.hullo.register.add_identity_key(world.app.app_key)
        assert added.secret.startswith("hik_")
        world.set_app(name="Renamed")
        world.hullo.register.retire_identity_key(world.app.app_key, world.app.identity_key_id)
        after = stored_secrets(store)
        assert after[world.app.identity_key_id] == first[world.app.identity_key_id]
        assert opened(Vault([NEW]), after[added.id], app_id=world.app.app_id, key_id=added.id) == added.secret
        assert world.sign("jane") == user_hash(added.secret, "jane")

    def test_repr_shows_no_secret(self) -> None:
        world = World(open_store("memory:"), **sealing(NEW))
        added = world.hullo.register.add_identity_key(world.app.app_key)
        api_key = world.hullo.create_api_key()
        app = world.hullo.executor.apps.reload(world.app.app_key)
        settings = world.hullo.settings
        shown = repr([world.app, added, api_key, app, settings, Vault([NEW]), world.hullo, world.hullo.register])
        for secret in (NEW, world.app.identity_key, added.secret, api_key.secret):
            assert secret not in shown


class TestOpening:
    def test_plain_stored_secrets_are_sealed_and_logged(self, store: Store, caplog: pytest.LogCaptureFixture) -> None:
        plain = World(store)
        added = plain.hullo.register.add_identity_key(plain.app.app_key)
        plain.hullo.close()
        with caplog.at_level(logging.INFO), Hullo(store, **sealing(NEW)) as hullo:
            secrets = stored_secrets(store)
            assert all(secret.startswith(FORMAT_PREFIX) for secret in secrets.values())
            assert caplog.messages.count("sealed 2 identity keys") == 1
            assert hullo.user_hash(plain.app.app_key, "jane") == user_hash(added.secret, "jane")
            assert plain.app.identity_key not in caplog.text
        caplog.clear()
        with caplog.at_level(logging.INFO), Hullo(store, **sealing(NEW)):
            assert stored_secrets(store) == secrets
            assert not caplog.messages

    def test_new_master_key_replaces_the_old_one(self, store: Store) -> None:
        world = World(store, **sealing(OLD))
        world.hullo.close()
        for master_keys in ([OLD, NEW], [NEW, OLD], [NEW]):
            with Hullo(store, **sealing(*master_keys)) as hullo:
                assert hullo.user_hash(world.app.app_key, "jane") == user_hash(world.app.identity_key, "jane")
        with pytest.raises(SettingsError):
            Hullo(store, **sealing(OLD)).open()

    @pytest.mark.parametrize("master_keys", [[], [NEW]], ids=["no master key", "a wrong one"])
    def test_wrong_master_key_refuses_and_writes_nothing(self, store: Store, master_keys: list[str]) -> None:
        world = World(store, **sealing(OLD))
        other = world.hullo.create_app("Other")
        make_plain(store, other.app_key, other.identity_key)
        before = store.list_apps()
        world.hullo.close()
        hullo = Hullo(store, **sealing(*master_keys))
        with pytest.raises(SettingsError, match="HULLO_MASTER_KEY") as refused:
            hullo.open()
        assert not hullo.is_open
        assert world.app.identity_key not in refused.value.detail
        store.open()
        assert store.list_apps() == before

    def test_failed_opening_closes_the_store(self, tmp_path: Path) -> None:
        store = open_store(f"sqlite:///{tmp_path}/hullo.db")
        with Hullo(store, **sealing(OLD)) as hullo:
            hullo.create_app("Shop")
        with pytest.raises(SettingsError):
            Hullo(store, **sealing(NEW)).open()
        with pytest.raises(StoreUnavailable):
            store.list_apps()

    def test_concurrent_write_survives_sealing(self) -> None:
        plain = World(open_store("memory:"))
        store = plain.hullo.store
        interrupted = Interrupting(store, lambda: plain.set_app(name="Renamed"))
        reseal_stored(interrupted, Vault([NEW]))  # type: ignore[arg-type]
        [app] = store.list_apps()
        assert app.name == "Renamed"
        assert app.identity_keys[0].secret.startswith(FORMAT_PREFIX)

    def test_concurrent_sealers_seal_an_app_once(self, caplog: pytest.LogCaptureFixture) -> None:
        plain = World(open_store("memory:"))
        store = plain.hullo.store
        with caplog.at_level(logging.INFO):
            reseal_stored(Interrupting(store, lambda: reseal_stored(store, Vault([NEW]))), Vault([NEW]))  # type: ignore[arg-type]
        assert caplog.messages == ["sealed 1 identity keys", "sealed 1 salts"]
        assert opened(
            Vault([NEW]),
            stored_secrets(store)[plain.app.identity_key_id],
            app_id=plain.app.app_id,
            key_id=plain.app.identity_key_id,
        )

    def test_deleted_app_is_skipped_while_sealing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = World(open_store("memory:"))
        store = plain.hullo.store
        monkeypatch.setattr(type(store), "find_app", lambda store, app_id: None)
        reseal_stored(Interrupting(store, lambda: plain_rename(store)), Vault([NEW]))  # type: ignore[arg-type]
        assert store.list_apps()[0].identity_keys[0].secret == plain.app.identity_key

    def test_sealing_gives_up_on_endless_changes(self) -> None:
        store = World(open_store("memory:")).hullo.store
        with pytest.raises(TooContended):
            reseal_stored(Interrupting(store, lambda: plain_rename(store), times=100), Vault([NEW]))  # type: ignore[arg-type]

    def test_concurrent_processes_seal_every_key_once(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/hullo.db"
        with Hullo(url, **sealing()) as hullo:
            made = [hullo.create_app(f"Shop {number}") for number in range(30)]
        children = [
            subprocess.Popen(
                [sys.executable, "-c", OPEN_WHEN_TOLD, url, *[app.app_key for app in made]],
                env={**os.environ, "HULLO_MASTER_KEY": NEW},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        told = []
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        for child in children:
            out, err = child.communicate(timeout=PATIENCE)
            assert child.returncode == 0, err
            told.append((out.splitlines(), err))
        expected = [user_hash(app.identity_key, "jane") for app in made]
        assert all(out == expected for out, _ in told)
        counts = [int(line.split()[1]) for _, err in told for line in err.splitlines() if "identity keys" in line]
        assert sum(counts) == 30


class TestTheFile:
    def test_database_file_holds_no_plain_secret(self, tmp_path: Path) -> None:
        path = tmp_path / "hullo.db"
        with Hullo(f"sqlite:///{path}", **sealing(NEW)) as hullo:
            app = hullo.create_app("Shop")
            added = hullo.register.add_identity_key(app.app_key)
            hullo.identify(
                {"external_id": "jane", "user_hash": hullo.user_hash(app.app_key, "jane")}, app_key=app.app_key
            )
            assert_nowhere(tmp_path, app.identity_key, added.secret, NEW)
        assert_nowhere(tmp_path, app.identity_key, added.secret, NEW)

    def test_database_file_holds_no_formerly_plain_secret(self, tmp_path: Path) -> None:
        path = tmp_path / "hullo.db"
        with Hullo(f"sqlite:///{path}", **sealing()) as hullo:
            made = [hullo.create_app(f"Shop {number}") for number in range(50)]
        assert made[0].identity_key.encode() in path.read_bytes()
        Hullo(f"sqlite:///{path}", **sealing(NEW)).open().close()
        assert_nowhere(tmp_path, *(app.identity_key for app in made))

    def test_copied_file_opens_with_same_master_key(self, tmp_path: Path) -> None:
        source, target = (f"sqlite:///{tmp_path}/{name}.db" for name in ("source", "target"))
        with Hullo(source, **sealing(NEW)) as hullo:
            app = hullo.create_app("Shop")
        old, new = open_store(source), open_store(target)
        assert isinstance(old, SupportsCopy)
        assert isinstance(new, SupportsCopy)
        copy_store(old, new)
        with pytest.raises(SettingsError):
            Hullo(target, **sealing()).open()
        with Hullo(target, **sealing(NEW)) as hullo:
            assert hullo.user_hash(app.app_key, "jane") == user_hash(app.identity_key, "jane")


class TestPlaceholders:
    def test_placeholder_is_refused_before_creating_files(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="openssl rand -hex 32") as refused:
            Hullo(f"sqlite:///{tmp_path}/hullo.db", **sealing("changeme")).open()
        assert "changeme" not in refused.value.detail
        assert list(tmp_path.iterdir()) == []

    def test_placeholder_behind_a_good_key_is_refused(self) -> None:
        with pytest.raises(SettingsError, match="key 2 of HULLO_MASTER_KEY is a placeholder"):
            Hullo("memory:", **sealing(NEW, "changeme")).open()

    def test_placeholder_in_development_logs_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        with Hullo("memory:", **sealing("changeme", development=True)) as hullo:
            made = hullo.create_app("Shop")
            assert stored_secrets(hullo.store)[made.identity_key_id].startswith(FORMAT_PREFIX)
        assert "HULLO_MASTER_KEY is a placeholder" in caplog.text
        assert "changeme" not in caplog.text


OPEN_WHEN_TOLD = """
import logging, sys
from hullo.application import Hullo
logging.basicConfig(level=logging.INFO, format="%(message)s")
hullo = Hullo(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
with hullo:
    for app_key in sys.argv[2:]:
        print(hullo.user_hash(app_key, "jane"))
"""


class Interrupting:
    """A store in which somebody else is quicker, just before the first writes."""

    def __init__(self, store: Store, act: Any, times: int = 1) -> None:
        self._store = store
        self._act = act
        self._times = times

    def apply(self, changes: Any) -> Any:
        self._times -= 1
        if self._times >= 0:
            self._act()
        return self._store.apply(changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def stored_secrets(store: Store) -> dict[str, str]:
    return {key.id: key.secret for app in store.list_apps() for key in app.identity_keys}


def plain_rename(store: Store) -> None:
    app = store.list_apps()[0]
    store.apply([ChangeSet(apps=(replacement(app, replace(app, name=f"{app.name}!")),))])


def make_plain(store: Store, app_key: str, secret: str) -> None:
    app = store.find_app(app_key)
    assert app is not None
    after = replace(app, identity_keys=(replace(app.identity_keys[0], secret=secret),))
    store.apply([ChangeSet(apps=(replacement(app, after),))])


def assert_nowhere(folder: Path, *texts: str) -> None:
    """In no file: neither in the database nor in its write-ahead log."""
    files = list(folder.iterdir())
    assert files
    for path in files:
        content = path.read_bytes()
        assert not [text for text in texts if text.encode() in content], path
