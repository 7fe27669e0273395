"""Claims about searches of contacts: what people type finds whom they mean, however the store finds it."""

from __future__ import annotations

from random import Random
from typing import Final

import pytest
from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, replacement
from hullo.model.contact import Contact
from hullo.model.identifier import EMAIL
from hullo.model.search import SearchQuery, search_text
from hullo.store.protocol import ContactFilter, PageRequest, Store
from hullo.store.reading import iter_pages
from hullo.testing.builders import WORKSPACE, a_contact, a_fact
from hullo.testing.store.case import StoreCase, contact_change, must_apply, new_contacts
from hullo.testing.store.erasing import erasure
from hullo.testing.store.merging import contact_of, merge_changes, merge_of, split_changes

ALL_CONTACTS: Final = ContactFilter(workspace_id=WORKSPACE)


def a_person(
    id: str, name: str, *, email: str | None = None, external_id: str | None = None, **profile: str
) -> Contact:
    """A contact with a profile."""
    contact = a_contact(id, email=email, external_id=external_id, name=name)
    return replace(contact, profile={**contact.profile, **{key: a_fact(value) for key, value in profile.items()}})


PEOPLE: Final = (
    a_person("con_01", "İstanbul Kebap", email="post@bücher.test", phone="+4930901820"),
    a_person("con_02", "Jörg Müller", email="jorg@xn--bcher-kva.test", company="Acme & Söhne"),
    a_person("con_03", "Muller", external_id="2024-001", phone="030 / 555 12 34 ext 98"),
    a_person("con_04", "Łódź Straße", email="ann+one@example.com", external_id="user_42"),
    a_person("con_05", "O'Neil 50% off_x! \\", external_id="USER-1", avatar_url="https://cdn.example/kebap.png"),
    a_person("con_06", "山田 太郎", company="東京", phone="+81 3 1234 5678"),
    replace(
        a_person("con_07", "Zoë", external_id="zoe"),
        also={EMAIL: (a_fact("zoe@further.example"),)},
        phones=(a_fact("+31 20 999 88 77"),),
        tags={"vip": a_fact(True)},
    ),
)
FOUND: Final[dict[str, str]] = {
    # Phones as people write them: digits, without the zeros of a trunk line.
    "+49 30 901820": "1",
    "030 901820": "1",
    "(030) 90 18-20": "1",
    "+49 (0)30 901820": "1",
    "0049 30 901820": "1",
    "901820": "1",
    "030/5551234": "3",
    "5551234": "3",
    "03-1234-5678": "6",
    "020 9998877": "7",
    "901821": "",
    # Digits of other values are no phone, and are found as they are written.
    "2024-001": "3",
    "024-00": "3",
    "user_42": "4",
    # Without case and accents, in both directions.
    "istanbul": "1",
    "İSTANBUL": "1",
    "muller": "23",
    "müller": "23",
    "strasse": "4",
    "straße": "4",
    "lodz": "4",
    "ZOE": "7",
    "zoë": "7",
    # Domains in either form.
    "bücher": "12",
    "bucher": "12",
    "xn--bcher-kva": "12",
    "post@xn--bcher-kva.test": "1",
    "jorg@bücher.test": "2",
    # Several words: all of them, in any order and in any value.
    "muller jorg": "2",
    "kebap bücher": "1",
    "muller kebap": "",
    "acme sohne": "2",
    # Signs stand for themselves.
    "ann+one@": "4",
    "ann one": "4",
    "ext 98": "3",
    "50%": "5",
    "f_x": "5",
    "o' 50": "5",
    "o'nEIL": "5",
    '"': "",
    "_%_": "",
    # One or two characters find the beginnings of words.
    "o": "5",
    "zo": "7",
    "lo": "4",
    "mu": "23",
    "ul": "",
    "\\": "5",
    "田": "",
    "太": "6",
    "東京": "6",
    # Further emails and phones, and tags.
    "further": "7",
    "#vip": "7",
    "vip": "7",
    # No text to search in: addresses of pictures.
    "cdn.example": "",
    "no such person": "",
}
QUERIES: Final = ("ann", "bob", "example", "exa mple", "ann bob", "0301", "30 123", "shop.example", "x", "jo", "ann+")


class SearchTests(StoreCase):
    """See the module."""

    def test_search_finds_what_people_type(self, store: Store) -> None:
        must_apply(store, new_contacts(*PEOPLE, replace(PEOPLE[0], id="con_other", workspace_id="ws_2")))
        found = {query: "".join(sorted(number[-1] for number in self.searched(store, query))) for query in FOUND}
        assert found == FOUND

    def test_blank_query_finds_every_contact(self, store: Store) -> None:
        must_apply(store, new_contacts(*PEOPLE))
        for blank in ("", " ", "\u0301\u200b"):
            assert len(self.searched(store, blank)) == len(PEOPLE)

    @pytest.mark.parametrize("query", ["x" * 5_000, " ".join(f"word{number}" for number in range(33))])
    def test_overlong_query_finds_no_contact(self, store: Store, query: str) -> None:
        must_apply(store, new_contacts(a_person("con_1", query[:250])))
        assert self.searched(store, query) == []

    def test_search_stays_inside_tag_and_identifier(self, store: Store) -> None:
        must_apply(store, new_contacts(*PEOPLE))
        zoe = PEOPLE[6]
        tagged = replace(ALL_CONTACTS, tag="vip")
        for digest in zoe.identifier_digests():
            identified = replace(ALL_CONTACTS, identifier=digest)
            for wanted in (tagged, identified, replace(tagged, identifier=digest)):
                assert self.searched(store, "zoe", wanted) == [zoe.id]
                assert self.searched(store, "muller", wanted) == []

    @pytest.mark.parametrize("seed", range(3))
    def test_search_equals_comparing_every_contact(self, store: Store, seed: int) -> None:
        """After writes, merges, undos and erasures in any order (G1, G2, P2)."""
        random = Random(seed)
        must_apply(store, new_contacts(*(a_random_person(random, f"con_{number:02}") for number in range(12))))
        merges = 0
        for _ in range(12):
            listed = [contact for contact in self.all_contacts(store) if contact.merged_into is None]
            first, second = random.sample(listed, 2)
            match random.choice(("write", "merge", "undo", "erase")):
                case "write":
                    other = a_random_person(random, first.id)
                    after = replace(first, identifiers=other.identifiers, profile=other.profile, also=other.also)
                    must_apply(store, contact_change(replacement(first, after)))
                case "merge" if len(listed) > 4:
                    merges += 1
                    must_apply(store, merge_changes(first, second, f"mrg_{merges}"))
                case "undo" if merges and self.is_undoable(store, merges):
                    must_apply(store, split_changes(store, merge_of(store, f"mrg_{merges}")))
                case "erase" if len(listed) > 4:
                    must_apply(store, erasure(contact_of(store, first.id)))
                case _:
                    must_apply(store, ChangeSet())
            self.assert_searches_are_complete(store)

    def assert_searches_are_complete(self, store: Store) -> None:
        """Compare what is found, page by page, with what comparing every text finds."""
        listed = [contact for contact in self.all_contacts(store) if contact.merged_into is None]
        for query in QUERIES:
            wanted = [held.id for held in listed if SearchQuery.parse(query).matches(search_text(held))]
            assert self.searched(store, query, limit=2) == wanted, query

    def searched(self, store: Store, query: str, wanted: ContactFilter = ALL_CONTACTS, *, limit: int = 50) -> list[str]:
        """Collect the ids of all pages."""
        criteria = replace(wanted, query=query)
        return [found.id for found in iter_pages(lambda page: store.list_contacts(criteria, page), limit)]

    def all_contacts(self, store: Store) -> list[Contact]:
        """List all that are not merged, newest first."""
        return list(store.list_contacts(ALL_CONTACTS, PageRequest(limit=100)).items)

    def is_undoable(self, store: Store, number: int) -> bool:
        """Check that both sides of a merge are as it has left them."""
        merge = store.find_merge(WORKSPACE, f"mrg_{number}")
        if merge is None or merge.undone_at is not None:
            return False
        sides = (store.find_contact(WORKSPACE, id) for id in (merge.survivor_id, merge.absorbed_id))
        survivor, absorbed = sides
        return (
            survivor is not None
            and absorbed is not None
            and survivor.merged_into is None
            and absorbed.merged_into == survivor.id
            and survivor.version == merge.survivor_before.version + 1
        )


def a_random_person(random: Random, id: str) -> Contact:
    """A contact of few words, so that many searches find several, with identifiers that no other has."""
    name = " ".join(random.choices(("Ann", "Bob", "Jörg", "Example", "Ånn"), k=random.randint(1, 3)))
    place = random.choice(("shop.example", "example.com", "x.test"))
    phone = random.choice(("+49 30 1234", "030 1", "0301 23"))
    # A number that grows: two contacts never claim one email.
    serial = random.getrandbits(60)
    return a_person(id, name, email=f"{random.choice(('ann', 'bob'))}+{serial}@{place}", phone=phone)
