"""A webhook is no way into the network that hullo is in: https alone, and machines that everybody can reach (SSRF)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hullo.errors import Invalid
from hullo.hooks.entry_points import open_store
from hullo.settings import Settings
from hullo.webhooks.addresses import UnusableUrl, parse_url, resolve_public
from hullo.webhooks.plugin import Webhooks
from hullo.webhooks.sender import Sender
from webhooks.receiving import Receiver
from world import World

REFUSAL = "has a host without a public address; correct the name, or make it public"
"""The same for inner names and unknown ones: the difference would tell the names of hullo's network."""
PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822")
INSIDE = (
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds tell machines their secrets
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::a9fe:a9fe",  # 169.254.169.254, by way of NAT64
    "64:ff9b:1::a00:1",
    "2002:a9fe:a9fe::1",  # the same, by way of 6to4
    "2001:0:a9fe:a9fe::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%2",
    "fec0::1",
    "ff02::1",
)


def only(*addresses: str):
    return lambda host, port: addresses


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_accepted(address: str) -> None:
    target = parse_url("https://hooks.example.com", development=False)
    assert resolve_public(target, only(address), development=False) == (address,)


@pytest.mark.parametrize("address", INSIDE)
def test_private_address_is_refused_beside_public_one(address: str) -> None:
    target = parse_url("https://hooks.example.com", development=False)
    for found in ([address], [PUBLIC[0], address], [address, PUBLIC[1]]):
        with pytest.raises(UnusableUrl, match=REFUSAL):
            resolve_public(target, only(*found), development=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_development_mode_allows_only_this_machine(address: str) -> None:
    target = parse_url("http://localhost:9000/hook", development=True)
    assert resolve_public(target, only(address), development=True)
    with pytest.raises(UnusableUrl, match=REFUSAL):
        resolve_public(target, only(address, "192.168.1.1"), development=True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example.com/", "must begin with https://"),
        ("ftp://hooks.example.com/", "must begin with https://"),
        ("//hooks.example.com/", "must begin with https://"),
        ("hooks.example.com", "must begin with https://"),
        ("https://", "names no host"),
        ("https:///path", "names no host"),
        ("https://:443/", "names no host"),
        ("https://hooks.example.com:0/", "names no host"),
        ("https://hooks.example.com:99999/", "is no URL"),
        ("https://hooks.example.com:port/", "is no URL"),
        ("https://[::1/", "is no URL"),
        ("https://jane@hooks.example.com/", "a user name or a password"),
        ("https://jane:secret@hooks.example.com/", "a user name or a password"),
        ("https://@hooks.example.com/", "a user name or a password"),
        ("https://hooks.example.com/#top", "a fragment"),
        ("https://hooks.example.com/a b", "characters"),
        ("https://hooks.example.com/\r\nHost: evil", "characters"),
        ("https://hüllo.example.com/", "characters"),
        ("https://hooks.example.com/" + "a" * 2048, "longer than 2048"),
    ],
)
def test_invalid_url_is_refused_with_a_reason(url: str, reason: str) -> None:
    with pytest.raises(UnusableUrl, match=reason):
        parse_url(url, development=False)


def test_url_is_parsed_as_sent() -> None:
    target = parse_url("https://Hooks.Example.com:8443/a/b?c=d&e=%20", development=False)
    assert (target.secure, target.host, target.port, target.path) == (
        True,
        "hooks.example.com",
        8443,
        "/a/b?c=d&e=%20",
    )
    assert parse_url("https://hooks.example.com", development=False).path == "/"
    assert parse_url("http://[::1]/", development=True).port == 80


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0", "localhost", "localhost.", "[::ffff:7f00:1]"])
def test_other_spellings_of_localhost_are_recognized(host: str) -> None:
    with pytest.raises(UnusableUrl):
        Sender(development=False).require_usable(f"https://{host}/")


@pytest.mark.parametrize("failure", [OSError("no such host"), UnicodeError("label too long")])
def test_unknown_host_is_refused(failure: Exception) -> None:
    def fail(host: str, port: int) -> Sequence[str]:
        raise failure

    target = parse_url("https://hooks.example.com", development=False)
    with pytest.raises(UnusableUrl, match=REFUSAL):
        resolve_public(target, fail, development=False)
    with pytest.raises(UnusableUrl, match=REFUSAL):
        resolve_public(target, only(), development=False)


class Rebinding:
    """A name whose owner answers with a public address first, and with another one whenever somebody asks again."""

    def __init__(self, *answers: str) -> None:
        self.asked, self._answers = 0, answers

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return [self._answers[min(self.asked, len(self._answers)) - 1]]


def test_name_rebound_to_private_address_is_refused(receiver: Receiver) -> None:
    """Between making the webhook and posting to it."""
    resolve = Rebinding(PUBLIC[0], "127.0.0.1")
    sender = Sender(development=False, resolver=resolve, timeout=1)
    sender.require_usable(f"https://hooks.example.com:{receiver.port}/")
    attempt = sender.post(f"https://hooks.example.com:{receiver.port}/", {}, "{}")
    assert (attempt.status, attempt.reason) == (None, f"its URL {REFUSAL}")
    assert receiver.messages == []


def test_name_is_resolved_once_and_reused(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking at the address and connecting to it: nobody asks for the name again."""
    resolve, connected = Rebinding("127.0.0.1", "192.168.1.1"), list[object]()
    plainly = __import__("socket").create_connection

    def connect(address: tuple[str, int], *more: object) -> object:
        connected.append(address)
        return plainly(address, *more)

    monkeypatch.setattr("socket.create_connection", connect)
    sender = Sender(development=True, resolver=resolve)
    attempt = sender.post(f"http://hooks.example.com:{receiver.port}/hook", {}, "{}")
    assert attempt.status == 204
    assert resolve.asked == 1
    assert connected == [("127.0.0.1", receiver.port)]
    [message] = receiver.messages
    assert message.headers["host"] == f"hooks.example.com:{receiver.port}"


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1"])
def test_webhook_to_private_address_is_not_created(address: str) -> None:
    plugin = Webhooks(resolver=only(address))
    world = World(open_store("memory:"), plugins=[plugin], without=["webhooks"], settings=Settings())
    book = plugin.admin(by="agent:ada")
    with pytest.raises(Invalid) as refused:
        book.create(world.app.workspace_id, "https://hooks.example.com/", (), None)
    [fault] = refused.value.rejected
    assert (fault.field, fault.reason) == ("url", REFUSAL)
    assert book.list_webhooks() == ()
