"""`casetrail publisher`: what is told to Kafka, how far it is, and telling it again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.app import Json, app
from infra.cli.listing import Column, Listing
from infra.cli.observing import Metrics
from infra.cli.running import run_alone
from infra.cli.terminal import Terminal, terminal_of
from infra.postgres import connect
from infra.wiring import open_kafka, open_system

if TYPE_CHECKING:
    from infra.kafka.publisher import PublisherStatus

publisher = typer.Typer(
    help="Look after what is published: case events, results of commands, dead letters, the queue.",
    no_args_is_help=True,
)
app.add_typer(publisher, name="publisher")


@publisher.command(help="Publish until Ctrl-C; of several that run, one publishes.")
def run(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Publish what is there now and end.")
    ] = False,
    metrics: Metrics = None,
) -> None:
    from infra.kafka.publisher.wiring import build_publisher  # late: the domain comes with it

    terminal = terminal_of(context)
    with (
        open_system(terminal.settings, terminal.say) as system,
        open_kafka(terminal.settings, terminal.say) as address,
    ):
        worker = build_publisher(system, address, terminal.say)
        run_alone(terminal, system, address, worker, once=once, metrics=metrics)
        terminal.write(terminal.t("{records} records published.", records=worker.sent))


@publisher.command(help="Show how far it is, what waits and since when, and who publishes.")
def status(context: typer.Context, as_json: Json = False) -> None:
    from infra.kafka.publisher import publisher_status

    terminal = terminal_of(context)
    with (
        open_system(terminal.settings, terminal.say) as system,
        closing(connect(system.database_url, autocommit=True)) as conn,
    ):
        found = publisher_status(conn)
    if as_json:
        terminal.write_json(asdict(found))
    else:
        show_publisher(terminal, found)


def show_publisher(terminal: Terminal, found: PublisherStatus) -> None:
    """Who publishes, and how far each kind is."""
    leader = found.leader
    if leader is None:
        terminal.write(terminal.t("Nobody publishes."))
    else:
        terminal.write(
            terminal.t(
                "{process} publishes, since {since}.",
                process=leader.process,
                since=f"{leader.since.astimezone(UTC):%m-%d %H:%M:%S}Z",
            )
        )
    columns = (
        Column(terminal.t("publication")),
        *(Column(terminal.t(heading), right=True) for heading in ("position", "waiting", "for")),
        Column(terminal.t("last moved"), rank=1),
        Column(terminal.t("error"), rank=2),
    )
    table = Listing("", columns)
    for one in found.publications:
        table.add(
            terminal.t(one.name),
            str(one.position),
            str(one.waiting),
            "–" if one.oldest_seconds is None else f"{one.oldest_seconds:.1f} s",
            f"{one.moved_at.astimezone(UTC):%m-%d %H:%M:%S}Z",
            one.error or "–",
        )
    terminal.out.print(table)


@publisher.command(help="Publish again from a position on; readers know the records by their ids.")
def republish(
    context: typer.Context,
    start: Annotated[
        int,
        typer.Option(
            "--from",
            metavar="POSITION",
            min=1,
            help="The first to be published again: a position of the log, or a number.",
        ),
    ],
    of: Annotated[
        str,
        typer.Option(
            "--of",
            metavar="case-events|answers|repeats|dead-letters|queue",
            help="What is published again.",
        ),
    ] = "case-events",
) -> None:
    from infra.kafka.publisher import KINDS
    from infra.kafka.publisher import republish as set_back

    terminal = terminal_of(context)
    if of not in KINDS:
        raise typer.BadParameter(" | ".join(KINDS), param_hint="--of")
    with (
        open_system(terminal.settings, terminal.say) as system,
        closing(connect(system.database_url, autocommit=True)) as conn,
    ):
        set_back(conn, of, start)
    terminal.write(
        terminal.t("{name} will be published again from {start} on.", name=of, start=start)
    )
