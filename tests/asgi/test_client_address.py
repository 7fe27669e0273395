"""Where a call comes from, as far as anybody vouches for it."""

from __future__ import annotations

import pytest

from hullo.asgi.address import TrustedProxies, client_address, rate_limit_key
from hullo.errors import SettingsError
from hullo.settings import Settings, read_settings

PROXIES = TrustedProxies(("10.0.0.0/8", "2001:db8:ffff::/48", "192.0.2.7"))


def _scope(peer, *lines):
    headers = [(b"host", b"x"), *((b"x-forwarded-for", line.encode("latin-1")) for line in lines)]
    return {"type": "http", "client": (peer, 50_000) if peer is not None else None, "headers": headers}


def _client(peer, *lines, trusted=PROXIES):
    return client_address(_scope(peer, *lines), trusted)


@pytest.mark.parametrize(
    "peer", ["203.0.113.5", "11.0.0.1", "192.0.2.8", "2001:db8:fffe::1", "testclient", "10.0.0.1.x"]
)
def test_unlisted_peer_is_not_believed(peer):
    assert _client(peer, "198.51.100.1") == peer
    assert _client("10.0.0.1", "198.51.100.1", trusted=TrustedProxies()) == "10.0.0.1"


def test_listed_proxy_names_the_client():
    assert _client("10.0.0.1", "198.51.100.1") == "198.51.100.1"
    assert _client("192.0.2.7", "2001:db8::1") == "2001:db8::1"
    assert _client("2001:db8:ffff::9", "198.51.100.1") == "198.51.100.1"


def test_silent_proxy_is_the_client():
    assert _client("10.0.0.1") == "10.0.0.1"
    assert _client("10.0.0.1", "") == "10.0.0.1"


def test_client_written_entries_left_of_proxys_ignored():
    assert _client("10.0.0.1", "1.1.1.1, 2.2.2.2, 198.51.100.1") == "198.51.100.1"
    assert _client("10.0.0.1", "10.9.9.9, 198.51.100.1") == "198.51.100.1"


def test_proxy_chain_is_followed_to_client():
    assert _client("10.0.0.1", "1.1.1.1, 198.51.100.1, 192.0.2.7, 10.0.0.2") == "198.51.100.1"


def test_all_listed_chain_gives_first_entry():
    assert _client("10.0.0.1", "10.0.0.4, 10.0.0.3,10.0.0.2") == "10.0.0.4"


def test_several_header_lines_form_one_list():
    assert _client("10.0.0.1", "1.1.1.1", "198.51.100.1", "10.0.0.2") == "198.51.100.1"
    assert _client("10.0.0.1", "198.51.100.1, 10.0.0.3", "10.0.0.2") == "198.51.100.1"


@pytest.mark.parametrize(
    "garbage",
    [
        "unknown",
        "_hidden",
        "for=198.51.100.1",
        '"198.51.100.1"',
        "198.51.100.1 198.51.100.2",
        "198.51.100",
        "198.51.100.256",
        "0198.51.100.1",
        "0xc6336401",
        "3325256705",
        "198.51.100.1/32",
        "198.51.100.1:",
        "198.51.100.1:http",
        "198.51.100.1:123456",
        "198.51.100.\u00b9",
        "[198.51.100.1]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]80",
        "[2001:db8::1]:",
        "[[2001:db8::1]]",
        "[]",
        "2001:db8::g",
        "fe80::1%eth0",
        "1" * 5000,
        "",
        " ",
        "\t",
        "-",
        "null",
        "localhost",
    ],
)
def test_invalid_entry_stops_at_last_valid_address(garbage):
    assert _client("10.0.0.1", garbage) == "10.0.0.1"
    assert _client("10.0.0.1", f"198.51.100.1, {garbage}, 10.0.0.2") == "10.0.0.2"
    assert _client("10.0.0.1", f"{garbage}, 198.51.100.1") == "198.51.100.1"


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("198.51.100.1:8080", "198.51.100.1"),
        ("\t198.51.100.1 ", "198.51.100.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("[::ffff:c633:6401]:443", "198.51.100.1"),
    ],
)
def test_address_may_have_port_and_brackets(entry, address):
    assert _client("10.0.0.1", entry) == address


def test_listed_proxy_matches_through_dual_stack_socket():
    assert _client("::ffff:10.0.0.1", "198.51.100.1, ::ffff:10.0.0.2") == "198.51.100.1"
    assert _client("::ffff:203.0.113.5", "198.51.100.1") == "203.0.113.5"


def test_unix_socket_is_believed_only_when_listed():
    assert _client(None, "198.51.100.1") == ""
    assert _client(None, "198.51.100.1", trusted=TrustedProxies(("unix",))) == "198.51.100.1"
    assert _client(None, trusted=TrustedProxies(("unix",))) == ""
    assert _client("10.0.0.1", "198.51.100.1", trusted=TrustedProxies(("unix",))) == "10.0.0.1"


def test_other_forwarding_headers_are_ignored():
    scope = _scope("10.0.0.1")
    scope["headers"] += [(b"x-real-ip", b"1.1.1.1"), (b"forwarded", b"for=1.1.1.1"), (b"x_forwarded_for", b"1.1.1.1")]
    assert client_address(scope, PROXIES) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("not:an:address", "not:an:address"),
        ("", ""),
    ],
)
def test_ipv6_address_counts_as_its_network(address, counted):
    assert rate_limit_key(address) == counted


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        ("10.0.0.0/8", "trusted_proxies is a list"),
        (7, "trusted_proxies is a list"),
        (["localhost"], "'localhost' is no address or network"),
        (["10.0.0.0/33"], "is no address or network"),
        (["*"], "is no address or network"),
        ([""], "is no address or network"),
        ([167772161], "167772161 is no address or network"),
        (["10.0.0.1/8"], "write 10.0.0.0/8 for the network, or 10.0.0.1"),
    ],
)
def test_invalid_proxy_setting_is_named(listed, sentence):
    with pytest.raises(SettingsError) as refused:
        Settings(trusted_proxies=listed)
    assert sentence in refused.value.detail
    assert "trusted_proxies" in refused.value.detail


def test_proxies_are_read_from_settings_file(tmp_path):
    path = tmp_path / "hullo.toml"
    path.write_text('trusted_proxies = ["10.0.0.0/8", "::1", "unix"]')
    assert read_settings(path, {}).trusted_proxies == ("10.0.0.0/8", "::1", "unix")
    path.write_text('trusted_proxies = ["localhost"]')
    with pytest.raises(SettingsError, match=f"{path}: trusted_proxies: 'localhost'"):
        read_settings(path, {})
