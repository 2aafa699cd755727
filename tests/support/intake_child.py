"""An intake in a process of its own, which ends or stops itself at a step if it is told to.

`python -m tests.support.intake_child URL BOOTSTRAP PREFIX MEMBER SESSION_MS [STEP NTH SIGNAL]`
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from infra.settings import KafkaAddress
from tests.support.kafka import open_intake
from tests.support.workers import signalling

SESSION_MS = 6_000


@contextmanager
def intake_process(
    url: str,
    address: KafkaAddress,
    prefix: str,
    *at: str,
    member: str = "one",
    session_ms: int = SESSION_MS,
) -> Generator[subprocess.Popen[str]]:
    """An intake in a process of its own; killed at the end of the block. at: step, which of them
    and the signal that it sends itself there."""
    command = [sys.executable, "-m", "tests.support.intake_child", url]
    command += [",".join(address.bootstrap), prefix, member, str(session_ms), *at]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def is_stopped(pid: int) -> bool:
    """Whether SIGSTOP holds it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def main(
    url: str,
    bootstrap: str,
    prefix: str,
    member: str,
    session_ms: str,
    at: str = "",
    nth: str = "1",
    number: str = "9",
) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    address = KafkaAddress(tuple(bootstrap.split(",")))
    with open_intake(
        url,
        address,
        prefix,
        member=member,
        step=signalling(at, nth, number),
        session_ms=int(session_ms),
    ) as (intake, _):
        print("ready", flush=True)
        intake.run(stop)
    print(intake.records, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
