"""`hullo conversations`, and `hullo contacts list`, `find`, `block` and `unblock`."""

from __future__ import annotations

import pytest

from cli.terminal import Terminal
from hullo.application import Hullo
from hullo.model.conversation import ConversationId
from hullo.model.request_context import secret_digest
from hullo.operations.conversations.messages import SendMessage
from hullo.operations.sessions.open_session import OpenSession

JANE = {"email": "jane+shop@example.com", "name": "Jane Doe", "phone": "+4930901820", "external_id": "user_123"}


def talk(terminal: Terminal, texts: int = 1) -> tuple[str, str, list[ConversationId]]:
    """Jane's visitor and contact, and the conversations that she has begun."""
    app_key = terminal.json("app", "create", "Shop")["app_key"]
    begun = []
    with Hullo("sqlite:///hullo.db") as hullo:  # as another process would
        jane = hullo.identify({"app_key": app_key, **JANE}).result
        assert jane.session_token is not None
        for number in range(texts):
            session = OpenSession(
                verb="resume",
                app_key=app_key,
                session_digest=secret_digest(jane.session_token),
                origin=None,
                context=hullo.new_context(),
            )
            said = SendMessage(open_session=session, conversation_id=None, text=f"Hello {number}", client_id=None)
            begun.append(hullo.executor.run(said).result.conversation.id)
    return jane.visitor_id, jane.contact_id, begun


def test_operator_reads_and_answers_conversations(terminal: Terminal) -> None:
    _, contact_id, [conversation] = talk(terminal)
    assert "Sent msg_" in terminal.text("conversations", "reply", conversation, "It left today.", "--agent", "Ada")
    assert "assigned to ada@x.test" in terminal.text("conversations", "assign", conversation, "ada@x.test")
    shown = terminal.json("conversations", "show", conversation)
    assert (shown["contact_id"], shown["assignee"]) == (contact_id, "ada@x.test")
    assert [(each["author"], each.get("agent_name"), each["text"]) for each in shown["messages"]] == [
        ("visitor", None, "Hello 0"),
        ("agent", "Ada", "It left today."),
    ]
    assert shown["messages"][1]["by"] == "command line"
    text = terminal.text("conversations", "show", conversation)
    assert text.startswith("Jane Doe\n")
    assert text.index("Hello 0") < text.index("It left today.")
    for command, status in (("close", "closed"), ("reopen", "open")):
        assert terminal.json("conversations", command, conversation)["status"] == status
    assert terminal.json("conversations", "assign", conversation)["assignee"] is None


def test_conversations_are_listed_in_pages_and_filtered(terminal: Terminal) -> None:
    _, contact_id, begun = talk(terminal, 3)
    terminal.text("conversations", "close", begun[1])
    first = terminal.json("conversations", "list", "--limit", "2")
    rest = terminal.json("conversations", "list", "--limit", "2", "--cursor", first["next"])
    assert [each["id"] for each in (*first["items"], *rest["items"])] == begun[::-1]
    assert f"--cursor {first['next']}" in terminal.text("conversations", "list", "--limit", "2")
    for words, found in (
        (("--status", "closed"), begun[1:2]),
        (("--contact", JANE["email"], "--status", "open"), [begun[2], begun[0]]),
        (("--assignee", "Ada"), []),
    ):
        assert [each["id"] for each in terminal.json("conversations", "list", *words)["items"]] == found
    assert "no app has this key" in terminal.refusal("conversations", "list", "--app", "app_1")
    assert "no workspace has a conversation" in terminal.refusal("conversations", "show", contact_id)
    assert "1 to 8000 characters" in terminal.refusal("conversations", "reply", begun[0], " ")


@pytest.mark.parametrize("name", ["email", "external_id", "phone"])
def test_contact_is_found_by_what_people_know(terminal: Terminal, name: str) -> None:
    _, contact_id, _ = talk(terminal)
    known = JANE[name].upper() if name == "email" else JANE[name]
    assert [each["id"] for each in terminal.json("contacts", "find", known)["items"]] == [contact_id]
    assert terminal.json("contacts", "show", known)["id"] == contact_id
    assert "Jane Doe" in terminal.text("contacts", "find", known)


def test_contacts_are_listed_and_searched(terminal: Terminal) -> None:
    _, contact_id, _ = talk(terminal)
    for words, found in ((), [contact_id]), (("--query", "DOE"), [contact_id]), (("--tag", "vip"), []):
        listed = terminal.json("contacts", "list", *words)
        assert ([each["id"] for each in listed["items"]], listed["next"]) == (found, None)
    assert "No contact matches." in terminal.text("contacts", "list", "--query", "nobody")
    assert "no contact has this" in terminal.refusal("contacts", "find", "nobody@example.com")
    assert "no contact has this" in terminal.refusal("contacts", "show", "nobody")


def test_operator_blocks_contact_and_visitor(terminal: Terminal) -> None:
    visitor_id, contact_id, _ = talk(terminal)
    # Jane has only claimed to be this contact, so the block does not reach her browser (H2).
    assert visitor_id in terminal.text("contacts", "block", JANE["email"], "--reason", "spam")
    assert terminal.json("contacts", "show", contact_id)["blocked"]["reason"] == "spam"
    assert "since" in next(x for x in terminal.text("contacts", "show", contact_id).splitlines() if "blocked" in x)
    assert terminal.json("contacts", "block", visitor_id)["blocked"]["by"] == "command line"
    assert terminal.json("contacts", "unblock", visitor_id)["blocked"] is None
    assert terminal.json("contacts", "unblock", contact_id)["blocked"] is None
    assert "no visitor with a session" in terminal.refusal("contacts", "block", "vis_1")
    actions = [entry["action"] for entry in terminal.json("audit", "list")["items"]]
    assert actions[:4] == ["contact.unblocked", "visitor.unblocked", "visitor.blocked", "contact.blocked"]
