"""Which master keys are placeholders."""

from __future__ import annotations

import base64
import secrets
import string

import pytest

from hullo.model.master_key import find_weakness

SIGNS = string.ascii_letters + string.digits + string.punctuation

pytestmark = pytest.mark.rule("V4")


@pytest.mark.parametrize(
    "master_key",
    [
        "",
        "x",
        "changeme",
        "secret",
        "3f9c1b7e5a2d8046c9e1b3d5f7a0c2",
        "0" * 64,
        "ab" * 32,
        "deadbeef" * 8,
        "0123456789abcdef" * 4,
        "0123456789ABCDEF0123456789ABCDEF",
        "0123456789abcdefghijklmnopqrstuvwxyz",
        "zyxwvutsrqponmlkjihgfedcba9876543210",
        bytes(range(32)).hex(),
        bytes(range(32, 0, -1)).hex(),
        "00112233445566778899aabbccddeeff",
        "change-me-change-me-change-me-please-12345",
        "CHANGE_THIS_TO_A_LONG_RANDOM_STRING_1234567890",
        "my-super-secret-master-key-for-production",
        "password-password1-passw0rd-Password!",
        "this-is-an-example-key-do-not-use-it-ok",
        "your-256-bit-key-goes-here-vnp84yq9fh3",
        "test-" + "b7f3a9c1d5e8" * 3,
        "insecure-dev-key-9f8a7b6c5d4e3f2a1b0c",
        "placeholder-placeholder-placeholder-1",
        "replace_me_with_openssl_rand_hex_32!!",
        "$(openssl rand -hex 32)  # in a file that no shell reads",
        "${HULLO_MASTER_KEY_FROM_THE_VAULT_OF_SOMEBODY}",
        "<paste the output of openssl rand -hex 32>",
        "{{ vault_hullo_key_from_ansible_template }}",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
    ],
)
def test_common_weak_values_are_placeholders(master_key: str) -> None:
    assert find_weakness(master_key) is not None


def test_weakness_reason_quotes_nothing_of_the_key() -> None:
    for master_key in ("hunter2-hunter2-hunter2", "changeme", "0" * 64, "an-example-of-a-long-key-with-words-98"):
        reason = find_weakness(master_key)
        assert reason is not None
        assert not any(part in reason for part in (master_key, "hunter2", "changeme"))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: secrets.token_hex(32), id="openssl rand -hex 32"),
        pytest.param(lambda: secrets.token_hex(16), id="openssl rand -hex 16"),
        pytest.param(lambda: base64.b64encode(secrets.token_bytes(32)).decode(), id="openssl rand -base64 32"),
        pytest.param(lambda: secrets.token_urlsafe(32), id="secrets.token_urlsafe"),
        pytest.param(
            lambda: "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32)), id="pwgen -s 32"
        ),
        pytest.param(lambda: "k" + "".join(secrets.choice(SIGNS) for _ in range(40)), id="any sign"),
    ],
)
def test_randomly_generated_key_is_no_placeholder(make: object) -> None:
    assert callable(make)
    refused = [key for key in (str(make()) for _ in range(2000)) if find_weakness(key)]
    assert not refused


def test_placeholder_word_inside_longer_text_is_allowed() -> None:
    assert find_weakness("latestcontestfastest9f83kd72hs61bv05") is None
