"""Origins that were refused within a day, with the command that lists each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from hullo.api.owner_log import UNLISTABLE, listing_command
from hullo.cli.screen import command_text
from hullo.model.app import App
from hullo.model.instant import Instant
from hullo.model.refused_origin import OTHER_ORIGINS
from hullo.rules.origins import is_origin_allowed
from hullo.store.protocol import AppReads
from hullo.value import Value

MAX_SHOWN: Final = 10


class RefusedPage(Value):
    """Refused calls of pages of one origin, the most first in a list. `command` None: no app can list it."""

    origin: str
    calls: int
    command: str | None

    @property
    def text(self) -> str:
        """Return one line about it."""
        calls = f"{self.calls:,} refused {'call' if self.calls == 1 else 'calls'} in a day"
        return f"{self.origin}: {calls}" + (f"; if it is yours:  {command_text(self.command)}" if self.command else "")


def refused_pages(store: AppReads, now: Instant, app: App | None) -> Sequence[RefusedPage]:
    """Return what was refused to pages of an app, and in preflights, which name no app; with None, to those of all.

    Leaves out origins that are listed by now.
    """
    apps = {held.id: held for held in store.list_apps()} if app is None else {app.id: app}
    calls: Counter[tuple[str, str]] = Counter()
    for held in store.list_refused_origins(now):
        if not held.app_id or held.app_id in apps:
            # A preflight is shown with the app that is asked about, as its call would have been.
            calls[app.id if app is not None else held.app_id, held.origin] += held.calls
    pages: list[RefusedPage] = []
    for (app_id, origin), count in calls.most_common():
        if origin in {OTHER_ORIGINS, UNLISTABLE}:
            pages.append(RefusedPage(origin=origin or "other origins", calls=count, command=None))
            continue
        concerned = apps.get(app_id)
        candidates = [concerned] if concerned is not None else list(apps.values())
        if not any(is_origin_allowed(origin, candidate) for candidate in candidates):
            only = candidates[0] if len(candidates) == 1 else None
            command = listing_command(origin, only.app_key, only.origins) if only else listing_command(origin, None)
            pages.append(RefusedPage(origin=origin, calls=count, command=command))
    return pages
