"""The base of values: frozen, keyword-only, and silent about secrets."""

from __future__ import annotations

import importlib
import pkgutil
import re

import msgspec
import pytest

import hullo
import hullo_plugins
import hullo_stores
from hullo.value import Value

SECRET_NAMES = re.compile(r"(^|_)(token|secret|secrets|seed|salt|hash|hashes|password|master_keys|identity_key)$")
"""Names under which secrets are held."""

NO_SECRETS = {
    ("Proof", "single_use_token"),
    ("TokenClaims", "single_use_token"),
    ("NewWebhookSecretResponse", "secrets"),
    ("Webhook", "secrets"),
    ("WebhookResponse", "secrets"),
    ("_SecretRecord", "secrets"),
    ("_SecretRecord", "with_secrets"),
}
"""Fields of such names that hold no secret: digests, functions, and values that hide their own."""


class Credential(Value, secrets=("secret",)):
    """A value with a secret."""

    id: str
    secret: str


class LongLivedCredential(Credential):
    """A value that inherits a secret."""

    expires_at: int


def every_value() -> set[type[Value]]:
    for package in (hullo, hullo_plugins, hullo_stores):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, pending = set[type[Value]](), [Value]
    while pending:
        subclasses = pending.pop().__subclasses__()
        found.update(subclasses)
        pending.extend(subclasses)
    return {value for value in found if value.__module__.startswith("hullo")}


def test_value_is_frozen_and_keyword_only() -> None:
    value = Credential(id="key_1", secret="s3cret")
    with pytest.raises(AttributeError):
        value.id = "key_2"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Credential("key_1", "s3cret")  # type: ignore[call-arg]
    assert msgspec.structs.replace(value, id="key_2") == Credential(id="key_2", secret="s3cret")


@pytest.mark.parametrize(
    "value",
    [Credential(id="key_1", secret="s3cret"), LongLivedCredential(id="key_1", secret="s3cret", expires_at=1)],
)
def test_repr_hides_secrets_of_value(value: Credential) -> None:
    assert "key_1" in repr(value)
    assert "s3cret" not in repr(value)
    assert "s3cret" not in repr(list(value.__rich_repr__()))


def test_every_secret_field_is_hidden() -> None:
    shown = {
        (value.__name__, name)
        for value in every_value()
        for name in value.__struct_fields__
        if SECRET_NAMES.search(name) and name not in value.__secrets__
    }
    assert shown <= NO_SECRETS, f"repr shows {sorted(shown - NO_SECRETS)}"
