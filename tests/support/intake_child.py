"""An intake in a process of its own, which ends itself at a step if it is told to.

`python -m tests.support.intake_child URL BOOTSTRAP PREFIX MEMBER [STEP NTH]`
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from infra.settings import KafkaAddress
from tests.support.kafka import open_intake


def main(url: str, bootstrap: str, prefix: str, member: str, at: str = "", nth: str = "1") -> None:
    left = int(nth)

    def step(name: str) -> None:
        nonlocal left
        if name == at:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    address = KafkaAddress(tuple(bootstrap.split(",")))
    with open_intake(url, address, prefix, member=member, step=step) as (intake, _):
        print("ready", flush=True)
        intake.run(stop)
    print(intake.records, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
