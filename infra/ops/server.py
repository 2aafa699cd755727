"""Serves metrics and health over HTTP, for Prometheus and for whoever restarts processes."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from infra.failure import Failure
from infra.ops.health import Verdict, alive, ready
from infra.ops.observer import Observer
from infra.settings import HostPort

PATIENCE = 5.0
"""Seconds that a client may take to say what it wants."""


class OpsError(Failure):
    """Metrics cannot be served where they were asked for."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        listen: HostPort,
        registry: CollectorRegistry,
        observer: Observer,
        stuck_after: float,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        self.registry = registry
        self.observer = observer
        self.stuck_after = stuck_after
        super().__init__((listen.host, listen.port), _Handler)

    def healthz(self) -> Verdict:
        return alive(self.observer.activities, time.monotonic(), self.stuck_after)

    def readyz(self) -> Verdict:
        return ready(
            self.observer.activities,
            self.observer.observed(),
            time.monotonic(),
            self.stuck_after,
            self.observer.look_every,
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's trouble."""


class _Handler(BaseHTTPRequestHandler):
    server_version = "casetrail"
    sys_version = ""
    timeout = PATIENCE

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.server.registry))
            case "/healthz":
                self._judge(self.server.healthz())
            case "/readyz":
                self._judge(self.server.readyz())
            case _:
                self._answer(404, "text/plain; charset=utf-8", b"/metrics /healthz /readyz\n")

    do_HEAD = do_GET

    def _judge(self, verdict: Verdict) -> None:
        content = json.dumps(verdict.as_dict(), ensure_ascii=False, indent=2).encode() + b"\n"
        self._answer(200 if verdict.ok else 503, "application/json", content)

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads who asked."""


@contextlib.contextmanager
def serving(
    listen: HostPort, registry: CollectorRegistry, observer: Observer, stuck_after: float
) -> Generator[HostPort]:
    """Serve until the end of the block; where, with the port that was found for 0. Raises
    OpsError."""
    try:
        server = _Server(listen, registry, observer, stuck_after)
    except OSError as e:
        raise OpsError(
            "Metrics cannot be served at {listen}: {reason}", listen=listen, reason=e.strerror or e
        ) from e
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics")
        thread.start()
        try:
            yield HostPort(listen.host, int(server.server_address[1]))
        finally:
            server.shutdown()
            thread.join()
