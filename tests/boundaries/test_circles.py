"""No two files import each other, not even by way of others, for type checkers or inside a function."""

from __future__ import annotations

from boundaries.imports import lines, own_imports

KNOWN_CIRCLES: list[set[str]] = []
"""Files that reach each other today. Only shrinks."""


def reached_from(module: str) -> set[str]:
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        for target in own_imports()[waiting.pop()] - reached:
            reached.add(target)
            waiting.append(target)
    return reached


def circles() -> set[frozenset[str]]:
    reached = {module: reached_from(module) for module in own_imports()}
    # The files of one circle are those that reach each other.
    return {
        frozenset(other for other in targets if module in reached[other])
        for module, targets in reached.items()
        if module in targets
    }


def test_imports_form_no_new_circle() -> None:
    new = [sorted(circle) for circle in circles() if not any(circle <= known for known in KNOWN_CIRCLES)]
    assert not new, f"these files import each other:{lines(new)}"


def test_known_circles_still_exist() -> None:
    found = circles()
    gone = [sorted(circle) for circle in KNOWN_CIRCLES if circle not in found]
    left = [sorted(circle) for circle in found if any(circle < known for known in KNOWN_CIRCLES)]
    assert not gone, f"take off KNOWN_CIRCLES:{lines(gone)}\nwhat is left of them:{lines(left)}"
