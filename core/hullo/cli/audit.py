"""`hullo audit`: the log of what operators did to personal data and keys, and the check that it is unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from hullo.api.schemas import AuditEntryResponse
from hullo.application import Hullo
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.people import NO_WORKSPACE, SEVERAL_WORKSPACES
from hullo.cli.screen import field_lines, format_time, table, title
from hullo.errors import Invalid, NotFound
from hullo.model.app import Workspace
from hullo.model.audit import AuditEntry
from hullo.operations.admin.audit_verify import AuditVerification, verify_audit_log
from hullo.store.protocol import PageRequest

WORKSPACE = click.option("--workspace", metavar="NAME|ID", help="The workspace.  [default: the only one]")


@click.group("audit")
@common_options
def audit_group() -> None:
    """Read the audit log, and verify that it is unchanged."""


@audit_group.command("list")
@WORKSPACE
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The highest number of entries."
)
@common_options
@pass_options
def list_(options: CommonOptions, workspace: str | None, limit: int) -> None:
    """List the entries of the audit log, the newest first."""
    with options.read_hullo() as hullo:
        # Each workspace has a log of its own, numbered from 1.
        [one] = _workspaces(hullo, workspace, allow_several=False)
        entries = hullo.store.list_audit(one.id, PageRequest(limit=limit)).items
    text = table(
        ("NUMBER", "AT", "BY", "ACTION", "SUBJECT", "DETAILS"),
        [
            (entry.number, format_time(entry.at), entry.by, entry.action, entry.subject, _details(entry))
            for entry in entries
        ],
    )
    options.print_result(
        {"items": [AuditEntryResponse.of_same(entry) for entry in entries]},
        text if entries else "The audit log is empty.",
    )


@audit_group.command()
@click.option("--workspace", metavar="NAME|ID", help="The workspace.  [default: all]")
@click.option("--head", metavar="DIGEST", help="A digest that an earlier run printed. The log must still hold it.")
@common_options
@pass_options
def verify(options: CommonOptions, workspace: str | None, head: str | None) -> None:
    """Check that the audit log is unchanged. Ends with status 1 if it was changed.

    The digest of each entry covers the entry before, so a change shows in all later entries. Keep the printed head in
    another place: only --head finds that the last entries were removed, or that all were written again.
    """
    with options.read_hullo() as hullo:
        # A head is of one log: in any other one it would be missing, and look like a change.
        wanted = _workspaces(hullo, workspace, allow_several=head is None)
        names = {workspace.id: workspace.name for workspace in wanted}
        results = [verify_audit_log(hullo.store, workspace.id, head) for workspace in wanted]
    intact = all(result.is_intact for result in results)
    document = {"intact": intact, "workspaces": [_document(result) for result in results]}
    options.print_result(
        document, "\n\n".join(_text(result, names) for result in results) or "There is no workspace yet."
    )
    # The status is for cron jobs, which read no text.
    if not intact:
        click.get_current_context().exit(1)


def _workspaces(hullo: Hullo, name_or_id: str | None, *, allow_several: bool) -> Sequence[Workspace]:
    found = hullo.store.list_workspaces()
    if name_or_id is not None:
        found = [workspace for workspace in found if name_or_id in {workspace.id, workspace.name}]
        if not found:
            raise NotFound(f"no workspace has the name or id {name_or_id!r}")
    if not allow_several and len(found) != 1:
        raise Invalid(SEVERAL_WORKSPACES if found else NO_WORKSPACE)
    return found


def _details(entry: AuditEntry) -> str:
    return ", ".join(f"{name}={_detail_text(value)}" for name, value in entry.data.items())


def _detail_text(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_detail_text(inner)}" for name, inner in value.items()) + "}"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return "+".join(map(_detail_text, value))  # pyright: ignore[reportUnknownArgumentType]
    return "none" if value is None else str(value)


def _document(result: AuditVerification) -> dict[str, object]:
    return {
        "workspace_id": result.workspace_id,
        "intact": result.is_intact,
        "entries": result.entries,
        "head": {"number": result.head.number, "digest": result.head.digest},
        "head_found": result.head_found,
        "flaws": [{"number": fault.number, "what": fault.reason} for fault in result.faults],
    }


def _text(result: AuditVerification, names: Mapping[str, str]) -> str:
    # None: no earlier head was given, so nothing is said about one.
    found = {None: (), True: [("earlier head", "is in the log")], False: [("earlier head", "is NOT in the log")]}
    about = field_lines(
        [
            ("workspace", f"{names[result.workspace_id]} ({result.workspace_id})"),
            ("entries", f"{result.entries:,}"),
            ("head", f"{result.head.number} {result.head.digest}"),
            *found[result.head_found],
        ]
    )
    faults = "".join(f"\n  {fault.number} {fault.reason}" for fault in result.faults)
    return (
        f"{title('The audit log is unchanged.' if result.is_intact else 'The audit log was CHANGED.')}\n{about}{faults}"
    )
