"""An HTTP server on the loopback that serves files as told, faults included."""

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock


@dataclass
class Reply:
    """How a request is answered."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    ranges: bool = True
    """Whether a range is answered with that range."""
    sent: int | None = None
    """Bytes sent before the connection ends or stalls; all of them if None."""
    stalls: bool = False


class Server(ThreadingHTTPServer):
    """``replies`` has a list for each path; the last reply of a list stays."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, list[Reply]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.is_closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def reply(self, path: str, *replies: Reply) -> str:
        """Set the replies to requests of ``path``; return its URL."""
        self.replies[path] = list(replies)
        return self.url + path

    def asked(self, header: str) -> list[str | None]:
        """The value of a header in each request so far."""
        return [headers.get(header) for _, headers in self.requests]


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
        status, body, headers = reply.status, reply.body, dict(reply.headers)
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        is_same = self.headers.get("If-Range") in (None, reply.etag)
        if match and reply.ranges and status == 200 and is_same:
            start = int(match[1])
            if start >= len(body):
                status, body = 416, b""
            else:
                status = 206
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body = body[start:]
        if reply.etag:
            headers["ETag"] = reply.etag
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: reply.sent])
        self.wfile.flush()
        if reply.stalls:
            self.server.is_closing.wait(10)

    def log_message(self, *args: Any) -> None:
        pass


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
