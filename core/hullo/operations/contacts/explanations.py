"""Decisions as sentences for agents: the caller, the match, the writes, and the refusals with their reasons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from hullo.model.app import AppId
from hullo.model.decision_record import DecisionRecord, FieldVerdict, Step, Verdict
from hullo.model.instant import format_rfc3339
from hullo.model.match import CREATED
from hullo.model.standing import Standing

MATCHED_BY_ID: Final = "id"
"""`matched_by` of operations that name the contact by its id."""

# Identity keys and tokens too: their signature came with a call of a page.
_PAGE_WRITER_PREFIXES: Final = ("visitor:", "identity-key:", "token:")
_WRITE_KIND_PATTERN: Final = re.compile(r"(filled|replaced|confirmed|cleared) as \w+")
_DEFAULT_ACTION: Final = "wrote to this contact"
_MANUAL_ACTIONS: Final[Mapping[str, str]] = {
    "merge": "merged somebody into this contact",
    "unmerge": "took a merge back",
}
"""Actions on whole contacts, by their stage."""
_NEW_CONTACT_ANSWER: Final = "somebody new"
"""The opening sentence covers this step."""


def describe_decision(decision: DecisionRecord, apps: Mapping[AppId, str]) -> str:
    """Render a decision as sentences. `apps` maps ids to names; an app without one appears by its id.

    The sentences hold no values: fields appear by name, people by id.
    """
    steps, fields = decision.trace.steps, decision.trace.fields
    sentences = (
        _opening_sentence(decision, apps),
        *_step_sentences(steps),
        *_written_sentences(fields),
        *_rejected_sentences(fields),
    )
    return " ".join(f"{sentence}." for sentence in sentences)


def _opening_sentence(decision: DecisionRecord, apps: Mapping[AppId, str]) -> str:
    when = format_rfc3339(decision.at)[:16].replace("T", " ")
    app = f" of app {apps.get(decision.app_id, decision.app_id)}" if decision.app_id is not None else ""
    # No contact was matched, so there is no evidence to speak of.
    if decision.matched_by == MATCHED_BY_ID:
        action = next(
            (_MANUAL_ACTIONS[step.stage] for step in decision.trace.steps if step.stage in _MANUAL_ACTIONS),
            _DEFAULT_ACTION,
        )
        return f"On {when} UTC {_caller_phrase(decision, app)} {action}"
    if decision.matched_by == CREATED:
        action = "made this contact"
    else:
        action = f"identified them by {decision.matched_by.replace('_', ' ')}"
    return f"On {when} UTC {_caller_phrase(decision, app)} {action}{_evidence_phrase(decision)} ({decision.standing})"


def _caller_phrase(decision: DecisionRecord, app: str) -> str:
    if decision.by.startswith(_PAGE_WRITER_PREFIXES):
        return f"a page{app}"
    if decision.by.startswith("api-key:"):
        return f"a server with the API key {decision.by.partition(':')[2]}"
    return f"somebody at the {decision.by}" if decision.by == "command line" else decision.by


def _evidence_phrase(decision: DecisionRecord) -> str:
    if not decision.by.startswith(_PAGE_WRITER_PREFIXES):
        return ""
    if decision.by.startswith("token:"):
        return " with a signed token"
    if decision.by.startswith("identity-key:"):
        return " with a signed hash"
    # A plugin may prove in its own way, which only its name can tell.
    others = dict.fromkeys(step.plugin for step in decision.trace.steps if step.stage == "verify")
    if others:
        return f" with what {_join_words(others)} vouches for"
    return " in a session that is proven" if decision.standing == Standing.PROVEN.label else " without proof"


def _step_sentences(steps: Sequence[Step]) -> Iterator[str]:
    """Yield the remarks on the match, and the effects on session, links and merges."""
    for step in steps:
        is_remark = step.stage == "match" and step.plugin == "pipeline" and step.answer != _NEW_CONTACT_ANSWER
        if is_remark or step.stage in {"visit", *_MANUAL_ACTIONS}:
            yield _capitalise(step.answer)
        elif step.stage == "link":
            yield f"{_capitalise(step.plugin)} {step.answer}"


def _written_sentences(fields: Iterable[FieldVerdict]) -> Iterator[str]:
    by_kind: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for verdict in _with_verdict(fields, "written"):
        # Reasons of policies are free text; only those of the pipeline are grouped.
        write_kind = _WRITE_KIND_PATTERN.fullmatch(verdict.reason)
        group, phrase = (by_kind, write_kind[1]) if write_kind is not None else (others, verdict.reason)
        group.setdefault(phrase, []).append(verdict.field)
    if by_kind:
        yield "It " + _join_words(f"{write_kind} {_join_words(names)}" for write_kind, names in by_kind.items())
    for reason, names in others.items():
        yield f"{_capitalise(_join_words(names))} {reason}"


def _rejected_sentences(fields: Sequence[FieldVerdict]) -> Iterator[str]:
    for reason, names in _by_reason(_with_verdict(fields, "kept")).items():
        yield f"It kept {_join_words(names)}, as {reason}"
    for reason, names in _by_reason(_with_verdict(fields, "rejected")).items():
        yield f"It left out {_join_words(names)}: {reason}"
    unchanged = [field_verdict.field for field_verdict in _with_verdict(fields, "unchanged")]
    if unchanged:
        yield f"{_capitalise(_join_words(unchanged))} {'was' if len(unchanged) == 1 else 'were'} so already"


def _with_verdict(fields: Iterable[FieldVerdict], verdict: Verdict) -> Iterator[FieldVerdict]:
    return (field_verdict for field_verdict in fields if field_verdict.verdict == verdict)


def _by_reason(verdicts: Iterable[FieldVerdict]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for verdict in verdicts:
        grouped.setdefault(verdict.reason, []).append(verdict.field)
    return grouped


def _join_words(words: Iterable[str]) -> str:
    """Join words as `a`, `a and b`, `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _capitalise(text: str) -> str:
    """Turn the first letter to upper case, unless the first word is an id or a technical name."""
    first = text.partition(" ")[0]
    # A capital would make another name of it: ids and plugin names are case-sensitive.
    return text if "_" in first or "-" in first else text[:1].upper() + text[1:]
