"""A store that holds a little of everything, with the values that engines treat most differently."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.model.change_set import ChangeSet, insertion
from hullo.store.protocol import APPLIED, Store
from hullo.testing.builders import (
    APP,
    LATER,
    NOW,
    WORKSPACE,
    a_conflict,
    a_contact,
    a_conversation,
    a_decision,
    a_message,
    a_session,
    a_stored_response,
    a_visitor,
    a_workspace,
    an_api_key,
    an_app,
    an_identity_key,
)

NAMES = (
    "Ann",
    "ann",
    "ann ",
    "Änn",
    "A\u0308nn",
    "🦊",
    "\u200b",
    "O'Neil; --",
    'say "hi"\\',
    "%s ? $1 :x",
    "line\nbreak",
    "",
)
"""What a collation that is not of bytes would take for the same, and what a careless statement would trip over."""
GROUP = 100


def fill(store: Store, people: int = 24, *, answer: bytes = bytes(range(256))) -> None:
    """Puts `people` contacts with all that belongs to them into an empty store that is open."""
    apps = [an_app(APP, identity_keys=(an_identity_key(),)), an_app("app_2")]
    setting = ChangeSet(
        workspaces=(insertion(a_workspace(WORKSPACE)),),
        apps=tuple(insertion(app) for app in apps),
        api_keys=(insertion(an_api_key()), insertion(replace(an_api_key("hsk_2"), app_id=APP, revoked_at=LATER))),
        stored_responses=(a_stored_response("empty", body=b""), a_stored_response("all", body=answer)),
    )
    assert set(store.apply([setting])) == {APPLIED}
    for first in range(0, people, GROUP):
        group = [_person(number) for number in range(first, min(first + GROUP, people))]
        assert set(store.apply(group)) == {APPLIED}
    if people > 1:
        pair = replace(a_conflict(contact_id=_id(0), other_id=_id(1)), workspace_id=WORKSPACE)
        assert set(store.apply([ChangeSet(conflicts=(insertion(pair),))])) == {APPLIED}


def _id(number: int) -> str:
    # Upper and lower case by turns: in the order of bytes all of the one come before all of the other.
    return f"con_{'A' if number % 2 else 'a'}{number:06}"


def _person(number: int) -> ChangeSet:
    name = NAMES[number % len(NAMES)]
    contact = a_contact(
        _id(number),
        external_id=f"user {number}",
        email=f"{number}@mail.example",
        name=name or None,
        custom_data={APP: {"n": number, "name": name}, "app_2": {"half": number / 2}}
        if number % 3
        else {APP: {"n": 0}},
    )
    visitor = a_visitor(f"vis_{number}")
    known = contact.id if number % 4 else None
    conversation = a_conversation(f"cnv_{number}", visitor_id=visitor.id, contact_id=known)
    return ChangeSet(
        contacts=(insertion(contact),),
        visitors=(visitor,),
        sessions=(insertion(a_session(f"hvs_{number}", visitor_id=visitor.id, contact_id=known)),),
        conversations=(insertion(replace(conversation, last_message_at=NOW + number)),),
        messages=(
            a_message(f"msg_{number}a", conversation_id=conversation.id, text=name),
            a_message(f"msg_{number}b", conversation_id=conversation.id, text="🦊" * 50, repeat_key=f"repeat {number}"),
        ),
        decisions=(a_decision(f"dec_{number}", contact_id=contact.id),),
    )
