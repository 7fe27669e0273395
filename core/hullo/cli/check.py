"""`hullo check`: why a hash or a token fails, and what would become of a call (V8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

import click
from msgspec.structs import replace

from hullo.api.bodies import CheckBody, parse_check_body
from hullo.api.check import check_call
from hullo.api.schemas import CheckedResponse
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.screen import PLACEHOLDER, field_lines, paragraph, table, title
from hullo.engine.explain import CheckResult
from hullo.errors import BadRequest, TooLarge
from hullo.model.limits import Limits
from hullo.model.match import CREATED
from hullo.model.outcome import Outcome
from hullo.model.proof import Signature


@click.command("check")
@click.argument("app_key")
@click.argument("body", metavar="BODY.json", type=click.File("rb"))
@click.option("--origin", metavar="URL", help="The page that would send it; looked up in the app's list.")
@common_options
@pass_options
def check_command(options: CommonOptions, app_key: str, body: BinaryIO, origin: str | None) -> None:
    """Explain what is wrong with an identify call, and show what would become of it. Nothing is written.

    BODY.json holds what the page sends, with its user_hash or token; - reads it from standard input. Ends with status 1
    when the call would be refused, or its evidence is wrong.
    """
    with options.open_hullo() as hullo:
        said = _read_body(body, hullo.settings.limits)
        said = replace(said, page=origin) if origin is not None else said
        checked = check_call(hullo, app_key, said, hullo.new_context())
    options.print_result(CheckedResponse.of(checked), "\n\n".join(_report_sections(checked)))
    if not checked.is_accepted:
        click.get_current_context().exit(1)


def _read_body(file: BinaryIO, limits: Limits) -> CheckBody:
    """Raises `TooLarge`, and `BadRequest` that says where."""
    raw = file.read(limits.body_bytes + 1)
    if len(raw) > limits.body_bytes:
        raise TooLarge(f"{file.name}: the body is over {limits.body_bytes} bytes, and would be refused for that")
    try:
        return parse_check_body(raw, limits)
    except BadRequest as error:
        raise BadRequest(f"{file.name}: {error.detail}{_error_position(raw, error)}") from error


def _error_position(raw: bytes, error: BadRequest) -> str:
    """Where JSON ends to be JSON, as an editor counts, and why; empty where it is JSON that is not taken."""
    try:
        json.loads(raw.decode())
    except json.JSONDecodeError as fault:
        return f"; line {fault.lineno}, column {fault.colno}: {fault.msg}"
    except UnicodeDecodeError as fault:
        return f"; {_line_and_column(raw, fault.start)}: not UTF-8"
    except RecursionError:
        return "; it is nested too deeply"
    # Python takes more for JSON than is taken here, such as NaN.
    byte = re.search(r"\(byte (\d+)\)", str(error.__cause__ and error.__cause__.__cause__))
    return f"; {_line_and_column(raw, int(byte[1]))}" if byte is not None else ""


def _line_and_column(raw: bytes, position: int) -> str:
    before = raw[:position].decode("utf-8", "replace")
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def _report_sections(checked: CheckResult) -> Iterator[str]:
    """The report: the verdict, what is wrong, what is to be said of it, what would be written, and why."""
    refused = checked.error
    yield "\n".join([title(_verdict(checked)), *([paragraph(refused.detail)] if refused is not None else [])])
    yield from (f"{title(f'{each.field}: {each.code}')}\n{paragraph(each.says)}" for each in checked.mistakes)
    yield from map(paragraph, checked.remarks)
    if checked.decision is not None:
        trace = checked.decision.trace
        yield _outcome_text(checked.decision.result)
        yield table(("FIELD", "VERDICT", "WHY"), [(each.field, each.verdict, each.reason) for each in trace.fields])
        yield table(("STAGE", "PLUGIN", "ANSWER"), [(each.stage, each.plugin, each.answer) for each in trace.steps])
    elif checked.rejections:
        yield table(("FIELD", "REJECTED FOR"), [(each.field, each.reason) for each in checked.rejections])


def _verdict(checked: CheckResult) -> str:
    if checked.error is not None:
        return f"Refused: {checked.error.code} ({checked.error.status})"
    return {
        Signature.SIGNED: "Accepted, and signed",
        Signature.UNSIGNED: "Accepted, and not signed",
        Signature.WRONG: "Accepted, although its evidence is wrong",
    }[checked.signature]


def _outcome_text(outcome: Outcome) -> str:
    created = outcome.matched_by == CREATED
    pairs: list[tuple[str, object]] = [
        ("contact", "somebody new" if created else outcome.contact_id or "nobody"),
        ("matched by", PLACEHOLDER if created else outcome.matched_by),
        ("standing", outcome.standing.label),
    ]
    pairs += (("conflict", f"{each.field} is another contact's ({each.rule})") for each in outcome.conflicts)
    return field_lines(pairs)
