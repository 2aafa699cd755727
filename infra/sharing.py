"""One embedded server for each folder, shared by all commands that use it.

Whoever uses the server holds a shared lock; the last to leave stops it. A killed command
leaves nothing: its lock is gone with it, and the guard stops a server that nobody uses.
"""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from infra import guard
from infra.guard import Ending, lock_file, try_lock

S_co = TypeVar("S_co", covariant=True)


class Shareable(Protocol[S_co]):
    """What is shared: its folder and its processes. All methods want the start lock held."""

    @property
    def folder(self) -> Path:
        """Where the locks lie."""
        ...

    @property
    def pid_files(self) -> Sequence[Path]:
        """Where each process's id stands, in the folder that the process works in, in the
        order in which they are to be stopped."""
        ...

    @property
    def ending(self) -> Ending:
        """How the guard stops each of them."""
        ...

    def running(self) -> S_co | None:
        """The server that already runs, once it answers; None if it does not run."""
        ...

    def start(self, gate: BinaryIO) -> S_co:
        """Start it. Children that start it hold the gate, the start lock, until they are done,
        so that a SIGKILL of this command cannot let a second one start it too."""
        ...

    def stop(self) -> None:
        """Stop it, if it runs."""
        ...


@contextlib.contextmanager
def sharing(shareable: Shareable[S_co]) -> Generator[S_co]:
    """Use the server, starting it first if nobody has; stop it if nobody else uses it."""
    folder = shareable.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock_file(folder, "users").open("ab") as users:
        try:
            with start_lock(folder) as gate:
                fcntl.flock(users, fcntl.LOCK_SH)
                _ensure_guard(shareable)
                server = shareable.running()
                if server is None:
                    server = shareable.start(gate)
            yield server
        finally:
            with start_lock(folder):
                fcntl.flock(users, fcntl.LOCK_UN)
                if try_lock(users):
                    shareable.stop()


@contextlib.contextmanager
def start_lock(folder: Path) -> Generator[BinaryIO]:
    """Hold the lock that keeps others from starting and stopping the server."""
    with lock_file(folder, "start").open("ab") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield gate


def _ensure_guard(shareable: Shareable[object]) -> None:
    """See to it that there is a guard before there is a server: this command may be killed
    at any moment. As a grandchild, so that nobody has to wait for its end."""
    with lock_file(shareable.folder, "guard").open("ab") as guarding:
        if not try_lock(guarding):
            return
    ending = shareable.ending
    command = (sys.executable, "-I", "-S", guard.__file__, shareable.folder)
    how = (str(ending.signal.value), str(ending.seconds), "kill" if ending.kill else "wait")
    subprocess.run(
        ["/bin/sh", "-c", '"$@" &', "sh", *command, *how, *shareable.pid_files],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
