"""Apps of workspaces, remembered for the joins that tell pages where their links lead (T7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from hullo.model.app import App, WorkspaceId
from hullo.model.instant import SECOND, Instant

# A join is made at each page view. A new app's pages wait this long at most until links to them carry the identity.
CACHE_TTL: Final[Instant] = 10 * SECOND
MAX_WORKSPACES: Final = 1_000


class WorkspaceApps:
    """Remembers the apps of workspaces for `CACHE_TTL`. Several event loops may share one."""

    # No lock: each step is one atomic dict operation, and the worst that a race does is to read twice.

    def __init__(self) -> None:
        self._entries: dict[WorkspaceId, tuple[Instant, Sequence[App]]] = {}

    async def find(
        self, workspace_id: WorkspaceId, now: Instant, load: Callable[[], Awaitable[Sequence[App]]]
    ) -> Sequence[App]:
        """Return the workspace's apps, oldest first. `load` reads them from the store."""
        entry = self._entries.get(workspace_id)
        # 0 <=: after the clock was set back an entry would otherwise be good for too long.
        if entry is None or not 0 <= now - entry[0] < CACHE_TTL:
            entry = now, await load()
            # Cleared and not evicted one by one: no hit pays for keeping an order.
            if len(self._entries) >= MAX_WORKSPACES:
                self._entries.clear()
            self._entries[workspace_id] = entry
        return entry[1]
