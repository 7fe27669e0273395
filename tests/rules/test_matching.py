"""Rules M: who is it?"""

from __future__ import annotations

import pytest

from databases import before_any_database
from hullo.errors import NoIdentifier
from hullo.hooks.hookspecs import hookimpl
from hullo.model.claim import Claim
from hullo.model.identifier import Identifier
from hullo.model.match import Candidates, Match
from hullo.model.placeholder import NON_IDENTITIES
from hullo.store.protocol import Store
from world import World


@pytest.mark.rule("M1")
def test_external_id_finds_the_contact(world: World) -> None:
    first = world.upsert(external_id="user_123")
    again = world.visitor().identify(external_id="user_123", signed="external_id")
    assert (again.contact_id, again.matched_by) == (first.contact_id, "external_id")


@pytest.mark.rule("M1")
@pytest.mark.parametrize("other", ["ann", "Ánn", "ANN", "A\u200bnn", "🙂"])
def test_different_external_ids_are_different_contacts(world: World, other: str) -> None:
    assert world.upsert(external_id="Ann").contact_id != world.upsert(external_id=other).contact_id


@pytest.mark.rule("M5")
@before_any_database
@pytest.mark.parametrize("id", ["Ann ", " Ann", "\u00a0Ann", "Ann\u200b", "\ufeffAnn", "Ann\u00ad", "\u202aAnn\u202c"])
def test_id_with_invisible_end_is_rejected(store: Store, id: str) -> None:
    world = World(store, plugins=[ByLoyaltyCard])
    outcome = world.visitor().identify(external_id=id, email="ann@example.com", custom_data={"loyalty_card": id})
    reason = "begins or ends with white space or an invisible character"
    assert [(fault.field, fault.reason) for fault in outcome.rejected] == [
        ("external_id", reason),
        ("loyalty_card", reason),
    ]
    (contact,) = world.contacts()
    assert set(contact.identifiers) == {"email"}


@pytest.mark.rule("M1", "M2")
def test_contact_is_found_only_in_its_workspace(world: World) -> None:
    here = world.upsert(external_id="user_123", email="jane@example.com")
    elsewhere = world.hullo.create_app("Other", workspace="another")
    there = world.visitor(elsewhere).identify(external_id="user_123", email="jane@example.com", signed="external_id")
    assert there.matched_by == "created"
    assert there.contact_id != here.contact_id


@pytest.mark.rule("M2")
@pytest.mark.parametrize(
    ("stored", "given"),
    [
        ("jane@example.com", "jane@example.com"),
        ("jane@example.com", "  Jane@EXAMPLE.com "),
        ("jané@example.com", "JANE\u0301@example.com"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ("strasse@example.com", "STRASSE@example.com."),
        ("gro\u1e9e@example.com", "groß@example.com"),
        ("ann@example.com", "\u200bann@example.com"),
        ("ann\u2060@example.com", "ann@example.com"),
        ("ann@example.com", "\u202aann@example.com\u202c"),
        ("ann@example.com", "an\u00adn@exam\u200bple.com\ufeff"),
    ],
)
def test_email_spelling_does_not_affect_match(world: World, stored: str, given: str) -> None:
    first = world.upsert(email=stored)
    again = world.visitor().identify(email=given, signed="email")
    assert (again.contact_id, again.matched_by) == (first.contact_id, "email")


@pytest.mark.rule("M2")
@pytest.mark.parametrize("other", ["j.ane@example.com", "jane+x@example.com", "jane@mail.example.com"])
def test_different_mailboxes_are_different_contacts(world: World, other: str) -> None:
    assert world.upsert(email="jane@example.com").contact_id != world.upsert(email=other).contact_id


@pytest.mark.rule("M2", "V2")
@before_any_database
@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        *(("gross", "groß"), ("finn", "\ufb01nn"), ("sam", "\u017fam"), ("'nils", "\u0149ils"), ("kim", "\u212aim")),
        *(("istanbul", "\u0130stanbul"), ("i\u0307", "\u0130"), ("οδοσ", "οδος"), ("μ", "\u00b5"), ("tim", "t\u0131m")),
    ],
)
def test_folded_letters_are_different_mailboxes(world: World, theirs: str, mine: str) -> None:
    known = world.upsert(email=f"{theirs}@example.com", name="Theirs")
    proven = world.visitor().identify(email=f"{mine}@example.com", name="Mine", signed="email")
    assert (proven.matched_by, proven.contact_id != known.contact_id) == ("created", True)
    assert world.contact(known.contact_id).profile["name"].value == "Theirs"


@pytest.mark.rule("M2")
def test_email_is_tried_after_unknown_external_id(world: World) -> None:
    first = world.upsert(email="jane@example.com")
    again = world.upsert(external_id="user_123", email="jane@example.com")
    assert (again.contact_id, again.matched_by) == (first.contact_id, "email")


@pytest.mark.rule("M3")
def test_no_match_creates_a_contact(world: World) -> None:
    outcome = world.visitor().identify(email="jane@example.com")
    assert outcome.matched_by == "created"
    assert world.contact(outcome.contact_id).email == "jane@example.com"


class ByLoyaltyCard:
    """Matches by a card's number."""

    name = "loyalty-card"

    @hookimpl
    def name_identifiers(self, claim: Claim) -> list[Identifier]:
        card = claim.custom_data.get("loyalty_card")
        return [Identifier("loyalty_card", card)] if card else []  # type: ignore[arg-type]

    @hookimpl
    def match_contact(self, candidates: Candidates) -> Match | None:
        found = candidates.by("loyalty_card")
        return Match(found, by=self.name) if found else None


@pytest.mark.rule("M4")
def test_earlier_matcher_wins_over_built_in(store: Store) -> None:
    world = World(store, plugins=[ByLoyaltyCard])
    holder = world.upsert(custom_data={"loyalty_card": "4711"}, external_id="holder")
    world.upsert(email="jane@example.com")
    found = world.upsert(custom_data={"loyalty_card": 4711}, email="jane@example.com")
    assert (found.contact_id, found.matched_by) == (holder.contact_id, "loyalty-card")


@pytest.mark.rule("M4", "W7")
def test_matcher_identifier_is_kept_for_next_visitor(store: Store) -> None:
    world = World(store, plugins=[ByLoyaltyCard])
    first = world.visitor().identify(custom_data={"loyalty_card": "4711"})
    world.visitor().identify(custom_data={"loyalty_card": "4711"}, email="jane@example.com")
    assert world.contact(first.contact_id).email == "jane@example.com"
    assert len(world.contacts()) == 1


@pytest.mark.rule("M4")
def test_matcher_left_out_identifies_no_contact(store: Store) -> None:
    world = World(store, without=["email"])
    with pytest.raises(NoIdentifier):
        world.visitor().identify(email="jane@example.com")
    first = world.upsert(external_id="a", email="family@example.com")
    second = world.upsert(external_id="b", email="family@example.com")
    assert first.contact_id != second.contact_id
    assert {contact.email for contact in world.contacts()} == {"family@example.com"}
    assert world.conflicts() == []


@pytest.mark.rule("M5")
@before_any_database
@pytest.mark.parametrize(
    "junk",
    [
        *sorted(NON_IDENTITIES),
        *(
            "",
            "   ",
            "\t",
            "\u200b",
            "NULL",
            " Undefined ",
            "000",
            "0000-0000",
            "{00000000-0000}",
            "[object Undefined]",
        ),
        *(
            "{{ user.id }}",
            "user-{{id}}",
            "${user.id}",
            "<%= id %>",
            "%USER_ID%",
            "Optional(5)",
            'Optional("u\u200b1")',
        ),
        *("<null>", "[null]", '"undefined"', "{user_id}", "undefined undefined", "null_null", "nu\u200bll"),
    ],
)
def test_junk_external_id_is_dropped_and_reported(world: World, junk: str) -> None:
    outcome = world.visitor().identify(external_id=junk, email="jane@example.com")
    (fault,) = outcome.rejected
    assert fault.field == "external_id"
    assert fault.reason in {"is a placeholder, not an identifier", "is empty", "has control characters"}
    assert world.contact(outcome.contact_id).external_id is None


@pytest.mark.rule("M5")
@before_any_database
def test_real_identifiers_are_no_placeholders(world: World) -> None:
    ids = [
        "nilsson",
        "100%",
        "user_id_5",
        "Guest House",
        "%C3%A9%",
        "{a}",
        "nullius",
        "id-1",
        "true-north",
        "$5",
        "o0o",
    ]
    emails = [
        "id",
        "email",
        "info",
        "guest",
        "anonymous",
        "none",
        "nan",
        "nil",
        "0",
        "true-north",
        "nullo",
        "undefined+x",
    ]
    for id in ids:
        assert world.visitor().identify(external_id=id).rejected == ()
    for local in emails:
        assert world.visitor().identify(email=f"{local}@example.com").rejected == ()
    assert len(world.contacts()) == len(ids) + len(emails)


@pytest.mark.rule("M5")
@before_any_database
@pytest.mark.parametrize(
    "email",
    [
        *("undefined@undefined", "null@null.com", "null@example.com", "Undefined@example.com", "ann@undefined"),
        *("{{email}}@example.com", "${email}@x.y", "%EMAIL%@example.com", "ann@${domain}", "<null>@example.com"),
        *("guest@guest.com", "none@none", "[object Object]", "user_id@x.y", "null_null@x.y"),
    ],
)
def test_placeholder_email_is_dropped_and_reported(world: World, email: str) -> None:
    outcome = world.visitor().identify(email=email, external_id="user_1")
    assert [(fault.field, fault.reason) for fault in outcome.rejected] == [
        ("email", "is a placeholder, not an identifier")
    ]
    assert world.contact(outcome.contact_id).email is None


@pytest.mark.rule("M5")
def test_blank_never_matches_blank(world: World) -> None:
    first = world.visitor().identify(external_id="", email="a@example.com")
    second = world.visitor().identify(external_id="", email="b@example.com")
    assert first.contact_id != second.contact_id


@pytest.mark.rule("M5")
@pytest.mark.parametrize("card", ["null", True, -1, "0000", "x" * 256])
def test_junk_plugin_identifier_is_reported(store: Store, card: object) -> None:
    world = World(store, plugins=[ByLoyaltyCard])
    outcome = world.visitor().identify(custom_data={"loyalty_card": card}, email="jane@example.com")
    assert [rejection.field for rejection in outcome.rejected] == ["loyalty_card"]


@pytest.mark.rule("M5")
def test_numeric_external_id_becomes_its_digits(world: World) -> None:
    first = world.upsert(external_id="123")
    again = world.visitor().identify(external_id=123, signed="external_id")
    assert again.contact_id == first.contact_id


@pytest.mark.rule("M6")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "Jane"},
        {"external_id": "null"},
        {"email": "no mail"},
        {"email": None, "external_id": " "},
    ],
)
def test_call_without_identifier_makes_no_contact(world: World, body: dict[str, object]) -> None:
    with pytest.raises(NoIdentifier):
        world.visitor().identify(**body)
    assert world.contacts() == ()


@pytest.mark.rule("M7")
def test_join_and_message_make_no_contact(world: World) -> None:
    browser = world.visitor()
    browser.join()
    browser.say("Anybody there?")
    assert world.contacts() == ()
