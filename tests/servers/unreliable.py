"""A line to an HTTP server on which answers are refused, lost or altered: what clouds do now and then."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.servers.loopback import answering

SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)

Fault = Callable[[str, str], str]
"""Method and path -> what goes wrong: `refuse` (503, not passed on), `lose` (passed on, 503 instead of the answer),
`cut` (passed on, no answer), `etag` and `checksum` (another one in the answer), or empty."""


@contextmanager
def unreliable(endpoint: str, fault: Fault) -> Iterator[str]:
    """A line to `endpoint` on which that goes wrong; gives its URL."""
    with answering(_handler(endpoint, fault)) as url:
        yield url


def _handler(endpoint: str, fault: Fault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            wrong = fault(self.command, self.path)
            if wrong == "refuse":
                self._answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN)
                return
            status, headers, content = self._passed_on(body)
            if wrong == "cut":
                self.close_connection = True
                return
            if wrong == "lose":
                status, headers, content = 503, {"Content-Type": "application/xml"}, SLOW_DOWN
            altered = {"etag": ("ETag", '"0"'), "checksum": ("x-amz-checksum-sha256", "A" * 43 + "=")}
            if wrong in altered:
                name, value = altered[wrong]
                headers = {n: v for n, v in headers.items() if n.lower() != name.lower()} | {name: value}
            self._answer(status, headers, content)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = do

        def _passed_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            to = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                to.request(self.command, self.path, body=body, headers=headers)
                answer = to.getresponse()
                return answer.status, dict(answer.getheaders()), answer.read()
            finally:
                to.close()

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            own = ("content-length", "transfer-encoding", "connection", "date", "server")
            for name, value in headers.items():
                if name.lower() not in own or (self.command == "HEAD" and name.lower() == "content-length"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
