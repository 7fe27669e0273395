"""One try: what comes of it, and that it ends in time whatever the other side does."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hullo.webhooks.sender import MAX_RETRY_AFTER, Sender
from webhooks.receiving import PATIENCE, Receiver

HERE = lambda host, port: ["127.0.0.1"]  # noqa: E731


@pytest.fixture
def sender() -> Sender:
    return Sender(development=True, timeout=0.3)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_answer_is_a_success(sender: Sender, receiver: Receiver, status: int) -> None:
    receiver.answer = lambda message: status
    attempt = sender.post(receiver.url, {"webhook-id": "evt_1"}, '{"type":"webhook.test"}')
    assert (attempt.status, attempt.reason) == (status, None)
    [message] = receiver.messages
    assert (message.path, message.id, message.body) == ("/hook?from=hullo", "evt_1", '{"type":"webhook.test"}')
    assert message.headers["content-type"] == "application/json"
    assert message.headers["user-agent"].startswith("hullo/")


@pytest.mark.parametrize(
    ("status", "reason", "again"),
    [
        (301, "it answered 301, and redirects are not followed", True),
        (304, "it answered 304, and redirects are not followed", True),
        (400, "it answered 400", True),
        (404, "it answered 404", True),
        (410, "it answered 410: it does not want to be told of this", False),
        (500, "it answered 500", True),
        (503, "it answered 503", True),
    ],
)
def test_other_answer_is_a_failure(sender: Sender, receiver: Receiver, status: int, reason: str, again: bool) -> None:
    receiver.answer = lambda message: (status, {"location": f"http://127.0.0.1:{receiver.port}/inside"})
    attempt = sender.post(receiver.url, {}, "{}")
    assert (attempt.status, attempt.reason, attempt.is_retryable) == (status, reason, again)
    assert len(receiver.messages) == 1


@pytest.mark.parametrize(
    ("asked", "wait"),
    [("7", 7), ("0", 0), ("99999999", MAX_RETRY_AFTER), ("9" * 30, 0), ("-1", 0), ("soon", 0), ("²", 0)],
)
def test_retry_after_is_read_from_answer(sender: Sender, receiver: Receiver, asked: str, wait: int) -> None:
    receiver.answer = lambda message: (429, {"retry-after": asked})
    assert sender.post(receiver.url, {}, "{}").retry_after == wait


@contextmanager
def listening(act: Callable[[socket.socket], object]) -> Iterator[str]:
    """A host that does this with whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                act(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(PATIENCE)


def drip(text: bytes, for_ever: bytes, given_up: threading.Event) -> Callable[[socket.socket], None]:
    """For longer than anybody should listen; `given_up` is set when the other side does not any more."""

    def act(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text)
        deadline = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < deadline:
                connection.sendall(for_ever)
                time.sleep(0.02)
        except OSError:
            given_up.set()

    return act


@pytest.mark.parametrize(
    ("text", "for_ever"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"x-more: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nx-long: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_byte_by_byte_answer_blocks_no_other(sender: Sender, text: bytes, for_ever: bytes) -> None:
    given_up = threading.Event()
    with listening(drip(text, for_ever, given_up)) as url:
        attempt = sender.post(url, {}, "{}")
    assert given_up.is_set()
    assert (attempt.status, attempt.reason) in {
        (None, "it did not answer within 0.3 seconds"),
        (None, "what it answered is no HTTP"),
    }


def test_slow_name_server_uses_the_same_timeout(receiver: Receiver) -> None:
    def resolve(host: str, port: int) -> list[str]:
        time.sleep(0.05)
        return ["127.0.0.1"]

    attempt = Sender(development=True, resolver=resolve, timeout=0.04).post(receiver.url, {}, "{}")
    assert (attempt.status, attempt.reason) == (None, "it did not answer within 0.04 seconds")
    assert receiver.messages == []


def test_endless_answer_is_not_read_whole(sender: Sender) -> None:
    sent: list[int] = []

    def pour(connection: socket.socket) -> None:
        connection.recv(65536)
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while len(sent) < 10_000:
                connection.sendall(b"a" * 65536)
                sent.append(65536)
        except OSError:
            pass  # it was given up

    with listening(pour) as url:
        attempt = sender.post(url, {}, "{}")
    assert (attempt.status, attempt.reason) == (200, None)
    assert len(sent) < 10_000


def test_success_with_endless_body_is_a_success(sender: Sender) -> None:
    with listening(drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", b"a", threading.Event())) as url:
        assert sender.post(url, {}, "{}").reason is None


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda connection: connection.recv(9), "the connection broke"),
        (lambda connection: (connection.recv(65536), connection.sendall(b"hello\r\n")), "what it answered is no HTTP"),
        (
            lambda connection: (connection.recv(65536), connection.sendall(b"HTTP/1.1 xyz\r\n\r\n")),
            "what it answered is no HTTP",
        ),
    ],
)
def test_invalid_answer_is_reported(sender: Sender, act: Callable[[socket.socket], object], reason: str) -> None:
    with listening(act) as url:
        attempt = sender.post(url, {}, "{}")
    assert attempt.status is None
    assert attempt.reason in {reason, "the connection broke", "what it answered is no HTTP"}


def test_closed_port_is_reported(sender: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert sender.post(f"http://127.0.0.1:{port}/", {}, "{}").reason == "it refused the connection"


def test_next_address_is_tried_after_the_first(receiver: Receiver) -> None:
    sender = Sender(development=True, resolver=lambda host, port: ["::1", "127.0.0.1"])
    attempt = sender.post(f"http://hooks.test:{receiver.port}/", {}, "{}")
    assert attempt.status == 204


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]:
    """Makes, for a host, what its server shows and what somebody who trusts it alone looks at."""

    def contexts(host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        file = certificate(host, tmp_path_factory.mktemp("tls"))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(file)
        return server, ssl.create_default_context(cafile=str(file))

    return contexts


def certificate(host: str, folder: Path) -> Path:
    """A certificate that is its own authority, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks")])
    subject = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "hooks.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


Authority = Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]


@pytest.mark.parametrize("host", ["hooks.example.com", "127.0.0.1"])
def test_tls_certificate_must_match_the_name(authority: Authority, host: str) -> None:
    server, trusting = authority(host)
    sender = Sender(development=True, resolver=HERE, ssl_context=trusting)
    with Receiver().serving(server) as receiver:
        assert sender.post(f"https://{host}:{receiver.port}/", {}, "{}").status == 204
        refused = sender.post(f"https://elsewhere.example.com:{receiver.port}/", {}, "{}")
        assert refused.reason is not None
        assert "its certificate is not good" in refused.reason
        assert len(receiver.messages) == 1


def test_unknown_authority_is_refused(authority: Authority) -> None:
    server, _ = authority("hooks.example.com")
    with Receiver().serving(server) as receiver:
        attempt = Sender(development=True, resolver=HERE).post(f"https://hooks.example.com:{receiver.port}/", {}, "{}")
    assert attempt.reason is not None
    assert "its certificate is not good" in attempt.reason


def test_server_without_tls_is_reported(receiver: Receiver) -> None:
    attempt = Sender(development=True, resolver=HERE).post(f"https://hooks.example.com:{receiver.port}/", {}, "{}")
    assert attempt.reason == "it speaks no TLS that is understood here"
