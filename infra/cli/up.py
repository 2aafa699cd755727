"""`casetrail up`: everything in one foreground process."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from types import FrameType
from typing import Annotated

import typer

from infra.cli.app import app
from infra.cli.db import SQL
from infra.cli.terminal import Terminal, terminal_of
from infra.failure import Failure
from infra.postgres import connect
from infra.wiring import Worker, build_workers, open_system

LOOK_EVERY = 1.0  # seconds


@app.command(help="Run everything in the foreground until Ctrl-C.")
def up(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Do what there is to do, show the result and end.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Submit the project's own sample first.")
    ] = False,
) -> None:
    terminal = terminal_of(context)
    with open_system(terminal.settings, terminal.say) as system:
        workers = build_workers(system)
        if once:
            for worker in workers:
                worker.catch_up()
            with closing(connect(system.database_url)) as conn:
                row = conn.execute(SQL["count_events"]).fetchone()
            terminal.write(terminal.t("{count} events in the log", count=row[0] if row else 0))
        else:
            _run_until_stopped(terminal, workers)
    terminal.say("Stopped.")


def _run_until_stopped(terminal: Terminal, workers: tuple[Worker, ...]) -> None:
    """Run each worker in a thread until a signal, or until one of them fails."""
    stop = threading.Event()
    failures: list[Failure] = []

    def work(worker: Worker) -> None:
        try:
            worker.run(stop)
        except Exception as e:
            failures.append(Failure("{worker} stopped: {reason}", worker=worker.name, reason=e))
            stop.set()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    threads = [
        threading.Thread(target=work, args=(worker,), name=worker.name) for worker in workers
    ]
    try:
        for thread in threads:
            thread.start()
        terminal.say("Running; Ctrl-C stops.")
        while not stop.wait(LOOK_EVERY):
            pass
    finally:
        stop.set()
        terminal.say("Stopping")
        for thread in threads:
            thread.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    if failures:
        raise failures[0]
