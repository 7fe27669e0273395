"""The nouns: what two of them have in common, and what they refuse."""

from __future__ import annotations

import sys
import unicodedata
from datetime import UTC, datetime
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullo.model.change_set import ChangeSet
from hullo.model.claim import Claim
from hullo.model.email import email_key, is_plausible_email
from hullo.model.event import Event
from hullo.model.fact import Fact, is_blank, is_same_value
from hullo.model.identifier import Identifier, identifier_fault
from hullo.model.instant import format_rfc3339, to_instant
from hullo.model.invisible import has_blank_end
from hullo.model.placeholder import NON_IDENTITIES, is_non_identity, is_placeholder_email
from hullo.model.request_context import RequestContext, secret_digest
from hullo.model.standing import Standing

KELVIN_SIGN = "\u212a"
LETTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF and chr(code) != "@"]
LOWER = str.maketrans(
    {
        letter: lower
        for letter in LETTERS
        if len(lower := letter.lower()) == 1 and (letter.isascii() or not lower.isascii())
    }
)
ODD_LETTERS = st.sampled_from(
    [
        letter
        for letter in LETTERS
        if letter.casefold() != letter.lower() or unicodedata.category(letter) in {"Cf", "Mn"}
    ]
)


def composed(text: str) -> str:
    return KELVIN_SIGN.join(unicodedata.normalize("NFC", part) for part in text.split(KELVIN_SIGN))


@pytest.mark.rule("M2")
@given(st.text(st.characters(exclude_characters="@", exclude_categories=["Cs"]) | ODD_LETTERS, max_size=8))
def test_email_key_lowers_letter_by_letter(local: str) -> None:
    visible = "".join(letter for letter in local if unicodedata.category(letter) != "Cf").lstrip()
    expected = composed(composed(visible).translate(LOWER))
    key = email_key(f"{local}@x.test")
    assert key == f"{expected}@x.test"
    assert email_key(key) == key
    # No letter from outside of ASCII is taken for one of ASCII, which another mailbox has.
    assert sum(map(str.isascii, key)) <= sum(map(str.isascii, local)) + len("@x.test")


@pytest.mark.rule("M2")
def test_joiner_distinguishes_domains() -> None:
    joined, bare = "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "\u0646\u0627\u0645\u0647\u0627\u06cc.example"
    assert email_key(f"a@{joined}") == "a@xn--mgba3gch31f060k.example" != email_key(f"a@{bare}")
    assert email_key(f"a@{bare}\u200c") == email_key(f"a@{bare}")  # where no script has one


@pytest.mark.rule("M2")
@given(st.text())
def test_email_key_is_idempotent(text: str) -> None:
    assert email_key(email_key(text)) == email_key(text)
    if text.isascii():
        local, at, domain = text.strip().partition("@")
        assert email_key(text) == f"{local}{at}{domain.rstrip('.')}".lower()


@given(st.text())
def test_email_key_ignores_case_and_outer_whitespace(text: str) -> None:
    assert email_key(f"  {text}\t") == email_key(text)
    if text.isascii():
        assert email_key(text.upper()) == email_key(text)


@given(st.text())
def test_email_check_handles_any_text(text: str) -> None:
    assert is_plausible_email(text) in {True, False}


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40)),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        ),
    )
)
def test_claim_reads_from_any_body(body: dict[str, object]) -> None:
    claim = Claim.from_body(body)
    assert {rejection.field for rejection in claim.rejected} or set(body) <= {*Claim.__slots__, "app_key"}


@given(
    st.sampled_from(
        [
            "external_id",
            "email",
            "name",
            "phone",
            "company",
            "avatar_url",
            "custom_data",
            "user_hash",
            "strict",
            "token",
        ]
    ),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=70), inner, max_size=3),
    ),
)
def test_field_value_is_accepted_or_rejected(field: str, value: object) -> None:
    claim = Claim.from_body({field: value})
    for text in (claim.external_id, claim.email, *claim.profile.values(), *claim.custom_data.values()):
        if isinstance(text, str):
            text.encode()
            assert "\x00" not in text


def test_identifier_takes_any_scalar_as_text() -> None:
    assert Identifier("card", 4711) == Identifier("card", "4711")  # type: ignore[arg-type]
    assert is_non_identity(Identifier("card", True).value)  # type: ignore[arg-type]
    for wrong in (None, ["a"]):
        with pytest.raises(TypeError):
            Identifier("card", wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs a kind"):
        Identifier("", "4711")


def test_digest_depends_on_workspace_kind_and_key() -> None:
    digests = {
        Identifier("email", "a@b").digest("ws_1"),
        Identifier("email", "a@b").digest("ws_2"),
        Identifier("external_id", "a@b").digest("ws_1"),
        Identifier("email", "b@b").digest("ws_1"),
    }
    assert len(digests) == 4
    assert Identifier("email", " A@B ").digest("ws_1") in digests


@pytest.mark.parametrize("text", ["0", "00-00", "", " ", "NaN", "None", "[object Object]"])
def test_placeholder_text_names_no_contact(text: str) -> None:
    assert is_non_identity(text)


@pytest.mark.parametrize("text", ["1", "-2", "00001", "nancy", "nobody", "user_0"])
def test_ordinary_text_names_a_contact(text: str) -> None:
    assert not is_non_identity(text)


@pytest.mark.rule("M5")
def test_text_of_signs_is_judged_quickly() -> None:
    began = thread_time()
    # The first took seconds and the second a thirtieth of one, in a thread that serves other visitors too.
    assert not is_non_identity("-" * 40 + "x")
    for _ in range(100):
        assert not is_non_identity('"' * 254 + "x")
    assert thread_time() - began < 1


PIECES = st.lists(
    st.sampled_from(
        [
            *("null", "Undefined", "guest", "id", "com", "ann", "0", "7", "x"),
            *"@@._-:|/+,; %{}()[]\"'$<>\n\u212a\u017f\u00ad",
        ]
    ),
    max_size=7,
)


@pytest.mark.rule("M5")
@given(PIECES.map("".join), st.sampled_from(["external_id", "email", "card"]))
def test_plain_identifiers_are_judged_like_others(text: str, kind: str) -> None:
    is_placeholder = (is_placeholder_email if kind == "email" else is_non_identity)(text, NON_IDENTITIES)
    has_fault = is_placeholder or (kind != "email" and has_blank_end(text))
    assert (identifier_fault(kind, text, NON_IDENTITIES) is not None) == has_fault


def test_moment_gives_the_same_ids_when_repeated() -> None:
    moment = RequestContext(now=1_790_000_000_000_000, seed=b"s" * 32)
    assert moment.new_id("con") == moment.new_id("con")
    assert len({moment.new_id("con"), moment.new_id("con", 1), moment.new_id("vis"), moment.new_secret("hvs")}) == 4
    assert moment.new_secret("hvs") != RequestContext(now=moment.now, seed=b"t" * 32).new_secret("hvs")


@given(st.integers(0, 2**52), st.integers(1, 2**40))
def test_ids_sort_by_time(now: int, later: int) -> None:
    earlier = RequestContext(now=now, seed=b"z" * 32).new_id("con")
    assert earlier < RequestContext(now=now + later, seed=b"a" * 32).new_id("con")


def test_digest_does_not_contain_its_secret() -> None:
    assert secret_digest("hvs_x") != "hvs_x"
    assert len(secret_digest("hvs_x")) == 64


def test_instants_print_in_utc_with_milliseconds() -> None:
    instant = to_instant(datetime(2026, 11, 21, 12, 30, 0, 123_999, tzinfo=UTC))
    assert format_rfc3339(instant) == "2026-11-21T12:30:00.123Z"
    with pytest.raises(ValueError, match="timezone"):
        to_instant(datetime(2026, 11, 21))


def test_values_of_different_json_types_differ() -> None:
    fact = Fact(1, Standing.CLAIMED, 0, "visitor:x")
    assert is_same_value(fact, 1)
    assert not is_same_value(fact, True)
    assert not is_same_value(fact, 1.0)
    assert not is_same_value(None, 1)
    assert is_blank(None)
    assert is_blank(Fact("", Standing.PROVEN, 0, "x"))
    assert not is_blank(Fact(0, Standing.CLAIMED, 0, "x"))


@pytest.mark.rule("R4")
def test_change_set_with_only_event_is_nonempty() -> None:
    event = Event(id="evt_1", name="visitor.reset", at=0, workspace_id="ws_1")
    assert not ChangeSet(events=(event,)).is_empty
    assert ChangeSet().is_empty
