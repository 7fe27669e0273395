"""What would become of a call, without anything coming of it (V8)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from check.site import Site, mac
from hullo.errors import HulloError, ProofRejected, UnknownApp
from hullo.hooks.hookspecs import hookimpl
from hullo.model.app import App
from hullo.model.claim import Claim
from hullo.model.event import Event
from hullo.model.mistake import Mistake
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof, Signature
from hullo.settings import Settings
from hullo.store.protocol import Store

SHAPE = [
    "app_key",
    "verification",
    "accepted",
    "refused",
    "signature",
    "mistakes",
    "remarks",
    "decision",
    "rejected",
]


class Listener:
    """Remembers whatever it is told."""

    name = "listener"

    def __init__(self) -> None:
        self.told: list[object] = []

    @hookimpl
    def identified(self, outcome: Outcome) -> None:
        self.told.append(outcome)

    @hookimpl
    def identify_refused(self, error: HulloError) -> None:
        self.told.append(error)

    @hookimpl
    def event_committed(self, event: Event) -> None:
        self.told.append(event)


@pytest.mark.rule("V8")
def test_dry_run_covers_the_whole_identify(site: Site) -> None:
    known = site.upsert(external_id="user_123", name="Jane", company="Acme")
    site.upsert(email="jane@example.com")
    said: dict[str, Any] = {"external_id": "user_123", "email": "jane@example.com", "name": "Janet", "phone": "none"}
    document = site.document(**said, custom_data={"plan": "pro"})
    assert list(document) == SHAPE
    assert (document["accepted"], document["refused"], document["signature"]) == (True, None, "unsigned")
    decision = document["decision"]
    assert (decision["standing"], decision["matched_by"]) == ("claimed", "external_id")
    assert (decision["created"], decision["contact_id"]) == (False, known.contact_id)
    assert decision["written"] == ["custom_data.plan"]
    assert [each["field"] for each in decision["kept"]] == ["name"]
    [conflict] = decision["conflicts"]
    assert (conflict["rule"], conflict["field"]) == ("C1", "email")
    assert [step["stage"] for step in decision["steps"]] == ["name", "name", "match", "policy"]
    assert document["rejected"] == [{"field": "phone", "reason": "not a phone number"}]
    signed = site.document(**said, user_hash=site.sign("user_123"))
    assert (signed["signature"], signed["decision"]["standing"], signed["remarks"]) == ("signed", "proven", [])
    assert "name" in signed["decision"]["written"]


@pytest.mark.rule("V8")
def test_new_contact_has_no_id_yet(site: Site) -> None:
    decision = site.document(external_id="user_123")["decision"]
    assert (decision["created"], decision["contact_id"], decision["matched_by"]) == (True, None, "created")
    assert site.contacts() == ()


@pytest.mark.rule("V8")
def test_dry_run_writes_and_notifies_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener()
    site = Site(store, plugins=[listener])
    browser = site.visitor()
    browser.identify(external_id="user_123", signed="external_id")
    site.tell()
    listener.told.clear()
    site.set_app(verification="required")
    before = (site.contacts(), site.conflicts(), site.hullo.store.find_app(site.app.app_key))

    def refuse(*_: object) -> None:
        raise AssertionError("a check writes nothing")

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "apply", refuse)
        for body in (
            {"external_id": "new", "user_hash": site.sign("new")},
            {"external_id": "user_123", "session_token": browser.token, "name": "Jane"},
            {"external_id": "user_123", "user_hash": "wrong"},
            {"external_id": "user_123", "token": site.token(jti="once", name="Jane")},
            {"external_id": "user_123"},
            {},
        ):
            site.check(**body)
        site.tell()
    assert listener.told == []
    assert (site.contacts(), site.conflicts(), site.hullo.store.find_app(site.app.app_key)) == before
    site.hullo.close()  # counts are kept then at the latest
    site.hullo.open()
    assert site.hullo.call_counts(site.app.app_key).total == 1
    site.hullo.close()


REFUSED: list[tuple[str, int, dict[str, Any]]] = [
    ("no_identifier", 400, {"name": "Jane"}),
    ("no_identifier", 400, {"external_id": "null"}),
    ("invalid", 422, {"external_id": "user_123", "phone": "none", "strict": True}),
    ("proof_rejected", 401, {"external_id": "user_123", "user_hash": "wrong"}),
    ("session_revoked", 401, {"external_id": "user_123", "session_token": "hvs_unknown"}),
    ("session_revoked", 401, {"external_id": "user_123", "session_token": 7}),
]


@pytest.mark.rule("V8")
@pytest.mark.parametrize(("code", "status", "body"), REFUSED)
def test_refusal_is_reported_as_a_result(site: Site, code: str, status: int, body: dict[str, Any]) -> None:
    document = site.document(**body)
    assert (document["accepted"], document["decision"]) == (False, None)
    assert (document["refused"]["code"], document["refused"]["status"]) == (code, status)
    assert document["refused"]["detail"]
    assert [each["field"] for each in document["rejected"]] == [
        name for name in ("external_id", "phone") if body.get(name) in {"null", "none"}
    ]


@pytest.mark.rule("V3", "V8")
def test_unproven_call_gets_signing_advice(site: Site) -> None:
    for mode, accepted in (("optional", True), ("report", True), ("off", True), ("required", False)):
        site.set_app(verification=mode)
        checked = site.check(external_id="user_123")
        [remark] = checked.remarks
        assert "HMAC-SHA256" in remark
        assert (checked.signature, checked.is_accepted) == (Signature.UNSIGNED, accepted)
    assert site.document(external_id="user_123")["refused"]["code"] == "proof_required"


@pytest.mark.rule("V3", "V8")
@pytest.mark.parametrize("mode", ["off", "report"])
def test_proof_let_through_by_mode_is_explained(site: Site, mode: str) -> None:
    site.set_app(verification=mode)
    checked = site.check(external_id="user_123", user_hash=site.sign("user_123").upper())
    assert [mistake.code for mistake in checked.mistakes] == ["upper_case"]
    assert (checked.error, checked.signature, checked.is_accepted) == (None, Signature.WRONG, False)
    assert f"mode is {mode}" in checked.remarks[0]
    assert "taken as a claim" in checked.remarks[0]
    assert checked.decision is not None
    assert checked.decision.result.standing.label == "owned"


@pytest.mark.rule("V3", "V8")
def test_ignored_proof_in_off_mode_is_remarked(site: Site) -> None:
    site.set_app(verification="off")
    checked = site.check(external_id="user_123", user_hash=site.sign("user_123"))
    assert (checked.signature, checked.mistakes, checked.is_accepted) == (Signature.SIGNED, (), True)
    assert "mode is off" in checked.remarks[0]


@pytest.mark.rule("V8")
def test_evidence_is_checked_despite_other_refusals(site: Site) -> None:
    wrong = {"external_id": "user_123", "user_hash": site.sign("user_123").upper()}
    for body, code in (
        ({**wrong, "page": "https://evil.example.com"}, "bad_origin"),
        ({**wrong, "session_token": "hvs_unknown"}, "proof_rejected"),
        ({"name": "Jane", "user_hash": site.sign("Jane")}, "proof_rejected"),
    ):
        checked = site.check(**body)
        assert checked.error is not None
        assert checked.error.code == code
        assert checked.mistakes
        assert checked.signature is Signature.WRONG
    nobody = site.check(token=site.token(sub=None, name="Jane"))
    assert (nobody.signature, [each.code for each in nobody.mistakes]) == (Signature.UNSIGNED, ["token_names_nobody"])


@pytest.mark.rule("V8")
def test_page_is_checked_against_listed_origins(site: Site) -> None:
    def refused(page: str) -> str | None:
        error = site.check(page, external_id="user_123").error
        return error.code if error is not None else None

    assert refused("http://localhost:3000/shop?a=1") is None
    assert refused("https://shop.example.com") == "bad_origin"
    site.set_app(origins="https://shop.example.com")
    assert refused("https://shop.example.com/basket") is None
    for page in ("https://shop.example.org", "null", "shop.example.com", "http://[", "https://"):
        assert refused(page) == "bad_origin"


@pytest.mark.rule("V8")
def test_session_counts_as_in_identify(site: Site) -> None:
    browser = site.visitor()
    browser.identify(external_id="user_123", signed="external_id")
    checked = site.check(external_id="user_123", session_token=browser.token, name="Jane")
    assert checked.decision is not None
    assert (checked.decision.result.standing.label, checked.remarks) == ("proven", ())


@pytest.mark.rule("V8")
def test_body_naming_another_app_is_remarked(site: Site) -> None:
    checked = site.check(app_key=site.other.app_key, external_id="user_123", user_hash=site.sign("user_123"))
    assert checked.is_accepted
    assert "names another app" in checked.remarks[0]
    assert site.check(app_key=site.app.app_key, external_id="u", user_hash=site.sign("u")).remarks == ()


@pytest.mark.rule("V8")
def test_missing_app_is_refused(site: Site) -> None:
    site.app = replace(site.app, app_key="app_nobody")
    with pytest.raises(UnknownApp):
        site.check(external_id="user_123")


@pytest.mark.rule("V4", "V8")
def test_sealed_keys_are_opened_for_the_check() -> None:
    site = Site(settings=Settings(master_keys=("5b1e" * 16,), development=True))
    assert site.codes(external_id="u", user_hash=mac(bytes.fromhex(site.bare), "u").hex()) == ["key_decoded_from_hex"]
    assert site.codes(external_id="u", user_hash=site.sign("u", site.other)) == ["other_apps_key"]
    site.hullo.close()


class Ticket:
    """Vouches for an attribute's value by its own rule, and explains what is wrong where it is told to."""

    name = "ticket"

    def __init__(self, explained: list[Mistake] | None = None) -> None:
        self._explained = explained or []

    @hookimpl
    def verify_claim(self, claim: Claim) -> Proof | None:
        if claim.identity_token is None:
            return None
        if claim.identity_token != "right":
            raise ProofRejected("the ticket is not one of ours")
        return Proof(by=self.name, identifiers=claim.identifiers, evidence=("identity_token",))

    @hookimpl
    def explain_proof(self, claim: Claim, app: App) -> list[Mistake]:
        return self._explained if claim.identity_token is not None else []


@pytest.mark.rule("V8")
def test_unexplained_evidence_quotes_the_refusal() -> None:
    site = Site(plugins=[Ticket()], without=["signed-token"])
    body = {"external_id": "user_123", "identity_token": "wrong"}
    [mistake] = site.check(**body).mistakes
    assert mistake == Mistake(field="identity_token", code="unrecognised", says="The ticket is not one of ours.")
    [unread] = site.check(external_id="user_123", token="x").mistakes
    assert (unread.field, unread.says) == ("token", "No plugin that is in use vouches for this token.")


@pytest.mark.rule("V8")
def test_plugin_mistake_on_valid_evidence_is_warning() -> None:
    says = [Mistake(field="identity_token", code=code, says="…") for code in ("soon_over", "unrecognised")]
    site = Site(plugins=[Ticket(says)], without=["signed-token"])
    checked = site.check(external_id="user_123", identity_token="right")
    assert checked.is_accepted
    assert [mistake.code for mistake in checked.mistakes] == ["soon_over"]
    assert site.codes(external_id="user_123", identity_token="wrong") == ["soon_over", "unrecognised"]


class Broken:
    """Works as often as it is told, and not once more."""

    name = "broken"

    def __init__(self, works: int) -> None:
        self._works = works

    @hookimpl
    def match_contact(self) -> None:
        self._works -= 1
        if self._works < 0:
            raise RuntimeError


@pytest.mark.rule("V8")
@pytest.mark.parametrize("works", [0, 1])
def test_internal_failure_raises_instead_of_answering(works: int) -> None:
    with pytest.raises(HulloError) as failed:
        Site(plugins=[Broken(works)]).check(external_id="user_123")
    assert failed.value.status == 500


# Secrets

LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
TEXTS = st.sampled_from(["user_123", "jane@example.com", " Jane@example.com", "4711", "null", ""]) | st.text(
    LETTERS, max_size=9
)
HASHES = st.sampled_from(["right", "upper", "base64", "key", "bare", "token", "hex", "session"]) | st.text(
    LETTERS, max_size=70
)


@pytest.mark.rule("V8", "P4")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_results_hold_no_secret(site: Site, data: st.DataObject) -> None:
    texts = {
        name: data.draw(TEXTS) for name in data.draw(st.sets(st.sampled_from(["external_id", "email", "name", "shop"])))
    }
    right = {name: site.sign(value) for name, value in texts.items()}
    session = site.visitor().join().token
    sent = {
        "right": right.get("external_id") or right.get("email"),
        "upper": (right.get("external_id") or "").upper(),
        "key": site.secret,
        "bare": site.bare,
        "token": site.token(aud=site.secret),
        "hex": site.bare.upper(),
        "session": session,
    }
    evidence = {
        name: sent.get(drawn, drawn)
        for name in data.draw(st.sets(st.sampled_from(["user_hash", "token", "identity_token", "shop_hash"])))
        if (drawn := data.draw(HASHES)) is not None
    }
    mode = data.draw(st.sampled_from(["off", "optional", "report", "required"]))
    site.set_app(verification=mode)
    document = json.dumps(site.document(**texts, **evidence))
    for secret in (site.secret, site.bare, session, "hvs_", *right.values()):
        assert secret is not None
        assert secret.lower() not in document.lower()
