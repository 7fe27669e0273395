"""`hullo app`: the sites whose visitors hullo identifies."""

from __future__ import annotations

from collections.abc import Sequence

import click
from msgspec.structs import asdict

from hullo.api.schemas import CALL_COUNT_DAYS, CallCountsResponse
from hullo.application import Hullo
from hullo.cli.options import CommonOptions, common_options, pass_options
from hullo.cli.refused_origins import MAX_SHOWN, refused_pages
from hullo.cli.screen import command_text, field_lines, format_time, table, title
from hullo.errors import UnknownApp
from hullo.model.app import App, IdentityKey, VerificationMode
from hullo.model.change_set import CallCount
from hullo.model.instant import Instant, format_rfc3339
from hullo.model.signed_token import key_algorithm, owner_kid
from hullo.operations.admin.app_settings import (
    consent_label,
    linked_logout_label,
    privacy_settings,
    retention_days,
)
from hullo.operations.admin.register import NewApp


@click.group()
@common_options
def app() -> None:
    """Create, list and change apps: one for each of your sites."""


@app.command()
@click.argument("name")
@click.option(
    "--origin",
    "origins",
    metavar="URL",
    multiple=True,
    help="The origin of pages that may call the app. May be repeated.",
)
@click.option(
    "--verification",
    type=click.Choice([mode.value for mode in VerificationMode]),
    default=VerificationMode.OPTIONAL.value,
    show_default=True,
    help="How hullo treats calls without a signature.",
)
@click.option(
    "--workspace", metavar="NAME", help="The workspace that holds the contacts. Created if it does not exist."
)
@common_options
@pass_options
def create(options: CommonOptions, name: str, origins: Sequence[str], verification: str, workspace: str | None) -> None:
    """Create an app with its first identity key, and print the key once."""
    with options.open_hullo() as hullo:
        new = hullo.create_app(name, origins=origins, verification=verification, workspace=workspace)
        # Read again: what is shown is what was stored, defaults included.
        made = get_app(hullo, new.app_key)
        document = {
            "app_id": new.app_id,
            "app_key": new.app_key,
            "workspace_id": new.workspace_id,
            "identity_key_id": new.identity_key_id,
            "identity_key": new.identity_key,
            "name": made.name,
            "origins": list(made.origins),
            "verification": made.verification.value,
        }
        options.print_result(document, _created_text(new, made, hullo.settings.prefix))


@app.command("list")
@common_options
@pass_options
def list_(options: CommonOptions) -> None:
    """List all apps, the newest first."""
    with options.read_hullo() as hullo:
        apps = hullo.store.list_apps()
        # One query for all names, instead of one for each app.
        workspaces = {workspace.id: workspace.name for workspace in hullo.store.list_workspaces()}
    text = table(
        ("APP KEY", "NAME", "WORKSPACE", "VERIFICATION", "ORIGINS"),
        [(app.app_key, app.name, workspaces.get(app.workspace_id), app.verification, _origins(app)) for app in apps],
    )
    empty = f"There is no app yet. Create one:  {command_text('hullo app create NAME')}"
    options.print_result({"items": [_document(app) for app in apps]}, text if apps else empty)


@app.command()
@click.argument("key")
@common_options
@pass_options
def show(options: CommonOptions, key: str) -> None:
    """Show an app, its identity keys without their secrets, the share of signed calls, and origins refused in a day."""
    with options.read_hullo() as hullo:
        shown = get_app(hullo, key)
        counts = hullo.call_counts(key, CALL_COUNT_DAYS)
        now = hullo.clock()
        refused = refused_pages(hullo.store, now, shown)
    document = {
        **_with_keys(shown, now),
        "calls": CallCountsResponse.of(counts),
        "refused_origins": [asdict(page) for page in refused],
    }
    lines = "\n".join(page.text for page in refused[:MAX_SHOWN])
    text = f"{_text(shown, now)}\n\n{_calls(shown, counts)}"
    options.print_result(document, f"{text}\n\n{lines}" if lines else text)


@app.command("set")
@click.argument("key")
@click.argument("settings", metavar="FIELD=VALUE...", nargs=-1, required=True)
@common_options
@pass_options
def set_(options: CommonOptions, key: str, settings: Sequence[str]) -> None:
    """Change an app's name, origins (separated by commas), verification or region.

    email_match decides what the email beside a signed id does where another record has it. joined, the default, shows
    that record in the person's contact as claims; trusted takes the email as the site's word; proven keeps the two
    apart and records a conflict.

    protected_keys lists the custom keys and profile fields, separated by commas, that only your own servers write: by
    API key or by a signed token that states them. protected_keys=plan,billing.* protects plan and every key that
    begins with billing. and protected_keys=none, the default, protects none.

    With consent=required, hullo stores nothing about a visitor until the page sends the visitor's consent. The default
    is consent=none. keep_anonymous_days, keep_conversation_days, keep_decision_days, keep_timeline_days and
    keep_contact_days set how long hullo keeps data: a number of days, or none for ever. keep_contact_days is about
    contacts that were never proven and that have no conversation, from when they were last seen; of the apps of a
    workspace, the longest time counts.

    With linked_logout=off, a reset of a session does not end those that a link has carried it to, or brought it from,
    on other sites. The default is linked_logout=on. A change counts for links that are followed from then on.
    """
    fields: dict[str, str] = {}
    for setting in settings:
        # At the first `=`: a value may hold another one, as a URL does.
        field, separator, value = setting.partition("=")
        if not separator:
            raise click.BadParameter(
                f"{setting!r} is not FIELD=VALUE; write for example name=Shop", param_hint="FIELD=VALUE"
            )
        fields[field] = value
    with options.open_hullo() as hullo:
        changed = hullo.register.change_app(key, fields)
        now = hullo.clock()
    options.print_result(_with_keys(changed, now), _text(changed, now))


def get_app(hullo: Hullo, app_key: str) -> App:
    """Return the app with this key. Raises `UnknownApp`."""
    found = hullo.store.find_app(app_key)
    if found is None:
        raise UnknownApp
    return found


def key_document(key: IdentityKey, now: Instant) -> dict[str, object]:
    """Return the JSON of a key, without its secret."""
    return {
        "identity_key_id": key.id,
        "algorithm": key_algorithm(key),
        "kid": owner_kid(key),
        "created_at": format_rfc3339(key.created_at),
        "last_used_at": _rfc3339(key.last_used_at),
        "retires_at": _rfc3339(key.retires_at),
        "active": key.is_active(now),
    }


def key_table(keys: Sequence[IdentityKey], now: Instant) -> str:
    """Format keys as a table, without their secrets."""
    return table(
        ("IDENTITY KEY", "ALGORITHM", "CREATED", "LAST USED", "RETIRES", "STATE", "KID"),
        [
            (
                key.id,
                key_algorithm(key),
                format_time(key.created_at),
                format_time(key.last_used_at),
                format_time(key.retires_at),
                "active" if key.is_active(now) else "retired",
                owner_kid(key),
            )
            for key in keys
        ],
    )


def _document(app: App) -> dict[str, object]:
    return {
        "app_id": app.id,
        "app_key": app.app_key,
        "workspace_id": app.workspace_id,
        "name": app.name,
        "origins": list(app.origins),
        "verification": app.verification.value,
        "region": app.region,
        "linked_logout": linked_logout_label(app),
        "email_match": app.email_match.value,
        "protected_keys": list(app.protected_keys),
        **privacy_settings(app),
        "created_at": format_rfc3339(app.created_at),
    }


def _with_keys(app: App, now: Instant) -> dict[str, object]:
    return {**_document(app), "identity_keys": [key_document(key, now) for key in app.identity_keys]}


def _text(app: App, now: Instant) -> str:
    about = field_lines(
        [
            ("app key", app.app_key),
            ("workspace", app.workspace_id),
            ("origins", _origins(app)),
            ("verification", app.verification),
            ("region", app.region),
            ("email match", app.email_match),
            ("protected keys", ", ".join(app.protected_keys) or "none"),
            ("consent", consent_label(app)),
            ("linked logout", linked_logout_label(app)),
            *((name, "for ever" if days is None else days) for name, days in retention_days(app.retention).items()),
            ("created", format_time(app.created_at)),
        ]
    )
    return f"{title(app.name)}\n{about}\n\n{key_table(app.identity_keys, now)}"


def _calls(app: App, counts: CallCount) -> str:
    # V3: hashes are ignored in this mode, so a share of signed calls would mean nothing.
    if app.verification is VerificationMode.OFF:
        return "hullo does not count calls while verification is off."
    if not counts.total:
        return f"No calls in {CALL_COUNT_DAYS} days."
    return (
        f"{counts.signed_percent} % signed of {counts.total:,} calls in {CALL_COUNT_DAYS} days "
        f"({counts.signed:,} signed, {counts.unsigned:,} unsigned, {counts.wrong:,} wrong)"
    )


def _created_text(new: NewApp, app: App, prefix: str) -> str:
    about = field_lines(
        [
            ("app key", f"{new.app_key}   (public: pages send it)"),
            ("identity key", new.identity_key),
            ("identity key id", new.identity_key_id),
            ("workspace", new.workspace_id),
            ("origins", _origins(app)),
            ("verification", app.verification),
        ]
    )
    call = (
        f"curl http://127.0.0.1:8000{prefix}/v1/identify -H 'Content-Type: application/json' \\\n"
        f'    -d \'{{"app_key": "{new.app_key}", "email": "jane@example.com", "name": "Jane Doe"}}\''
    )
    # The page shows a hash and never the key: a key in a page would let any visitor sign.
    page = (
        f'<script>\n    fetch("http://127.0.0.1:8000{prefix}/v1/identify", {{\n'
        '      method: "POST", headers: {"Content-Type": "application/json"},\n'
        f'      body: JSON.stringify({{app_key: "{new.app_key}", external_id: "user_123", user_hash: "…"}})\n'
        "    });\n  </script>"
    )
    return (
        f"{title(f'{app.name} is ready.')}\n{about}\n\n"
        "Keep the identity key on your site's server, which signs its users with it. hullo does not show it again.\n"
        f"To create another one:  {command_text('hullo identity-key add ' + new.app_key)}\n\n"
        f"Start hullo with {command_text('hullo serve')}, then try:\n  {call}\n\n"
        "In a page, send the hash that your server computes. To see it for one user:\n"
        f"  {command_text(f'hullo hash {new.app_key} user_123')}\n  {page}"
    )


def _origins(app: App) -> str:
    return ", ".join(app.origins) or "none: pages on this machine only"


def _rfc3339(instant: Instant | None) -> str | None:
    return None if instant is None else format_rfc3339(instant)
