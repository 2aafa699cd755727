"""`casetrail up`: everything in one foreground process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Sequence
from typing import Annotated, Protocol

import typer

from infra.cli.app import app
from infra.cli.live import show_once, watch_views
from infra.cli.observing import Metrics, observed
from infra.cli.running import signalled
from infra.cli.sample import Sample, prepare_sample
from infra.cli.terminal import terminal_of
from infra.failure import Failure
from infra.wiring import Workers, open_servers, open_workers


@app.command(help="Run everything in the foreground until Ctrl-C.")
def up(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Do what there is to do, show the result and end.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Send the project's own sample through Kafka.")
    ] = False,
    metrics: Metrics = None,
) -> None:
    terminal = terminal_of(context)
    told: Sample | None = None
    with open_servers(terminal.settings, terminal.say) as (system, when_there):
        rounds = prepare_sample(terminal, system) if sample else []
        kafka = when_there()
        if sample:
            told = Sample(terminal, system, kafka.address, rounds)
        with open_workers(system, kafka, terminal.say) as workers:
            if once:
                if told is not None:
                    _send(workers, told)
                for worker in workers.all:
                    worker.catch_up()
                show_once(terminal, system)
            else:
                sending = () if told is None else (told,)
                with (
                    signalled() as stop,
                    observed(terminal, system, kafka.address, workers.activities, metrics),
                    _running((*workers.all, *sending), stop),
                ):
                    terminal.say("Running; Ctrl-C stops.")
                    watch_views(terminal, system, stop, told)
                    terminal.say("Stopping")
    terminal.say("Stopped.")
    if told is not None and told.refused:
        raise typer.Exit(1)


def _send(workers: Workers, told: Sample) -> None:
    """Until the sample is in, or what sends or takes it failed."""
    stop = threading.Event()
    with told.progress, _running((*workers.keepers, *workers.ways_in, told), stop):
        while not (told.finished.wait(0.05) or stop.is_set()):
            pass


class _Runs(Protocol):
    @property
    def name(self) -> str: ...

    def run(self, stop: threading.Event) -> None: ...


@contextlib.contextmanager
def _running(everything: Sequence[_Runs], stop: threading.Event) -> Generator[None]:
    """Run each in a thread of its own until the block is left. One that fails sets `stop`, and
    what it failed of is raised."""
    failures: list[Failure] = []

    def work(one: _Runs) -> None:
        try:
            one.run(stop)
        except Exception as e:
            failures.append(Failure("{worker} stopped: {reason}", worker=one.name, reason=e))
            stop.set()

    threads = [threading.Thread(target=work, args=(one,), name=one.name) for one in everything]
    try:
        for thread in threads:
            thread.start()
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
