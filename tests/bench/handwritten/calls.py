"""A signed identify by hand: what is the same on every engine.

No nouns, no plugins, no hooks: rows as a driver gives them, and JSON as it is stored. It does what hullo does for a
signed call with an external id, an email, a name and custom values: of a browser that has a session and is known, or
of one that has none and is new. Whatever else hullo knows an answer to is `Beyond` it. Ids come from a `Moment`, as
hullo's do, so that both leave the very same rows behind.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import msgspec
from handwritten.tables import row_of

from hullo.model.request_context import RequestContext

Row = tuple[Any, ...]
Answer = dict[str, Any]
Facts = dict[str, list[Any]]
"""By name: value, standing, when, and by whom."""

CLAIMED, PROVEN = 1, 3
HOUR = 3_600_000_000
SESSION_LIFE = 180 * 24 * HOUR

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


class Beyond(Exception):
    """What no call of the benchmark comes to, and what was therefore not written by hand."""


class Asked(NamedTuple):
    """A call, as an HTTP handler hands it on."""

    external_id: str
    email: str
    name: str
    custom_data: Mapping[str, Any]
    user_hash: str
    token: str | None


class Names(NamedTuple):
    """What rows are looked up by."""

    external_id: str
    email: str
    session: str | None


class Known(NamedTuple):
    """What the database says. Session: app, visitor, contact, seen at, expires at, revoked at, claimed, proved.
    Contact: id, identifiers, profile, last seen at, merged into, version."""

    app_version: int | None
    session: Row | None
    owners: Mapping[str, str]
    contact: Row | None
    block: str | None
    orphans: Sequence[Row]


class Changed(NamedTuple):
    """A known person's rows. Contact: updated at, seen at, profile, id, version. The others as in their tables."""

    contact: Row
    block: Row
    decision: Row
    timeline: Sequence[Row]
    outbox: Sequence[Row]


class Newcomer(NamedTuple):
    """A new person's rows, each with every column in the table's order."""

    contact: Row
    identifiers: Sequence[Row]
    block: Row
    visitor: Row
    session: Row
    decision: Row
    timeline: Sequence[Row]
    outbox: Sequence[Row]
    search: Row


@dataclass(frozen=True, slots=True)
class Application:
    """The one that calls, remembered as every server remembers it."""

    id: str
    workspace_id: str
    version: int
    key_id: str
    key: bytes
    key_used_at: int

    @property
    def writer(self) -> str:
        return f"identity-key:{self.key_id}"


class HandWritten(Protocol):
    """One engine's."""

    app: Application

    def transact(self, asked: Asked, names: Names, moment: RequestContext) -> Answer:
        """Reads, compares and writes."""
        ...

    def close(self) -> None: ...


class OnLoop(Protocol):
    """The same, on an event loop."""

    app: Application

    async def transact(self, asked: Asked, names: Names, moment: RequestContext) -> Answer: ...


def identify(by_hand: HandWritten, asked: Asked, moment: RequestContext) -> Answer:
    """The whole call, beneath HTTP."""
    names = _verified(by_hand.app, asked)
    answer = by_hand.transact(asked, names, moment)
    answer["request_id"] = moment.new_id("req")
    return answer


async def identify_on_loop(by_hand: OnLoop, asked: Asked, moment: RequestContext) -> Answer:
    """The same, on an event loop."""
    names = _verified(by_hand.app, asked)
    answer = await by_hand.transact(asked, names, moment)
    answer["request_id"] = moment.new_id("req")
    return answer


def _verified(app: Application, asked: Asked) -> Names:
    expected = hmac.digest(app.key, asked.external_id.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, asked.user_hash):
        raise PermissionError("user_hash is wrong")
    return names_of(app.workspace_id, asked)


def names_of(workspace_id: str, asked: Asked) -> Names:
    return Names(
        external_id=sha256(f"{workspace_id}\0external_id\0{asked.external_id}".encode()).hexdigest(),
        email=sha256(f"{workspace_id}\0email\0{asked.email.strip().casefold()}".encode()).hexdigest(),
        session=sha256(asked.token.encode()).hexdigest() if asked.token is not None else None,
    )


def owner_of(names: Names, owners: Mapping[str, str]) -> str | None:
    """Whose both identifiers are. None: nobody's."""
    owner = owners.get(names.external_id)
    if owners.get(names.email) != owner:
        raise Beyond("two people in one call")
    return owner


def rows_to_write(
    app: Application, asked: Asked, names: Names, known: Known, moment: RequestContext
) -> Changed | Newcomer | None:
    """None when everything is so already."""
    if known.app_version != app.version:
        raise Beyond("the app has changed")
    if moment.now - app.key_used_at >= HOUR:
        raise Beyond("the key's last use is to be written")
    if known.contact is None:
        return newcomer(app, asked, names, moment)
    contact_id, identifiers, profile, last_seen_at, merged_into, version = known.contact
    _check_session(app, names, known, contact_id, moment.now)
    if merged_into is not None or moment.now - last_seen_at >= HOUR:
        raise Beyond("an old contact")
    named: Facts = decode(identifiers)
    facts: Facts = decode(profile)
    block: Facts = decode(known.block) if known.block is not None else {}
    written: list[dict[str, str]] = []
    unchanged: list[dict[str, str]] = []
    changes: list[dict[str, Any]] = []

    def put(where: Facts, key: str, value: Any, standing: int, field: str) -> None:
        held = where.get(key)
        if held is not None and held[0] == value and type(held[0]) is type(value) and held[1] >= standing:
            unchanged.append(_verdict(field, "unchanged", "it was so already"))
            return
        deed = "filled" if held is None or held[0] == "" else "confirmed" if held[0] == value else "replaced"
        changes.append({"field": field, "before": None if held is None else held[0], "after": value})
        where[key] = [value, standing, moment.now, app.writer]
        written.append(_verdict(field, "written", f"{deed} as {'proven' if standing == PROVEN else 'claimed'}"))

    put(named, "external_id", asked.external_id, PROVEN, "external_id")
    put(named, "email", asked.email, CLAIMED, "email")
    if written:
        raise Beyond("an identifier changes")
    put(facts, "name", asked.name, PROVEN, "name")
    if written:
        raise Beyond("what searches find changes")
    for key, value in asked.custom_data.items():
        put(block, key, value, PROVEN, f"custom_data.{key}")
    if not written:
        return None
    updated = _event(app, contact_id, moment, "contact.updated", {"fields": [change["field"] for change in changes]})
    return Changed(
        contact=(moment.now, moment.now, encode(facts).decode(), contact_id, version),
        block=row_of("custom_data", contact_id=contact_id, app_id=app.id, block=encode(block).decode()),
        timeline=(_timeline(updated, changes),),
        outbox=(_outbox(updated),),
        decision=_decision(app, contact_id, moment, "external_id", f"it is {contact_id}", [*written, *unchanged]),
    )


def answer_of(known: Known, rows: Changed | Newcomer | None, moment: RequestContext) -> Answer:
    if isinstance(rows, Newcomer):
        return {"contact_id": rows.contact[0], "changed": True, "session_token": moment.new_secret("hvs")}
    assert known.contact is not None
    return {"contact_id": known.contact[0], "changed": rows is not None, "session_token": None}


def _check_session(app: Application, names: Names, known: Known, contact_id: str, now: int) -> None:
    if known.session is None:
        raise Beyond("somebody known in a new browser")
    app_id, _, holder, seen_at, expires_at, revoked_at, claimed, proved = known.session
    if app_id != app.id or revoked_at is not None or now >= expires_at:
        raise PermissionError("the session is no good")
    said = {"external_id": names.external_id, "email": names.email}
    if holder != contact_id or now - seen_at >= HOUR or decode(claimed) != said:
        raise Beyond("the session changes")
    if names.external_id not in decode(proved) or known.orphans:
        raise Beyond("the session changes")


def newcomer(app: Application, asked: Asked, names: Names, moment: RequestContext) -> Newcomer:
    """The rows of somebody whom nobody knows yet."""
    if names.session is not None:
        raise Beyond("a browser that knows somebody else")
    now, by = moment.now, app.writer
    contact_id, visitor_id = moment.new_id("con"), moment.new_id("vis")
    named = {"external_id": [asked.external_id, PROVEN, now, by], "email": [asked.email, CLAIMED, now, by]}
    facts = {"name": [asked.name, PROVEN, now, by]}
    block = {key: [value, PROVEN, now, by] for key, value in asked.custom_data.items()}
    # The words of these people are a few plain ones, each of them once.
    search = "".join(f" {word}" for word in f"{asked.external_id} {asked.email} {asked.name}".casefold().split())
    claimed = {"external_id": names.external_id, "email": names.email}
    fields = {"external_id": "proven", "email": "claimed", "name": "proven"}
    fields.update((f"custom_data.{key}", "proven") for key in block)
    verdicts = [_verdict(field, "written", f"filled as {standing}") for field, standing in fields.items()]
    token = sha256(moment.new_secret("hvs").encode()).hexdigest()
    told = {"visitor_id": visitor_id}
    said = {"external_id": asked.external_id, "email": asked.email, "name": asked.name}
    said.update((f"custom_data.{key}", value) for key, value in asked.custom_data.items())
    changes = [{"field": field, "before": None, "after": value} for field, value in said.items()]
    created = _event(app, contact_id, moment, "contact.created", told)
    identified = _event(app, contact_id, moment, "contact.identified", {**told, "standing": "proven"}, 1)
    return Newcomer(
        contact=row_of(
            "contact",
            id=contact_id,
            workspace_id=app.workspace_id,
            created_at=now,
            updated_at=now,
            last_seen_at=now,
            created_by=f"visitor:{visitor_id}",
            identifiers=encode(named).decode(),
            profile=encode(facts).decode(),
            version=0,
        ),
        identifiers=tuple(
            row_of("identifier", digest=digest, workspace_id=app.workspace_id, kind=kind, contact_id=contact_id)
            for kind, digest in claimed.items()
        ),
        block=row_of("custom_data", contact_id=contact_id, app_id=app.id, block=encode(block).decode()),
        visitor=row_of("visitor", id=visitor_id, app_id=app.id, created_at=now),
        session=row_of(
            "session",
            digest=token,
            workspace_id=app.workspace_id,
            app_id=app.id,
            visitor_id=visitor_id,
            created_at=now,
            seen_at=now,
            expires_at=now + SESSION_LIFE,
            contact_id=contact_id,
            standing=PROVEN,
            claimed=encode(claimed).decode(),
            proved=encode([names.external_id]).decode(),
            version=0,
        ),
        decision=_decision(app, contact_id, moment, "created", "somebody new", verdicts),
        timeline=(_timeline(created, changes), _timeline(identified)),
        outbox=(_outbox(created), _outbox(identified)),
        search=row_of("contact_search", workspace_id=app.workspace_id, contact_id=contact_id, text=search),
    )


def _verdict(field: str, verdict: str, reason: str) -> dict[str, str]:
    return {"field": field, "verdict": verdict, "reason": reason}


def _decision(
    app: Application,
    contact_id: str,
    moment: RequestContext,
    matched_by: str,
    found: str,
    verdicts: list[dict[str, str]],
) -> Row:
    by = "pipeline" if matched_by == "created" else "external-id"
    steps = [
        {"stage": "verify", "plugin": "user-hash", "answer": "vouches for external_id"},
        {"stage": "name", "plugin": "external-id", "answer": "look up by external_id"},
        {"stage": "name", "plugin": "email", "answer": "look up by email"},
        {"stage": "match", "plugin": by, "answer": found},
    ]
    return row_of(
        "decision",
        id=moment.new_id("dec"),
        workspace_id=app.workspace_id,
        app_id=app.id,
        contact_id=contact_id,
        request_id=moment.new_id("req"),
        at=moment.now,
        by=app.writer,
        matched_by=matched_by,
        standing="proven",
        trace=encode({"steps": steps, "fields": verdicts, "named": []}).decode(),
    )


def _event(
    app: Application, contact_id: str, moment: RequestContext, name: str, data: dict[str, Any], ordinal: int = 0
) -> Answer:
    return {
        "id": moment.new_id("evt", ordinal),
        "name": name,
        "at": moment.now,
        "workspace_id": app.workspace_id,
        "app_id": app.id,
        "contact_id": contact_id,
        "data": data,
        "by": app.writer,
        "changes": [],
    }


def _timeline(event: Answer, changes: Sequence[Answer] = ()) -> Row:
    changed = encode(changes).decode() if changes else None
    return row_of("timeline", **{**event, "data": encode(event["data"]).decode(), "changes": changed})


def _outbox(event: Answer) -> Row:
    return row_of("outbox", id=event["id"], event=encode(event).decode())
