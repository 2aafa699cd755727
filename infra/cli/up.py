"""`casetrail up`: everything in one foreground process."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from infra.cli.app import app
from infra.cli.live import show_once, watch_views
from infra.cli.sample import submit_sample
from infra.cli.terminal import Terminal, terminal_of
from infra.failure import Failure
from infra.wiring import System, Worker, build_workers, open_system


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
    refused = 0
    with open_system(terminal.settings, terminal.say) as system:
        if sample:
            refused = submit_sample(terminal, system).refused
        workers = build_workers(system)
        if once:
            for worker in workers:
                worker.catch_up()
            show_once(terminal, system)
        else:
            _run_until_stopped(terminal, system, workers)
    terminal.say("Stopped.")
    if refused:
        raise typer.Exit(1)


def _run_until_stopped(terminal: Terminal, system: System, workers: tuple[Worker, ...]) -> None:
    """Run each worker in a thread, and show the views, until a signal or until one of them
    fails."""
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
        watch_views(terminal, system, stop)
    finally:
        stop.set()
        terminal.say("Stopping")
        for thread in threads:
            thread.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    if failures:
        raise failures[0]
