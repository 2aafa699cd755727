"""A publisher in a process of its own, which ends or stops itself at a step if it is told to.

`python -m tests.support.publisher_child URL BOOTSTRAP PREFIX SESSION_SECONDS [STEP NTH SIGNAL]`
"""

from __future__ import annotations

import signal
import sys
import threading

from infra.kafka.publisher import Publisher
from infra.settings import KafkaAddress
from tests.support.workers import signalling


def main(
    url: str,
    bootstrap: str,
    prefix: str,
    session_seconds: str,
    at: str = "",
    nth: str = "1",
    number: str = "9",
) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    publisher = Publisher(
        url,
        KafkaAddress(tuple(bootstrap.split(","))),
        prefix,
        page=20,
        poll=0.2,
        session_seconds=float(session_seconds),
        step=signalling(at, nth, number),
    )
    print("ready", flush=True)
    publisher.run(stop)
    print(publisher.sent, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
