"""The rules of SEMANTICS.md against the tests that name them."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
RULE = re.compile(r"\b([A-Z]\d+)\b")
MARK = re.compile(r"mark\.rule\(([^)]*)\)")

BUILT = {
    *(f"M{number}" for number in range(1, 8)),
    *(f"C{number}" for number in range(1, 8)),
    *(f"W{number}" for number in range(1, 12)),
    *(f"L{number}" for number in range(1, 4)),
    *(f"S{number}" for number in range(1, 4)),
    *(f"R{number}" for number in range(1, 5)),
    *(f"V{number}" for number in range(1, 9)),
    *(f"T{number}" for number in range(1, 6)),
    *("H1", "H2"),
    *(f"P{number}" for number in range(1, 5)),
}
"""What this version promises. S4 comes with the socket, and T2's links with the widget."""


def named_by_tests() -> set[str]:
    marks = (mark for path in TESTS.rglob("*.py") for mark in MARK.findall(path.read_text("utf-8")))
    return {rule for mark in marks for rule in RULE.findall(mark)}


def test_every_rule_that_is_built_has_a_test_that_names_it() -> None:
    missing = sorted(BUILT - named_by_tests())
    assert not missing, f"no test names {', '.join(missing)}"


def test_no_test_names_a_rule_that_does_not_exist() -> None:
    text = (TESTS.parent / "SEMANTICS.md").read_text("utf-8")
    assert named_by_tests() <= set(RULE.findall(text))
