"""The embedded PostgreSQL: one server for each home, shared by all commands that use it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import stat
import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import psycopg

from infra.failure import Say, say_nothing
from infra.guard import Ending, server_of, serves, stop
from infra.postgres.connect import one_line
from infra.postgres.launch import (
    SHARED,
    Launcher,
    PostgresError,
    choose_launcher,
    own,
    reachable_install,
)
from infra.sharing import sharing

SUPERUSER = "postgres"
START_SECONDS = 60.0
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET = 106  # bytes; sun_path is 108 with its closing NUL, and macOS has 104
SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "jit": "off",
}
"""Durability stays as PostgreSQL ships it: fsync, full_page_writes, synchronous_commit on."""


@dataclass(frozen=True)
class Server:
    """A running server. sockets: the folder of its socket; pid: its first process."""

    sockets: Path
    pid: int

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """A libpq URL over the socket; whoever may enter the folder is trusted."""
        return f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(self.sockets), '')}"


@contextlib.contextmanager
def embedded_server(
    home: Path,
    version: int = 18,
    *,
    launcher: Launcher | None = None,
    say: Say = say_nothing,
) -> Generator[Server]:
    """Use the home's server, starting it first if nobody has; stop it if nobody else uses it.

    launcher: as whom it runs (default: the best way on this system). say: told before a step
    that takes seconds. Raises PostgresError when it cannot be started.
    """
    with sharing(_Cluster(home, version, launcher or choose_launcher(), say)) as server:
        yield server


class _Cluster:
    """One data folder and what runs on it. Its methods want the start lock held."""

    ending = Ending(signal.SIGINT, seconds=60)
    """Fast shutdown: sessions are ended, a checkpoint is written."""

    def __init__(self, home: Path, version: int, launcher: Launcher, say: Say) -> None:
        self.folder = home / f"postgres-{version}"
        self.version = version
        self.launcher = launcher
        self.say = say
        self.identity = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]

    @cached_property
    def place(self) -> Path:
        """Where data and socket lie: in the home, or where the server may go."""
        if self.launcher.can_enter(self.folder.parent):
            return self.folder
        return SHARED / self.identity

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def pid_files(self) -> list[Path]:
        """PostgreSQL's own lock file; a server works in its data folder."""
        return [self.data / "postmaster.pid"]

    @property
    def sockets(self) -> Path:
        """The socket's folder: beside the data, or a short one in /tmp."""
        near = self.place / "socket"
        if len(os.fsencode(near / SOCKET_NAME)) <= LONGEST_SOCKET:
            return near
        return Path("/tmp") / f"casetrail-{os.geteuid()}-{self.identity}"

    def running(self) -> Server | None:
        """The server that already runs on this data, once it answers; else None."""
        pid = server_of(*self.pid_files)
        if pid is None:
            return None
        server = Server(self.sockets, pid)
        return server if self._answers(server) else None

    def start(self, gate: BinaryIO) -> Server:
        install = reachable_install(self.version, self.launcher)
        made = [self._make_folder(self.place), self._make_folder(self.sockets)]
        own(self.launcher, made)
        if not self.data.exists():
            self.say("Creating a PostgreSQL {version} database", version=self.version)
            self._init(install, gate)
        self.say("Starting PostgreSQL {version}", version=self.version)
        # Nobody runs on this data (see running), so a lock file is a crash's; its process
        # id may by now be someone else's, which would stop PostgreSQL from starting.
        for left in (*self.pid_files, *self.sockets.glob(f"{SOCKET_NAME}*")):
            left.unlink(missing_ok=True)
        options = SETTINGS | {"unix_socket_directories": str(self.sockets)}
        # The settings go to a file: pg_ctl would pass them through a shell.
        quoted = ((name, value.replace("'", "''")) for name, value in options.items())
        conf = "".join(f"{name} = '{value}'\n" for name, value in quoted)
        (self.data / "casetrail.conf").write_text(conf)
        own(self.launcher, [self.data / "casetrail.conf"])
        command = (install / "bin" / "pg_ctl", "start", "--silent", "--wait")
        where = ("-D", self.data, "-l", self.place / "log", "-t", str(int(START_SECONDS)))
        until = time.monotonic() + START_SECONDS
        while (done := self.launcher.run(*command, *where, holding=gate)).returncode != 0:
            # After a SIGKILL of the server its children may hold the memory for a moment.
            if "still in use" not in self._log_end() or time.monotonic() > until:
                raise PostgresError(
                    "PostgreSQL did not start: {reason}",
                    reason=f"{done.stdout.strip()} {self._log_end()}",
                )
            time.sleep(0.2)
        pid = server_of(*self.pid_files)
        server = Server(self.sockets, pid or 0)
        if pid is None or not self._answers(server):
            raise PostgresError("PostgreSQL did not start: {reason}", reason=self._log_end())
        return server

    def stop(self) -> None:
        [pid_file] = self.pid_files
        if not stop(pid_file, self.ending):
            raise PostgresError("PostgreSQL (process {pid}) did not stop.", pid=server_of(pid_file))
        if self.sockets.parent != self.place:
            with contextlib.suppress(OSError):
                self.sockets.rmdir()

    def _init(self, install: Path, gate: BinaryIO) -> None:
        fresh = self.place / "data.new"  # renamed when complete: a crash leaves no half
        if fresh.exists():
            shutil.rmtree(fresh)
        done = self.launcher.run(
            *(install / "bin" / "initdb", "-D", fresh, "-U", SUPERUSER, "--auth=trust"),
            *("--encoding=UTF8", "--no-locale", "--data-checksums"),
            holding=gate,
        )
        if done.returncode != 0:
            raise PostgresError(
                "PostgreSQL did not start: {reason}", reason=" ".join(done.stdout.split())
            )
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("include_if_exists 'casetrail.conf'\n")
        fresh.rename(self.data)

    def _make_folder(self, folder: Path) -> Path:
        """A folder for nobody but us; in /tmp somebody may have been there first."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        mine = {os.geteuid(), *(self.launcher.account or ())[:1]}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in mine or found.st_mode & 0o022:
            raise PostgresError("{path} is not a folder that only you can write.", path=folder)
        return folder

    def _answers(self, server: Server) -> bool:
        """Wait until it answers: it may be starting or recovering. False when it ends instead."""
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(server.url(SUPERUSER), connect_timeout=5).close()
            except psycopg.OperationalError as e:
                if not serves(server.pid, self.data):
                    return False
                if time.monotonic() > until:
                    raise PostgresError(
                        "PostgreSQL does not answer: {reason}", reason=one_line(e)
                    ) from e
                time.sleep(0.05)
            else:
                return True

    def _log_end(self) -> str:
        try:
            lines = (self.place / "log").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return " / ".join(lines[-5:])
