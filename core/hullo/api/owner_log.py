"""What the owner of the site must know of refused calls: in the log, with the command or the setting that mends it."""

from __future__ import annotations

import logging
import shlex
from ipaddress import ip_address
from typing import Final

from hullo.api.request import Request
from hullo.errors import BadOrigin, StoreUnavailable
from hullo.rules.origins import normalise_origin

_origins = logging.getLogger("hullo.origins")
_store = logging.getLogger("hullo.store")
_rates = logging.getLogger("hullo.rates")

UNLISTABLE: Final = "an origin that no app can list"


def log_refusal(request: Request, error: Exception) -> None:
    """Log a refused origin, or a store that cannot be used. Each at most once a minute. Counts origins."""
    if isinstance(error, BadOrigin):
        _log_refused_origin(request)
    elif isinstance(error, StoreUnavailable):
        # The detail names the file or the server and the remedy, which are for the operator and not for the caller.
        request.runtime.log.warn(_store, "store", error.detail, "calls are refused since %s", error.detail)


def log_forwarding(request: Request) -> None:
    """Log that the call's X-Forwarded-For is not believed, as its peer is not a listed proxy."""
    peer = str((request.scope.get("client") or ("a Unix socket",))[0])
    # A private address is a proxy's. A public one may be a visitor's, who sent the header: it is counted, not named.
    if _is_private(peer):
        request.runtime.log.warn(
            _rates,
            "proxy",
            peer,
            "X-Forwarded-For from %s is not believed, so that all its visitors share one address and one limit; if it "
            'is your proxy, set trusted_proxies = ["%s"] in hullo.toml',
            peer,
            "unix" if peer == "a Unix socket" else peer,
        )


def listable(origin: str) -> str:
    """Return the origin as an app lists it; a fixed text for one that cannot be listed, as it may hold anything."""
    return normalise_origin(origin) or UNLISTABLE


def listing_command(origin: str, app_key: str | None, listed: tuple[str, ...] = ()) -> str:
    """Return the command that lists the origin beside those that the app lists already."""
    return f"hullo app set {app_key or 'APP_KEY'} {shlex.quote('origins=' + ','.join((*listed, origin)))}"


def _log_refused_origin(request: Request) -> None:
    origin = listable(request.origin or "")
    hullo = request.runtime.hullo
    app = hullo.executor.apps.cached(request.app_key)
    hullo.refused_origins.count(app.id if app is not None else "", origin, request.context.now)
    if origin is UNLISTABLE:
        request.runtime.log.warn(
            _origins, "origin", origin, "a call was refused: its page has %s, such as null or a file", origin
        )
    elif app is not None:
        command = listing_command(origin, app.app_key, app.origins)
        request.runtime.log.warn(
            _origins,
            "origin",
            f"{app.id} {origin}",
            "a call of a page on %s was refused: %s does not list that origin. If the page is yours:  %s",
            origin,
            app.id,
            command,
        )
    else:
        # A preflight names no app.
        request.runtime.log.warn(
            _origins,
            "origin",
            origin,
            "a call of a page on %s was refused: no app lists that origin. If the page is yours, add it to the origins "
            "of its app:  %s",
            origin,
            listing_command(origin, None),
        )


def _is_private(peer: str) -> bool:
    try:
        return ip_address(peer.partition("%")[0]).is_private
    except ValueError:
        return True  # the name of a socket, or of a test client
