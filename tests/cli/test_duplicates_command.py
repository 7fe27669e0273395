"""`hullo duplicates`."""

from __future__ import annotations

import errno
import os

import pytest

from cli.terminal import Terminal
from duplicates.somebody import a_store_of, somebody
from hullo.application import Hullo
from hullo_plugins.duplicates import spool

PHONE = "+4930901820"
JANE = {"name": "Jane Doe", "company": "Acme Inc"}


def peopled(terminal: Terminal) -> None:
    """A pair for two reasons, one for one that the site tells apart, and many at one switchboard."""
    people = [
        somebody("con_1", emails=["jane.doe@acme.example"], **JANE),
        somebody("con_2", emails=["janedoe@acme.example"], **JANE),
        somebody("con_3", external_id="u3", emails=["bob@gmail.com"], name="Bob\u009b31m"),
        somebody("con_4", external_id="u4", emails=["bob@gmial.com"]),
        *(somebody(f"con_x{number}", phones=[PHONE]) for number in range(1204)),
    ]
    a_store_of(people, f"sqlite:///{terminal.folder}/hullo.db").close()


def test_pairs_print_with_reasons_and_merge_command(terminal: Terminal) -> None:
    peopled(terminal)
    text = terminal.text("duplicates")
    assert text.startswith("1,208 contacts, 2 pairs that may be one person.\n\n0.97  Jane Doe (con_1) and ")
    jane, bob, crowd = text.split("\n\n")[1:]
    assert jane.splitlines()[1:] == [
        "      the same name and company: Jane Doe, Acme Inc",
        "      emails that are one mailbox, but for dots or a tag: jane.doe@acme.example and janedoe@acme.example",
        "      hullo contacts merge con_1 con_2",
    ]
    assert bob.splitlines() == [
        r"0.60  Bob\x9b31m (con_3) and bob@gmial.com (con_4)",
        "      emails that are one slip apart in the domain: bob@gmail.com and bob@gmial.com",
        "      but the site has two ids for them, both proven (C2): u3 and u4",
        "      hullo contacts merge con_3 con_4",
    ]
    assert crowd.splitlines()[0] == "Values of too many contacts to suggest a pair:"
    assert crowd.splitlines()[2].split() == ["1,204", "phone", PHONE]


def test_json_shows_the_same_pairs(terminal: Terminal) -> None:
    peopled(terminal)
    document = terminal.json("duplicates", "--workspace", "ws_1")
    assert (document["workspace_id"], document["contacts"], document["pairs"]) == ("ws_1", 1208, 2)
    assert document["crowds"] == [{"kind": "phone", "shared": PHONE, "contacts": 1204}]
    jane, bob = document["items"]
    assert (jane["first"], jane["second"]["id"]) == ({"id": "con_1", "called": "Jane Doe"}, "con_2")
    assert [reason["kind"] for reason in jane["reasons"]] == ["name_and_company", "email"]
    assert (jane["remark"], jane["merge"]) == (None, "hullo contacts merge con_1 con_2")
    assert "both proven" in bob["remark"]
    assert jane["score"] > bob["score"]


def test_likeliest_pairs_show_with_remaining_count(terminal: Terminal) -> None:
    peopled(terminal)
    text = terminal.text("duplicates", "--limit", "1")
    assert "con_1" in text
    assert "con_3" not in text
    assert "These are the likeliest 1; --limit shows more." in text
    assert terminal.json("duplicates", "--limit", "1")["pairs"] == 2
    assert terminal.text("duplicates", "--min-score", "0.9").startswith("1,208 contacts, 1 pair that may be")


def test_printed_command_merges_and_removes_the_pair(terminal: Terminal) -> None:
    peopled(terminal)
    (pair,) = terminal.json("duplicates", "--min-score", "0.9")["items"]
    terminal.text(*pair["merge"].split()[1:], "--yes")
    assert terminal.json("duplicates")["pairs"] == 1


def test_largest_of_many_crowds_are_shown(terminal: Terminal) -> None:
    people = [somebody(f"con_{each}", phones=[f"+493090182{each % 12:02}"]) for each in range(12 * 51 + 1)]
    a_store_of(people, f"sqlite:///{terminal.folder}/hullo.db").close()
    text = terminal.text("duplicates")
    assert text.splitlines()[4].split() == ["52", "phone", "+49309018200"]
    assert text.endswith("… and 2 more.\n")
    assert len(terminal.json("duplicates")["crowds"]) == 12


def test_empty_workspace_has_no_pairs(terminal: Terminal) -> None:
    terminal.json("app", "create", "Shop")
    assert terminal.text("duplicates") == "0 contacts, 0 pairs that may be one person.\n"


def test_ambiguous_workspace_must_be_named(terminal: Terminal) -> None:
    terminal.json("app", "create", "Shop", "--workspace", "Acme")
    terminal.json("app", "create", "Shop", "--workspace", "Globex")
    assert "several workspaces" in terminal.refusal("duplicates")
    assert terminal.json("duplicates", "--workspace", "Acme")["contacts"] == 0


def test_duplicates_command_writes_nothing(terminal: Terminal) -> None:
    peopled(terminal)
    with Hullo("sqlite:///hullo.db") as hullo:
        before = list(hullo.store.list_outbox(10)), hullo.store.find_contact("ws_1", "con_1")
    terminal.text("duplicates")
    with Hullo("sqlite:///hullo.db") as hullo:
        assert before == (list(hullo.store.list_outbox(10)), hullo.store.find_contact("ws_1", "con_1"))


def test_full_temporary_folder_is_one_sentence(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.json("app", "create", "Shop")

    def full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(spool, "TemporaryFile", full)
    assert "cannot hold the keys of all contacts: No space left on device" in terminal.refusal("duplicates")
