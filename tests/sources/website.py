"""A small web server for tests: routes are functions, requests are counted."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Route = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request; ``turn`` counts those of its path from 1."""

    protocol_version = "HTTP/1.1"
    server: _Server
    turn = 0

    def do_GET(self) -> None:
        """Answer by the path's route."""
        site = self.server.site
        with site.lock:
            site.asked.append(self.path)
            site.headers.append(dict(self.headers))
            self.turn = site.asked.count(self.path)
            site.now += 1
            site.most = max(site.most, site.now)
        try:
            route = site.routes.get(self.path)
            if route is None:
                self.answer(404, b"not here", kind="text/plain")
            else:
                route(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with site.lock:
                site.now -= 1

    def answer(self, code: int, body: bytes, *, kind: str = "image/jpeg", **headers: str) -> None:
        """A whole answer; underscores in names of headers stand for hyphens."""
        self.head(code, kind=kind, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def head(self, code: int, *, kind: str = "image/jpeg", **headers: str) -> None:
        """Status and headers."""
        self.send_response(code)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def cut(self) -> None:
        """Break the connection."""
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()

    def log_message(self, *words: object) -> None:
        """Nothing on standard error."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    site: Site

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what some tests are about."""


class Site:
    """What a server offers and was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.routes: dict[str, Route] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self.now = self.most = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Absolute."""
        return f"http://{host}:{self.port}{path}"

    def offer(self, path: str, body: bytes, *, delay: float = 0.0, **headers: str) -> str:
        """A plain file; returns its URL."""

        def route(request: Request) -> None:
            time.sleep(delay)
            request.answer(200, body, **headers)

        self.routes[path] = route
        return self.url(path)

    def count(self, path: str = "") -> int:
        """Requests so far, of a path or all."""
        return self.asked.count(path) if path else len(self.asked)


@contextmanager
def serve(certificate: Path | None = None) -> Iterator[Site]:
    """A server on every loopback address; with a certificate and its key it speaks TLS."""
    server = _Server(("0.0.0.0", 0), Request)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.site = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
