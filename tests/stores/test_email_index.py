"""The migration that gives stored emails the digests of another match key (M2), on every engine."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import hullo.model.identifier
from behind import ask, connected, once_asked
from databases import ENGINES, Databases
from hullo.model.change_set import ChangeSet, insertion
from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL, Identifier
from hullo.model.snapshot import SnapshotQuery
from hullo.store.maintenance import EmailCollision
from hullo.store.protocol import APPLIED
from hullo.testing.builders import WORKSPACE, a_conflict, a_contact, a_fact
from stores.wired import peewee_store

MIGRATION = "0007_email_keys"
ODD = "o'br\u00adien\"%s\\@example.com"
EMAILS: Mapping[str, tuple[str, ...]] = {
    "con_1": ("groß@example.com",),
    "con_2": ("ann@example.com",),
    "con_3": ("a\u00adnn@example.com", "second@example.com"),
    "con_4": ("an\u200bn@example.com", "zoë@example.com"),
    "con_5": ("b\u00adob@example.com",),
    "con_6": ("bo\u00adb@example.com",),
    # Swapped: the one takes the digest that the other gives up.
    "con_7": ("ßx@example.com",),
    "con_8": ("s\u00adsx@example.com",),
    # Two spellings in one contact are no collision.
    "con_9": ("carl@example.com", "ca\u00adrl@example.com"),
    "con_a": ("müller@example.com",),
    "con_b": ("ΟΔΟΣ@example.com",),
    "con_c": (ODD.replace("\u00ad", ""),),
    "con_d": (ODD,),
}
FOUND = {
    "groß@example.com": "con_1",
    "gross@example.com": None,
    "ann@example.com": "con_2",
    "second@example.com": "con_3",
    "zoë@example.com": "con_4",
    "bob@example.com": "con_5",
    "ßx@example.com": "con_7",
    "ssx@example.com": "con_8",
    "carl@example.com": "con_9",
    "müller@example.com": "con_a",
    "οδοσ@example.com": "con_b",
    ODD: "con_c",
}
APART = {"con_3": "con_2", "con_4": "con_2", "con_6": "con_5", "con_d": "con_c"}


def former_key(text: str) -> str:
    """Of versions before 0.2.0."""
    local, at, domain = unicodedata.normalize("NFC", text.strip()).partition("@")
    return f"{unicodedata.normalize('NFC', local.casefold())}{at}{domain}"


def contact_with(id: str, first: str, *others: str) -> Contact:
    also = {EMAIL: tuple(map(a_fact, others))} if others else {}
    # Quotes and signs that an SQL text must not end at.
    return replace(a_contact(id, email=first, external_id=f"'{id}\\"), also=also)


def state(url: str) -> list[Any]:
    texts = (
        "SELECT digest, kind, contact_id FROM identifier ORDER BY digest",
        "SELECT id, identifiers, more, version FROM contact ORDER BY id",
        "SELECT contact_id, other_id, field, rule, status, open_pair, digest FROM conflict ORDER BY open_pair",
    )
    return [once_asked(url, text) for text in texts]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of a database that was filled before the migration."""
    url = databases.empty(request.param, tmp_path)
    conflict = a_conflict(contact_id="con_2", other_id="con_1")
    with monkeypatch.context() as before:
        before.setattr(hullo.model.identifier, "email_key", former_key)
        contacts = [contact_with(id, *emails) for id, emails in EMAILS.items()]
        conflict = replace(conflict, digest=next(iter(digests_of_emails(contacts[0]))))
        with closing(peewee_store(url)) as store:
            store.open()
            for contact in contacts:
                assert store.apply([ChangeSet(contacts=(insertion(contact),))]) == (APPLIED,)
            assert store.apply([ChangeSet(conflicts=(insertion(conflict),))]) == (APPLIED,)
    once_asked(url, f"DELETE FROM hullo_migration WHERE name = '{MIGRATION}'")
    return url


def digests_of_emails(contact: Contact) -> set[str]:
    return {digest for digest, identifier in contact.identifier_digests().items() if identifier.kind == EMAIL}


def owners(store: Any) -> dict[str, str | None]:
    digests = {email: Identifier(EMAIL, email).digest(WORKSPACE) for email in FOUND}
    query = SnapshotQuery(workspace_id=WORKSPACE, app_id=None, identifiers=tuple(digests.values()))
    (snapshot,) = store.load([query])
    return {email: snapshot.contact_ids.get(digest) for email, digest in digests.items()}


@pytest.mark.rule("M2")
@pytest.mark.parametrize("by_hand", [False, True])
def test_migration_gives_emails_their_new_digests(url: str, by_hand: bool, caplog: pytest.LogCaptureFixture) -> None:
    store = peewee_store(url)
    predicted = store.pending_collisions()
    assert set(predicted) == {EmailCollision(contact_id=one, other_id=other) for one, other in APART.items()}
    pending = store.pending_sql()
    assert pending[-1] == f"INSERT INTO hullo_migration (name, applied) VALUES ('{MIGRATION}', CURRENT_TIMESTAMP)"
    if by_hand:
        with closing(connected(url)) as client:
            for text in pending:
                ask(client, text)
    with closing(store):
        store.open()
        assert owners(store) == FOUND
        contacts = {id: store.find_contact(WORKSPACE, id) for id in EMAILS}
        for id, emails in EMAILS.items():
            contact = contacts[id]
            texts = [str(fact.value) for kind, fact in contact.all_identifiers() if kind in {EMAIL, "unmatched_email"}]
            assert set(texts) == set(emails), "no address is lost"
            assert ("unmatched_email" in contact.identifiers) == (id in APART)
            # What the index says is what the contact holds, so that later writes find what they replace.
            stored = once_asked(url, f"SELECT digest FROM identifier WHERE contact_id = '{id}'")
            assert {digest for (digest,) in stored} == set(contact.identifier_digests())
        assert contacts["con_3"].email == "second@example.com"
    found = once_asked(url, "SELECT contact_id, other_id, status, digest FROM conflict WHERE rule = 'M2'")
    expected = {id: next(iter(digests_of_emails(contacts[other]))) for id, other in APART.items()}
    assert {(one, other, "open", digest) for one, other, _, digest in found} == set(found)
    assert {one: digest for one, _, _, digest in found} == expected
    (renamed,) = once_asked(url, "SELECT digest FROM conflict WHERE rule = 'C2'")
    assert renamed == (Identifier(EMAIL, "groß@example.com").digest(WORKSPACE),)
    logged = [record.getMessage() for record in caplog.records if "email_collision" in record.getMessage()]
    assert by_hand or sorted(logged) == [
        f"event=email_collision contact_id={one} other_id={other}" for one, other in APART.items()
    ]


@pytest.mark.rule("M2")
def test_migration_run_again_changes_nothing(url: str) -> None:
    for _ in range(2):
        with closing(peewee_store(url)) as store:
            store.open()
        after = state(url)
        once_asked(url, f"DELETE FROM hullo_migration WHERE name = '{MIGRATION}'")
        assert peewee_store(url).pending_collisions() == ()
        with closing(peewee_store(url)) as store:
            store.open()
        assert state(url) == after
