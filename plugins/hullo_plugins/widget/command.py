"""`hullo widget`: what to write into a page."""

from __future__ import annotations

import html
import json
from typing import Final
from urllib.parse import urlsplit

import click

from hullo.app import Hullo
from hullo.cli.options import Given, common, pass_given
from hullo.errors import Invalid
from hullo_plugins.widget.files import SCRIPT, ServedFiles, read_files

SERVED_AT: Final = "http://127.0.0.1:8000"
"""Where `hullo serve` listens unless it is told otherwise."""

_SNIPPET: Final = """\
<script>(function(w,d,n,s){{w[n]=w[n]||function(){{(w[n].q=w[n].q||[]).push(arguments)}};
var e=d.createElement('script');e.async=1;e.src=s;d.head.appendChild(e)}})(window,document,'hullo',{src});
hullo('init', {{appKey: {app_key}}});</script>"""

_PINNED: Final = """\
<script async src="{src}" data-app="{app_key}"
  integrity="{integrity}" crossorigin="anonymous"></script>"""


def command_of(hullo: Hullo) -> click.Command:
    """The command, for this hullo's apps."""

    @click.command("widget")
    @click.argument("app_key")
    @click.option(
        "--host", metavar="URL", default=SERVED_AT, show_default=True, help="Where browsers reach this hullo."
    )
    @click.option(
        "--pinned", is_flag=True, help="Only this version, checked by its digest; a new hullo wants a new tag."
    )
    @common
    @pass_given
    def widget(given: Given, app_key: str, host: str, pinned: bool) -> None:
        """Print what to write into a page, so that it loads the browser SDK for an app."""
        hullo.open()
        app = hullo.pipeline.apps.find_now(app_key)
        files = read_files()
        src = f"{_mount(host, hullo.settings.prefix)}/{f'widget/{files.version}/' if pinned else ''}{SCRIPT}"
        snippet = _pinned(files, src, app.app_key) if pinned else _async(src, app.app_key)
        document = {
            "app_key": app.app_key,
            "src": src,
            "version": files.version,
            "integrity": files.integrity,
            "snippet": snippet,
        }
        given.show(document, snippet)

    return widget


def _mount(host: str, prefix: str) -> str:
    """Of a URL without a path, hullo is below its prefix. Raises `Invalid` for what a browser could not load from."""
    address = urlsplit(host)
    if address.scheme not in {"http", "https"} or not address.netloc or address.query or address.fragment:
        raise Invalid(f"{host!r} is no place that a browser could load from; one looks like https://chat.example.com")
    return host.rstrip("/") if address.path.strip("/") else f"{host.rstrip('/')}{prefix}"


def _async(src: str, app_key: str) -> str:
    return _SNIPPET.format(src=_quoted(src), app_key=_quoted(app_key))


def _pinned(files: ServedFiles, src: str, app_key: str) -> str:
    return _PINNED.format(src=html.escape(src), app_key=html.escape(app_key), integrity=files.integrity)


def _quoted(text: str) -> str:
    """As JavaScript, inside an element whose text ends at the first `</`."""
    return json.dumps(text).replace("<", "\\u003c")
