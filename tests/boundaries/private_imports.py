"""The modules of core that built-in plugins still import although they are not public. Only shrinks."""

from __future__ import annotations

PRIVATE_IMPORTS: dict[str, set[str]] = {}
