"""A small transaction pooler in front of a real server, as PgBouncer is in that mode."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

from psycopg import pq

READY = b"Z"


class Backend:
    """One session of the real server, lent to one client's transaction at a time."""

    def __init__(self, path: str, startup: bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.sendall(startup)
        self.greeting = b"".join(self.messages())
        self.idle = True

    def messages(self) -> Generator[bytes]:
        """The server's messages up to its next ReadyForQuery."""
        while True:
            head = exactly(self.socket, 5)
            message = head + exactly(self.socket, struct.unpack("!i", head[1:])[0] - 4)
            self.idle = head[:1] == READY and message[5:6] == b"I"
            yield message
            if head[:1] == READY:
                return


def exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = source.recv(count - len(found))
        if not more:
            raise ConnectionError
        found += more
    return found


class Pooler:
    """Takes clients on a socket of its own and the last used idle session for each transaction."""

    def __init__(self, folder: str, server_socket: str) -> None:
        self.folder = folder
        self._server_socket = server_socket
        self._idle: list[Backend] = []
        self._opened: list[Backend] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/.s.PGSQL.5432")
        self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    def serve(self) -> None:
        while not self._stopped.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                client = self._listener.accept()[0]
                thread = threading.Thread(target=self._attend, args=(client,))
                thread.start()
                self._threads.append(thread)
        self._listener.close()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(5)
        for backend in self._opened:
            backend.socket.close()

    def _take(self, startup: bytes) -> Backend:
        if self._idle:
            return self._idle.pop()
        self._opened.append(Backend(self._server_socket, startup))
        return self._opened[-1]

    def _attend(self, client: socket.socket) -> None:
        with client, suppress(ConnectionError):
            length = exactly(client, 4)
            startup = length + exactly(client, struct.unpack("!i", length)[0] - 4)
            backend = self._take(startup)
            self._idle.append(backend)
            client.sendall(backend.greeting)
            lent: Backend | None = None
            while True:
                head = exactly(client, 5)
                message = head + exactly(client, struct.unpack("!i", head[1:])[0] - 4)
                if head[:1] == b"X":
                    return
                lent = lent or self._take(startup)
                lent.socket.sendall(message)
                if head[:1] in (b"Q", b"S"):  # a simple query, or the Sync of an extended one
                    answer = b"".join(lent.messages())
                    if lent.idle:  # before the client knows, who may come on another connection
                        self._idle.append(lent)
                        lent = None
                    client.sendall(answer)


@contextmanager
def transaction_pooler(folder: str, url: str) -> Generator[str]:
    """The URL of a pooler that lends the server behind `url` for one transaction at a time."""
    options = {
        option.keyword.decode(): (option.val or b"").decode()
        for option in pq.Conninfo.parse(url.encode())
    }
    pooler = Pooler(folder, f"{options['host']}/.s.PGSQL.5432")
    thread = threading.Thread(target=pooler.serve)
    thread.start()
    try:
        yield f"postgresql://{options['user']}@/{options['dbname']}?host={folder}"
    finally:
        pooler.stop()
        thread.join(5)
