"""The rules of SEMANTICS.md against the tests that name them."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
SEMANTICS = (TESTS.parent / "SEMANTICS.md").read_text("utf-8")

SECTION = re.compile(r"^## ([A-Z]): .*\n((?:(?!## ).*\n?)*)", re.MULTILINE)
# A paragraph of P states three rules in a row, so an id may also begin a sentence. A lone letter only begins an item,
# and A is left out because it is also an English word.
STATED = re.compile(r"(?:^- |\. )([A-Z]\d+)(?= )|^- ([B-Z])(?= )", re.MULTILINE)
MARK = re.compile(r"mark\.rule\(([^)]*)\)")
NAMED = re.compile(r'"([A-Z]\d*)"')

NOT_BUILT: dict[str, str] = {"S7": "the widget joins when a page loads"}
"""Rules that no code follows yet, and why. Only shrinks, except when a rule is first written down."""


def stated_rules() -> set[str]:
    """Collect every rule of SEMANTICS.md. A section without numbered rules is one rule, called by its letter."""
    rules: set[str] = set()
    for letter, text in SECTION.findall(SEMANTICS):
        rules |= {numbered or lone for numbered, lone in STATED.findall(text)} or {letter}
    return rules


def rules_named_by_tests() -> set[str]:
    marks = (mark for path in TESTS.rglob("*.py") for mark in MARK.findall(path.read_text("utf-8")))
    return {rule for mark in marks for rule in NAMED.findall(mark)}


def test_rules_are_numbered_without_a_gap() -> None:
    """Guards the reading above: a rule that it overlooks leaves a gap."""
    rules = stated_rules()
    for letter in {rule[0] for rule in rules if rule[1:]}:
        numbers = sorted(int(rule[1:]) for rule in rules if rule[0] == letter and rule[1:])
        assert numbers == list(range(1, len(numbers) + 1)), letter
    assert {"M7", "W11", "P4", "E"} <= rules


def test_every_built_rule_has_a_test() -> None:
    missing = sorted(stated_rules() - rules_named_by_tests() - set(NOT_BUILT))
    assert not missing, f"no test names {', '.join(missing)}"


def test_no_test_names_an_unknown_rule() -> None:
    unknown = sorted(rules_named_by_tests() - stated_rules())
    assert not unknown, f"SEMANTICS.md does not state {', '.join(unknown)}"


def test_unbuilt_rules_are_stated_and_untested() -> None:
    stale = sorted(set(NOT_BUILT) - stated_rules() | set(NOT_BUILT) & rules_named_by_tests())
    assert not stale, f"take {', '.join(stale)} off NOT_BUILT"
