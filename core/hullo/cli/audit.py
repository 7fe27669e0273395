"""`hullo audit`: what was done to people's data and to keys, and whether the log of it is what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from hullo.api.schemas import AuditEntryResponse
from hullo.application import Hullo
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.screen import field_lines, format_time, table, title
from hullo.errors import Invalid, NotFound
from hullo.model.app import Workspace
from hullo.model.audit import AuditEntry
from hullo.operations.admin.audit_verify import AuditVerification, verify_audit_log
from hullo.store.protocol import PageRequest

WORKSPACE = click.option("--workspace", metavar="NAME|ID", help="Whose log.  [default: the only one there is]")


@click.group("audit")
@common_options
def audit_group() -> None:
    """The audit log: read it, and verify that nobody has changed it."""


@audit_group.command("list")
@WORKSPACE
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, at most.")
@common_options
@pass_options
def list_(options: CommonOptions, workspace: str | None, limit: int) -> None:
    """Show what was done, the newest first."""
    with options.open_hullo() as hullo:
        [one] = _workspaces(hullo, workspace, allow_several=False)
        entries = hullo.store.list_audit(one.id, PageRequest(limit=limit)).items
    text = table(
        ("NUMBER", "AT", "BY", "ACTION", "SUBJECT", "DETAILS"),
        [(each.number, format_time(each.at), each.by, each.action, each.subject, _details(each)) for each in entries],
    )
    options.print_result(
        {"items": [AuditEntryResponse.of(each) for each in entries]}, text if entries else "Nothing is in the log yet."
    )


@audit_group.command()
@click.option("--workspace", metavar="NAME|ID", help="Whose log.  [default: all]")
@click.option("--head", metavar="DIGEST", help="One that an earlier run has told: it must be in the log still.")
@common_options
@pass_options
def verify(options: CommonOptions, workspace: str | None, head: str | None) -> None:
    """Walk the whole log, and say whether it is what was written. Ends with status 1 when it is not.

    Each entry's digest covers the one before, so that a change shows in all that come after. Write down elsewhere
    which head is told: only --head shows that the last entries were removed, or that all were made anew.
    """
    with options.open_hullo() as hullo:
        wanted = _workspaces(hullo, workspace, allow_several=head is None)
        names = {each.id: each.name for each in wanted}
        walked = [verify_audit_log(hullo.store, each.id, head) for each in wanted]
    intact = all(each.is_intact for each in walked)
    document = {"intact": intact, "workspaces": [_document(each) for each in walked]}
    options.print_result(document, "\n\n".join(_text(each, names) for each in walked) or "There is no workspace yet.")
    if not intact:
        click.get_current_context().exit(1)


def _workspaces(hullo: Hullo, name_or_id: str | None, *, allow_several: bool) -> Sequence[Workspace]:
    found = hullo.store.list_workspaces()
    if name_or_id is not None:
        found = [each for each in found if name_or_id in {each.id, each.name}]
        if not found:
            raise NotFound(f"no workspace is called {name_or_id!r}")
    if not allow_several and len(found) != 1:
        raise Invalid("say which one with --workspace" if found else "there is no workspace yet: create an app first")
    return found


def _details(entry: AuditEntry) -> str:
    return ", ".join(f"{name}={_detail_text(value)}" for name, value in entry.data.items())


def _detail_text(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_detail_text(each)}" for name, each in value.items()) + "}"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return "+".join(map(_detail_text, value))  # pyright: ignore[reportUnknownArgumentType]
    return "none" if value is None else str(value)


def _document(walked: AuditVerification) -> dict[str, object]:
    return {
        "workspace_id": walked.workspace_id,
        "intact": walked.is_intact,
        "entries": walked.entries,
        "head": {"number": walked.head.number, "digest": walked.head.digest},
        "head_found": walked.head_found,
        "flaws": [{"number": each.number, "what": each.reason} for each in walked.faults],
    }


def _text(walked: AuditVerification, names: Mapping[str, str]) -> str:
    found = {None: (), True: [("earlier head", "is in the log")], False: [("earlier head", "is NOT in the log")]}
    about = field_lines(
        [
            ("workspace", f"{names[walked.workspace_id]} ({walked.workspace_id})"),
            ("entries", f"{walked.entries:,}"),
            ("head", f"{walked.head.number} {walked.head.digest}"),
            *found[walked.head_found],
        ]
    )
    flaws = "".join(f"\n  {each.number} {each.reason}" for each in walked.faults)
    return f"{title('The log is what was written.' if walked.is_intact else 'The log was CHANGED.')}\n{about}{flaws}"
