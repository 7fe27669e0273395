"""Copying one store to another, whatever they are."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullo.errors import Conflicting
from hullo.store.copying import copy_store, fingerprint
from hullo.store.maintenance import CopySource, CopyTarget, PortableRow, SupportsCopy, SupportsMaintenance
from hullo_stores.memory.store import open_memory
from store.shelves import LETTERS, PAIRS, Interrupted, ShelfSource, Shelves

VALUES = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(), st.binary())
LETTER_ROWS = st.lists(st.tuples(st.text(max_size=3), VALUES), unique_by=lambda row: row[0], max_size=12)
PAIR_ROWS = st.lists(
    st.tuples(st.text("ab", max_size=2), st.text("ab", max_size=2), VALUES), unique_by=lambda row: row[:2], max_size=12
)


def filled(place: str = "here", letters: int = 7) -> Shelves:
    return Shelves(
        place,
        {
            "letter": [(f"id {n}", f"text {n}") for n in range(letters)],
            "pair": [("a", "x", 1), ("a", "y", b""), ("b", "x", None)],
        },
    )


@given(LETTER_ROWS, PAIR_ROWS, st.integers(1, 14), st.lists(st.integers(0, 9), max_size=4))
@settings(max_examples=300)
def test_copy_equals_source_after_any_interruption(
    letters: list[PortableRow], pairs: list[PortableRow], chunk: int, interruptions: list[int]
):
    source, target = Shelves("here", {"letter": letters, "pair": pairs}), Shelves("there")
    for writes in interruptions:
        target.writes_left = writes
        try:
            copied = copy_store(source, target, chunk=chunk)
            break
        except Interrupted:
            pass
    else:
        target.writes_left = None
        copied = copy_store(source, target, chunk=chunk)
    assert target.held == source.held
    assert target.unfinished_copy() is None
    assert [(table.name, table.rows) for table in copied] == [("letter", len(letters)), ("pair", len(pairs))]


def test_rows_are_copied_once():
    source, target = filled(), Shelves("there")
    target.writes_left = 3  # its mark, and two chunks
    with pytest.raises(Interrupted):
        copy_store(source, target, chunk=3)
    assert len(target.held["letter"]) == 6
    added: list[PortableRow] = []
    add, target.writes_left = target.add, None
    target.add = lambda table, rows: (added.extend(rows), add(table, rows))[1]  # type: ignore[method-assign]
    copy_store(source, target, chunk=3)
    assert len(added) == 1 + 3


def test_interrupted_copy_stays_marked_until_compared():
    source, target = filled(), Shelves("there")
    target.writes_left = 1 + 3 + 1  # all but the last write, which takes the mark away
    with pytest.raises(Interrupted):
        copy_store(source, target, chunk=3)
    assert target.held == source.held
    assert target.unfinished_copy() == fingerprint("here")


@pytest.mark.parametrize("chunk", [1, 2, 3, 6, 7, 8, 1000])
def test_chunk_size_does_not_change_the_copy(chunk: int):
    target = Shelves("there")
    copied = copy_store(filled(), target, chunk=chunk)
    assert copied == copy_store(filled(), Shelves("there"), chunk=4)
    assert target.held == filled().held


class TestDigest:
    def test_digest_follows_rows_in_key_order(self):
        (letters, pairs) = copy_store(filled(letters=0), Shelves("there"))
        assert letters.digest == sha256().hexdigest()
        # Arrays of MessagePack, by hand: (a, x, 1), (b, x, null), (a, y, no bytes).
        assert pairs.digest == sha256(b"\x93\xa1a\xa1x\x01\x93\xa1b\xa1x\xc0\x93\xa1a\xa1y\xc4\x00").hexdigest()

    @pytest.mark.parametrize(("one", "other"), [("1", 1), ("", None), ("", b""), (0, None), ("a", b"a")])
    def test_digest_tells_value_kinds_apart(self, one: object, other: object):
        first, second = (
            copy_store(Shelves("here", {"letter": [("id", value)]}), Shelves("there"))[0].digest
            for value in (one, other)
        )
        assert first != second

    def test_digest_tells_where_a_value_ends(self):
        first, second = (
            copy_store(Shelves("here", {"letter": [row]}), Shelves("there"))[0].digest
            for row in (("ab", "c"), ("a", "bc"))
        )
        assert first != second


class TestRefusals:
    def test_target_with_rows_is_refused(self):
        target = filled("there", letters=1)
        with pytest.raises(Conflicting, match="not empty: its table letter has rows"):
            copy_store(filled(), target)
        assert target.held == filled("there", letters=1).held

    def test_target_half_copied_from_another_is_refused(self):
        target = Shelves("there")
        target.copy_of = fingerprint("elsewhere")
        with pytest.raises(Conflicting, match="unfinished copy of another database"):
            copy_store(filled(), target)
        assert not target.held["letter"]

    def test_copy_of_store_to_itself_is_refused(self):
        store = filled()
        with pytest.raises(Conflicting, match="the same database"):
            copy_store(store, filled(store.location))

    def test_store_with_other_tables_is_refused(self):
        with pytest.raises(Conflicting, match="different tables"):
            copy_store(filled(), Shelves("there", tables=(LETTERS,)))


class TestAChangeMeanwhile:
    """The servers were not stopped."""

    @pytest.mark.parametrize("moment", [("copying", 0), ("copying", 8), ("verifying", 0), ("verifying", 20)])
    def test_source_change_is_counted_with_advice(self, moment: tuple[str, int]):
        source, target = filled(), Shelves("there")
        before = filled().held

        def change(doing: str, done: int, total: int) -> None:
            if (doing, done) == moment:
                source.held["letter"][2] = ("id 2", "changed")
                source.held["letter"][6:] = [("id 60", "in place of the last")]
                source.held["pair"] = source.held["pair"][1:]

        found = r"written to while it was copied \(3 rows of letter, 1 row of pair differ\); stop every server .* again"
        with pytest.raises(Conflicting, match=found):
            copy_store(source, target, change, chunk=1)
        assert target.held == before
        assert target.unfinished_copy() is not None

    def test_rewritten_source_without_change_is_copied(self):
        source, target = filled(), Shelves("there")
        told: list[tuple[str, int, int]] = []

        def change(*progress: object) -> None:
            told.append(progress)  # type: ignore[arg-type]
            source.rewrites += 1

        copy_store(source, target, change)
        assert target.held == source.held
        assert target.unfinished_copy() is None
        assert told[-1] == ("comparing", 20, 20)

    def test_target_change_is_reported(self):
        source, target = filled(), Shelves("there")

        def change(doing: str, done: int, total: int) -> None:
            if doing == "copying" and done == 8:
                target.held["pair"].append(("b", "x", 9))

        with pytest.raises(Conflicting, match=r"a row of pair was refused .*\(pair\).* stop every server"):
            copy_store(source, target, change, chunk=1)

    def test_extra_target_row_is_reported(self):
        source, target = filled(), Shelves("there")

        def change(doing: str, done: int, total: int) -> None:
            if doing == "verifying" and done == 0:
                target.held["pair"].append(("z", "z", 1))

        with pytest.raises(Conflicting, match=r"not the same as its source \(1 row of pair differs\): the target was"):
            copy_store(source, target, change)

    def test_source_change_between_tries_is_reported(self):
        source, target = filled(), Shelves("there")
        target.writes_left = 2
        with pytest.raises(Interrupted):
            copy_store(source, target, chunk=3)
        source.held["letter"].insert(0, ("id", "before all that was copied"))
        target.writes_left = None
        with pytest.raises(
            Conflicting, match=r"\(1 row of letter differs\): .* the source since a copy .* interrupted"
        ):
            copy_store(source, target, chunk=3)


def test_progress_runs_to_the_total_and_resumes():
    told: list[tuple[str, int, int]] = []
    source, target = filled(), Shelves("there")
    target.writes_left = 3
    with pytest.raises(Interrupted):
        copy_store(source, target, lambda *each: told.append(each), chunk=3)
    assert told == [("copying", 0, 10), ("copying", 3, 10), ("copying", 6, 10)]
    told.clear()
    target.writes_left = None
    copy_store(source, target, lambda *each: told.append(each), chunk=3)
    assert told[:4] == [("copying", 0, 10), ("copying", 6, 10), ("copying", 7, 10), ("copying", 10, 10)]
    assert (told[4], told[-1]) == (("verifying", 0, 20), ("verifying", 20, 20))


def test_fingerprint_is_short_and_reveals_no_url():
    assert fingerprint("postgresql://localhost/hullo") != fingerprint("postgresql://localhost/hullo2")
    assert len(fingerprint("x" * 1000)) == 32
    assert fingerprint("x").isalnum()


def test_store_may_offer_no_copying():
    assert not isinstance(open_memory("memory:"), SupportsCopy | SupportsMaintenance)


def test_shelves_satisfy_the_copy_protocols():
    shelves = Shelves("here")
    source: CopySource = ShelfSource(shelves)
    target: CopyTarget = shelves
    portable: SupportsCopy = shelves
    assert isinstance(portable, SupportsCopy)
    assert source.tables() == target.tables()
    assert PAIRS.key_of(("left", "right", "body")) == ("right", "left")
