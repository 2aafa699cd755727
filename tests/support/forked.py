"""The program's commands in processes forked from one that has imported it all: a process of its
own each, without the second or two that a start takes. How it starts, tests/acceptance sees."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path

from infra.cli.app import main
from infra.cli.commands import load_commands

load_commands(None)
for _late in ("domain.decider", "infra.pipeline", "infra.engine", "infra.claims"):
    import_module(_late)

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "pytest"])


TIMEOUT = 300.0  # seconds


def run_program(
    words: Sequence[str | Path], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What `casetrail` with these words ended with and wrote. Raises TimeoutExpired."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        asked = [str(word) for word in words]
        process = _FORKS.Process(target=_run, args=(asked, dict(environment), str(out), str(err)))
        process.start()
        process.join(TIMEOUT)
        status = process.exitcode
        if status is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(asked, TIMEOUT)
        said = (file.read_text(encoding="utf-8") for file in (out, err))
        return subprocess.CompletedProcess(asked, status, *said)


def _run(words: list[str], environment: dict[str, str], out: str, err: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    sys.stdout, sys.stderr = (
        TextIOWrapper(os.fdopen(number, "wb", closefd=False), "utf-8") for number in (1, 2)
    )
    sys.argv = ["casetrail", *words]
    main()
