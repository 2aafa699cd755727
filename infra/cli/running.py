"""Running workers in the foreground until Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Sequence
from multiprocessing import connection
from types import FrameType
from typing import Protocol

from infra.activity import Activity
from infra.cli.observing import observed
from infra.cli.terminal import Terminal
from infra.failure import Failure
from infra.settings import KafkaAddress
from infra.wiring import System, Worker

STOP_WITHIN = 30.0
"""Seconds that a process has to end by itself; then it is killed."""


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
    address: KafkaAddress | None,
    worker: ActiveWorker,
    *,
    once: bool,
    metrics: str | None,
) -> None:
    """Run one worker until it is told to stop, observed; once: let it catch up and return.
    address: None where it has nothing to do with Kafka."""
    if once:
        worker.catch_up()
        return
    with signalled() as stop:
        terminal.say("Running; Ctrl-C stops.")
        with observed(terminal, system, address, (worker.activity,), metrics):
            worker.run(stop)


def run_processes(commands: Iterable[Sequence[str]]) -> None:
    """Run these command lines of the program side by side, each in a process of its own, until all
    have ended. Ctrl-C and SIGTERM stop them; so does the end of this process, however it comes.

    Raises Failure when one failed: the others are stopped, too, so that whoever watches this
    process sees it.
    """
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_run_below, args=(tuple(words),)) for words in commands]
    with signalled() as stop:
        for process in processes:
            process.start()
        try:
            while True:
                running = [process.sentinel for process in processes if process.exitcode is None]
                failed = not stop.is_set() and any(process.exitcode for process in processes)
                if not running or failed or stop.is_set():
                    break
                connection.wait(running, timeout=0.2)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join(STOP_WITHIN)
                process.kill()
                process.join()
    if failed:
        raise Failure("One of the processes failed; the others were stopped.")


def _run_below(words: tuple[str, ...]) -> None:
    """The program with these words, for as long as the process that started it lives."""
    from infra.cli import main  # late: the program knows this module

    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.argv[1:] = words
    main()
