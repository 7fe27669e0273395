"""The shop of the HTTP tests, and a terminal."""

from asgi.conftest import shop
from cli.conftest import terminal

__all__ = ["shop", "terminal"]
