"""Finds what is wrong in a token's payload: its time, its audience, and its person."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from hullo.plugin import (
    CLOCK_LEEWAY,
    DAY,
    EXTERNAL_ID,
    HOUR,
    MAX_TOKEN_ID_LENGTH,
    MINUTE,
    SECOND,
    App,
    Claim,
    Instant,
    Limits,
    ProofRejected,
    is_non_identity,
    validate_token_payload,
)
from hullo_plugins.verify.mistakes.mistakes import SigningMistake
from hullo_plugins.verify.token_person import SUBJECT, identify_body

MAX_CLOCK_SKEW: Final = 10 * MINUTE
"""So far off a server's clock may well be; a token that expired before that was rather kept too long."""

_TIMES: Final = ("exp", "iat", "nbf")
_MILLISECONDS: Final = 10**11
_MIN_TIMESTAMP: Final = 10**8
_SUBJECT_ALIASES: Final = (EXTERNAL_ID, "user_id", "userId", "uid", "id")
_APP_KEY: Final = re.compile(r"app_[0-9a-z]{26}")
_QUOTABLE: Final = re.compile(r"[A-Za-z0-9.:/_-]{1,80}")
_SECRET: Final = re.compile(r"h(ik|sk|vs)_|[0-9A-Fa-f]{32}")

Payload = Mapping[str, Any]


def payload_mistakes(payload: Payload, app: App, now: Instant, limits: Limits) -> Iterator[SigningMistake]:
    """Every mistake, and not only the first."""
    yield from _validity_mistakes(payload, app, now)
    token_id: Any = payload.get("jti")
    if token_id is not None and not (isinstance(token_id, str) and 0 < len(token_id) <= MAX_TOKEN_ID_LENGTH):
        yield SigningMistake("no_jti")
    yield from _person_mistakes(payload, limits)


# Time and audience


def _validity_mistakes(payload: Payload, app: App, now: Instant) -> Iterator[SigningMistake]:
    while (mistake := _rejection_code(payload, app, now)) is not None:
        about = _DETAILS.get(mistake)
        yield SigningMistake(mistake, about(payload, now) if about is not None else "")
        mend = _CORRECTIONS.get(mistake)
        if mend is None:
            return
        payload = mend(payload, app, now)


def _rejection_code(payload: Payload, app: App, now: Instant) -> str | None:
    for name in ("exp", "aud"):
        if payload.get(name) is None:
            return f"no_{name}"
    try:
        validate_token_payload(payload, app, now)
    except ProofRejected as refused:
        return refused.mistake
    return None


def _without(payload: Payload, *names: str) -> Payload:
    return {name: value for name, value in payload.items() if name not in names}


_CORRECTIONS: Final[Mapping[str, Callable[[Payload, App, Instant], Payload]]] = {
    "no_aud": lambda payload, app, _now: {**payload, "aud": app.app_key},
    "audience": lambda payload, app, _now: {**payload, "aud": app.app_key},
    "no_exp": lambda payload, _app, now: {**payload, "exp": (now + MINUTE) // SECOND},
    "no_iat": lambda payload, _app, _now: _without(payload, "iat"),
    "no_nbf": lambda payload, _app, _now: _without(payload, "nbf"),
    "not_yet_valid": lambda payload, _app, _now: _without(payload, "iat", "nbf"),
    "milliseconds": lambda payload, _app, _now: {
        **payload,
        **{name: payload[name] // 1000 for name in _millisecond_fields(payload)},
    },
}
"""The payload without that mistake, to look for the next one. An end that is wrong leaves nothing to look at."""


def _audience_detail(payload: Payload, _now: Instant) -> str:
    audience: Any = payload["aud"]
    named = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    shown = [name for name in named if isinstance(name, str) and _QUOTABLE.fullmatch(name) and not _SECRET.search(name)]
    if len(shown) != 1:
        return "somebody else"
    return f"another app, {shown[0]}" if _APP_KEY.fullmatch(shown[0]) else f"`{shown[0]}`"


def _expiry_detail(payload: Payload, now: Instant) -> str:
    ends = payload["exp"]
    if ends < _MIN_TIMESTAMP:
        return "when it was made, as its exp is a span of time. Add the time itself, in seconds since 1970."
    since = now - int(ends * SECOND)
    if since > MAX_CLOCK_SKEW:
        return f"{_format_duration(since)} ago. Make one for each page view, and keep none in a cache."
    return (
        f"{_format_duration(since)} ago. Make one for each page view; if it was made for this one, your server's "
        "clock is behind: "
        "let it be set by NTP."
    )


def _not_before_detail(payload: Payload, now: Instant) -> str:
    begins = {name: int(payload[name] * SECOND) for name in ("iat", "nbf") if name in payload}
    name = next(name for name in begins if begins[name] > now + CLOCK_LEEWAY)
    return f"{name} is {_format_duration(begins[name] - now)}"


def _millisecond_fields(payload: Payload) -> list[str]:
    return [name for name in _TIMES if isinstance(payload.get(name), (int, float)) and payload[name] > _MILLISECONDS]


def _format_duration(span: Instant) -> str:
    units = ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes"))
    size, unit = next((unit for unit in units if span >= 2 * unit[0]), (SECOND, "seconds"))
    return f"{span // size} {unit}"


_DETAILS: Final[Mapping[str, Callable[[Payload, Instant], str]]] = {
    "audience": _audience_detail,
    "expired": _expiry_detail,
    "not_yet_valid": _not_before_detail,
    "milliseconds": lambda payload, _now: " and ".join(_millisecond_fields(payload)),
}


# Whom it is about


def _person_mistakes(payload: Payload, limits: Limits) -> Iterator[SigningMistake]:
    subject: Any = payload.get(SUBJECT)
    instead = next((name for name in _SUBJECT_ALIASES if payload.get(name) is not None), None)
    if subject is None and instead is not None:
        yield SigningMistake("no_sub", instead)
    is_non_person = isinstance(subject, str | int) and is_non_identity(str(subject), limits.non_identities)
    if is_non_person:
        yield SigningMistake("sub_names_nobody")
    states = Claim.from_body(identify_body(payload), limits)
    for fault in states.rejected:
        if not (is_non_person and fault.field == EXTERNAL_ID):
            yield SigningMistake(
                "field_rejected", f"{SUBJECT if fault.field == EXTERNAL_ID else fault.field}: {fault.reason}"
            )
    if not states.identifiers:
        yield SigningMistake("token_names_nobody")
