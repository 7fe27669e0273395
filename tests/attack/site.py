"""Who is there to be attacked: a site with its people, its server and its visitors' browsers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx2

from attack.jose import hop_secret, hs256
from attack.serving import Headers, Target
from hullo.model.app import ALL_SCOPES, Scope
from hullo.model.request_context import secret_digest
from hullo.model.user_hash import user_hash

V1 = "/hullo/v1"
SECRET = "the victim's own words"
"""What a victim says in a conversation, and nobody else ever does."""


class Site:
    """One app of a workspace, with its identity key and an API key of the whole workspace."""

    def __init__(self, target: Target, workspace: str | None = None, *, mode: str = "optional", **options: Any) -> None:
        self.target = target
        self.workspace = workspace or target.name("workspace")
        self.made = target.hullo.create_app("Shop", workspace=self.workspace, verification=mode, **options)
        self.app_key = self.made.app_key
        self.secret = self.made.identity_key

    @cached_property
    def api_key(self) -> str:
        return self.new_api_key()

    def beside(self, **options: Any) -> Site:
        """Another site of the same owner."""
        return Site(self.target, self.workspace, **options)

    def elsewhere(self, **options: Any) -> Site:
        """A site of somebody else."""
        return Site(self.target, **options)

    def browser(self) -> Browser:
        return Browser(self)

    def hash(self, value: str) -> str:
        """What the site's server would sign."""
        return user_hash(self.secret, value)

    def hop_token(
        self,
        session: str,
        *,
        standing: str = "proven",
        age: int = 0,
        life: int = 300,
        secret: str | bytes | None = None,
    ) -> str:
        """An identity token as hullo makes them for this site, made `age` seconds ago by who has the identity key."""
        now = int(time.time()) - age
        payload = {"jti": self.target.name("hop"), "ses": secret_digest(session), "std": standing}
        times = {"iat": now, "exp": now + life, "aud": self.app_key}
        header = {"alg": "HS256", "typ": "hullo-hop"}
        return hs256(hop_secret(self.secret) if secret is None else secret, {**payload, **times}, header)

    def set(self, **fields: str) -> None:
        self.target.hullo.register.change_app(self.app_key, fields)

    def new_api_key(self, *scopes: Scope, app_key: str | None = None) -> str:
        workspace = self.workspace if app_key is None else None
        made = self.target.hullo.create_api_key(workspace=workspace, app_key=app_key, scopes=scopes or ALL_SCOPES)
        return made.secret

    def victim(self, **fields: object) -> Victim:
        """Somebody whom the site's server has written down, whole, and who once said something, proven."""
        name = self.target.name("victim")
        person = {
            "external_id": name,
            "email": f"{name}@example.com",
            "name": "Victoria Victim",
            "phone": "+14155550100",
            "company": "Victims Inc",
            "avatar_url": "https://example.com/victoria.png",
            "custom_data": {"plan": "gold", "vip": True},
            **fields,
        }
        answer = self.api("POST", "/contacts", {**person, "app_id": self.app_key})
        assert answer.status_code == 200, answer.text
        browser = self.browser()
        signed = person["external_id"] or person["email"]
        proven = browser.identify(
            **{kind: person[kind] for kind in ("external_id", "email") if person[kind] is not None},
            user_hash=self.hash(str(signed)),
        )
        assert proven.json()["contact_id"] == answer.json()["id"], proven.text
        conversation = browser.say(SECRET)
        return Victim(
            site=self,
            browser=browser,
            id=answer.json()["id"],
            external_id=person["external_id"],
            email=person["email"],
            conversation=conversation,
        )

    def api(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx2.Response:
        """What the site's server, or an agent's, is answered."""
        authorization = ("authorization", f"Bearer {key or self.api_key}")
        return self.target.call(method, V1 + path, json=body, headers=[authorization])

    def contact(self, contact_id: str) -> Any:
        answer = self.api("GET", f"/contacts/{contact_id}?provenance=1")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def contacts(self) -> list[Any]:
        """Everybody in the workspace."""
        return list(self.api("GET", "/contacts?limit=200").json()["items"])

    def has(self, **identifier: str) -> list[Any]:
        """Everybody who has this identifier."""
        answer = self.target.call(
            "GET",
            f"{V1}/contacts?{httpx2.QueryParams(identifier)}",
            headers=[("authorization", f"Bearer {self.api_key}")],
        )
        return list(answer.json()["items"])


@dataclass(frozen=True)
class Victim:
    """A person whom somebody else would like to be. `browser` is their own, proven."""

    site: Site
    browser: Browser
    id: str
    external_id: Any
    email: Any
    conversation: str

    def data(self) -> Any:
        """Everything that is held about them, with who wrote it and when, and everything that was ever said to them."""
        messages = self.site.api("GET", f"/conversations/{self.conversation}/messages").json()
        return self.site.contact(self.id), messages

    def sees(self) -> set[str]:
        """The conversations that they are shown."""
        return {each["id"] for each in self.browser.get("/conversations").json()["items"]}


class Browser:
    """One browser profile at a site: it keeps the session token that it was given last, and sends it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.token: str | None = None

    def post(self, path: str, body: Any = None, headers: Headers = ()) -> httpx2.Response:
        return self._call("POST", path, {"app_key": self.site.app_key, **(body or {})}, headers)

    def get(self, path: str, headers: Headers = ()) -> httpx2.Response:
        return self._call("GET", path, None, [("x-hullo-app", self.site.app_key), *headers])

    def join(self) -> str:
        """The session token."""
        self.post("/join")
        assert self.token is not None
        return self.token

    def identify(self, **fields: Any) -> httpx2.Response:
        return self.post("/identify", fields)

    def prove(self, external_id: str, **fields: Any) -> httpx2.Response:
        """An identify that the site's server has signed."""
        return self.identify(external_id=external_id, user_hash=self.site.hash(external_id), **fields)

    def say(self, text: str) -> str:
        """The new conversation's id."""
        if self.token is None:
            self.join()
        return str(self.post("/conversations", {"text": text}).json()["id"])

    def me(self) -> Any:
        return self.get("/me").json()

    def hop(self, audience: Site | None = None) -> str:
        """An identity token for that site, or for this one."""
        answer = self.post("/identity-token", {"audience": audience.app_key} if audience is not None else {})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def conversations(self) -> set[str]:
        return {each["id"] for each in self.get("/conversations").json()["items"]}

    def _call(self, method: str, path: str, body: Any, headers: Headers) -> httpx2.Response:
        sent = list(headers)
        if self.token is not None:
            sent.append(("authorization", f"Bearer {self.token}"))
        answer = self.site.target.call(method, V1 + path, json=body, headers=sent)
        told = answer.json() if answer.headers.get("content-type", "").endswith("json") else {}
        self.token = told.get("session_token") or self.token
        return answer
