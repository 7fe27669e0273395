"""Rules L, H and S: conversations, what a visitor may see, and sessions."""

from __future__ import annotations

import pytest
from msgspec.structs import fields, replace

from hullo.errors import NotFound, SessionRequired, SessionRevoked
from hullo.model.change_set import ChangeSet, replacement
from hullo.model.instant import DAY
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.store.protocol import APPLIED
from world import Browser, World


def linked_to(world: World, conversation_id: str) -> tuple[str | None, Standing | None]:
    conversation = world.hullo.store.find_conversation(world.app.workspace_id, conversation_id)
    assert conversation is not None
    return conversation.contact_id, conversation.link_standing


def chatting(world: World) -> tuple[Browser, str]:
    browser = world.visitor()
    browser.join()
    return browser, browser.say("Hello?").conversation.id


@pytest.mark.rule("L1")
def test_identify_links_all_conversations_of_visitor(world: World) -> None:
    browser, first = chatting(world)
    second = browser.say("And another thing").conversation.id
    outcome = browser.identify(external_id="jane", signed="external_id")
    assert outcome.linked_conversations == 2
    assert linked_to(world, first) == linked_to(world, second) == (outcome.contact_id, Standing.PROVEN)


@pytest.mark.rule("L1")
def test_identify_links_no_other_visitors_conversations(world: World) -> None:
    _, foreign = chatting(world)
    browser, _ = chatting(world)
    browser.identify(email="jane@example.com")
    assert linked_to(world, foreign) == (None, None)


@pytest.mark.rule("L2")
def test_conversation_with_a_contact_is_left_alone(world: World) -> None:
    browser, conversation = chatting(world)
    first = browser.identify(email="jane@example.com")
    again = browser.identify(external_id="jane", email="jane@example.com", signed="external_id")
    assert again.linked_conversations == 0
    assert linked_to(world, conversation)[0] == first.contact_id


@pytest.mark.rule("L3")
def test_conversation_after_identify_is_linked_at_creation(world: World) -> None:
    browser = world.visitor()
    outcome = browser.identify(external_id="jane", signed="external_id")
    assert linked_to(world, browser.say().conversation.id) == (outcome.contact_id, Standing.PROVEN)


@pytest.mark.rule("H1")
def test_proven_visitor_sees_contacts_other_proven_conversations(world: World) -> None:
    home = world.visitor()
    home.identify(external_id="jane", signed="external_id")
    proven = home.say("From home").conversation.id
    claiming, claimed = chatting(world)
    claiming.identify(external_id="jane")
    office = world.visitor()
    office.identify(external_id="jane", signed="external_id")
    assert [each.id for each in office.conversations()] == [proven]
    office.say("And from the office", conversation=proven)
    with pytest.raises(NotFound):
        office.say("Let me in", conversation=claimed)


def unread(browser: Browser) -> list[bool]:
    return [each.is_unread for each in browser.conversations()]


def test_agent_message_is_unread_until_read(world: World) -> None:
    browser, conversation = chatting(world)
    assert unread(browser) == [False]
    reply = world.reply(conversation)
    assert unread(browser) == [True]
    read = browser.read(conversation).result
    assert (read.read_at, read.is_unread) == (reply.message.created_at, False)
    assert unread(browser) == [False]
    world.reply(conversation)
    assert unread(browser) == [True]


def test_reply_marks_earlier_messages_as_read(world: World) -> None:
    browser, conversation = chatting(world)
    world.reply(conversation)
    said = browser.say("Thanks", conversation=conversation)
    assert said.conversation.read_at == said.message.created_at
    assert unread(browser) == [False]


@pytest.mark.parametrize("behind", [0, 1, 50_000])
def test_reply_by_slow_clock_follows_its_question(world: World, behind: int) -> None:
    browser, conversation = chatting(world)
    asked = browser.say("Are you there?", conversation=conversation).message
    reply = world.reply(conversation, at=asked.created_at - behind).message
    assert reply.id > asked.id
    assert reply.created_at > asked.created_at
    assert unread(browser) == [True]
    assert browser.read(conversation).result.read_at == reply.created_at


@pytest.mark.rule("W9")
def test_reading_a_read_conversation_writes_nothing(world: World) -> None:
    browser, conversation = chatting(world)
    assert browser.read(conversation).change_set.is_empty
    world.reply(conversation)
    first = browser.read(conversation).change_set
    assert [change.after.id for change in first.conversations] == [conversation]
    assert (first.messages, first.events) == ((), ())
    assert browser.read(conversation).change_set.is_empty


def test_conversation_without_read_mark_counts_as_read(world: World) -> None:
    browser, conversation = chatting(world)
    (old,) = browser.conversations()
    unknown = replacement(old, replace(old, read_at=None))
    assert world.hullo.store.apply([ChangeSet(conversations=(unknown,))]) == (APPLIED,)
    assert unread(browser) == [False]
    assert browser.read(conversation).change_set.is_empty
    assert world.reply(conversation).conversation.read_at == old.last_message_at
    assert unread(browser) == [True]


@pytest.mark.rule("H1")
def test_visitor_reads_only_conversations_they_may_see(world: World) -> None:
    home, office, claiming = world.visitor(), world.visitor(), world.visitor()
    home.identify(external_id="jane", signed="external_id")
    proven = home.say("From home").conversation.id
    world.reply(proven)
    claiming.identify(external_id="jane")
    stranger, _ = chatting(world)
    elsewhere = world.visitor(world.hullo.create_app("Other"))
    elsewhere.join()
    for nobody in (claiming, stranger, elsewhere):
        with pytest.raises(NotFound):
            nobody.read(proven)
    assert unread(home) == [True]
    office.identify(external_id="jane", signed="external_id")
    office.read(proven)
    assert unread(home) == unread(office) == [False]
    with pytest.raises(SessionRequired):
        world.visitor().read(proven)


@pytest.mark.rule("L4", "G2")
def test_read_marks_survive_merge_and_undo(world: World) -> None:
    browser, conversation = chatting(world)
    absorbed = browser.identify(external_id="jane", signed="external_id").contact_id
    survivor = world.upsert(email="jane@example.com").contact_id
    world.reply(conversation)
    noted = browser.read(conversation).result.read_at
    merge_id = world.merge(survivor, absorbed).merge.id
    assert linked_to(world, conversation)[0] == survivor
    assert [each.read_at for each in browser.conversations()] == [noted]
    world.undo(merge_id)
    assert linked_to(world, conversation)[0] == absorbed
    assert [each.read_at for each in browser.conversations()] == [noted]


@pytest.mark.rule("H1", "H2")
def test_claim_shows_no_stored_conversations(world: World) -> None:
    jane = world.visitor()
    jane.identify(external_id="jane", signed="external_id")
    secret = jane.say("My secret").conversation.id
    mallory, own = chatting(world)
    mallory.identify(external_id="jane", email="jane@example.com")
    assert [each.id for each in mallory.conversations()] == [own]
    with pytest.raises(NotFound):
        mallory.say("Hi", conversation=secret)


@pytest.mark.rule("H1")
def test_conversations_stay_in_their_app(world: World) -> None:
    jane = world.visitor()
    jane.identify(external_id="jane", signed="external_id")
    jane.say()
    elsewhere = world.visitor(world.hullo.create_app("Second shop"))
    elsewhere.identify(external_id="jane", signed="external_id")
    assert elsewhere.conversations() == ()


def told(outcome: Outcome) -> dict[str, object]:
    """What an unproven caller is told, ids and tokens apart."""
    hidden = {
        "app_id",
        "request_id",
        "contact_id",
        "visitor_id",
        "matched_by",
        "identified",
        "changed",
        "written",
        "kept",
    }
    shown = {field.name: getattr(outcome, field.name) for field in fields(outcome) if field.name not in hidden}
    return {
        **shown,
        "session_token": outcome.session_token is not None,
        "standing": outcome.standing.public_label,
        "conflicts": None,
    }


KNOWN = {"external_id": "jane", "email": "jane@example.com", "name": "Jane", "custom_data": {"plan": "pro"}}
STORIES: dict[str, list[dict[str, object]]] = {
    "an email": [{"email": "jane@example.com"}],
    "an email twice": [{"email": "jane@example.com"}, {"email": "jane@example.com"}],
    "an external id": [{"external_id": "jane"}],
    "both": [{"external_id": "jane", "email": "jane@example.com"}],
    "an email beside a made-up id": [{"external_id": "made-up", "email": "jane@example.com"}],
    "an email, then it beside a made-up id": [
        {"email": "jane@example.com"},
        {"external_id": "made-up", "email": "jane@example.com"},
        {"external_id": "made-up", "email": "jane@example.com"},
    ],
    "an email, then the id alone": [{"email": "jane@example.com"}, {"external_id": "jane"}],
    "an id, then the email alone": [{"external_id": "jane"}, {"email": "jane@example.com"}],
    "an id beside another email": [{"external_id": "jane", "email": "other@example.com"}],
    "somebody unknown, then the email": [{"email": "x@example.com"}, {"email": "jane@example.com"}],
    "overwriting": [{"email": "jane@example.com", "name": "M", "custom_data": {"plan": "free"}}],
    "clearing": [{"email": "jane@example.com", "name": None, "custom_data": {"plan": None}}],
    "a bad field": [{"email": "jane@example.com", "phone": "none", "custom_data": {"x": [1]}}],
    "many keys": [{"email": "jane@example.com", "custom_data": {f"k{i}": i for i in range(100)}} for _ in range(3)],
}


@pytest.mark.rule("H2")
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_unproven_caller_cannot_detect_known_contacts(world: World, story: list[dict[str, object]]) -> None:
    def hear(browser: Browser) -> list[dict[str, object]]:
        browser.join()
        browser.say("Hello")
        return [told(browser.identify(**dict(call))) for call in story]

    unknown = hear(world.visitor(world.hullo.create_app("Empty", workspace="empty")))
    world.upsert(**KNOWN)
    world.upsert(external_id="other", email="other@example.com")
    assert hear(world.visitor()) == unknown


@pytest.mark.rule("S1")
def test_session_starts_by_join_or_first_call(world: World) -> None:
    joined, identified = world.visitor(), world.visitor()
    assert joined.join().token is not None
    assert identified.identify(email="jane@example.com").session_token is not None
    assert joined.join().token is None


@pytest.mark.rule("S1")
@pytest.mark.parametrize("token", ["", "hvs_", "hvs_" + "0" * 64, "vis_x", "\ud800"])
def test_only_the_token_proves_a_session(world: World, token: str) -> None:
    browser = world.visitor()
    browser.token = token
    with pytest.raises(SessionRevoked):
        browser.identify(email="jane@example.com")
    assert browser.join().token not in {None, token}


@pytest.mark.rule("S1")
def test_token_is_stored_only_as_digest(world: World) -> None:
    browser = world.visitor()
    token = browser.join().token
    assert token is not None
    assert token not in repr(browser.resume().session)


@pytest.mark.rule("S1")
def test_session_of_another_app_is_refused(world: World) -> None:
    browser = world.visitor()
    browser.join()
    stranger = world.visitor(world.hullo.create_app("Other"))
    stranger.token = browser.token
    with pytest.raises(SessionRevoked):
        stranger.resume()


@pytest.mark.rule("S2")
def test_reset_revokes_session_and_starts_new_visitor(world: World) -> None:
    browser, _ = chatting(world)
    browser.identify(external_id="jane", signed="external_id")
    old = browser.token
    fresh = browser.reset()
    assert fresh.session.contact_id is None
    assert browser.conversations() == ()
    browser.token = old
    for use in (browser.resume, lambda: browser.say("again"), lambda: browser.identify(external_id="jane")):
        with pytest.raises(SessionRevoked):
            use()


@pytest.mark.rule("S2")
def test_repeated_reset_is_harmless(world: World) -> None:
    browser = world.visitor()
    browser.join()
    old = browser.token
    browser.reset()
    browser.token = old
    assert browser.reset().token is not None


@pytest.mark.rule("S2")
def test_visit_without_session_cannot_be_resumed(world: World) -> None:
    with pytest.raises(SessionRequired):
        world.visitor().resume()


@pytest.mark.rule("S3")
def test_identified_session_slides_for_180_days(world: World) -> None:
    browser = world.visitor()
    browser.identify(email="jane@example.com")
    for _ in range(3):
        world.clock.now += 179 * DAY
        browser.resume()
    world.clock.now += 180 * DAY
    with pytest.raises(SessionRevoked):
        browser.resume()


@pytest.mark.rule("S3")
def test_anonymous_session_without_conversation_lasts_30_days(world: World) -> None:
    silent, talking = world.visitor(), world.visitor()
    silent.join()
    talking.join()
    talking.say()
    world.clock.now += 29 * DAY
    silent.resume()
    talking.resume()
    world.clock.now += 31 * DAY
    talking.resume()
    with pytest.raises(SessionRevoked):
        silent.resume()


@pytest.mark.rule("S2")
def test_message_sent_again_is_stored_once(world: World) -> None:
    browser = world.visitor()
    browser.join()
    first = browser.say("Hello", client_id="1")
    again = browser.say("Hello", client_id="1")
    assert again.message == first.message
    assert len(browser.conversations()) == 1
    inside = browser.say("More", conversation=first.conversation.id, client_id="2")
    assert browser.say("More", conversation=first.conversation.id, client_id="2").message == inside.message
