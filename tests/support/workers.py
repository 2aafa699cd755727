"""Workers in threads of a test, and those that end their own process."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Generator

from infra.wiring import Worker


@contextlib.contextmanager
def running(*workers: Worker) -> Generator[list[threading.Thread]]:
    """Each in a thread until the end of the block; raises what ended one before."""
    stop = threading.Event()
    failures: list[Exception] = []

    def run(worker: Worker) -> None:
        try:
            worker.run(stop)
        except Exception as e:
            failures.append(e)

    threads = [threading.Thread(target=run, args=(one,), name=one.name) for one in workers]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]


def signalling(at: str, nth: str, number: str) -> Callable[[str], None]:
    """Told each step, it sends this process the signal of that number at the nth one that is
    called `at`. All as a command line has them."""
    left = int(nth)

    def step(name: str) -> None:
        nonlocal left
        if name == at:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), int(number))

    return step
