"""One file of settings, and what happens to a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hullo.errors import SettingsError
from hullo.hooks.entry_points import open_store
from hullo.model.limits import Limits
from hullo.settings import Settings, read_settings


def written(folder: Path, text: str) -> Path:
    path = folder / "hullo.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_everything_has_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings(environment={}) == Settings()


def test_a_file_says_what_it_says_and_leaves_the_rest(tmp_path: Path) -> None:
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


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
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
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(written(tmp_path, text), environment={})
    assert sentence in refused.value.detail


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no settings file"):
        read_settings(tmp_path / "missing.toml", environment={})


@pytest.mark.parametrize("url", ["nonsense", "oracle://db", "", "sqlite"])
def test_a_store_that_nobody_offers_is_refused_with_those_that_are(url: str) -> None:
    with pytest.raises(SettingsError, match="installed are"):
        open_store(url)


@pytest.mark.parametrize("name", ["", "a b", "__proto__", "email", "custom_data", "user", "x" * 65])
def test_an_attribute_that_could_not_be_sent_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="signed_attributes"):
        Settings(limits=Limits(signed_attributes=(name,)))


def test_a_parameter_that_could_not_be_in_an_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="hop_parameter"):
        Settings(hop_parameter="a b")
