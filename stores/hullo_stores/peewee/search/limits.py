"""How much of a database searches may take for themselves."""

from __future__ import annotations

from typing import Final

SEARCH_CONNECTIONS: Final = 2
"""Connections of a process that searches have for themselves: what identifies need is never used up by them."""
SEARCH_SECONDS: Final = 2
"""A search that takes longer is given up."""
SEARCH_PATIENCE_SECONDS: Final = 5
"""How long a search waits for a connection."""
