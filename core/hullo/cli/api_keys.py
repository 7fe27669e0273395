"""`hullo api-key`: the credentials of servers that call the server API."""

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
    """Create, list and revoke the keys for the server API."""


def _scopes(context: click.Context, parameter: click.Parameter, text: str) -> frozenset[Scope]:
    try:
        # An error for one unknown scope: a key with fewer rights than asked for would fail much later.
        return frozenset(Scope(word.strip()) for word in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"the scopes are {', '.join(Scope)}; put commas between them", context, parameter
        ) from None


@api_key.command()
@click.option(
    "--workspace", metavar="NAME|ID", help="The workspace whose contacts the key reaches.  [default: the only one]"
)
@click.option("--app", "app_key", metavar="APP_KEY", help="Limit the key to one app.")
@click.option(
    "--scopes",
    default=",".join(Scope),
    show_default=True,
    callback=_scopes,
    help="What the key may do, separated by commas.",
)
@common_options
@pass_options
def create(options: CommonOptions, workspace: str | None, app_key: str | None, scopes: frozenset[Scope]) -> None:
    """Create a key for the server API, and print its secret once."""
    with options.open_hullo() as hullo:
        # With an app, the app's workspace counts.
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
        f"Keep it on your server. hullo does not show it again. To revoke it:\n  "
        f"{command_text(f'hullo api-key revoke {key.id}')}\n\n"
        f"Try it while hullo serves:\n  {call}"
    )
    # The secret stands in the result alone: the store keeps its digest, so it cannot be shown again.
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
    """List all keys without their secrets, the newest first."""
    with options.read_hullo() as hullo:
        keys = hullo.store.list_api_keys()
    text = table(
        ("KEY ID", "WORKSPACE", "APP", "SCOPES", "CREATED", "REVOKED"),
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
    empty = f"There is no API key yet. Create one:  {command_text('hullo api-key create')}"
    options.print_result({"items": [_document(key) for key in keys]}, text if keys else empty)


@api_key.command()
@click.argument("key_id")
@common_options
@pass_options
def revoke(options: CommonOptions, key_id: str) -> None:
    """Revoke a key: hullo refuses it from now on. Safe to repeat."""
    with options.open_hullo() as hullo:
        key = hullo.register.revoke_api_key(key_id)
    options.print_result(_document(key), f"{key.id} was revoked at {format_time(key.revoked_at)}.")


def _usual_workspace(hullo: Hullo) -> str | None:
    """Return the workspace that `hullo app create` uses by default; None before it has created it."""
    names = [workspace.name for workspace in hullo.store.list_workspaces()]
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
    # In the order of `Scope`: a set has none, and the output should not change from run to run.
    return [scope.value for scope in Scope if scope in key.scopes]


def _words(key: ApiKey) -> str:
    return "all" if key.scopes == ALL_SCOPES else ", ".join(_sorted(key))
