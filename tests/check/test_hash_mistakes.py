"""Hashes that are wrong, each in a way that a site's server may well get it wrong (V8)."""

from __future__ import annotations

import base64
import hmac
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from check.site import Site, mac, sha256
from hullo.model.claim import Claim
from hullo_plugins.verify.mistakes.diagnosis_search import MAX_ATTEMPTS

ID = "user_123"
EMAIL = " Jane@Example.com"

KEYS: list[tuple[str, Callable[[Site], str | bytes]]] = [
    ("key_decoded_from_hex", lambda site: bytes.fromhex(site.bare)),
    ("key_decoded_from_hex", lambda site: b"\x12\x4f" + bytes.fromhex(site.bare)),  # as Ruby's pack takes h, i, k, _
    ("key_without_prefix", lambda site: site.bare),
    ("key_decoded_from_base64", lambda site: base64.b64decode(site.bare)),
    ("key_decoded_from_base64", lambda site: base64.urlsafe_b64decode(site.secret)),
    ("key_decoded_from_base64", lambda site: base64.b64decode(site.secret.replace("_", "") + "=")),
    ("key_with_whitespace", lambda site: site.secret + "\n"),
    ("key_with_whitespace", lambda site: site.secret + "\r\n"),
    ("key_with_whitespace", lambda site: " " + site.secret),
    ("key_with_quotes", lambda site: f'"{site.secret}"'),
    ("key_in_other_case", lambda site: site.secret.upper()),
    ("key_not_utf8", lambda site: site.secret.encode("utf-16-le")),
    ("key_empty", lambda site: ""),
    ("key_empty", lambda site: "undefined"),
    ("key_id_as_key", lambda site: site.app.identity_key_id),
    ("app_key_as_key", lambda site: site.app.app_key),
]

VALUES: list[tuple[str, str, str | bytes]] = [
    ("value_with_whitespace", ID, ID + "\n"),
    ("value_with_whitespace", ID, ID + " "),
    ("value_json_quoted", ID, f'"{ID}"'),
    ("value_case", "User_123", "user_123"),
    ("value_case", "user_123", "USER_123"),
    ("value_number", "123", "123.0"),
    ("value_number", "123.0", "123"),
    ("value_number", "00123", "123"),
    ("value_number", "1234567", "1,234,567"),
    ("value_url_encoded", "a b/c", quote("a b/c", safe="")),
    ("value_url_encoded", "a b", "a+b"),
    ("value_not_utf8", ID, ID.encode("utf-16-le")),
    ("value_not_utf8", "Jané", "Jané".encode("latin-1")),
    ("value_normalised", "Jan\u00e9", unicodedata.normalize("NFD", "Jan\u00e9")),
]

EMAILS: list[tuple[str, str, str]] = [
    ("email_folded", "Jane@Example.com", "jane@example.com"),
    ("email_folded", " jane@example.com", "jane@example.com"),
    ("email_folded", " Jane@Example.com ", "Jane@Example.com"),
    ("email_folded", "jane@BÜCHER.example", "jane@xn--bcher-kva.example"),
    ("email_not_folded", "jane@example.com", "Jane@example.com"),
    ("email_not_folded", "jane.doe@example.com", "Jane.Doe@example.com"),
    ("email_not_folded", "jane@example.com", "JANE@EXAMPLE.COM"),
    ("value_with_whitespace", "jane@example.com", "jane@example.com\n"),
]

WRITINGS: list[tuple[str, Callable[[bytes], str]]] = [
    ("base64", lambda digest: base64.b64encode(digest).decode()),
    ("base64", lambda digest: base64.b64encode(digest).decode().rstrip("=")),
    ("upper_case", lambda digest: digest.hex().upper()),
    ("base64_of_hex", lambda digest: base64.b64encode(digest.hex().encode()).decode()),
    ("hex_twice", lambda digest: digest.hex().encode().hex()),
    ("url_encoded", lambda digest: "".join(f"%{ord(each):02x}" for each in digest.hex())),
    *(
        ("stray_characters", around)
        for around in (
            lambda digest: digest.hex() + "\n",
            lambda digest: f" {digest.hex()}",
            lambda digest: f"sha256={digest.hex()}",
            lambda digest: f"HMAC-SHA256: {digest.hex()}",
            lambda digest: f"0x{digest.hex()}",
            lambda digest: f"\\x{digest.hex()}",
            lambda digest: f'"{digest.hex()}"',
            lambda digest: f"b'{digest.hex()}'",
            lambda digest: digest.hex("-"),
            lambda digest: digest.hex(":"),
        )
    ),
]

WAYS: list[tuple[str, Callable[[str], str]]] = [
    ("other_digest", lambda key: mac(key, ID, "sha1").hex()),
    ("other_digest", lambda key: mac(key, ID, "sha384").hex()),
    ("other_digest", lambda key: mac(key, ID, "sha512").hex()),
    ("other_digest", lambda key: mac(key, ID, "md5").hex()),
    ("other_digest", lambda key: sha256(ID)),
    ("other_digest", lambda key: sha256(key + ID)),
    ("other_digest", lambda key: sha256(ID + key)),
    ("key_and_value_swapped", lambda key: mac(ID, key).hex()),
]


@pytest.mark.rule("V8")
def test_right_hash_has_no_mistakes(site: Site) -> None:
    checked = site.check(external_id=ID, email=EMAIL, user_hash=site.sign(ID), shop="s", shop_hash=site.sign("s"))
    assert (checked.mistakes, checked.remarks, checked.is_accepted) == ((), (), True)


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("code", "key"), KEYS)
def test_wrong_key_choice_is_recognised(site: Site, code: str, key: Callable[[Site], str | bytes]) -> None:
    assert site.codes(external_id=ID, user_hash=mac(key(site), ID).hex()) == [code]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("code", "sent", "signed"), VALUES)
def test_wrong_value_for_external_id_is_recognised(site: Site, code: str, sent: str, signed: str | bytes) -> None:
    assert site.codes(external_id=sent, user_hash=mac(site.secret, signed).hex()) == [code]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("code", "sent", "signed"), EMAILS)
def test_wrong_value_for_email_is_recognised(site: Site, code: str, sent: str, signed: str) -> None:
    assert site.codes(email=sent, user_hash=site.sign(signed)) == [code]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("code", "written"), WRITINGS)
def test_wrong_hash_encoding_is_recognised(site: Site, code: str, written: Callable[[bytes], str]) -> None:
    assert site.codes(external_id=ID, user_hash=written(mac(site.secret, ID))) == [code]


@pytest.mark.rule("V8")
def test_base64url_is_distinguished_where_possible(site: Site) -> None:
    person = next(
        f"u{number}" for number in range(99) if b"-" in base64.urlsafe_b64encode(mac(site.secret, f"u{number}"))
    )
    written = base64.urlsafe_b64encode(mac(site.secret, person)).decode()
    assert site.codes(external_id=person, user_hash=written) == ["base64url"]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("code", "way"), WAYS)
def test_wrong_hash_algorithm_is_recognised(site: Site, code: str, way: Callable[[str], str]) -> None:
    assert site.codes(external_id=ID, user_hash=way(site.secret)) == [code]


@pytest.mark.rule("V8")
def test_hash_over_another_field_is_recognised(site: Site) -> None:
    said = {"external_id": ID, "email": EMAIL, "custom_data": {"user": "4711", "vip": True}}
    assert site.codes(**said, user_hash=site.sign(EMAIL)) == ["email_signed"]
    assert site.codes(**said, user_hash=site.sign("jane@example.com")) == ["email_signed", "email_folded"]
    [mistake] = site.check(**said, user_hash=site.sign("4711")).mistakes
    assert mistake.code == "other_field_signed"
    assert "custom_data.user" in mistake.says
    assert site.codes(email=EMAIL, name="4711", user_hash=site.sign("4711")) == ["other_field_signed"]


@pytest.mark.rule("V8")
def test_several_mistakes_are_each_named(site: Site) -> None:
    decoded = mac(bytes.fromhex(site.bare), "jane@example.com\n")
    written = f"sha256={decoded.hex().upper()}"
    assert site.codes(external_id=ID, email="jane@example.com", user_hash=written) == [
        "stray_characters",
        "upper_case",
        "key_decoded_from_hex",
        "email_signed",
        "value_with_whitespace",
    ]


@pytest.mark.rule("V8")
def test_retired_key_differs_from_a_wrong_one(site: Site) -> None:
    signed, decoded = site.sign(ID), mac(bytes.fromhex(site.bare), ID).hex()
    site.hullo.register.add_identity_key(site.app.app_key)
    site.hullo.register.retire_identity_key(site.app.app_key, site.app.identity_key_id)
    assert site.codes(external_id=ID, user_hash=signed) == ["retired_key"]
    assert site.codes(external_id=ID, user_hash=decoded) == ["retired_key", "key_decoded_from_hex"]


@pytest.mark.rule("V8")
def test_sibling_app_key_is_recognised(site: Site) -> None:
    [mistake] = site.check(external_id=ID, user_hash=site.sign(ID, site.other)).mistakes
    assert mistake.code == "other_apps_key"
    assert site.other.app_key in mistake.says
    stranger = site.hullo.create_app("Elsewhere", workspace="Another")
    assert site.codes(external_id=ID, user_hash=site.sign(ID, stranger)) == ["unrecognised"]


@pytest.mark.rule("V6", "V8")
def test_email_hash_is_explained_alike(site: Site) -> None:
    said = {"external_id": ID, "user_hash": site.sign(ID), "email": EMAIL}
    assert site.codes(**said, email_hash=site.sign(EMAIL)) == []
    [mistake] = site.check(**said, email_hash=site.sign(ID)).mistakes
    assert (mistake.field, mistake.code) == ("email_hash", "other_field_signed")
    assert site.codes(**said, email_hash=site.sign("jane@example.com")) == ["email_folded"]
    assert site.codes(external_id=ID, email_hash=site.sign(ID)) == ["no_value"]


@pytest.mark.rule("V6", "V8")
def test_attribute_hash_is_explained_alike(site: Site) -> None:
    shop = "johns-store.myshopify.com"
    said = {"external_id": ID, "email": EMAIL, "shop": shop}
    [mistake] = site.check(**said, shop_hash=site.sign(shop).upper()).mistakes
    assert (mistake.field, mistake.code) == ("shop_hash", "upper_case")
    assert site.codes(**said, shop_hash=site.sign(ID)) == ["other_field_signed"]
    assert site.codes(**said, shop_hash=site.sign(EMAIL)) == ["other_field_signed"]
    assert site.codes(external_id=ID, shop_hash=site.sign(shop)) == ["no_value"]
    both = site.check(**said, user_hash=site.sign(EMAIL), shop_hash=site.sign(shop + "\n"))
    assert [(each.field, each.code) for each in both.mistakes] == [
        ("shop_hash", "value_with_whitespace"),
        ("user_hash", "email_signed"),
    ]


SEEN: list[tuple[str, Any]] = [
    ("not_text", " "),
    ("not_text", ["a"]),
    ("not_text", {"type": "Buffer", "data": [1]}),
    ("not_text", 12),
    ("truncated", "0" * 40),
    ("truncated", "777c61fc"),
    ("too_long", "0" * 66),
    ("key_sent", "hik_" + "0" * 64),
    ("key_sent", "hsk_" + "0" * 64),
    ("token_as_hash", "eyJhbGciOiJIUzI1NiJ9.e30.abc"),
    ("not_hashed", ID),
    ("unrecognised", "0" * 64),
    ("unrecognised", "é" * 64),
    ("unrecognised", "x"),
    ("unrecognised", "0x" * 15_000),
    ("unrecognised", "%25" * 10_000),
    ("too_long", "ab" * 15_000),
]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("code", "sent"), SEEN)
def test_visible_mistakes_need_no_computing(site: Site, code: str, sent: Any) -> None:
    assert site.codes(external_id=ID, user_hash=sent) == [code]


@pytest.mark.rule("V8")
def test_encoding_is_named_when_cause_stays_unknown(site: Site) -> None:
    assert site.codes(external_id=ID, user_hash="A" * 64) == ["upper_case", "unrecognised"]
    assert site.codes(external_id=ID, user_hash="A" * 43 + "=") == ["base64", "unrecognised"]


@pytest.mark.rule("V8")
def test_truncated_right_hash_looks_like_wrong_one(site: Site) -> None:
    right = site.document(external_id=ID, user_hash=site.sign(ID)[:32])
    wrong = site.document(external_id=ID, user_hash="0" * 32)
    assert right == wrong


@pytest.mark.rule("V8")
def test_hash_without_a_signable_value_is_explained(site: Site) -> None:
    assert site.codes(name="Jane", user_hash=site.sign("Jane")) == ["no_value"]
    [mistake] = site.check(external_id=123.0, email=EMAIL, user_hash=site.sign("123")).mistakes
    assert mistake.code == "external_id_rejected"
    assert "must be text" in mistake.says
    assert site.codes(external_id=[1], user_hash=site.sign("1")) == ["external_id_rejected"]


@pytest.mark.rule("V8")
def test_unrecognised_hash_gets_things_to_check(site: Site) -> None:
    [mistake] = site.check(external_id=ID, user_hash="0" * 64).mistakes
    places = [
        mistake.says.index(word) for word in ("the key an active one", "external_id", "HMAC-SHA256", "lower-case")
    ]
    assert places == sorted(places)
    assert f"hullo hash {site.app.app_key}" in mistake.says


@pytest.mark.rule("V8")
def test_mistake_search_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[int] = []
    digest = hmac.digest

    def counted(*given: Any) -> bytes:
        computed.append(1)
        return digest(*given)

    for _ in range(9):
        site.hullo.register.add_identity_key(site.app.app_key)
    app = site.hullo.executor.apps.reload(site.app.app_key)
    custom = {f"key{number}": f"value {number}" for number in range(100)}
    claim = Claim.from_body({"external_id": ID, "custom_data": custom, "user_hash": "0" * 64})
    monkeypatch.setattr("hmac.digest", counted)
    site.hullo.hooks.explain_proof(claim, app, site.clock())
    assert 0 < len(computed) <= MAX_ATTEMPTS


@pytest.mark.rule("V8")
def test_other_products_field_is_named(site: Site) -> None:
    remarks = site.check(external_id=ID, identifier_hash=site.sign(ID)).remarks
    assert "hullo has no field identifier_hash: it is called user_hash here." in remarks
