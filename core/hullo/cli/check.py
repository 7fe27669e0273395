"""`hullo check`: why a hash or a token fails, and what an identify call would do (V8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

import click
from msgspec.structs import replace

from hullo.api.bodies import CheckBody
from hullo.api.check import check_call
from hullo.api.person_body import body_too_large
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
@click.option("--origin", metavar="URL", help="The origin of the page. hullo compares it with the app's origins.")
@common_options
@pass_options
def check_command(options: CommonOptions, app_key: str, body: BinaryIO, origin: str | None) -> None:
    """Explain what an identify call would do.

    BODY.json holds the request body of the page, with its user_hash or token; use - for standard input. The command
    names each mistake in the call, and writes nothing. It ends with status 1 if hullo would refuse the call, or if the
    hash or token is wrong.
    """
    with options.read_hullo() as hullo:
        check = _read_body(body, hullo.settings.limits)
        # The option wins over the file, so that one file serves for several origins.
        check = replace(check, page=origin) if origin is not None else check
        checked = check_call(hullo, app_key, check, hullo.new_context())
    options.print_result(CheckedResponse.of(checked), "\n\n".join(_report_sections(checked)))
    # For scripts: a test of the site's signing fails without reading the text.
    if not checked.is_accepted:
        click.get_current_context().exit(1)


def _read_body(file: BinaryIO, limits: Limits) -> CheckBody:
    """Read the body. Raises `TooLarge`, and `BadRequest` with the position of the fault."""
    # One byte more than allowed shows that a file is too long, without reading all of it.
    raw = file.read(limits.max_body_bytes + 1)
    try:
        # The server measures it so too: custom data that is too large is one bad field (W8).
        if len(raw) > limits.max_body_bytes:
            raise body_too_large(limits.body_bytes)
        return CheckBody.parse(raw, limits)
    except TooLarge as error:
        raise TooLarge(f"{file.name}: {error.detail}, so hullo would refuse it") from error
    except BadRequest as error:
        raise BadRequest(f"{file.name}: {error.detail}{_error_position(raw, error)}") from error


def _error_position(raw: bytes, error: BadRequest) -> str:
    """Describe the line, the column and the reason of a fault in the JSON. Empty for valid JSON that hullo refuses."""
    try:
        json.loads(raw.decode())
    except json.JSONDecodeError as fault:
        return f"; line {fault.lineno}, column {fault.colno}: {fault.msg}"
    except UnicodeDecodeError as fault:
        return f"; {_line_and_column(raw, fault.start)}: not UTF-8"
    except RecursionError:
        return "; the JSON is nested too deeply"
    # Python accepts more than hullo does, such as NaN: msgspec knows the position.
    byte = re.search(r"\(byte (\d+)\)", str(error.__cause__ and error.__cause__.__cause__))
    return f"; {_line_and_column(raw, int(byte[1]))}" if byte is not None else ""


def _line_and_column(raw: bytes, position: int) -> str:
    # Columns count characters, as editors do, and not bytes. The fault itself may be invalid UTF-8.
    before = raw[:position].decode("utf-8", "replace")
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"


def _report_sections(checked: CheckResult) -> Iterator[str]:
    """Yield the report: the verdict, the mistakes, the remarks, the values that hullo would write, and the reasons."""
    refused = checked.error
    yield "\n".join([title(_verdict(checked)), *([paragraph(refused.detail)] if refused is not None else [])])
    yield from (
        f"{title(f'{mistake.field}: {mistake.code}')}\n{paragraph(mistake.says)}" for mistake in checked.mistakes
    )
    yield from map(paragraph, checked.remarks)
    if checked.decision is not None:
        trace = checked.decision.trace
        yield _outcome_text(checked.decision.result)
        yield table(("FIELD", "VERDICT", "WHY"), [(field.field, field.verdict, field.reason) for field in trace.fields])
        yield table(("STAGE", "PLUGIN", "ANSWER"), [(step.stage, step.plugin, step.answer) for step in trace.steps])
    elif checked.rejections:
        yield table(("FIELD", "REJECTED BECAUSE"), [(field.field, field.reason) for field in checked.rejections])


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
        ("contact", "a new one" if created else outcome.contact_id or "none"),
        ("matched by", PLACEHOLDER if created else outcome.matched_by),
        ("standing", outcome.standing.label),
    ]
    pairs += (
        ("conflict", f"{conflict.field} is another contact's ({conflict.rule})") for conflict in outcome.conflicts
    )
    return field_lines(pairs)
