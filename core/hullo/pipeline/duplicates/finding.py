"""Everybody of a workspace who may be there twice, in time that grows with their number and not with its square.

Contacts are read once, page by page, and leave nothing behind but their ids and their keys, which are numbers in a
temporary file. Whoever has a key in common is then loaded and compared for real. What very many have in common (the
phone of a switchboard, `test@`) says nothing of any two of them: nobody is compared for it, and it is told how many
they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations, groupby, islice
from typing import Final

from hullo.model.app import Workspace
from hullo.model.phone import is_e164
from hullo.pipeline.duplicates.blocks import ENTRIES, Blocks, People, TooMany, entry_of
from hullo.pipeline.duplicates.comparing import Suggestion
from hullo.pipeline.duplicates.pairs import Pair, compared_pairs
from hullo.pipeline.duplicates.spool import PARTS, Spool
from hullo.pipeline.duplicates.traits import Kind, keys_of
from hullo.store.protocol import SnapshotQuery, Store
from hullo.store.reading import AT_ONCE, everybody
from hullo.store.upkeep import Progress, say_nothing

MOST: Final = 50
"""How many may have something in common and still be compared for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many have this in common that it says nothing of any two of them."""

    kind: Kind
    shared: str
    contacts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`suggestions` are made while they are read, once, in the order in which the store lists contacts."""

    contacts: int
    """How many were looked at."""
    crowds: tuple[Crowd, ...]
    """The largest first."""
    suggestions: Iterator[Suggestion]


def find_duplicates(
    store: Store, home: Workspace, progress: Progress = say_nothing, *, most: int = MOST, at_once: int = AT_ONCE
) -> Found:
    """Pairs of a workspace's contacts that may be one person, each once. Writes nothing.

    `most` is as `MOST`, and `at_once` how many contacts are read at each look. Whoever comes or is changed meanwhile
    may be missed; what is suggested is so when it is told. Raises `OSError` where the temporary folder is full.
    """
    people, blocks = People(), Blocks(most)
    with closing(Spool(ENTRIES)) as entries:
        _read(store, home, people, entries, progress, at_once)
        pairs = Spool(len(people) ** 2)
        for done, part in enumerate(entries.parts()):
            for block in blocks.among(part):
                pairs.add(one * len(people) + other for one, other in combinations(block, 2))
            progress("looking for what they have in common", done + 1, PARTS)
    return Found(
        contacts=len(people),
        crowds=_crowds(store, home, people, iter(blocks.too_many)),
        suggestions=compared_pairs(store, home.id, _told_once(pairs, people, progress), blocks.tells),
    )


def _read(store: Store, home: Workspace, people: People, entries: Spool, progress: Progress, at_once: int) -> None:
    for contact in everybody(store, home, "reading contacts", progress, at_once):
        number = len(people)
        people.add(contact.id)
        entries.add({entry_of(key, number) for key in keys_of(contact)})


def _told_once(pairs: Spool, people: People, progress: Progress) -> Iterator[Pair]:
    """Pairs that are in several blocks, too."""
    done = 0
    with closing(pairs):
        for part in pairs.parts():
            for pair, _ in groupby(part):
                one, other = divmod(pair, len(people))
                yield people[one], people[other]
            done += len(part)
            progress("comparing", done, pairs.count)


def _crowds(store: Store, home: Workspace, people: People, too_many: Iterator[TooMany]) -> tuple[Crowd, ...]:
    """What they share, as one of them has it, unless that has changed meanwhile."""
    crowds: list[Crowd] = []
    while some := [*islice(too_many, AT_ONCE)]:
        ids = [people[each.one] for each in some]
        queries = [SnapshotQuery(workspace_id=home.id, app_id=None, contacts=(contact_id,)) for contact_id in ids]
        for each, snapshot in zip(some, store.load(queries), strict=True):
            shared = (key for contact in snapshot.contacts.values() for key in keys_of(contact))
            # Of an email and what is one slip from that, the email; never a phone that is none.
            keys = [key for key in shared if each.share(key) and (key[0] != "phone" or is_e164(key[1]))]
            if keys:
                kind, text = max(keys, key=lambda key: (len(key[1]), key))
                crowds.append(Crowd(kind=kind, shared=text, contacts=each.count))
    return tuple(sorted(crowds, key=lambda crowd: (-crowd.contacts, crowd.kind, crowd.shared)))
