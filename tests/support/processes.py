"""Other processes in tests: a command that holds a server, and its guards."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def holding(script: str, *arguments: Path) -> Generator[tuple[subprocess.Popen[str], int]]:
    """Another Python process that uses a server until its input ends; and the server's pid, which
    is the first thing that the script says."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it comes to hold in that time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def short_folder() -> Generator[Path]:
    """A temporary folder with a short path, unlike pytest's own. It is deleted once no server
    works in it: the guard of one whose user was killed needs a moment."""
    with tempfile.TemporaryDirectory(prefix="ct-") as name:
        folder = Path(name)
        yield folder
        assert within(60, lambda: not works_in(folder)), works_in(folder)


def works_in(folder: Path) -> list[psutil.Process]:
    """The processes, servers among them, whose working directory is in that folder."""

    def is_there(process: psutil.Process) -> bool:
        return Path(process.info["cwd"] or "/").is_relative_to(folder)

    return [process for process in psutil.process_iter(["cwd"]) if is_there(process)]


def guards_of(home: Path) -> list[psutil.Process]:
    """The guards of the servers in that home."""

    def is_guard(process: psutil.Process) -> bool:
        words: list[str] = process.info["cmdline"] or []
        return any(word.endswith("guard.py") for word in words) and any(
            word.startswith(f"{home}/") for word in words
        )

    return [process for process in psutil.process_iter(["cmdline"]) if is_guard(process)]
