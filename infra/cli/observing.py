"""Metrics and health of what a command runs, and the rows that say so to other commands."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Annotated

import typer

from infra.activity import Activity
from infra.cli.terminal import Terminal
from infra.settings import KafkaAddress, read_listen
from infra.wiring import System

Metrics = Annotated[
    str | None,
    typer.Option(
        "--metrics",
        metavar="[HOST:]PORT",
        help="Serve metrics and health there (CASETRAIL_METRICS); 0: any free port.",
    ),
]


@contextlib.contextmanager
def observed(
    terminal: Terminal,
    system: System,
    address: KafkaAddress | None,
    activities: Sequence[Activity],
    metrics: str | None,
) -> Generator[None]:
    """Observe these workers until the end of the block. address: None where they have nothing to
    do with Kafka. metrics: what the option says."""
    from infra.ops import open_ops  # late: the domain comes with it

    listen = terminal.settings.metrics if metrics is None else read_listen(metrics)
    prefix = terminal.settings.topic_prefix
    with open_ops(
        system.database_url, address, prefix, activities, listen=listen, say=terminal.say
    ):
        yield
