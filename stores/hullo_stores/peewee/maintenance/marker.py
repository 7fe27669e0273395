"""How a database says that it holds an unfinished copy: by a row in the history of its migrations.

No version of hullo knows a migration of that name, so that none opens the database, older ones included.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

UNFINISHED_COPY: Final = "unfinished copy of "
"""Followed by what `Target.begin` was told: 32 hexadecimal digits."""


def unfinished_copy(applied: Iterable[str]) -> str | None:
    """What the copy is of; None when the history holds no unfinished copy."""
    for name in applied:
        if name.startswith(UNFINISHED_COPY):
            return name.removeprefix(UNFINISHED_COPY)
    return None
