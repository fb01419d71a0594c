"""An HTTP server on the loopback, with prepared replies, faults included."""

import datetime
import ipaddress
import os
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class Reply:
    """A reply to a request."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    """Added to the usual ones, or in their place; an empty value leaves a header out."""
    etag: str | None = None
    ranges: bool = True
    """Whether requests of a range are answered with that range."""
    heeds_etag: bool = True
    """Whether If-Range is compared with ``etag``."""
    sent: int | None = None
    """Bytes sent before the connection ends or stalls; all of them if None."""
    stalls: bool = False
    """Whether it stays open and silent after that, until the server closes."""
    resets: bool = False
    """Whether the connection is reset after that, not closed."""
    drips: float = 0.0
    """Seconds between one byte and the next; 0 sends all at once."""
    endless: bool = False
    """Whether the body is sent again and again, until the client goes away."""
    raw: bytes | None = None
    """The whole answer with its headers, in place of one made from the above."""
    tail: bytes = b""
    """Sent again and again after the body, until the client goes away."""
    lies: bool = False
    """Whether a range that is asked for is answered with the file's first bytes."""


class Server(ThreadingHTTPServer):
    """A server of prepared replies.

    Attributes
    ----------
    replies : dict
        The replies for each path, in order; the last one stays.
    requests : list
        (path, headers) of each request so far.
    sent : int
        Bytes of bodies sent so far.
    """

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http"
        self.replies: dict[str, list[Reply]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.sent = 0
        self.is_closing = threading.Event()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def reply(self, path: str, *replies: Reply) -> str:
        """Set the replies to requests of ``path``; return its URL."""
        self.replies[path] = list(replies)
        return self.url + path

    def asked(self, header: str) -> list[str | None]:
        """Return the value of a header in each request so far."""
        return [headers.get(header) for _, headers in self.requests]

    def use_tls(self, folder: Path) -> None:
        """Speak TLS from now on, with a self-signed certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_self_signed(folder))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.scheme = "https"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that go away or refuse the certificate."""


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.requests.append((self.path, dict(self.headers)))
        replies = self.server.replies.get(path, [Reply(status=404)])
        self._send(replies.pop(0) if len(replies) > 1 else replies[0])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def _send(self, reply: Reply) -> None:
        body = self._send_head(reply) if reply.raw is None else reply.raw
        self._send_body(reply, body[: reply.sent])
        if reply.resets:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            os.close(self.connection.detach())
        elif reply.stalls:
            self.server.is_closing.wait(10)

    def _send_head(self, reply: Reply) -> bytes:
        """Send status and headers; return the body that is to follow."""
        status, body, headers = reply.status, reply.body, dict(reply.headers)
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        is_same = not reply.heeds_etag or self.headers.get("If-Range") in (None, reply.etag)
        if match and reply.ranges and status == 200 and is_same:
            start = int(match[1])
            if start >= len(body):
                status, body = 416, b""
            else:
                status = 206
                range_ = f"bytes {start}-{len(body) - 1}/{len(body)}"
                headers.setdefault("Content-Range", range_)
                body = body[: len(body) - start] if reply.lies else body[start:]
        if reply.etag:
            headers["ETag"] = reply.etag
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        return body

    def _send_body(self, reply: Reply, body: bytes) -> None:
        if reply.drips:
            for byte in body:
                self._write(bytes([byte]))
                if self.server.is_closing.wait(reply.drips):
                    return
        else:
            self._write(body)
        again = reply.tail or (body if reply.endless else b"")
        while again and not self.server.is_closing.is_set():
            self._write(again)

    def _write(self, content: bytes) -> None:
        self.wfile.write(content)
        self.wfile.flush()
        self.server.sent += len(content)

    def log_message(self, *args: Any) -> None:
        pass


def _self_signed(folder: Path) -> Path:
    """Write a PEM file with a key and its self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def serve() -> Iterator[Server]:
    """Run a server until the context ends, with no proxy in the way."""
    with Server() as server, mock.patch.dict(os.environ):
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            del os.environ[name]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.is_closing.set()
            server.shutdown()
            thread.join()
