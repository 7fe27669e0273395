"""`hullo widget`: the snippet that loads the browser SDK."""

from __future__ import annotations

import html
import json
from typing import Final
from urllib.parse import urlsplit

import click

from hullo.plugin import Host, Invalid
from hullo.plugin.commands import CommonOptions, common_options, pass_options
from hullo_plugins.widget.files import SCRIPT, ServedFiles, read_files

DEFAULT_HOST: Final = "http://127.0.0.1:8000"
"""Where `hullo serve` listens by default."""

_ASYNC_SNIPPET: Final = """\
<script>(function(w,d,n,s){{w[n]=w[n]||function(){{(w[n].q=w[n].q||[]).push(arguments)}};
var e=d.createElement('script');e.async=1;e.src=s;d.head.appendChild(e)}})(window,document,'hullo',{src});
hullo('init', {{appKey: {app_key}}});</script>"""

_PINNED_SNIPPET: Final = """\
<script async src="{src}" data-app="{app_key}"
  integrity="{integrity}" crossorigin="anonymous"></script>"""


def widget_command(hullo: Host) -> click.Command:
    """Build the command, for the apps of this hullo."""

    @click.command("widget")
    @click.argument("app_key")
    @click.option(
        "--host",
        metavar="URL",
        default=DEFAULT_HOST,
        show_default=True,
        help="The address at which browsers reach hullo.",
    )
    @click.option(
        "--pinned", is_flag=True, help="Pin this version by its digest. A new version of hullo then needs a new tag."
    )
    @common_options
    @pass_options
    def widget(options: CommonOptions, app_key: str, host: str, pinned: bool) -> None:
        """Print the snippet for your pages."""
        app = hullo.load_app(app_key)
        files = read_files()
        src = f"{_base_url(host, hullo.settings.prefix)}/{f'widget/{files.version}/' if pinned else ''}{SCRIPT}"
        snippet = _pinned_snippet(files, src, app.app_key) if pinned else _async_snippet(src, app.app_key)
        document = {
            "app_key": app.app_key,
            "src": src,
            "version": files.version,
            "integrity": files.integrity,
            "snippet": snippet,
        }
        options.print_result(document, snippet)

    return widget


def _base_url(host: str, prefix: str) -> str:
    """Add the prefix to a URL without a path. Raises `Invalid` for an address that no browser can load from."""
    address = urlsplit(host)
    if address.scheme not in {"http", "https"} or not address.netloc or address.query or address.fragment:
        raise Invalid(f"no browser can load from {host!r}; write for example https://chat.example.com")
    return host.rstrip("/") if address.path.strip("/") else f"{host.rstrip('/')}{prefix}"


def _async_snippet(src: str, app_key: str) -> str:
    return _ASYNC_SNIPPET.format(src=_js_string(src), app_key=_js_string(app_key))


def _pinned_snippet(files: ServedFiles, src: str, app_key: str) -> str:
    return _PINNED_SNIPPET.format(src=html.escape(src), app_key=html.escape(app_key), integrity=files.integrity)


def _js_string(text: str) -> str:
    """Encode text as JavaScript for a script element, which ends at the first `</`."""
    return json.dumps(text).replace("<", "\\u003c")
