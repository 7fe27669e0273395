"""hullo for both sites: one workspace, so that a contact is one person in both, and an app for each."""

from __future__ import annotations

from dataclasses import dataclass

from hullo import Hullo
from hullo.settings import SessionCookie, Settings

WORKSPACE = "Kettle & Crumb"


@dataclass(frozen=True)
class Addresses:
    """Where the two sites are: at a host's name each, since browsers share the cookies of a host's ports."""

    shop_port: int
    help_centre_port: int

    @property
    def shop(self) -> str:
        return f"http://127.0.0.1:{self.shop_port}"

    @property
    def help_centre(self) -> str:
        return f"http://localhost:{self.help_centre_port}"


@dataclass(frozen=True)
class Apps:
    """`shop` and `help_centre` are app keys, which are public."""

    hullo: Hullo
    shop: str
    help_centre: str
    api_key: str
    """Reads and answers for the whole workspace: the agent's."""


def open_apps(here: Addresses) -> Apps:
    """A new database with nobody in it."""
    # On the shop's own host the session is in a cookie that scripts cannot read, and the shop's pages know their
    # visitor by it (`identity_of`).
    hullo = Hullo("memory:", settings=Settings(cookie=SessionCookie(on=True))).open()
    # What is not signed is taken as a claim. With verification="required" it would be refused.
    shop = hullo.create_app("Shop", origins=_either_name(here.shop_port), verification="optional", workspace=WORKSPACE)
    help_centre = hullo.create_app(
        "Help centre", origins=_either_name(here.help_centre_port), verification="optional", workspace=WORKSPACE
    )
    api_key = hullo.create_api_key(workspace=WORKSPACE, scopes=["read", "write"])
    return Apps(hullo=hullo, shop=shop.app_key, help_centre=help_centre.app_key, api_key=api_key.secret)


def _either_name(port: int) -> list[str]:
    """Both sites answer to both names of this machine."""
    return [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]
