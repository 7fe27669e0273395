"""Pages that have the widget, as text."""

from __future__ import annotations

from browser.serving import App

STUB = "window.hullo = window.hullo || function () { (hullo.q = hullo.q || []).push(arguments); };"
LISTENING = (
    STUB
    + """
window.heard = [];
['ready', 'identified', 'reset', 'open', 'close', 'message', 'unread', 'identity-required', 'error'].forEach(
  name => hullo('on', name, detail => heard.push([name, detail])));
"""
)
"""Keeps what the widget tells."""


def page(*head: str, body: str = "<h1>A page</h1>", root: str = 'lang="en"') -> str:
    return (
        f"<!doctype html>\n<html {root}>\n<head>\n<meta charset=utf-8>\n<title>A page</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        + "\n".join(head)
        + f"\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def script(text: str) -> str:
    return f"<script>{text}</script>"


def tag(app: App, attributes: str = "async") -> str:
    """The widget's script, which knows the app."""
    return f'<script src="{app.widget}" data-app="{app.key}" {attributes}></script>'


def shop_page(app: App, *head: str, attributes: str = "async", **parts: str) -> str:
    """A page that listens, and has the widget."""
    return page(script(LISTENING), *head, tag(app, attributes), **parts)
