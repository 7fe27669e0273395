"""Consent: an app may store nothing about a visitor before the page sends their consent."""

from __future__ import annotations

from hullo.errors import ConsentRequired
from hullo.model.app import App


def check_consent(given: bool, app: App) -> None:
    """Check consent before a session starts. Raises `ConsentRequired`."""
    # Asked only before a session begins: a visitor with a session has agreed already.
    if app.consent_required and not given:
        raise ConsentRequired
