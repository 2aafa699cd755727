"""Stops an embedded server whose last user was killed, and what is known about its processes.

Standard library only: as a script, `guard.py FOLDER SIGNAL SECONDS kill|wait PIDFILE...`, it
is started beside each server and independent of whoever started it. In FOLDER, every user of
the server shares users.lock; start.lock is held while the server is started or stopped;
guard.lock is held by the one guard there is. A guard ends only with start.lock in hand, so
whoever holds that can see from guard.lock whether there is a guard.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LOOK_EVERY = 0.5  # seconds


@dataclass(frozen=True)
class Ending:
    """How a server's process is stopped: a signal, the seconds it may take, and whether it is
    killed when it takes longer."""

    signal: signal.Signals
    seconds: float
    kill: bool = False


def lock_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.lock"


def try_lock(file: BinaryIO) -> bool:
    """Take the lock alone, if nobody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not merely waiting to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def serves(pid: int, folder: Path) -> bool:
    """Whether the process is a server that works in this folder, and not one that got the id
    of a dead one."""
    if not is_alive(pid):
        return False
    if Path("/proc/self").exists():
        try:
            return os.path.samefile(f"/proc/{pid}/cwd", folder)
        except OSError:
            return False
    ps = ("ps", "-o", "command=", "-p", str(pid))
    words = subprocess.run(ps, check=False, capture_output=True, text=True).stdout
    return str(folder) in words


def server_of(pid_file: Path) -> int | None:
    """The process that the file names, if it is a server in the file's folder; else None."""
    try:
        pid = int(pid_file.read_text().split("\n")[0])
    except (OSError, ValueError):
        return None
    return pid if serves(pid, pid_file.parent) else None


def stop(pid_file: Path, ending: Ending) -> bool:
    """End the server that the file names, if there is one; True when its process is gone."""
    pid = server_of(pid_file)
    if pid is None or _end(pid, pid_file.parent, ending.signal, ending.seconds):
        return True
    return ending.kill and _end(pid, pid_file.parent, signal.SIGKILL, ending.seconds)


def _end(pid: int, folder: Path, number: signal.Signals, seconds: float) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    until = time.monotonic() + seconds
    while serves(pid, folder):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def main(folder: Path, ending: Ending, pid_files: Sequence[Path]) -> None:
    with (
        # Closed from the right, so that the start lock is given up last.
        lock_file(folder, "start").open("rb") as starting,
        lock_file(folder, "users").open("rb") as using,
        lock_file(folder, "guard").open("rb") as guarding,
    ):
        if not try_lock(guarding):
            return
        while True:
            if try_lock(starting):
                if try_lock(using):
                    for pid_file in pid_files:
                        stop(pid_file, ending)
                    return
                fcntl.flock(starting, fcntl.LOCK_UN)
            time.sleep(LOOK_EVERY)


if __name__ == "__main__":
    _folder, _signal, _seconds, _how, *_files = sys.argv[1:]
    _ending = Ending(signal.Signals(int(_signal)), float(_seconds), _how == "kill")
    main(Path(_folder), _ending, [Path(file) for file in _files])
