"""Why two contacts may be one person, and what is no reason to think so."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from duplicates.somebody import somebody
from hullo.model import phone as phones
from hullo.model.contact import Contact
from hullo.model.standing import Standing
from hullo.testing.builders import LATER, a_contact, a_fact
from hullo_plugins.duplicates.compare import DuplicateSuggestion, compare

PHONE, OTHER_PHONE = "+4930901820", "+4930901821"
JANE = {"name": "Jane Doe", "company": "Acme Inc"}


def suggested(one: Contact, other: Contact) -> DuplicateSuggestion | None:
    """The same whoever is named first."""
    suggestion = compare(one, other)
    assert suggestion == compare(other, one)
    return suggestion


def kinds(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    suggestion = suggested(somebody("con_1", **first), somebody("con_2", **second))
    return [] if suggestion is None else [reason.kind for reason in suggestion.reasons]


def test_same_phone_anywhere_is_a_reason() -> None:
    assert kinds({"phones": [PHONE]}, {"phones": [PHONE]}) == ["phone"]
    assert kinds({"phones": [PHONE]}, {"phones": [OTHER_PHONE, PHONE]}) == ["phone"]
    assert kinds({"phones": [OTHER_PHONE, PHONE]}, {"phones": ["030 1234", PHONE]}) == ["phone"]


def test_different_phone_is_no_reason() -> None:
    assert kinds({"phones": [PHONE]}, {"phones": [OTHER_PHONE]}) == []


@pytest.mark.rule("W11")
@pytest.mark.parametrize("sent", ["030 90 18 20", "+1234567890", "4930901820", "+49 30 901820", "1"])
def test_unparsed_phone_is_no_reason(sent: str) -> None:
    assert kinds({"phones": [sent]}, {"phones": [sent]}) == []


def test_e164_text_without_extra_is_a_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones, "_phonenumbers", lambda: None)
    assert kinds({"phones": ["+1234567890"]}, {"phones": ["+1234567890"]}) == ["phone"]
    assert kinds({"phones": ["030 90 18 20"]}, {"phones": ["030 90 18 20"]}) == []


@pytest.mark.parametrize(
    ("name", "company"),
    [
        ("Jane Doe", "Acme Inc"),
        ("jane DOE", "ACME, Inc."),
        ("Doe, Jane", "Acme"),
        ("Jané  Doe", "acme LLC"),
        ("Jane-Doe", "Ácme"),
        ("Ｊane Doe", "A.c.m.e."),
    ],
)
def test_name_and_company_match_across_spellings(name: str, company: str) -> None:
    assert kinds(JANE, {"name": name, "company": company}) == ["name_and_company"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (JANE, {"name": "Jane Doe"}),
        (JANE, {"name": "Jane Doe", "company": "Globex"}),
        (JANE, {"name": "Joan Doe", "company": "Acme Inc"}),
        (JANE, {"name": "Jane Mary Doe", "company": "Acme Inc"}),
        ({"company": "Acme Inc"}, {"company": "Acme Inc"}),
        *(({**JANE, field: word},) * 2 for field in JANE for word in ("", " ", "null", "-", "...")),
        *(({**JANE, "name": word},) * 2 for word in ("Support", "Sales Team", "Info")),
        # Marks that are no accents: these are two words.
        ({"name": "かき", "company": "Acme"}, {"name": "かぎ", "company": "Acme"}),
        ({"name": "राम", "company": "Acme"}, {"name": "रम", "company": "Acme"}),
    ],
)
def test_other_or_blank_company_is_no_reason(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert kinds(first, second) == []


def test_company_named_like_a_legal_form_counts() -> None:
    assert kinds({"name": "Jane", "company": "SE"}, {"name": "jane", "company": "se"}) == ["name_and_company"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # one mailbox
        ("jane.doe@acme.example", "janedoe@acme.example"),
        ("jane_doe+shop@acme.example", "jane-doe@acme.example"),
        ("jane+a@acme.example", "jane+b@acme.example"),
        ("jane@gmail.com", "j.a.n.e@googlemail.com"),
        ("jane@me.com", "jane@icloud.com"),
        ("jane.4-11@acme.example", "jane4-11@acme.example"),
        # a slip in the domain
        ("jane@gmail.com", "jane@gmial.com"),
        ("jane@gmail.com", "jane@gmail.co"),
        ("jane@gmail.com", "ja.ne+x@gmaill.com"),
        ("jane@web.de", "jane@wen.de"),
        ("jane@gmial.com", "jane@gmil.com"),
        ("christina.doe@acme.example", "christina.doe@acne.example"),
        # a slip in the name
        ("christina.doe@acme.example", "christna.doe@acme.example"),
        ("christina.doe@gmail.com", "christinadoee@gmail.com"),
        ("jonathan7@gmail.com", "jonahtan7@gmail.com"),
        ("jonathan@gmail.com", "jonathon@gmail.com"),
    ],
)
def test_similar_emails_are_a_reason(first: str, second: str) -> None:
    assert kinds({"emails": [first]}, {"emails": [second]}) == ["email"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("jane@acme.example", "joan@acme.example"),
        ("jane@acme.example", "jane@globex.example"),
        # not long enough to be a slip
        ("jsmith@acme.example", "jsmyth@acme.example"),
        ("jane@acme.example", "jane@acne.example"),
        ("jsmith12345@acme.example", "jsmyth12345@acme.example"),
        ("christina@ab.de", "christina@ac.de"),
        # the first letter
        ("hjohnson@acme.example", "jjohnson@acme.example"),
        # digits, and what is between them
        ("jonathan1@gmail.com", "jonathan2@gmail.com"),
        ("jonathan1@gmail.com", "jonathan11@gmail.com"),
        ("jonathan1@gmail.com", "jonathan@gmail.com"),
        ("jane4-11@acme.example", "jane41-1@acme.example"),
        ("jonathan@shop1.example", "jonathan@shop2.example"),
        # domains that may well be meant
        ("jane@gmail.com", "jane@ymail.com"),
        ("christina@gmail.com", "christina@mail.com"),
        ("christina@acme-shop.de", "christina@acme-shop.dk"),
        # two slips
        ("jane@gmail.com", "jane@gmial.co"),
        ("christina@gmail.com", "christna@gmial.com"),
        ("christinadoe@gmail.com", "chrstnadoe@gmail.com"),
        # nobody's
        ("info@acme.example", "info+shop@acme.example"),
        ("no-reply@gmail.com", "noreply@gmail.com"),
        ("customer.service@acme.example", "customerservice@acme.example"),
        ("null+a@acme.example", "null+b@acme.example"),
        ("+a@acme.example", "+b@acme.example"),
        ("sales@gmail.com", "sales@gmial.com"),
    ],
)
def test_lookalike_emails_are_no_reason(first: str, second: str) -> None:
    assert kinds({"emails": [first]}, {"emails": [second]}) == []


def test_likest_of_several_emails_is_the_reason() -> None:
    first = {"emails": ["jane@globex.example", "jane@gmail.com", "jane.doe@acme.example"]}
    second = {"emails": ["janedoe@acme.example", "jane@gmil.com"]}
    suggestion = suggested(somebody("con_1", **first), somebody("con_2", **second))
    assert suggestion is not None
    (reason,) = suggestion.reasons
    assert reason.words == (
        "emails that are one mailbox, but for dots or a tag: jane.doe@acme.example and janedoe@acme.example"
    )


def test_plain_email_value_counts_without_email_matching() -> None:
    plain = replace(a_contact("con_2"), profile={"email": a_fact("jane.doe@acme.example")})
    assert suggested(somebody(emails=["janedoe@acme.example"]), plain) is not None


def test_reasons_add_up_but_never_reach_certainty() -> None:
    one = somebody("con_1", phones=[PHONE], emails=["jane.doe@acme.example"], **JANE)
    all_three = suggested(one, somebody("con_2", phones=[PHONE], emails=["janedoe@acme.example"], **JANE))
    two = suggested(one, somebody("con_2", phones=[PHONE], **JANE))
    assert all_three is not None
    assert two is not None
    assert [reason.kind for reason in all_three.reasons] == ["phone", "name_and_company", "email"]
    assert max(reason.weight for reason in all_three.reasons) < two.score < all_three.score < 1


def test_value_shared_by_a_crowd_is_ignored() -> None:
    one, other = (somebody(email, phones=[PHONE], emails=[email], **JANE) for email in ("jane@me.com", "ja.ne@me.com"))
    everything = {"phone", "name_and_company", "email"}
    for silent in everything:
        suggestion = compare(one, other, lambda key, silent=silent: key[0] != silent)
        assert suggestion is not None
        assert {reason.kind for reason in suggestion.reasons} == everything - {silent}
    assert compare(one, other, lambda key: False) is None


@pytest.mark.rule("C2")
def test_distinct_external_ids_lower_the_score() -> None:
    one, other = somebody("con_1", phones=[PHONE]), somebody("con_2", phones=[PHONE], external_id="u2")
    alike = suggested(one, other)
    apart = suggested(replace(one, identifiers={"external_id": a_fact("u1")}), other)
    claimed = suggested(replace(one, identifiers={"external_id": a_fact("u1", Standing.CLAIMED)}), other)
    assert alike is not None
    assert apart is not None
    assert claimed is not None
    assert apart.remark == "the site has two ids for them, both proven (C2): u1 and u2"
    assert (alike.remark, claimed.remark) == (None, None)
    assert 0.5 < apart.score < alike.score == claimed.score


def test_better_proven_then_older_contact_is_kept() -> None:
    claimed = replace(somebody("con_1", phones=[PHONE]), identifiers={"email": a_fact("a@b.c", Standing.CLAIMED)})
    proven = replace(somebody("con_2", phones=[PHONE], external_id="u2"), created_at=LATER)
    older = somebody("con_3", phones=[PHONE], external_id="u3")
    for first, second in ((proven, claimed), (older, proven), (older, claimed)):
        suggestion = suggested(first, second)
        assert suggestion is not None
        assert (suggestion.first, suggestion.second) == (first, second)
