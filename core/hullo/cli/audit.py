"""`hullo audit`: what was done to people's data and to keys, and whether the log of it is what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from hullo.app import Hullo
from hullo.asgi.shapes import audit_shape
from hullo.cli.options import Given, common, pass_given
from hullo.cli.screen import record, table, title, when
from hullo.errors import Invalid, NotFound
from hullo.model.app import Workspace
from hullo.model.audit import AuditEntry
from hullo.pipeline.audit.auditing import Audited, walk_audit
from hullo.store.protocol import PageRequest

WORKSPACE = click.option("--workspace", metavar="NAME|ID", help="Whose log.  [default: the only one there is]")


@click.group("audit")
@common
def audit_group() -> None:
    """The audit log: read it, and verify that nobody has changed it."""


@audit_group.command("list")
@WORKSPACE
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, at most.")
@common
@pass_given
def list_(given: Given, workspace: str | None, limit: int) -> None:
    """Show what was done, the newest first."""
    with given.open() as hullo:
        [one] = _workspaces(hullo, workspace, several=False)
        entries = hullo.store.list_audit(one.id, PageRequest(limit=limit)).items
    text = table(
        ("NUMBER", "AT", "BY", "ACTION", "SUBJECT", "DETAILS"),
        [(each.number, when(each.at), each.by, each.action, each.subject, _details(each)) for each in entries],
    )
    given.show({"items": [audit_shape(each) for each in entries]}, text if entries else "Nothing is in the log yet.")


@audit_group.command()
@click.option("--workspace", metavar="NAME|ID", help="Whose log.  [default: all]")
@click.option("--head", metavar="DIGEST", help="One that an earlier run has told: it must be in the log still.")
@common
@pass_given
def verify(given: Given, workspace: str | None, head: str | None) -> None:
    """Walk the whole log, and say whether it is what was written. Ends with status 1 when it is not.

    Each entry's digest covers the one before, so that a change shows in all that come after. Write down elsewhere
    which head is told: only --head shows that the last entries were removed, or that all were made anew.
    """
    with given.open() as hullo:
        wanted = _workspaces(hullo, workspace, several=head is None)
        names = {each.id: each.name for each in wanted}
        walked = [walk_audit(hullo.store, each.id, head) for each in wanted]
    intact = all(each.intact for each in walked)
    document = {"intact": intact, "workspaces": [_document(each) for each in walked]}
    given.show(document, "\n\n".join(_text(each, names) for each in walked) or "There is no workspace yet.")
    if not intact:
        click.get_current_context().exit(1)


def _workspaces(hullo: Hullo, wanted: str | None, *, several: bool) -> Sequence[Workspace]:
    found = hullo.store.list_workspaces()
    if wanted is not None:
        found = [each for each in found if wanted in {each.id, each.name}]
        if not found:
            raise NotFound(f"no workspace is called {wanted!r}")
    if not several and len(found) != 1:
        raise Invalid("say which one with --workspace" if found else "there is no workspace yet: create an app first")
    return found


def _details(entry: AuditEntry) -> str:
    return ", ".join(f"{name}={_word(value)}" for name, value in entry.data.items())


def _word(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_word(each)}" for name, each in value.items()) + "}"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return "+".join(map(_word, value))  # pyright: ignore[reportUnknownArgumentType]
    return "none" if value is None else str(value)


def _document(walked: Audited) -> dict[str, object]:
    return {
        "workspace_id": walked.workspace_id,
        "intact": walked.intact,
        "entries": walked.entries,
        "head": {"number": walked.head.number, "digest": walked.head.digest},
        "head_found": walked.head_found,
        "flaws": [{"number": each.number, "what": each.what} for each in walked.flaws],
    }


def _text(walked: Audited, names: Mapping[str, str]) -> str:
    found = {None: (), True: [("earlier head", "is in the log")], False: [("earlier head", "is NOT in the log")]}
    about = record(
        [
            ("workspace", f"{names[walked.workspace_id]} ({walked.workspace_id})"),
            ("entries", f"{walked.entries:,}"),
            ("head", f"{walked.head.number} {walked.head.digest}"),
            *found[walked.head_found],
        ]
    )
    flaws = "".join(f"\n  {each.number} {each.what}" for each in walked.flaws)
    return f"{title('The log is what was written.' if walked.intact else 'The log was CHANGED.')}\n{about}{flaws}"
