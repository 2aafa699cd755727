"""Running workers in the foreground until Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator
from types import FrameType
from typing import Protocol

from infra.activity import Activity
from infra.cli.observing import observed
from infra.cli.terminal import Terminal
from infra.settings import KafkaAddress
from infra.wiring import System, Worker


class ActiveWorker(Worker, Protocol):
    """A worker that says how it does."""

    @property
    def activity(self) -> Activity: ...


@contextlib.contextmanager
def signalled() -> Generator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of ending the program at once."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_alone(
    terminal: Terminal,
    system: System,
    address: KafkaAddress,
    worker: ActiveWorker,
    *,
    once: bool,
    metrics: str | None,
) -> None:
    """Run one worker until it is told to stop, observed; once: let it catch up and return."""
    if once:
        worker.catch_up()
        return
    with signalled() as stop:
        terminal.say("Running; Ctrl-C stops.")
        with observed(terminal, system, address, (worker.activity,), metrics):
            worker.run(stop)
