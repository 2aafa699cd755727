"""Stops an embedded server whose last user was killed: `guard.py USERS START GUARD DATA`.

Standard library only, started beside each server and independent of whoever started it.
Every user of the server shares the lock file USERS; START is held while a server is started
or stopped; GUARD is held by the one guard there is. A guard ends only with START in hand, so
whoever holds START can see from GUARD whether there is one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
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


def serves(pid: int, data: Path) -> bool:
    """Whether the process is a server on this data, and not one that got the id of a dead one."""
    if not is_alive(pid):
        return False
    if Path("/proc/self").exists():
        try:
            return os.path.samefile(f"/proc/{pid}/cwd", data)  # a server works in its data folder
        except OSError:
            return False
    ps = ("ps", "-o", "command=", "-p", str(pid))
    words = subprocess.run(ps, check=False, capture_output=True, text=True).stdout
    return "postgres" in words and str(data) in words


def stop(data: Path, seconds: float = 60) -> bool:
    """Fast shutdown (SIGINT): sessions are ended, a checkpoint is written. True when gone."""
    pid = postmaster(data)
    if pid is None or not serves(pid, data):
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    until = time.monotonic() + seconds
    while serves(pid, data):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def try_lock(file: BinaryIO) -> bool:
    """Take the lock alone, if nobody else has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(users: Path, start: Path, guard: Path, data: Path) -> None:
    # Closed from the right, so START is given up last.
    with start.open("rb") as starting, users.open("rb") as using, guard.open("rb") as guarding:
        if not try_lock(guarding):
            return
        while True:
            if try_lock(starting):
                if try_lock(using):
                    stop(data)
                    return
                fcntl.flock(starting, fcntl.LOCK_UN)
            time.sleep(LOOK_EVERY)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
