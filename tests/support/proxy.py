"""A socket in front of PostgreSQL's that breaks or falls silent where a test says."""

from __future__ import annotations

import contextlib
import select
import socket
import tempfile
import threading
from collections.abc import Generator
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit


class Fault(Enum):
    """When the connection breaks, counted from the NOTIFY that ends each write."""

    BEFORE_COMMIT = "the COMMIT never reaches the server"
    AFTER_COMMIT = "the server commits and its answer never arrives"
    SILENCE = "the client stops in the middle of its pipeline"


class Proxy:
    """url: the database through the proxy. break_next: the fault for the next write.
    faults: how many happened."""

    def __init__(self, folder: Path, url: str) -> None:
        parts = urlsplit(url)
        (host,) = parse_qs(parts.query)["host"]
        self.url = parts._replace(query=f"host={quote(str(folder), '')}").geturl()
        self.break_next: Fault | None = None
        self.faults = 0
        self.refuses = False
        self._server = f"{host}/.s.PGSQL.5432"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._stopped = threading.Event()
        self._speak = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def end_silence(self) -> None:
        """The stopped client goes on, and finds its connection gone."""
        self._speak.set()

    def stop(self) -> None:
        self._stopped.set()
        self._speak.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                client = self._listener.accept()[0]
                if self.refuses:
                    client.close()
                    continue
                thread = threading.Thread(target=self._relay, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _relay(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with client, server, contextlib.suppress(OSError):
            server.connect(self._server)
            asked = told = b""
            while not self._stopped.is_set() and not self.refuses:
                readable = select.select([client, server], [], [], 0.05)[0]
                if client in readable:
                    data = client.recv(1 << 16)
                    if not data:
                        return
                    asked = (asked + data)[-(1 << 17) :]
                    at = _commit_of_write(asked)
                    if at is not None and self.break_next is Fault.BEFORE_COMMIT:
                        self._happened()
                        return
                    if at is not None and self.break_next is Fault.SILENCE:
                        self._happened()
                        server.sendall(data[: len(data) - (len(asked) - at)])
                        self._speak.wait(60)
                        return
                    server.sendall(data)
                if server in readable:
                    data = server.recv(1 << 16)
                    if not data:
                        return
                    told = (told + data)[-(1 << 17) :]
                    if self.break_next is Fault.AFTER_COMMIT and _committed(told):
                        self._happened()
                        return
                    client.sendall(data)

    def _happened(self) -> None:
        self.faults += 1
        self.break_next = None


def _commit_of_write(asked: bytes) -> int | None:
    """Where the message with the COMMIT after a NOTIFY begins, once it is there."""
    notify = asked.rfind(b"NOTIFY stored_events\0")
    commit = asked.find(b"COMMIT\0", notify)
    # A Parse message: type, length (4 bytes), an empty name, then the statement.
    return None if notify < 0 or commit < 0 else commit - 6


def _committed(told: bytes) -> bool:
    notify = told.rfind(b"NOTIFY\0")
    return notify >= 0 and told.find(b"COMMIT\0", notify) >= 0


@contextlib.contextmanager
def faulty_proxy(url: str) -> Generator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="ct-proxy-") as folder:
        proxy = Proxy(Path(folder), url)
        try:
            yield proxy
        finally:
            proxy.stop()
