"""An app may be set to store nothing about a visitor until the page says that they agree."""

from __future__ import annotations

from hullo.errors import ConsentRequired
from hullo.model.app import App


def check_consent(given: bool, app: App) -> None:
    """Before a session is begun. Raises `ConsentRequired`."""
    if app.consent_required and not given:
        raise ConsentRequired
