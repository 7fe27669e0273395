"""One file of settings, and what happens to a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hullo.errors import SettingsError
from hullo.hooks.entry_points import open_store
from hullo.model.limits import Limits
from hullo.settings import Settings, apply_environment, read_settings


def written(folder: Path, text: str) -> Path:
    path = folder / "hullo.toml"
    path.write_text(text, "utf-8")
    return path


def test_defaults_apply_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings(environment={}) == Settings()


def test_file_overrides_only_what_it_sets(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        store = "memory:"
        plugins = ["loyalty-card"]
        without = ["email"]
        [limits]
        custom_keys = 10
        non_identities = ["nobody"]
        [plugin.loyalty-card]
        prefix = "LC-"
        """,
    )
    settings = read_settings(path, environment={})
    assert (settings.store, settings.plugins, settings.without) == ("memory:", ("loyalty-card",), ("email",))
    assert (settings.limits.custom_keys, settings.limits.custom_keys_per_call) == (10, 100)
    assert settings.limits.non_identities == {"nobody"}
    assert settings.plugin == {"loyalty-card": {"prefix": "LC-"}}
    assert settings.prefix == "/hullo"


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, 'store = "memory:"')
    environment = {"HULLO_CONFIG": str(path), "HULLO_DB": "sqlite:///other.db"}
    assert read_settings(environment=environment).store == "sqlite:///other.db"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stor = 'memory:'", "unknown setting stor; did you mean store?"),
        ("[limits]\ncustom_key = 1", "unknown setting limits.custom_key"),
        ("wholly_unknown = 1", "there are store, prefix"),
        ("[limits]\ncustom_keys = 'many'", "custom_keys"),
        ("prefix = 'hullo/'", "prefix begins with /"),
        ("store = ", "cannot read"),
    ],
)
def test_wrong_setting_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(written(tmp_path, text), environment={})
    assert sentence in refused.value.detail


def test_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no settings file"):
        read_settings(tmp_path / "missing.toml", environment={})


@pytest.mark.parametrize("url", ["nonsense", "oracle://db", "", "sqlite"])
def test_unknown_store_is_refused_with_choices(url: str) -> None:
    with pytest.raises(SettingsError, match="installed are"):
        open_store(url)


@pytest.mark.parametrize("name", ["", "a b", "__proto__", "email", "custom_data", "user", "x" * 65])
def test_unsendable_attribute_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="signed_attributes"):
        Settings(limits=Limits(signed_attributes=(name,)))


def test_invalid_hop_parameter_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="hop_parameter"):
        Settings(hop_parameter="a b")


@pytest.mark.parametrize(("name", "field"), [("HULLO_DB", "store"), ("HULLO_REDIS", "redis"), ("HULLO_BUS", "bus")])
def test_secret_is_read_from_its_file(tmp_path: Path, name: str, field: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("redis://:pass@localhost/0\n")
    assert getattr(apply_environment({f"{name}_FILE": str(secret)}), field) == "redis://:pass@localhost/0"
    with pytest.raises(SettingsError, match=f"{name} and {name}_FILE are both set"):
        apply_environment({f"{name}_FILE": str(secret), name: "redis://localhost"})


def test_unusable_secret_file_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    with pytest.raises(SettingsError, match=r"HULLO_DB_FILE names .*empty, which is empty"):
        apply_environment({"HULLO_DB_FILE": str(empty)})
    with pytest.raises(SettingsError, match=r"HULLO_DB_FILE names .*none, which cannot be read: no such file"):
        apply_environment({"HULLO_DB_FILE": str(tmp_path / "none")})
