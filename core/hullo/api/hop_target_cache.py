"""Origins of all apps, remembered for the joins that tell pages where their links lead (T7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from hullo.model.app import App, WorkspaceId
from hullo.model.instant import SECOND, Instant
from hullo.rules.hop_targets import HopTarget, hop_targets

# A join is made at each page view. A new app's pages wait this long at most until links to them carry the identity.
CACHE_TTL: Final[Instant] = 10 * SECOND


class HopTargetCache:
    """Remembers where links may lead for `CACHE_TTL`. Several event loops may share one."""

    # No lock: each step is one assignment, and the worst that a race does is to read twice.

    def __init__(self) -> None:
        self._targets: Mapping[WorkspaceId, Sequence[HopTarget]] | None = None
        self._read_at: Instant = 0

    async def find(
        self, workspace_id: WorkspaceId, now: Instant, load: Callable[[], Awaitable[Iterable[App]]]
    ) -> Sequence[HopTarget]:
        """Return the targets in a workspace, those of the oldest app first. `load` reads every app, the newest first,
        and raises what the store raises."""
        targets = self._targets
        # Every workspace with an app was read: one that is missing is newer, and its first page gets its links at once.
        # 0 <=: after the clock was set back the targets would otherwise be good for too long.
        if targets is None or workspace_id not in targets or not 0 <= now - self._read_at < CACHE_TTL:
            # Race: set before the read, so that other joins go on with what is known, and one of them reads.
            self._read_at = now
            targets = self._targets = _by_workspace(await load())
        return targets.get(workspace_id, ())


def _by_workspace(apps: Iterable[App]) -> Mapping[WorkspaceId, Sequence[HopTarget]]:
    # One read for all workspaces: on a server with many, each would read every app otherwise.
    grouped: dict[WorkspaceId, list[HopTarget]] = {}
    for app in reversed([*apps]):
        grouped.setdefault(app.workspace_id, []).extend(hop_targets([app]))
    return grouped
