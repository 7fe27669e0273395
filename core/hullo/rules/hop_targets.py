"""Which app a link leads to, and which origins links of a page carry the identity to (T2, T7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hullo.model.app import App
from hullo.rules.origins import WILDCARD, is_loopback, is_origin_allowed, normalise_origin

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


def hop_domains(app: App, apps: Iterable[App], page_origin: str | None) -> list[str]:
    """List the origins, and patterns of origins, that links of an app's page carry the identity to: the app's own, then
    those of the other apps in the workspace, `MAX_DOMAINS` in all. `page_origin` None: the caller is no page.

    Nothing that no link of the page needs: of other apps no schemes of web views and extensions, and no developer's
    machine unless the page is on one.
    """
    is_local = page_origin is not None and is_loopback(page_origin)
    others = (origin for other in apps if other.id != app.id for origin in other.origins)
    needed = [origin for origin in others if _is_web(origin) and (is_local or not _is_local(origin))]
    # A dict and no set: the order stays the same from join to join.
    return list(dict.fromkeys((*app.origins, *needed)))[:MAX_DOMAINS]


def _is_web(origin: str) -> bool:
    return origin.startswith(("https://", "http://"))


def _is_local(origin: str) -> bool:
    return is_loopback(origin.replace(WILDCARD, "://any."))
