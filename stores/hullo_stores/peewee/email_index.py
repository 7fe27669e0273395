"""Gives stored emails the digests of their current match keys (M2).

Reads what contacts hold, and no earlier form of the key: running it again changes nothing. No contacts are merged:
where two have one key, the one that had it, else the older one, is found by it. The other keeps its address as
`UNMATCHED_EMAIL`, and a conflict is recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from hullo.model.conflict import pair_key
from hullo.model.identifier import EMAIL, Identifier
from hullo.model.instant import Instant
from hullo.model.request_context import RequestContext, secret_digest
from hullo.store.maintenance import EmailCollision
from hullo.value import Value
from hullo_stores.peewee.rows.encoding import Row, json_text

UNMATCHED_EMAIL: Final = "unmatched_email"
"""Kind of an email that is kept to be read, and never matched on: no plugin looks this kind up."""
_VALUE: Final = 0
"""The place of a fact's value in its JSON."""
_BATCH: Final = 10_000
_PARAMETERS: Final = 500
"""Values in one list: engines limit them."""

Rows = Callable[[str], Iterable[Row]]
Statement = tuple[str, tuple[object, ...]]
"""An SQL text with `{}` for each value."""

_log = logging.getLogger("hullo.store")
_decode = msgspec.json.decode


class _StaleContact(Value):
    """A contact whose stored digests are not those of its emails."""

    id: str
    workspace_id: str
    identifiers: str
    """As JSON, like `more`."""
    more: str | None
    missing: Mapping[str, str]
    """Addresses by the digests that they should have."""
    stale: tuple[str, ...]


class EmailReindex(Value):
    """What there is to do: statements in their order, and the contacts that have one address."""

    statements: tuple[Statement, ...]
    collisions: tuple[EmailCollision, ...]


def plan_reindex(rows: Rows, *, foreign: str, has_more: bool, now: Instant) -> EmailReindex:
    """Find the contacts to change. `foreign` is the engine's condition for a column `{0}` with characters outside of
    ASCII; without `has_more` the contacts are of the first schema."""
    contacts = [contact for batch in _batches(rows, foreign, has_more) for contact in _stale(rows, batch)]
    owners = _owners(rows, [digest for contact in contacts for digest in contact.missing])
    # A digest that its owner gives up here is free: two contacts may even swap theirs.
    for contact in contacts:
        for digest in contact.stale:
            if owners.get(digest) == contact.id:
                del owners[digest]
    deletions, insertions, collisions = list[Statement](), list[Statement](), list[EmailCollision]()
    for contact in contacts:
        deletions += (_release(digest, contact.id) for digest in contact.stale)
        taken = {digest: owners[digest] for digest in contact.missing if digest in owners}
        # In the order of ids, which is that of creation: the first contact keeps the address.
        owners |= dict.fromkeys(contact.missing.keys() - taken.keys(), contact.id)
        insertions += (_own(digest, contact, EMAIL) for digest in contact.missing if digest not in taken)
        insertions += _conflict_digests(contact, taken)
        if taken:
            insertions += _set_apart(contact, [contact.missing[digest] for digest in taken], has_more=has_more)
            collisions += (EmailCollision(contact_id=contact.id, other_id=owner) for owner in taken.values())
            insertions += _conflicts(rows, contact, taken, now)
    # All deletions first: an insertion may need the digest of a later contact.
    return EmailReindex(statements=(*deletions, *insertions), collisions=tuple(collisions))


def _batches(rows: Rows, foreign: str, has_more: bool) -> Iterator[list[Row]]:
    """Yield contacts whose emails may have characters outside of ASCII; the keys of all others are what they were."""
    columns = ("identifiers", "more") if has_more else ("identifiers",)
    condition = " OR ".join(map(foreign.format, columns))
    fields = f"id, workspace_id, identifiers, {'more' if has_more else 'NULL'}"
    last, read = "", 0
    while True:
        # Without the filter first: each statement reads a bounded part of the table, however rare such contacts are.
        ids = [id for (id,) in rows(f"SELECT id FROM contact WHERE id > '{last}' ORDER BY id LIMIT {_BATCH}")]
        if not ids:
            return
        within = f"id > '{last}' AND id <= '{ids[-1]}'"
        yield list(rows(f"SELECT {fields} FROM contact WHERE {within} AND ({condition}) ORDER BY id"))
        last, read = ids[-1], read + len(ids)
        _log.info("event=emails_reindexed contacts=%d", read, extra={"hullo": True})


def _stale(rows: Rows, batch: Sequence[Row]) -> Iterator[_StaleContact]:
    held: dict[str, set[str]] = {}
    condition = f"kind = '{EMAIL}' AND contact_id"
    for digest, contact_id in _among(rows, "digest, contact_id", condition, [row[0] for row in batch]):
        held.setdefault(contact_id, set()).add(digest)
    for id, workspace_id, identifiers, more in batch:
        emails = _emails(identifiers, more)
        wanted = {Identifier(EMAIL, email).digest(workspace_id): email for email in emails}
        stored = held.get(id, set[str]())
        if wanted.keys() != stored:
            yield _StaleContact(
                id=id,
                workspace_id=workspace_id,
                identifiers=identifiers,
                more=more,
                missing={digest: email for digest, email in wanted.items() if digest not in stored},
                stale=tuple(sorted(stored - wanted.keys())),
            )


def _emails(identifiers: str, more: str | None) -> list[str]:
    primary = _decode(identifiers).get(EMAIL)
    others: list[Any] = _decode(more).get("also", {}).get(EMAIL, []) if more is not None else []
    return [fact[_VALUE] for fact in (*([primary] if primary is not None else []), *others)]


def _owners(rows: Rows, digests: Sequence[str]) -> dict[str, str]:
    return dict(_among(rows, "digest, contact_id", "digest", digests))


def _among(rows: Rows, columns: str, condition: str, values: Sequence[str]) -> Iterator[Any]:
    # Digests and ids have letters, digits and underscores only.
    for start in range(0, len(values), _PARAMETERS):
        listed = ", ".join(f"'{value}'" for value in values[start : start + _PARAMETERS])
        yield from rows(f"SELECT {columns} FROM identifier WHERE {condition} IN ({listed})")


def _release(digest: str, contact_id: str) -> Statement:
    return "DELETE FROM identifier WHERE digest = {} AND contact_id = {}", (digest, contact_id)


def _own(digest: str, contact: _StaleContact, kind: str) -> Statement:
    return (
        "INSERT INTO identifier (digest, workspace_id, kind, contact_id) VALUES ({}, {}, {}, {})",
        (digest, contact.workspace_id, kind, contact.id),
    )


def _conflict_digests(contact: _StaleContact, taken: Mapping[str, str]) -> Iterator[Statement]:
    """Rename the address in conflicts about it. NULL means the primary email, where several were renamed."""
    missing = [digest for digest in contact.missing if digest not in taken]
    new = missing[0] if len(missing) == len(contact.stale) == 1 else None
    for old in contact.stale:
        yield "UPDATE conflict SET digest = {} WHERE digest = {} AND other_id = {}", (new, old, contact.id)


def _set_apart(contact: _StaleContact, emails: Sequence[str], *, has_more: bool) -> Iterator[Statement]:
    """Make the addresses identifiers of another kind. Nothing of them is lost, and the contact's next email moves
    up."""
    identifiers = _decode(contact.identifiers)
    more: dict[str, Any] = _decode(contact.more) if contact.more is not None else {}
    also: dict[str, list[Any]] = more.get("also", {})
    primary = identifiers.pop(EMAIL, None)
    facts = [*([primary] if primary is not None else []), *also.pop(EMAIL, [])]
    apart = [fact for fact in facts if fact[_VALUE] in emails]
    for kind, values in ((EMAIL, [fact for fact in facts if fact not in apart]), (UNMATCHED_EMAIL, apart)):
        if values:
            identifiers[kind] = values[0]
        if values[1:]:
            also[kind] = values[1:]
    more = {**{name: value for name, value in more.items() if name != "also"}, **({"also": also} if also else {})}
    sets, values = "identifiers = {}", [json_text(identifiers)]
    if has_more and more:
        sets, values = f"{sets}, more = {{}}", [*values, json_text(more)]
    elif contact.more is not None:
        sets = f"{sets}, more = NULL"
    yield f"UPDATE contact SET {sets}, version = version + 1 WHERE id = {{}}", (*values, contact.id)
    for email in emails:
        yield _own(Identifier(UNMATCHED_EMAIL, email).digest(contact.workspace_id), contact, UNMATCHED_EMAIL)


def _conflicts(rows: Rows, contact: _StaleContact, taken: Mapping[str, str], now: Instant) -> Iterator[Statement]:
    """Record one conflict for each pair, unless the pair has one that blocks another (C9)."""
    for digest, owner in {owner: (digest, owner) for digest, owner in taken.items()}.values():
        pair = pair_key(contact.id, owner)
        if not list(rows(f"SELECT id FROM conflict WHERE open_pair = '{pair}'")):
            seed = bytes.fromhex(secret_digest(pair))
            yield (
                "INSERT INTO conflict (id, workspace_id, contact_id, other_id, field, rule, created_at, status, "
                "open_pair, version, digest) VALUES ({}, {}, {}, {}, {}, 'M2', {}, 'open', {}, 0, {})",
                (
                    RequestContext(now=now, seed=seed).new_id("cfl"),
                    *(contact.workspace_id, contact.id, owner, EMAIL, now, pair, digest),
                ),
            )
