"""Decisions in words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hullo.model.decision_record import DecisionRecord, FieldVerdict, Step, Trace, Verdict
from hullo.model.instant import parse_rfc3339
from hullo.operations.contacts.explanations import describe_decision
from hullo.testing.builders import APP, a_decision

APPS = {APP: "Shop"}


def decided(*parts: Step | FieldVerdict, **fields: str | None) -> str:
    """The words of a decision with these steps and fields."""
    trace = Trace(
        steps=tuple(each for each in parts if isinstance(each, Step)),
        fields=tuple(each for each in parts if isinstance(each, FieldVerdict)),
    )
    record = replace(a_decision(), at=parse_rfc3339("2026-11-22T14:03:59Z"), app_id=APP, trace=trace)
    by = {"by": "visitor:vis_1", "matched_by": "email", "standing": "claimed"}
    decision: DecisionRecord = replace(record, **{**by, **fields})  # type: ignore[arg-type]
    return describe_decision(decision, APPS)


def verdict(verdict: Verdict, reason: str, *fields: str) -> list[FieldVerdict]:
    return [FieldVerdict(field=field, verdict=verdict, reason=reason) for field in fields]


def test_decision_reads_as_a_short_account() -> None:
    words = decided(
        Step(stage="verify", plugin="user-hash", answer="vouches for email"),
        *verdict("kept", "a proven value is replaced by proven ones only (W2)", "phone"),
        *verdict("written", "filled as proven", "name", "company"),
        by="identity-key:ik_1",
        standing="proven",
    )
    assert words == (
        "On 2026-11-22 14:03 UTC a page of app Shop identified them by email with a signed hash (proven). It filled "
        "name and company. It kept phone, as a proven value is replaced by proven ones only (W2)."
    )


@pytest.mark.parametrize(
    ("fields", "opening"),
    [
        ({}, "a page of app Shop identified them by email without proof (claimed)."),
        ({"standing": "proven"}, "a page of app Shop identified them by email in a session that is proven (proven)."),
        ({"by": "token:ik_1"}, "a page of app Shop identified them by email with a signed token (claimed)."),
        ({"matched_by": "created"}, "a page of app Shop made this contact without proof (claimed)."),
        ({"matched_by": "external_id", "by": "api-key:key_1"}, "a server with the API key key_1 identified them by "),
        ({"matched_by": "loyalty-card", "app_id": None}, "a page identified them by loyalty-card without proof"),
        ({"app_id": "app_gone"}, "a page of app app_gone identified them by email"),
        ({"matched_by": "id", "by": "command line"}, "somebody at the command line wrote to this contact."),
        ({"matched_by": "id", "by": "import imp_1"}, "import imp_1 wrote to this contact."),
    ],
)
def test_first_sentence_names_contact_and_proof(fields: dict[str, str | None], opening: str) -> None:
    assert decided(**fields).startswith(f"On 2026-11-22 14:03 UTC {opening}")


def test_other_verifier_is_named() -> None:
    step = Step(stage="verify", plugin="our-login", answer="vouches for email")
    assert " with what our-login vouches for (claimed)." in decided(step)


def test_indirect_match_explains_its_steps() -> None:
    words = decided(
        Step(stage="name", plugin="email", answer="look up by email"),
        Step(stage="match", plugin="email", answer="it is con_1"),
        Step(stage="match", plugin="pipeline", answer="not them: only claims lead to con_1 (V2)"),
        Step(stage="match", plugin="pipeline", answer="somebody new"),
        Step(stage="policy", plugin="standing", answer="keeps phone: no"),
        Step(stage="visit", plugin="pipeline", answer="this browser was con_1 before"),
        Step(stage="link", plugin="link-orphans", answer="gives the contact this visitor's conversations"),
        matched_by="created",
    )
    assert words.partition(" (claimed). ")[2] == (
        "Not them: only claims lead to con_1 (V2). This browser was con_1 before. "
        "link-orphans gives the contact this visitor's conversations."
    )


def test_undone_merge_is_described_as_undone() -> None:
    step = Step(stage="unmerge", plugin="by hand", answer="con_2 is no part of con_1 now (G2)")
    assert decided(step, matched_by="id", by="agent:ada") == (
        "On 2026-11-22 14:03 UTC agent:ada took a merge back. con_2 is no part of con_1 now (G2)."
    )


def test_merge_is_described_as_merge() -> None:
    step = Step(stage="merge", plugin="by hand", answer="con_2 becomes part of this contact")
    words = decided(
        step, *verdict("written", "came with con_2 (G1)", "email", "tags.vip"), matched_by="id", by="agent:ada"
    )
    assert words == (
        "On 2026-11-22 14:03 UTC agent:ada merged somebody into this contact. con_2 becomes part of this contact. "
        "Email and tags.vip came with con_2 (G1)."
    )


def test_fields_are_grouped_by_outcome() -> None:
    words = decided(
        *verdict("written", "replaced as claimed", "name"),
        *verdict("written", "cleared as claimed", "company", "phone", "custom_data.plan"),
        *verdict("written", "went to con_2, who has proof of it (C4)", "external_id"),
        *verdict("rejected", "not a phone number", "phone"),
        *verdict("unchanged", "it was so already", "email"),
    )
    assert words.partition(" (claimed). ")[2] == (
        "It replaced name and cleared company, phone and custom_data.plan. "
        "external_id went to con_2, who has proof of it (C4). It left out phone: not a phone number. "
        "Email was so already."
    )
    several = decided(*verdict("unchanged", "it was so already", "name", "email"))
    assert several.endswith(" Name and email were so already.")
