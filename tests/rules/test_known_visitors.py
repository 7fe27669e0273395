"""Calls about the visitor whom the session knows already: what changes about them, and that nobody is logged in."""

from __future__ import annotations

import pytest

from hullo.errors import NoIdentifier, ProofRequired, SessionRevoked
from hullo.model.request_context import secret_digest
from hullo.model.standing import Standing
from hullo.operations.sessions.leave import LeaveIdentity
from hullo.rules.session_lifecycle import SessionUpdate
from world import Browser, World


def leave(browser: Browser) -> SessionUpdate | None:
    """The page says that no user is logged in."""
    hullo, token = browser.world.hullo, browser.token
    work = LeaveIdentity(
        app_key=browser.app.app_key,
        session_digest=secret_digest(token) if token is not None else None,
        origin=None,
        context=hullo.new_context(),
    )
    update: SessionUpdate | None = hullo.executor.run(work).result
    browser.token = (update.token if update is not None else None) or browser.token
    return update


@pytest.mark.rule("M6", "W4")
def test_call_without_identifier_is_about_sessions_contact(world: World) -> None:
    """Under the standing of the session: a proven one, its creator's, a claimant's."""
    proven, owner, stranger = world.visitor(), world.visitor(), world.visitor()
    jane = proven.identify(external_id="jane", signed="external_id", custom_data={"plan": "free"})
    stranger.identify(external_id="jane")
    joe = owner.identify(email="joe@x.test", custom_data={"plan": "free"})
    for visitor, first, standing in (
        (proven, jane, Standing.PROVEN),
        (stranger, jane, Standing.CLAIMED),
        (owner, joe, Standing.OWNED),
    ):
        token = visitor.token
        said = visitor.identify(custom_data={"plan": standing.label}, name="N")
        assert (said.contact_id, said.matched_by, said.standing) == (first.contact_id, "session", standing)
        assert (said.switched, visitor.token, said.signature) == (False, token, None)
        assert not visitor.identify(custom_data={"plan": standing.label}, name="N").changed or standing is not (
            Standing.PROVEN
        )
    assert world.custom_data(str(jane.contact_id)) == {"plan": "proven"}
    assert world.custom_data(str(joe.contact_id)) == {"plan": "owned"}
    # An identifier that names nobody is none; a session goes on with its proof, and can switch later.
    assert proven.identify(external_id="undefined", company="Acme").contact_id == jane.contact_id
    assert proven.identify(external_id="joe", signed="external_id").switched


@pytest.mark.rule("M6", "V3")
def test_anonymous_and_unproven_sessions_are_refused(world: World) -> None:
    anonymous = world.visitor()
    anonymous.join()
    with pytest.raises(NoIdentifier):
        anonymous.identify(custom_data={"plan": "pro"})
    assert world.contacts() == ()
    claiming, proven = world.visitor(), world.visitor()
    claiming.identify(external_id="jane")
    proven.identify(external_id="jane", signed="external_id")
    world.set_app(verification="required")
    said = proven.identify(custom_data={"plan": "pro"})
    assert (said.standing, world.custom_data(str(said.contact_id))) == (Standing.PROVEN, {"plan": "pro"})
    with pytest.raises(ProofRequired):
        claiming.identify(custom_data={"plan": "free"})
    with pytest.raises(ProofRequired):
        proven.identify(external_id="jane")
    proven.reset()
    with pytest.raises(NoIdentifier):
        proven.identify(custom_data={"plan": "pro"})


@pytest.mark.rule("M6", "P2", "H4")
def test_call_about_erased_person_keeps_nothing(world: World) -> None:
    claiming, known = world.visitor(), world.visitor()
    jane = str(known.identify(external_id="jane", signed="external_id").contact_id)
    claiming.identify(external_id="jane")
    world.erase(jane)
    said = claiming.identify(custom_data={"plan": "pro"}, name="Jane")
    assert (said.contact_id, said.standing, said.switched) == (None, Standing.CLAIMED, False)
    assert world.contacts() == ()
    with pytest.raises(SessionRevoked):
        known.identify(custom_data={"plan": "pro"})


@pytest.mark.rule("S6", "S2", "S5")
def test_nobody_ends_identified_sessions_only(world: World) -> None:
    assert leave(world.visitor()) is None
    anonymous = world.visitor()
    first = anonymous.join()
    kept = leave(anonymous)
    assert kept is not None
    assert (kept.session.visitor_id, kept.token) == (first.session.visitor_id, None)
    typing = world.visitor()
    typing.identify(email="jane@x.test", source="prompt")
    said = typing.say().conversation.id
    assert leave(typing) is not None
    assert [conversation.id for conversation in typing.conversations()] == [said]
    for body in ({"email": "joe@x.test"}, {"external_id": "jane", "signed": "external_id"}):
        known = world.visitor()
        known.identify(**body)
        help_centre = world.visitor()
        help_centre.identify(identity_token=known.token_for())
        old = known.token
        ended = leave(known)
        assert ended is not None
        assert (known.token != old, ended.session.is_identified, known.conversations()) == (True, False, ())
        known.token, fresh = old, known.token
        with pytest.raises(SessionRevoked):
            known.resume()
        with pytest.raises(SessionRevoked):
            help_centre.resume()
        # Harmless to repeat, with either session.
        assert leave(known) is None
        known.token = fresh
        assert leave(known) is not None
