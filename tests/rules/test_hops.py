"""The hop to another site (T)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from msgspec.structs import replace

from hullo.errors import Conflicting, NotFound, ProofRejected, ProofRequired, SessionRevoked, UnknownApp
from hullo.model.change_set import ChangeSet, SessionRevocation
from hullo.model.claim import Claim
from hullo.model.instant import MINUTE, SECOND
from hullo.model.standing import Standing
from hullo.operations.admin.register import NewApp
from hullo.operations.contacts.update import UpdateContact
from hullo.rules.hop_targets import hop_domains, hop_targets
from world import Browser, World


def jane(world: World) -> Browser:
    browser = world.visitor()
    browser.identify(external_id="jane", email="jane@example.com", signed="external_id", name="Jane")
    return browser


@pytest.fixture
def help_centre(world: World) -> NewApp:
    return world.hullo.create_app("Help centre")


def refusal(browser: Browser, token: str) -> str | None:
    with pytest.raises(ProofRejected) as refused:
        browser.identify(identity_token=token)
    return refused.value.mistake


@pytest.mark.rule("T1")
def test_hop_carries_identity_and_standing(world: World, help_centre: NewApp) -> None:
    browser = jane(world)
    arrived = world.visitor(help_centre)
    outcome = arrived.identify(identity_token=browser.token_for(help_centre))
    assert (outcome.standing, outcome.matched_by) == (Standing.PROVEN, "hop")
    assert arrived.resume().session.contact_id == browser.resume().session.contact_id
    assert outcome.written == ()


@pytest.mark.rule("T1", "H2")
def test_claim_arrives_as_a_claim(world: World, help_centre: NewApp) -> None:
    world.upsert(external_id="jane", email="jane@example.com")
    for email in ("jane@example.com", "new@example.com"):
        browser = world.visitor()
        browser.identify(email=email)
        outcome = world.visitor(help_centre).identify(identity_token=browser.token_for(help_centre))
        assert outcome.standing is Standing.CLAIMED


@pytest.mark.rule("T1")
def test_values_beside_hop_token_are_claims(world: World, help_centre: NewApp) -> None:
    outcome = world.visitor(help_centre).identify(
        identity_token=jane(world).token_for(help_centre),
        email="mallory@example.com",
        external_id="mallory",
        name="Mallory",
        company="Acme",
    )
    contact = world.contact(outcome.contact_id)
    assert [each.field for each in outcome.rejected] == ["email", "external_id"]
    assert [verdict.field for verdict in outcome.kept] == ["name"]
    assert (contact.external_id, contact.email) == ("jane", "jane@example.com")
    assert contact.profile.keys() == {"name", "company"}
    assert contact.profile["company"].standing is Standing.CLAIMED


@pytest.mark.rule("T1")
def test_hop_token_is_redeemed_once(world: World, help_centre: NewApp) -> None:
    token = jane(world).token_for(help_centre)
    arrived = world.visitor(help_centre)
    arrived.identify(identity_token=token)
    assert refusal(arrived, token) == "used_before"
    assert refusal(world.visitor(help_centre), token) == "used_before"


@pytest.mark.rule("T1", "R1")
def test_concurrent_redemptions_of_hop_token_succeed_once(world: World, help_centre: NewApp) -> None:
    token, start, answers = jane(world).token_for(help_centre), threading.Barrier(16), list[str]()

    def redeem() -> None:
        start.wait()
        try:
            answers.append(world.visitor(help_centre).identify(identity_token=token).standing.label)
        except ProofRejected as refused:
            answers.append(str(refused.mistake))

    threads = [threading.Thread(target=redeem) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["proven", *["used_before"] * 15]


@pytest.mark.rule("T1")
def test_hop_token_expires_after_five_minutes(world: World, help_centre: NewApp) -> None:
    browser = jane(world)
    late, in_time = browser.token_for(help_centre), browser.token_for(help_centre)
    world.clock.now += 5 * MINUTE - 2 * SECOND
    world.visitor(help_centre).identify(identity_token=in_time)
    world.clock.now += 2 * SECOND
    assert refusal(world.visitor(help_centre), late) == "expired"


@pytest.mark.rule("T1")
def test_hop_token_works_only_in_target_app(world: World, help_centre: NewApp) -> None:
    foreign = world.hullo.create_app("Foreign", workspace="another")
    browser = jane(world)
    token = browser.token_for(help_centre)
    assert refusal(world.visitor(), token) == "signature"
    assert refusal(world.visitor(foreign), token) == "signature"
    with pytest.raises(UnknownApp):
        browser.token_for(foreign)
    assert world.visitor(help_centre).identify(identity_token=token).standing is Standing.PROVEN


@pytest.mark.rule("T1", "S2")
def test_hop_token_ends_with_its_session(world: World, help_centre: NewApp) -> None:
    reset, switched, erased, logged_out = jane(world), jane(world), world.visitor(), jane(world)
    tokens = [reset.token_for(help_centre), switched.token_for(help_centre), logged_out.token_for(help_centre)]
    reset.reset()
    switched.identify(external_id="bob", signed="external_id")
    contact_id = logged_out.resume().session.contact_id
    assert contact_id is not None
    world.log_out(contact_id)
    gone = erased.identify(external_id="gone", signed="external_id").contact_id
    tokens.append(erased.token_for(help_centre))
    world.erase(gone)
    assert [refusal(world.visitor(help_centre), token) for token in tokens] == ["session_ended"] * 4


@pytest.mark.rule("T1", "V2")
def test_identity_no_longer_proven_arrives_unproven(world: World, help_centre: NewApp) -> None:
    browser = world.visitor()
    contact = browser.identify(email="jane@example.com", signed="email").contact_id
    token = browser.token_for(help_centre)
    moment = world.hullo.new_context()
    amend = UpdateContact(
        contact_id=contact,
        workspace_id=world.app.workspace_id,
        writer="api-key:test",
        claim=Claim.from_body({"email": "other@example.com"}),
        cleared_kinds=frozenset(),
        app_id=None,
        context=moment,
        request_id="req_1",
        hooks=world.hullo.hooks,
        limits=world.hullo.settings.limits,
    )
    world.hullo.executor.run(amend)
    arrived = world.visitor(help_centre).identify(identity_token=token)
    assert (arrived.contact_id, arrived.standing) == (contact, Standing.CLAIMED)


@pytest.mark.rule("T1", "C5")
def test_linked_claim_does_not_displace_proven_identity(world: World, help_centre: NewApp) -> None:
    world.upsert(external_id="bob", email="bob@example.com")
    claimant = world.visitor()
    claimant.identify(email="jane@example.com")
    victim = world.visitor(help_centre)
    victim.identify(external_id="bob", signed="external_id")
    assert refusal(victim, claimant.token_for(help_centre)) == "only_claimed"
    assert victim.resume().session.is_proven
    claimant = world.visitor()
    claimant.identify(email="bob@example.com")
    assert victim.identify(identity_token=claimant.token_for(help_centre)).standing is Standing.PROVEN
    assert victim.resume().session.is_proven


@pytest.mark.rule("T1", "R1")
def test_identity_of_ended_session_does_not_arrive(world: World, help_centre: NewApp) -> None:
    browser, arrived = jane(world), world.visitor(help_centre)
    token, contact = browser.token_for(help_centre), browser.resume().session.contact_id
    load, ended = world.hullo.store.load, list[bool]()

    def load_and_log_out(queries: Any) -> Any:
        snapshots = load(queries)
        if any(query.source_session for query in queries) and not ended:
            ended.append(True)
            over = SessionRevocation(contact_id=str(contact), at=world.clock())
            world.hullo.store.apply([ChangeSet(session_revocations=(over,))])
        return snapshots

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.hullo.store, "load", load_and_log_out)
        assert refusal(arrived, token) == "session_ended"


@pytest.mark.rule("T1")
def test_anonymous_visitor_has_no_identity_to_carry(world: World, help_centre: NewApp) -> None:
    browser = world.visitor()
    browser.join()
    with pytest.raises(Conflicting):
        browser.token_for(help_centre)
    browser.reset()
    with pytest.raises(Conflicting):
        browser.token_for(help_centre)
    browser.token = "hvs_unknown"
    with pytest.raises(SessionRevoked):
        browser.token_for(help_centre)


@pytest.mark.rule("T1", "V4")
def test_hop_token_needs_active_target_key(world: World, help_centre: NewApp) -> None:
    browser = jane(world)
    token = browser.token_for(help_centre)
    world.hullo.register.retire_identity_key(help_centre.app_key, help_centre.identity_key_id)
    assert refusal(world.visitor(help_centre), token) == "signature"
    with pytest.raises(Conflicting):
        browser.token_for(help_centre)


@pytest.mark.rule("T1", "C5")
def test_hop_to_another_person_switches_user(world: World, help_centre: NewApp) -> None:
    arrived = world.visitor(help_centre)
    bob = arrived.identify(external_id="bob", signed="external_id")
    outcome = arrived.identify(identity_token=jane(world).token_for(help_centre))
    assert (outcome.switched, outcome.contact_id == bob.contact_id) == (True, False)


@pytest.mark.rule("T1", "L1")
def test_hop_to_same_person_links_earlier_conversation(world: World, help_centre: NewApp) -> None:
    arrived = world.visitor(help_centre)
    arrived.join()
    arrived.say("Where is my order?")
    browser = jane(world)
    first = arrived.identify(identity_token=browser.token_for(help_centre))
    assert (first.switched, first.linked_conversations) == (False, 1)
    again = arrived.identify(identity_token=browser.token_for(help_centre))
    assert (again.switched, again.identified, again.standing) == (False, False, Standing.PROVEN)


@pytest.mark.rule("T1", "H2")
def test_claim_hop_does_not_reveal_same_person(world: World, help_centre: NewApp) -> None:
    world.upsert(external_id="jane", email="jane@example.com")
    world.upsert(external_id="bob", email="bob@example.com")

    def switched(external_id: str) -> bool:
        here, there = world.visitor(), world.visitor(help_centre)
        here.identify(email="jane@example.com")
        there.identify(external_id=external_id)
        return there.identify(identity_token=here.token_for(help_centre)).switched

    assert switched("jane") == switched("bob") == switched("nobody")


@pytest.mark.rule("V3", "T1")
def test_proof_only_app_refuses_claim_hop(world: World, help_centre: NewApp) -> None:
    world.hullo.register.change_app(help_centre.app_key, {"verification": "required"})
    claimant = world.visitor()
    claimant.identify(email="jane@example.com")
    with pytest.raises(ProofRequired):
        world.visitor(help_centre).identify(identity_token=claimant.token_for(help_centre))
    proven = world.visitor(help_centre).identify(identity_token=jane(world).token_for(help_centre))
    assert proven.standing is Standing.PROVEN


@pytest.mark.rule("T1", "V2")
def test_hop_token_stands_alone(world: World, help_centre: NewApp) -> None:
    token = jane(world).token_for(help_centre)
    with pytest.raises(ProofRejected):
        world.visitor(help_centre).identify(identity_token=token, external_id="bob", signed="external_id")
    with pytest.raises(ProofRejected):
        world.visitor(help_centre).identify(token=token)
    assert world.visitor(help_centre).identify(identity_token=token).standing is Standing.PROVEN


@pytest.mark.rule("T5", "V3")
def test_report_mode_keeps_claim_beside_wrong_token(world: World, help_centre: NewApp) -> None:
    token = jane(world).token_for(help_centre)
    world.visitor(help_centre).identify(identity_token=token)
    for mode in ("report", "off"):
        world.hullo.register.change_app(help_centre.app_key, {"verification": mode})
        outcome = world.visitor(help_centre).identify(identity_token=token, email="x@example.com")
        assert (outcome.standing < Standing.PROVEN, outcome.mistake) == (True, "used_before")


@pytest.mark.rule("T1", "P4")
def test_hop_token_holds_no_name(world: World, help_centre: NewApp) -> None:
    import base64

    browser = jane(world)
    contact = browser.resume().session.contact_id
    payload = browser.token_for(help_centre).split(".")[1]
    text = base64.urlsafe_b64decode(payload + "==").decode()
    assert all(each not in text for each in ("jane", "Jane", str(contact), str(browser.token)))


@pytest.mark.rule("S2")
def test_logout_everywhere_ends_sessions_in_all_apps(world: World, help_centre: NewApp) -> None:
    browser, bob = jane(world), world.visitor()
    there = world.visitor(help_centre)
    contact_id = there.identify(identity_token=browser.token_for(help_centre)).contact_id
    bob.identify(external_id="bob", signed="external_id")
    for _ in range(2):
        world.log_out(contact_id)
    for ended in (browser, there):
        with pytest.raises(SessionRevoked):
            ended.resume()
    assert bob.resume().session.is_proven
    assert jane(world).resume().session.contact_id == contact_id
    with pytest.raises(NotFound):
        world.log_out(contact_id, "ws_other")


def _is_over(browser: Browser) -> bool:
    try:
        browser.resume()
    except SessionRevoked:
        return True
    return False


def hopped(world: World, browser: Browser, app: NewApp, arrived: Browser | None = None) -> Browser:
    """The browser that the identity arrives in."""
    arrived = arrived or world.visitor(app)
    arrived.identify(identity_token=browser.token_for(app))
    return arrived


@pytest.mark.rule("S5")
@pytest.mark.parametrize("end", ["reset", "switch", "consent", "log out", "erase"])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_sessions_of_hops_end_together(world: World, help_centre: NewApp, end: str, first: int) -> None:
    forum = world.hullo.create_app("Forum")
    shop, other = jane(world), jane(world)
    centre = hopped(world, shop, help_centre)
    chain = [shop, centre, hopped(world, centre, forum)]
    contact = shop.resume().session.contact_id
    assert contact is not None
    if end == "reset":
        chain[first].reset()
    elif end == "switch":
        chain[first].identify(external_id="bob", signed="external_id")
    elif end == "consent":
        chain[first].withdraw()
    elif end == "log out":
        world.log_out(contact)
    else:
        world.erase(contact)
    own = {"reset": first, "switch": first}.get(end)
    # Who resets or switches goes on in a new session.
    assert [_is_over(browser) for browser in chain] == [place != own for place in range(3)]
    assert _is_over(other) == (end in {"log out", "erase"})


@pytest.mark.rule("S5")
def test_hop_back_and_second_site_join_group(world: World, help_centre: NewApp) -> None:
    shop, blog = jane(world), jane(world)
    centre = hopped(world, shop, help_centre)
    hopped(world, centre, world.app, shop)
    # Another site that Jane logged in to brings her to the same browser of the help centre.
    hopped(world, blog, help_centre, centre)
    shop.reset()
    assert [_is_over(browser) for browser in (centre, blog)] == [True, True]


@pytest.mark.rule("S5", "C5")
def test_switch_by_hop_keeps_its_source(world: World, help_centre: NewApp) -> None:
    bob = world.visitor()
    bob.identify(external_id="bob", signed="external_id")
    centre = hopped(world, bob, help_centre)
    shop = jane(world)
    hopped(world, shop, help_centre, centre)
    assert (_is_over(bob), _is_over(shop), _is_over(centre)) == (True, False, False)
    shop.reset()
    assert _is_over(centre)


@pytest.mark.rule("S5", "T1")
def test_claimed_hop_connects_no_proven_session(world: World, help_centre: NewApp) -> None:
    shop, mallory = jane(world), world.visitor()
    centre = hopped(world, shop, help_centre)
    mallory.identify(external_id="jane")
    hopped(world, mallory, help_centre, centre)
    mallory.reset()
    assert not _is_over(centre)
    # Between sessions that both only claim, it does; until one of them proves it, which ends the other still.
    claims = [world.visitor() for _ in range(3)]
    arrivals = list[Browser]()
    for claimed in claims:
        claimed.identify(email="new@example.com")
        arrivals.append(hopped(world, claimed, help_centre))
    claims[0].reset()
    for arrived in arrivals[1:]:
        arrived.identify(email="new@example.com", signed="email")
    claims[1].reset()
    arrivals[2].reset()
    assert [_is_over(browser) for browser in (*arrivals, claims[2])] == [True, False, False, True]


@pytest.mark.rule("S5")
@pytest.mark.parametrize("keeps_apart", ["source", "target"])
def test_app_turns_linked_logout_off(world: World, help_centre: NewApp, keeps_apart: str) -> None:
    app_key = (world.app if keeps_apart == "source" else help_centre).app_key
    world.hullo.register.change_app(app_key, {"linked_logout": "off"})
    world.hullo.load_app(app_key)
    shop = jane(world)
    centre = hopped(world, shop, help_centre)
    shop.reset()
    assert not _is_over(centre)
    # What an identity leaves by the other way, its own key proves just as well.
    back = hopped(world, centre, world.app)
    centre.reset()
    assert not _is_over(back)


@pytest.mark.rule("S5", "R3")
def test_concurrent_hops_and_resets_leave_none(world: World, help_centre: NewApp) -> None:
    shop = jane(world)
    tokens = [shop.token_for(help_centre) for _ in range(6)]
    arrivals = [world.visitor(help_centre) for _ in tokens]
    start = threading.Barrier(len(tokens) + 1)

    def redeem(browser: Browser, token: str) -> None:
        start.wait()
        try:
            browser.identify(identity_token=token)
        except ProofRejected:
            assert browser.token is None  # the reset came first

    threads = [threading.Thread(target=redeem, args=pair) for pair in zip(arrivals, tokens, strict=True)]
    for thread in threads:
        thread.start()
    start.wait()
    shop.reset()
    for thread in threads:
        thread.join()
    assert all(_is_over(browser) for browser in arrivals if browser.token is not None)


@pytest.mark.rule("T7")
def test_page_learns_a_bounded_number_of_domains(world: World) -> None:
    for number in range(60):
        world.hullo.create_app(f"App {number}", origins=[f"https://{number}.test", f"https://www.{number}.test"])
    world.set_app(origins="https://shop.test")
    app = world.hullo.load_app(world.app.app_key)
    apps = world.hullo.executor.apps.list_by_workspace(app.workspace_id)
    domains = hop_domains(app, hop_targets(apps), None)
    # Its own and those of the oldest apps.
    assert (len(domains), domains[:2]) == (100, ["https://shop.test", "https://0.test"])
    in_web_view = replace(apps[1], origins=("capacitor://localhost", "chrome-extension://abc", "https://0.test"))
    assert hop_domains(app, hop_targets([app, in_web_view]), None) == ["https://shop.test", "https://0.test"]
