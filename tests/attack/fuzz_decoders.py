"""Looks for what the decoders do not expect, guided by their coverage, for as long as it may.

No test: it needs atheris, which is no dependency. From the folder `tests`, where hullo is installed with its extra
`crypto`:

    pip install atheris
    python -m attack.fuzz_decoders body -max_total_time=600
    python -m attack.fuzz_decoders token -max_total_time=600

Other arguments are libFuzzer's own. It ends with an error, and writes down the input, when something is found.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import atheris  # type: ignore[import-not-found, unused-ignore]

with atheris.instrument_imports(include=["hullo", "hullo_plugins", "json", "jwt", "idna", "attack.decoding"]):
    from attack.decoding import (
        a_hop_payload,
        a_payload,
        an_app,
        check_body,
        check_token,
        read,
        read_hop,
        signed,
        signed_hop,
    )
    from attack.jose import HS256

APP = an_app()
HEADER = json.dumps(HS256).encode()
PAYLOAD = json.dumps(a_payload(sub="user_123", jti="one")).encode()
GOOD, GOOD_HOP = signed(HEADER, PAYLOAD), signed_hop(json.dumps(a_hop_payload()).encode())
NAMES = (
    *("aud", "exp", "iat", "nbf", "sub", "jti", "email", "name", "phone", "avatar_url", "custom_data", "ses", "std"),
    *("external_id", "user_hash", "app_key", "session_token", "strict", "shop", "shop_hash", "token", "identity_token"),
)


def body(data: bytes) -> None:
    """Bytes as they are, or as the values of the fields that there are."""
    check_body(data)
    provider = atheris.FuzzedDataProvider(data)
    said = {name: _value(provider) for name in NAMES if provider.ConsumeBool()}
    check_body(json.dumps(said).encode())


def token(data: bytes) -> None:
    """Text as it is; whatever it says, signed; and a good token with something of it changed."""
    check_token(data.decode("utf-8", "surrogateescape"), APP)
    check_token(signed(HEADER, data), APP)
    check_token(signed(data, PAYLOAD), APP)
    read_hop(signed_hop(data), APP)
    provider = atheris.FuzzedDataProvider(data)
    said = {name: _value(provider) for name in NAMES if provider.ConsumeBool()}
    check_token(signed(HEADER, json.dumps(a_payload(**said)).encode()), APP)
    check_token(signed(json.dumps({**HS256, **said}).encode(), PAYLOAD), APP)
    read_hop(signed_hop(json.dumps({**a_hop_payload(), **said}).encode()), APP)
    for text, reading in ((GOOD, read), (GOOD_HOP, read_hop)):
        place = provider.ConsumeIntInRange(0, len(text) - 1)
        changed = text[:place] + provider.ConsumeUnicode(1) + text[place + provider.ConsumeIntInRange(0, 1) :]
        found, whole = reading(changed, APP), reading(text, APP)
        assert found is None or getattr(found, "payload", found) == getattr(whole, "payload", whole)


def _value(provider: atheris.FuzzedDataProvider) -> object:
    kind = provider.ConsumeIntInRange(0, 6)
    if kind == 0:
        return provider.ConsumeInt(10)
    if kind == 1:
        return provider.ConsumeFloat()
    if kind == 2:
        return [provider.ConsumeUnicode(10)]
    if kind == 3:
        return {provider.ConsumeUnicode(5): provider.ConsumeUnicode(5)}
    if kind == 4:
        return provider.ConsumeIntInRange(1_789_990_000, 1_790_100_000)
    return provider.ConsumeUnicode(80) if kind == 5 else None


def main() -> None:
    targets: dict[str, Callable[[bytes], None]] = {"body": body, "token": token}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        sys.exit(f"say what: {' or '.join(targets)}")
    chosen = targets[sys.argv.pop(1)]
    atheris.Setup(sys.argv, chosen)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
