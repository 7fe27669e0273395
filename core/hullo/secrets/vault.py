"""Sealing of secrets in the database, so that a copy of it signs nothing: identity keys (V4) and others.

`reseal.py` decides when stored secrets are sealed.
"""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hullo.errors import SettingsError
from hullo.model.app import App
from hullo.model.master_key import find_weakness

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_log = logging.getLogger("hullo.keys")

SecretTransform = Callable[[str, str, str], str]
"""Function of a secret, such as `Vault.open`: takes its owner's id, its own id, and its text."""

ENVIRONMENT_VARIABLE: Final = "HULLO_MASTER_KEY"
SEALED_PREFIX: Final = "sealed:"
FORMAT_PREFIX: Final = "sealed:1:"
"""AES-256-GCM under a key derived by HKDF-SHA256 (RFC 5869) from the text of the master key. In base64url: the nonce,
then the ciphertext. The ids of the secret and its owner are the associated data."""
HKDF_INFO: Final = b"hullo identity key, format 1"
"""Fixed for all secrets, although identity keys were the first: the associated data separates them."""
NONCE_BYTES: Final = 12


class Vault:
    """Seals under the first master key, and opens secrets sealed under any of them.

    Without master keys secrets stay plain, and no sealed one opens. Safe to use from several threads. Needs
    `cryptography` from its first use on, if there is a master key.
    """

    def __init__(self, master_keys: Sequence[str] = ()) -> None:
        # A copy: ciphers are cached, and must not differ from the keys.
        self._master_keys = tuple(master_keys)

    @property
    def has_master_key(self) -> bool:
        """Return whether there is a master key."""
        return bool(self._master_keys)

    def check(self, *, development: bool = False) -> None:
        """Validate the master keys. Raises `SettingsError` for a placeholder, and when `cryptography` is missing.

        In development a placeholder only logs a warning.
        """
        for number, master_key in enumerate(self._master_keys, start=1):
            reason = find_weakness(master_key)
            if reason is None:
                continue
            # The key is named by its number: its text must not reach a log or an error (P4).
            which = ENVIRONMENT_VARIABLE if len(self._master_keys) == 1 else f"key {number} of {ENVIRONMENT_VARIABLE}"
            if not development:
                raise SettingsError(
                    f"{which} is a placeholder: it {reason}. Make a real one with 'openssl rand -hex 32', or set "
                    "HULLO_DEVELOPMENT=1 where nothing is real"
                )
            _log.warning("%s is a placeholder: it %s. Good enough for development, and for nothing else", which, reason)
        # Derived now, so that a missing package stops the start and not the first request.
        _ = self._ciphers

    def seal(self, owner_id: str, secret_id: str, text: str) -> str:
        """Seal a secret for storage. Bound to its own id and its owner's: moved to another row it does not open."""
        if not self.has_master_key:
            return text
        # Random for each secret: with GCM a repeated nonce under one key reveals both texts and forges others.
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._ciphers[0].encrypt(nonce, text.encode(), _associated_data(owner_id, secret_id))
        return _encode_sealed(sealed)

    def open(self, owner_id: str, secret_id: str, text: str) -> str:
        """Open a stored secret. Raises `SettingsError` when no master key opens it."""
        # Secrets from before the master key are plain, and work until the next start seals them.
        if not _is_sealed(text):
            return text
        if not self.has_master_key:
            raise SettingsError(
                f"the secrets in this database are sealed: set {ENVIRONMENT_VARIABLE} to the master key that they "
                "were sealed under"
            )
        row = _associated_data(owner_id, secret_id)
        # Text does not name its key: all are tried, and GCM's tag tells which one is right.
        for cipher in self._ciphers:
            secret = _decrypt(cipher, row, text)
            if secret is not None:
                return secret
        raise SettingsError(
            f"{ENVIRONMENT_VARIABLE} does not open {secret_id} of {owner_id}, which was sealed under another master "
            "key; add that "
            "one behind the new one, with a comma between them"
        )

    def reseal(self, owner_id: str, secret_id: str, text: str) -> str:
        """Seal a stored secret with the first master key, unless it is already.

        Raises `SettingsError` for a secret that no master key opens.
        """
        # Empty is no secret: a public key has none, an old workspace has no salt yet.
        if not text or not self.has_master_key:
            return text
        # Each seal has a new nonce, so a seal of the newest key is kept, or every start would rewrite all rows.
        if _is_sealed(text) and _decrypt(self._ciphers[0], _associated_data(owner_id, secret_id), text) is not None:
            return text
        return self.seal(owner_id, secret_id, self.open(owner_id, secret_id, text))

    def open_app(self, app: App) -> App:
        """Open all secrets of the app. Raises `SettingsError` for one that no master key opens."""
        # The common app without a master key is not copied.
        if not any(_is_sealed(key.secret) for key in app.identity_keys):
            return app
        return map_identity_key_secrets(app, self.open)

    def reseal_app(self, app: App) -> App:
        """Seal all secrets of the app with the first master key, unless they are already.

        Raises `SettingsError` for a secret that no master key opens.
        """
        return map_identity_key_secrets(app, self.reseal)

    @cached_property
    def _ciphers(self) -> tuple[AESGCM, ...]:
        """Build the ciphers. Raises `SettingsError` without `cryptography`."""
        # No lock: two threads at worst derive the same keys twice.
        if not self._master_keys:
            return ()
        try:
            # Here and not above: `cryptography` is an optional extra.
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF
        except ImportError as error:
            raise SettingsError(
                f"{ENVIRONMENT_VARIABLE} needs one more package: pip install 'hullo[crypto]'"
            ) from error
        return tuple(
            # Python reads environment bytes that are no UTF-8 as lone surrogates; they are valid in a key.
            AESGCM(
                # HKDF only spreads entropy and does not slow guessing: `check` refuses weak master keys instead.
                HKDF(algorithm=SHA256(), length=32, salt=None, info=HKDF_INFO).derive(
                    master_key.encode("utf-8", "surrogatepass")
                )
            )
            for master_key in self._master_keys
        )


def map_identity_key_secrets(app: App, transform: SecretTransform) -> App:
    """Apply a transform to the secrets of the app's keys."""
    keys = (replace(key, secret=transform(key.app_id, key.id, key.secret)) for key in app.identity_keys)
    return replace(app, identity_keys=tuple(keys))


def _is_sealed(text: str) -> bool:
    # By the prefix without the format: a later format must fail to open, not pass as plain text.
    return text.startswith(SEALED_PREFIX)


def _decrypt(cipher: AESGCM, row: bytes, text: str) -> str | None:
    from cryptography.exceptions import InvalidTag

    sealed = _decode_sealed(text)
    if sealed is None:
        return None
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row).decode()
    # Another master key, another row, or a changed text: GCM cannot tell which.
    except InvalidTag:
        return None


def _associated_data(owner_id: str, secret_id: str) -> bytes:
    # With the length: without it, two pairs of ids could give the same bytes.
    return f"{len(owner_id)}:{owner_id}{secret_id}".encode()


def _encode_sealed(sealed: bytes) -> str:
    return FORMAT_PREFIX + base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _decode_sealed(text: str) -> bytes | None:
    body = text.removeprefix(FORMAT_PREFIX)
    try:
        sealed = base64.b64decode(body + "=" * (-len(body) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # The last base64 character has unused bits: only our own encoding is accepted, so no sealed text has two forms.
    return sealed if _encode_sealed(sealed) == text and len(sealed) > NONCE_BYTES else None
