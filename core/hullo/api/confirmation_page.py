"""The page before a link of a mail counts: one button, which programs that check mails do not press (T6)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from string import Template
from typing import Final

from hullo.asgi.response import Header, Response
from hullo.asgi.scope import Headers

_STYLE: Final = """
:root{color-scheme:light dark;--page:#f4f3f0;--card:#fff;--edge:#e4e1da;--text:#1d1c1a;--soft:#66625b;
--button:#23211e;--label:#fff;--ring:#3b6fd4}
@media(prefers-color-scheme:dark){:root{--page:#131211;--card:#1d1c1a;--edge:#33312d;--text:#f1efeb;--soft:#aaa69d;
--button:#f1efeb;--label:#1d1c1a;--ring:#8ab0ff}}
*{box-sizing:border-box;margin:0}
body{min-height:100vh;min-height:100svh;display:grid;place-items:center;padding:24px;background:var(--page);
color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
-webkit-text-size-adjust:100%}
main{width:100%;max-width:25rem;padding:32px;background:var(--card);border:1px solid var(--edge);border-radius:16px}
h1{font-size:1.375rem;line-height:1.3;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere;text-wrap:balance}
p{margin-top:8px;color:var(--soft);text-wrap:pretty}
form{margin-top:24px}
button{width:100%;min-height:48px;padding:12px 20px;border:0;border-radius:10px;background:var(--button);
color:var(--label);font:inherit;font-weight:600;cursor:pointer}
button:hover{opacity:.88}
button:focus-visible{outline:3px solid var(--ring);outline-offset:3px}
.why{margin-top:24px;padding-top:16px;border-top:1px solid var(--edge);font-size:.875rem}
@media(max-width:30rem){body{place-items:start stretch;padding:16px;padding-top:12vh}main{padding:24px}}
@media(forced-colors:active){button{border:1px solid}}
"""

# Takes the token out of the address bar and the history, as the widget does (T3); the page works without it too.
_SCRIPT: Final = (
    "const form=document.forms[0],page=new URL(form.action=location.href);"
    "page.searchParams.delete(form.dataset.parameter);history.replaceState(null,'',page)"
)

# No `action`: the form goes to the address of this page, below whatever proxy it is.
_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex,nofollow">
<title>Continue to $site</title>
<style>$style</style>
</head>
<body>
<main>
<h1>Continue to $site</h1>
<p>The link in your message signs you in.</p>
<form method="post" data-parameter="$parameter"><button type="submit">Continue</button></form>
<p class="why">Mail programs open links to check them. This step keeps the link unused until you need it. If you did not
expect the message, close this page.</p>
</main>
<script>$script</script>
</body>
</html>
""")


def _policy_hash(text: str) -> str:
    """Return the source expression that allows this inline text alone (CSP3 §8.3)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_HEADERS: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        f"default-src 'none'; style-src {_policy_hash(_STYLE)}; script-src {_policy_hash(_SCRIPT)}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'".encode(),
    ),
    # For browsers without `frame-ancestors`: in a frame the button could be pressed by a click on something else.
    (b"x-frame-options", b"DENY"),
    # The origin alone: the address has the token in it. Not `no-referrer`, which would make the form's Origin `null`.
    (b"referrer-policy", b"strict-origin"),
    (b"x-robots-tag", b"noindex, nofollow"),
)


def confirmation_page(headers: Headers, parameter: str) -> Response:
    """Build the page; `parameter` carries the token in its address. It says nothing that the token states, which is not
    verified yet."""
    # As the address bar has it; escaped, since a client may send any Host.
    site = escape(headers.get(b"host", b"").decode("latin-1")) or "this site"
    page = _PAGE.substitute(site=site, style=_STYLE, script=_SCRIPT, parameter=escape(parameter))
    return Response(body=page.encode(), content_type=b"text/html; charset=utf-8", headers=_HEADERS)
