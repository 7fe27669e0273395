"""`hullo api-key`: what servers show to the server API."""

from __future__ import annotations

import click

from hullo.application import Hullo
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.screen import command_text, field_lines, format_time, table, title
from hullo.model.app import ALL_SCOPES, ApiKey, Scope
from hullo.model.instant import format_rfc3339
from hullo.operations.admin.register import DEFAULT_WORKSPACE


@click.group("api-key")
@common_options
def api_key() -> None:
    """The keys that servers call with: create, list and revoke them."""


def _scopes(context: click.Context, parameter: click.Parameter, text: str) -> frozenset[Scope]:
    try:
        return frozenset(Scope(word.strip()) for word in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"the scopes are {', '.join(Scope)}, with commas between them", context, parameter
        ) from None


@api_key.command()
@click.option("--workspace", metavar="NAME|ID", help="Whose contacts it reaches.  [default: the only one there is]")
@click.option("--app", "app_key", metavar="APP_KEY", help="Bind it to one app of that app's workspace.")
@click.option(
    "--scopes",
    default=",".join(Scope),
    show_default=True,
    callback=_scopes,
    help="What it may do, with commas between.",
)
@common_options
@pass_options
def create(options: CommonOptions, workspace: str | None, app_key: str | None, scopes: frozenset[Scope]) -> None:
    """Make a key for the server API, which is shown this once."""
    with options.open_hullo() as hullo:
        if workspace is None and app_key is None:
            workspace = _usual_workspace(hullo)
        new = hullo.create_api_key(workspace=workspace, app_key=app_key, scopes=scopes)
        prefix = hullo.settings.prefix
    key = new.key
    about = field_lines(
        [
            ("key", new.secret),
            ("key id", key.id),
            ("workspace", key.workspace_id),
            ("app", key.app_id or "all of the workspace"),
            ("scopes", _words(key)),
        ]
    )
    call = f"curl http://127.0.0.1:8000{prefix}/v1/contacts -H 'Authorization: Bearer {new.secret}'"
    text = (
        f"{title('A new API key.')}\n{about}\n\n"
        f"Keep it on your server. It is not shown again; {command_text(f'hullo api-key revoke {key.id}')} ends it.\n\n"
        f"Try it while hullo serves:\n  {call}"
    )
    document = {
        "key_id": key.id,
        "key": new.secret,
        "workspace_id": key.workspace_id,
        "app_id": key.app_id,
        "scopes": _sorted(key),
    }
    options.print_result(document, text)


@api_key.command("list")
@common_options
@pass_options
def list_(options: CommonOptions) -> None:
    """Show every key, the newest first; never their secrets."""
    with options.open_hullo() as hullo:
        keys = hullo.store.list_api_keys()
    text = table(
        ("KEY ID", "WORKSPACE", "APP", "SCOPES", "MADE", "REVOKED"),
        [
            (
                key.id,
                key.workspace_id,
                key.app_id,
                _words(key),
                format_time(key.created_at),
                format_time(key.revoked_at),
            )
            for key in keys
        ],
    )
    empty = f"There is no API key yet. Make one:  {command_text('hullo api-key create')}"
    options.print_result({"items": [_document(key) for key in keys]}, text if keys else empty)


@api_key.command()
@click.argument("key_id")
@common_options
@pass_options
def revoke(options: CommonOptions, key_id: str) -> None:
    """End a key: it is refused from now on. Ending it again changes nothing."""
    with options.open_hullo() as hullo:
        key = hullo.register.revoke_api_key(key_id)
    options.print_result(_document(key), f"{key.id} is revoked since {format_time(key.revoked_at)}.")


def _usual_workspace(hullo: Hullo) -> str | None:
    """Where `hullo app create` puts an app unless told otherwise; None before it has done so."""
    names = [each.name for each in hullo.store.list_workspaces()]
    return DEFAULT_WORKSPACE if DEFAULT_WORKSPACE in names else None


def _document(key: ApiKey) -> dict[str, object]:
    return {
        "key_id": key.id,
        "workspace_id": key.workspace_id,
        "app_id": key.app_id,
        "scopes": _sorted(key),
        "created_at": format_rfc3339(key.created_at),
        "revoked_at": None if key.revoked_at is None else format_rfc3339(key.revoked_at),
    }


def _sorted(key: ApiKey) -> list[str]:
    return [scope.value for scope in Scope if scope in key.scopes]


def _words(key: ApiKey) -> str:
    return "all" if key.scopes == ALL_SCOPES else ", ".join(_sorted(key))
