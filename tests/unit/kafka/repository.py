"""A Maven repository on the loopback, for tests of downloads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infra.kafka.jars import Jar, Jars


@dataclass
class Repository:
    """files: what it has, by path. asked: the paths that were asked for, in order."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    asked: list[str] = field(default_factory=list[str])

    def add(self, name: str, content: bytes, version: str = "4.0.0") -> Jar:
        """Put a jar there; what a lock would say of it."""
        jar = Jar("org.some", name, version, hashlib.sha256(content).hexdigest())
        self.files[f"/{path_of(jar)}"] = content
        return jar

    @property
    def jars_asked(self) -> list[str]:
        return [path for path in self.asked if path.endswith(".jar")]


def path_of(jar: Jar) -> str:
    """Where a Maven repository keeps it."""
    return f"{jar.group.replace('.', '/')}/{jar.name}/{jar.version}/{jar.file}"


def some_jars(repository: Repository, count: int = 5) -> Jars:
    """Jars that the repository has; one of them gives the version."""
    first = repository.add("kafka-clients", b"clients" * 1000)
    others = [repository.add(f"part-{n}", bytes([n]) * 5000) for n in range(1, count)]
    return Jars((first, *others))


@contextmanager
def a_repository() -> Generator[Repository]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            repository.asked.append(self.path)
            content = repository.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        repository = Repository(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield repository
        finally:
            server.shutdown()
            thread.join()


def jgo_file(folder: Path, url: str) -> Path:
    """A configuration of jgo that names only this repository, and no local one."""
    config = folder / "jgo.conf"
    local = folder / "no-such-folder"
    config.write_text(f"[settings]\nrepo_cache = {local}\n\n[repositories]\ncentral = {url}\n")
    return config
