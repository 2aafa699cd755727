"""Stops an embedded server whose last user was killed: `guard.py USERS START DATA PID`.

Standard library only, started beside each server and independent of whoever started it.
Every user of the server holds the lock file USERS together with the others; whoever gets it
alone, while holding START, may stop the server.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

LOOK_EVERY = 0.5  # seconds


def postmaster(data: Path) -> int | None:
    """The process id in the data folder's lock file, or None."""
    try:
        return int((data / "postmaster.pid").read_text().split("\n")[0])
    except (OSError, ValueError):
        return None


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not merely waiting to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def stop(data: Path, pid: int, seconds: float = 60) -> bool:
    """Fast shutdown (SIGINT): sessions are ended, a checkpoint is written. True when gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
        until = time.monotonic() + seconds
        while is_alive(pid) and postmaster(data) == pid:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        while is_alive(pid) and time.monotonic() < until:
            time.sleep(0.01)
    return True


def try_lock(file: BinaryIO) -> bool:
    """Take the lock alone, if nobody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(users: Path, start: Path, data: Path, pid: int) -> None:
    with users.open("rb") as using, start.open("rb") as starting:
        while postmaster(data) == pid and is_alive(pid):
            if try_lock(starting):
                if try_lock(using):
                    stop(data, pid)
                    return
                fcntl.flock(starting, fcntl.LOCK_UN)
            time.sleep(LOOK_EVERY)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
