"""The maximum length of ids."""

from __future__ import annotations

from typing import Final

ID: Final = 64
"""Room for `prefix_` and 26 characters, and for a SHA-256 in hexadecimal."""
