"""Every sequence of three calls in a small world, checked against the rules.

    python tests/worlds/explore.py [--sample N] [--processes 2]

Each world starts from two anonymous browsers. One line a violation, the shortest sequence first; exit status 1 where a
rule was broken.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from calls import SESSIONS, Call, all_calls
from invariants import Step, violations
from small_world import EmailMatch, SmallWorld, State
from truth import Truth

from hullo.model.request_context import secret_digest
from hullo.value import Value

LENGTH: Final = 3
WORLDS: Final[tuple[tuple[EmailMatch, bool], ...]] = (
    ("joined", False),
    ("joined", True),
    ("trusted", True),
    ("proven", True),
)
"""The app's `email_match`, and whether both browsers have begun a conversation."""
MAX_REPORTED: Final = 200


class Report(Value):
    """What one part of the exploration found."""

    sequences: int
    violations: tuple[str, ...]
    answers: dict[tuple[str, ...], bytes | str | None]
    """What pages read after calls of a session that proved nothing, by all its calls (H2, H4)."""


class Explorer:
    """Walks the sequences of calls of one world."""

    def __init__(self, email_match: EmailMatch, *, chats_first: bool) -> None:
        self._world = SmallWorld(email_match, chats_first=chats_first)
        self._name = f"{email_match}{' after chats' if chats_first else ''}"
        # Their own messages are part of what pages know.
        chats = ("message",) if chats_first else ()
        self._truth = Truth(email_match=email_match, unproven=dict.fromkeys(SESSIONS, chats))
        self._violations: list[str] = []
        self._answers: dict[tuple[str, ...], bytes | str | None] = {}
        self._sequences = 0

    def walk(self, sequences: Sequence[Sequence[Call]], choices: Sequence[Call]) -> Report:
        """Make the calls of each sequence, then every continuation of it by `choices` up to the full length."""
        for sequence in sequences:
            state, truth = self._world.start, self._truth
            for call in sequence:
                state, truth = self._step(state, truth, call)
            self._continue(state, truth, choices)
        self._world.close()
        return Report(sequences=self._sequences, violations=tuple(self._violations), answers=self._answers)

    def _continue(self, state: State, truth: Truth, choices: Sequence[Call]) -> None:
        if len(truth.calls) == LENGTH:
            self._sequences += 1
            return
        for call in choices:
            self._continue(*self._step(state, truth, call), choices)

    def _step(self, state: State, truth: Truth, call: Call) -> tuple[State, Truth]:
        after, answer = self._world.make(state, call)
        visitor = None
        if call.caller in after.tokens:
            visitor = after.tables.sessions[secret_digest(after.tokens[call.caller])].visitor_id
        later = truth.after(call, refused=answer.error is not None, changed=answer.changed, visitor=visitor)
        step = Step(world=self._world, before=state, call=call, answer=answer, after=after, truth=later)
        for violation in violations(step):
            self._report(later, violation)
        self._check_repeat(after, later, call)
        self._check_answer(later, call, answer.public if answer.error is None else answer.error)
        return after, later

    def _check_repeat(self, state: State, truth: Truth, call: Call) -> None:
        """W9: a call that changes nothing writes nothing."""
        # The last calls of a sequence are checked as those of a shorter one.
        if call.kind not in {"identify", "upsert"} or len(truth.calls) == LENGTH:
            return
        # At the same depth, so that the body is the same.
        _, repeated = self._world.repeat(state, call)
        if repeated.changed:
            self._report(truth, "repeated calls write nothing: the repeat wrote")

    def _check_answer(self, truth: Truth, call: Call, answer: bytes | str | None) -> None:
        """H2, H4: what an unproven page reads depends on its own calls alone."""
        calls = truth.unproven.get(call.caller)
        if calls is None or call.kind != "identify":
            return
        known = self._answers.setdefault(calls, answer)
        if known != answer:
            self._report(truth, f"claims learn nothing: {known!r} or {answer!r}")

    def _report(self, truth: Truth, violation: str) -> None:
        if len(self._violations) < MAX_REPORTED:
            text = " | ".join(map(str, truth.calls))
            self._violations.append(f"{self._name}: {violation}\n    after: {text}")


def explore_part(email_match: EmailMatch, chats_first: bool, firsts: Sequence[Call]) -> Report:
    """Explore every sequence that begins with one of these calls."""
    gc.freeze()
    return Explorer(email_match, chats_first=chats_first).walk([(first,) for first in firsts], all_calls())


def sample(size: int, seed: int) -> Report:
    """Explore `size` random sequences of each world."""
    rng, calls = random.Random(seed), all_calls()
    reports = [
        Explorer(email_match, chats_first=chats_first).walk([rng.choices(calls, k=LENGTH) for _ in range(size)], calls)
        for email_match, chats_first in WORLDS
    ]
    return _joined(reports)


def explore_all(processes: int, progress: Callable[[str], None]) -> Report:
    """Explore every sequence of every world in several processes."""
    calls, reports = all_calls(), list[Report]()
    with ProcessPoolExecutor(processes) as pool:
        parts = [
            pool.submit(explore_part, email_match, chats_first, [first])
            for email_match, chats_first in WORLDS
            for first in calls
        ]
        for number, part in enumerate(parts, start=1):
            reports.append(part.result())
            progress(f"{number} of {len(parts)} parts, {sum(report.sequences for report in reports):,} sequences")
    return _joined(reports)


def _joined(reports: Sequence[Report]) -> Report:
    answers: dict[tuple[str, ...], bytes | str | None] = {}
    found = [violation for report in reports for violation in report.violations]
    for calls, answer in (pair for report in reports for pair in report.answers.items()):
        if answers.setdefault(calls, answer) != answer:
            found.append(f"claims learn nothing: {answers[calls]!r} or {answer!r}\n    to: {' | '.join(calls)}")
    return Report(
        sequences=sum(report.sequences for report in reports),
        violations=tuple(sorted(dict.fromkeys(found), key=_length)),
        answers=answers,
    )


def _length(violation: str) -> tuple[int, str]:
    return violation.count(" | "), violation


def _main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Check every sequence of three calls in a small world.")
    parser.add_argument("--sample", type=int, metavar="N", help="only N random sequences of each world")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    if options.sample is not None:
        report = sample(options.sample, seed=1)
    else:
        report = explore_all(options.processes, lambda text: print(text, end="\r", file=sys.stderr, flush=True))
        print(file=sys.stderr)
    for violation in report.violations:
        print(violation)
    seconds = time.monotonic() - began
    print(f"{report.sequences:,} sequences, {len(report.violations)} violations, {seconds:.0f} s")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
