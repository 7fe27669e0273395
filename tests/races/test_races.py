"""Rules R: whatever happens at once, and whatever is killed in the middle. Real processes on one database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from hullo.app import Hullo
from hullo.model.standing import Standing
from hullo.pipeline.register import NewApp
from hullo.store.protocol import ContactFilter, PageRequest

WRITER = Path(__file__).parent / "writer.py"


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/races.db"


@pytest.fixture
def app(db: str) -> NewApp:
    with Hullo(db) as hullo:
        return hullo.create_app("Races")


def start(stack: ExitStack, db: str, app: NewApp, *, first: int, count: int, threads: int, mode: str):
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, str(WRITER), db, app.app_key, str(first), str(count), str(threads), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


def let_go(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


@pytest.mark.rule("R1", "R2")
@pytest.mark.parametrize("round_", range(5))
def test_64_calls_from_two_processes_make_one_contact_with_64_keys(db: str, app: NewApp, round_: int) -> None:
    with ExitStack() as stack:
        writers = [start(stack, db, app, first=first, count=32, threads=32, mode="same") for first in (0, 32)]
        let_go(writers)
        answers = [line.split() for writer in writers for line in (writer.stdout or ())]
        assert [writer.wait() for writer in writers] == [0, 0]
    assert len(answers) == 64
    assert len({contact_id for _, contact_id in answers}) == 1
    with Hullo(db) as hullo:
        contact = hullo.store.find_contact(app.workspace_id, answers[0][1])
        assert contact is not None
        assert {key: fact.value for key, fact in contact.custom_data[app.app_id].items()} == {
            f"key{number}": number for number in range(64)
        }


@pytest.mark.rule("R3")
@pytest.mark.parametrize("after", [1, 40, 150])
def test_a_process_that_is_killed_leaves_nothing_half_written_and_loses_nothing_answered(
    db: str, app: NewApp, after: int
) -> None:
    with ExitStack() as stack:
        writer = start(stack, db, app, first=0, count=100_000, threads=8, mode="many")
        let_go([writer])
        assert writer.stdout is not None
        answered = [writer.stdout.readline().split() for _ in range(after)]
        writer.kill()
        answered += [line.split() for line in writer.stdout if line.endswith("\n")]
        writer.wait()
    with Hullo(db) as hullo:
        for _, contact_id, conversation_id in answered:
            contact = hullo.store.find_contact(app.workspace_id, contact_id)
            conversation = hullo.store.find_conversation(app.workspace_id, conversation_id)
            assert contact is not None
            assert conversation is not None
            assert conversation.contact_id == contact_id
        cursor: str | None = None
        while True:
            page = hullo.store.list_contacts(
                ContactFilter(workspace_id=app.workspace_id), PageRequest(limit=200, cursor=cursor)
            )
            for contact in page.items:
                number = contact.custom_data[app.app_id]["number"].value
                assert contact.external_id == f"user{number}"
                assert contact.email == f"user{number}@example.com"
                assert contact.profile["name"].value == f"User {number}"
            cursor = page.next
            if cursor is None:
                break
        conversations = hullo.store.list_conversations(app.workspace_id, PageRequest(limit=200))
        for conversation in conversations.items:
            assert (conversation.contact_id is None) == (conversation.link_standing is None)
            assert conversation.link_standing in {None, Standing.OWNED}
            assert hullo.store.list_messages(conversation.id, PageRequest()).items
