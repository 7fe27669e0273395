"""Which app a link leads to, and which origins links of a page carry the identity to (T2, T7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hullo.model.app import App, AppId
from hullo.rules.origins import WILDCARD, is_loopback, is_origin_allowed, normalise_origin
from hullo.value import Value

# Each join sends them all, and a workspace may have any number of apps.
MAX_DOMAINS: Final = 100


def app_for_origin(origin: str, source_app: App, apps: Iterable[App]) -> App | None:
    """Find the app that a link to the origin leads to, among those of the source app's workspace, oldest first.

    An app that lists the origin itself goes before one with a pattern for it, and those before apps without a list,
    which accept any loopback origin: a developer's machine may run many sites. Of equals that list it, another app goes
    before the source app, whose own pages need no hop (T7).
    """
    allowed = [app for app in apps if is_origin_allowed(origin, app)]
    listed = [app for app in allowed if app.origins]
    if not listed:
        return min(allowed, key=lambda app: app.id != source_app.id, default=None)
    normal = normalise_origin(origin)
    # `min` keeps the first of equals.
    return min(listed, key=lambda app: (normal not in app.origins, app.id == source_app.id))


class HopTarget(Value):
    """An origin, or a pattern of origins, that links may lead to."""

    app_id: AppId
    origin: str
    is_local: bool
    """Whether it is on a developer's machine."""


def hop_targets(apps: Iterable[App]) -> tuple[HopTarget, ...]:
    """List what links may lead to. Schemes of web views and extensions are left out: no link of a page needs them."""
    return tuple(
        HopTarget(app_id=app.id, origin=origin, is_local=is_loopback(origin.replace(WILDCARD, "://any.")))
        for app in apps
        for origin in app.origins
        if origin.startswith(("https://", "http://"))
    )


def hop_domains(app: App, targets: Iterable[HopTarget], page_origin: str | None) -> list[str]:
    """List the origins, and patterns of origins, that links of an app's page carry the identity to: the app's own, then
    those of the other apps in the workspace, `MAX_DOMAINS` in all. `page_origin` None: the caller is no page.

    Those on a developer's machine are for pages that are on one too.
    """
    is_local = page_origin is not None and is_loopback(page_origin)
    others = [target.origin for target in targets if target.app_id != app.id and (is_local or not target.is_local)]
    # A dict and no set: the order stays the same from join to join.
    return list(dict.fromkeys((*app.origins, *others)))[:MAX_DOMAINS]
