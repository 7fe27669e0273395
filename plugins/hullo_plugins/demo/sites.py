"""The two sites of the demo: their addresses, and their apps, keys and customers in hullo's database.

One workspace, so that a contact is one person on both sites, and one app for each site.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from hullo import App, Hullo
from hullo_plugins.demo.customers import CUSTOMERS, Customer
from hullo_plugins.demo.help_centre import help_centre
from hullo_plugins.demo.shop import shop

WORKSPACE: Final = "Demo"
"""A workspace of the demo's own: its customers never meet the contacts of other apps."""
SHOP: Final = "Demo shop"
HELP_CENTRE: Final = "Demo help centre"
LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "::1", "[::1]")
"""The only names that both sites answer to: a page from elsewhere could reach them by another (DNS rebinding)."""

DIRECTIONS: Final = """
  The shop:          {shop}/
  Its help centre:   {help_centre}/  (another site to a browser)
  Who am I?          {shop}/who
  The agent's desk:  {shop}/desk

  Write in the chat, answer at the desk, log in, and follow the link to the help centre."""


@dataclass(frozen=True, kw_only=True)
class DemoSites:
    """The demo in one database, at its two addresses. `decode(encode())` gives a worker process the same demo."""

    shop_url: str
    help_centre_url: str
    is_public: bool
    """Whether the sites answer to every host name."""
    app_key: str
    """The shop's. Public, as every app key."""
    help_centre_app_key: str
    contact_id: str
    """One of the customers."""
    api_key: str = field(repr=False)
    """Reads and answers for the whole workspace: the agent's."""
    login_key: str = field(repr=False)
    """Signs the shop's login cookies. New at each start, so a restart logs all customers out."""

    @classmethod
    def open(cls, hullo: Hullo, shop_url: str, help_centre_url: str, *, is_public: bool = False) -> DemoSites:
        """Find the demo in this hullo's database, and create what is missing. May run again at each start.

        An existing customer keeps the values that hullo holds. The API key is new each time, since hullo keeps no
        secret that it could show again; the keys of earlier starts are revoked.
        """
        shop_app = _open_app(hullo, SHOP, shop_url)
        help_centre_app = _open_app(hullo, HELP_CENTRE, help_centre_url)
        for key in hullo.store.list_api_keys():
            if key.workspace_id == shop_app.workspace_id and key.revoked_at is None:
                hullo.register.revoke_api_key(key.id)
        api_key = hullo.create_api_key(workspace=shop_app.workspace_id, scopes=["read", "write"])
        contact_ids = [_open_contact(hullo, shop_app, customer) for customer in CUSTOMERS]
        return cls(
            shop_url=shop_url,
            help_centre_url=help_centre_url,
            is_public=is_public,
            app_key=shop_app.app_key,
            help_centre_app_key=help_centre_app.app_key,
            contact_id=contact_ids[0],
            api_key=api_key.secret,
            login_key=secrets.token_hex(32),
        )

    @classmethod
    def decode(cls, text: str) -> DemoSites:
        """Read what `encode` has written."""
        return cls(**json.loads(text))

    @property
    def directions(self) -> str:
        """The lines that the terminal shows: where to click."""
        return DIRECTIONS.format(shop=self.shop_url, help_centre=self.help_centre_url)

    def encode(self) -> str:
        """Return the demo as text, with its secrets, for the environment of a worker process."""
        return json.dumps(asdict(self))

    def application(self, hullo: Hullo) -> ASGIApp:
        """Build both sites as one application. Raises `PluginError` for a plugin's wrong route."""
        hosts: Sequence[str] = ["*"] if self.is_public else LOOPBACK_HOSTS
        return SitesByPort(
            shop(
                hullo,
                hosts,
                app_key=self.app_key,
                url=self.shop_url,
                help_centre_url=self.help_centre_url,
                api_key=self.api_key,
                login_key=bytes.fromhex(self.login_key),
            ),
            help_centre(
                hosts,
                app_key=self.help_centre_app_key,
                shop_url=self.shop_url,
                hullo_url=self.shop_url + hullo.settings.prefix,
            ),
            urlsplit(self.help_centre_url).port,
        )


class SitesByPort:
    """Both sites in one server: a call goes to the help centre if it came in on the help centre's port."""

    def __init__(self, shop_site: ASGIApp, help_centre_site: ASGIApp, help_centre_port: int | None) -> None:
        self._shop = shop_site
        self._help_centre = help_centre_site
        self._help_centre_port = help_centre_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The socket decides, not the Host header: callers choose that. The lifespan, without a socket, is the shop's,
        # where hullo is mounted.
        server = scope.get("server")
        is_for_help_centre = server is not None and server[1] == self._help_centre_port
        await (self._help_centre if is_for_help_centre else self._shop)(scope, receive, send)


def _open_app(hullo: Hullo, name: str, url: str) -> App:
    """Find or create the app, with a key that signs, and with the origin of its site at this start."""
    workspace_ids = [workspace.id for workspace in hullo.store.list_workspaces() if workspace.name == WORKSPACE]
    apps = [app for app in hullo.store.list_apps() if app.name == name and app.workspace_id in workspace_ids]
    if not apps:
        # An unsigned call counts as a claim. verification="required" would refuse it.
        hullo.create_app(name, verification="optional", workspace=WORKSPACE)
        return _open_app(hullo, name, url)
    app = apps[0]
    if app.signing_key(hullo.clock()) is None:
        hullo.register.add_identity_key(app.app_key)
    return hullo.register.change_app(app.app_key, {"origins": ",".join(_origins(url))})


def _origins(url: str) -> list[str]:
    """List the origins that a browser may show for a site: a loopback address has several names."""
    port = urlsplit(url).port
    return list(dict.fromkeys([url, f"http://127.0.0.1:{port}", f"http://localhost:{port}"]))


def _open_contact(hullo: Hullo, app: App, customer: Customer) -> str:
    """Find or create the customer's contact, with every value proven: the shop's server signs all of them."""
    signed = {"external_id": customer.number, "user_hash": hullo.user_hash(app.app_key, customer.number)}
    found = hullo.identify(signed, app_key=app.app_key, dry_run=True).result
    if found.matched_by == "created":
        token = hullo.mint_token(
            app.app_key,
            external_id=customer.number,
            email=customer.email,
            name=customer.name,
            company=customer.company,
            phone=customer.phone,
            custom_data=customer.custom_data(),
        )
        found = hullo.identify({"token": token}, app_key=app.app_key).result
    assert found.contact_id is not None, "a signed call always finds or creates a contact"
    return found.contact_id
