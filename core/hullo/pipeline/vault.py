"""Identity keys are sealed in the database, so that a copy of it signs for nobody (V4).

When what is stored is sealed stands in `sealing.py`.
"""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from hullo.errors import SettingsError
from hullo.model.app import App, IdentityKey
from hullo.model.master_key import weakness

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_log = logging.getLogger("hullo.keys")

VARIABLE: Final = "HULLO_MASTER_KEY"
SEALED: Final = "sealed:"
FORMAT: Final = "sealed:1:"
"""AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) makes of the master key's text, in base64url: the nonce, and
what the cipher gives. App and key are the associated data."""
INFO: Final = b"hullo identity key, format 1"
NONCE_BYTES: Final = 12


class Vault:
    """Seals under the first master key, and opens what was sealed under any.

    Without master keys everything is kept as it is, and nothing that is sealed opens. Safe to use from several
    threads. Needs `cryptography` from its first use on, and only where there is a master key.
    """

    def __init__(self, master_keys: Sequence[str] = ()) -> None:
        self._master_keys = tuple(master_keys)

    @property
    def seals(self) -> bool:
        """Whether there is a master key."""
        return bool(self._master_keys)

    def check(self, *, development: bool = False) -> None:
        """Raises `SettingsError` for a master key that is a placeholder, and when `cryptography` is missing.

        In development a placeholder is good enough for a warning.
        """
        for number, master_key in enumerate(self._master_keys, start=1):
            reason = weakness(master_key)
            if reason is None:
                continue
            which = VARIABLE if len(self._master_keys) == 1 else f"key {number} of {VARIABLE}"
            if not development:
                raise SettingsError(
                    f"{which} is a placeholder: it {reason}. Make a real one with 'openssl rand -hex 32', or set "
                    "HULLO_DEVELOPMENT=1 where nothing is real"
                )
            _log.warning("%s is a placeholder: it %s. Good enough for development, and for nothing else", which, reason)
        _ = self._ciphers

    def seal(self, app_id: str, key_id: str, secret: str) -> str:
        """The secret as it is to be stored, for this key of this app: moved to another row it does not open."""
        if not self.seals:
            return secret
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._ciphers[0].encrypt(nonce, secret.encode(), _row(app_id, key_id))
        return _written(sealed)

    def opened(self, app: App) -> App:
        """The app with plain secrets. Raises `SettingsError` for one that no master key opens."""
        if not any(_is_sealed(key) for key in app.identity_keys):
            return app
        return replace(app, identity_keys=tuple(replace(key, secret=self._open(key)) for key in app.identity_keys))

    def sealed_anew(self, app: App) -> App:
        """The app with every secret sealed under the first master key; those that are stay as they are.

        Raises `SettingsError` for a secret that no master key opens.
        """
        return replace(app, identity_keys=tuple(map(self._sealed_anew, app.identity_keys)))

    def _sealed_anew(self, key: IdentityKey) -> IdentityKey:
        if not key.secret or not self.seals or (_is_sealed(key) and self._open_with(self._ciphers[0], key) is not None):
            return key
        return replace(key, secret=self.seal(key.app_id, key.id, self._open(key)))

    def _open(self, key: IdentityKey) -> str:
        if not _is_sealed(key):
            return key.secret
        if not self.seals:
            raise SettingsError(
                f"the identity keys in this database are sealed: set {VARIABLE} to the master key that they were "
                "sealed under"
            )
        for cipher in self._ciphers:
            secret = self._open_with(cipher, key)
            if secret is not None:
                return secret
        raise SettingsError(
            f"{VARIABLE} does not open identity key {key.id} of app {key.app_id}, which was sealed under another "
            "master key; add that one behind the new one, with a comma between them"
        )

    def _open_with(self, cipher: AESGCM, key: IdentityKey) -> str | None:
        from cryptography.exceptions import InvalidTag

        sealed = _decoded(key.secret)
        if sealed is None:
            return None
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _row(key.app_id, key.id)).decode()
        except InvalidTag:
            return None

    @cached_property
    def _ciphers(self) -> tuple[AESGCM, ...]:
        """Raises `SettingsError` without `cryptography`."""
        if not self._master_keys:
            return ()
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF
        except ImportError as error:
            raise SettingsError(f"{VARIABLE} needs one more package: pip install 'hullo[crypto]'") from error
        return tuple(
            # The environment may hold what is no UTF-8, as lone surrogates; it is a key like any other.
            AESGCM(
                HKDF(algorithm=SHA256(), length=32, salt=None, info=INFO).derive(each.encode("utf-8", "surrogatepass"))
            )
            for each in self._master_keys
        )


def _is_sealed(key: IdentityKey) -> bool:
    return key.secret.startswith(SEALED)


def _row(app_id: str, key_id: str) -> bytes:
    # The length, as two pairs of ids could be one text.
    return f"{len(app_id)}:{app_id}{key_id}".encode()


def _written(sealed: bytes) -> str:
    return FORMAT + base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _decoded(text: str) -> bytes | None:
    body = text.removeprefix(FORMAT)
    try:
        sealed = base64.b64decode(body + "=" * (-len(body) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # The last character has bits to spare: only one way of writing them is ours.
    return sealed if _written(sealed) == text and len(sealed) > NONCE_BYTES else None
