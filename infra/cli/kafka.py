"""`casetrail kafka`: the embedded broker, and the topics wherever they are."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict
from types import FrameType
from typing import Annotated

import typer
from rich.table import Table

from infra.cli.app import Json, app
from infra.cli.terminal import Terminal, terminal_of
from infra.kafka import (
    Cluster,
    KafkaError,
    embedded_kafka,
    init_topics,
    open_admin,
)
from infra.settings import BROKERS
from infra.wiring import open_kafka

LOOK_EVERY = 1.0  # seconds

kafka = typer.Typer(
    help="Look after Kafka: the embedded broker and the topics.", no_args_is_help=True
)
app.add_typer(kafka, name="kafka")


@kafka.command(help="Run the embedded Kafka in the foreground until Ctrl-C.")
def up(
    context: typer.Context,
    brokers: Annotated[
        int | None,
        typer.Option(metavar="1|3", help="How many brokers (CASETRAIL_KAFKA_BROKERS, else 1)."),
    ] = None,
) -> None:
    terminal = terminal_of(context)
    settings = terminal.settings
    if settings.kafka is not None:
        raise KafkaError("CASETRAIL_KAFKA_BOOTSTRAP names another Kafka; unset it first.")
    size = settings.brokers if brokers is None else BROKERS.get(str(brokers))
    if size is None:
        raise typer.BadParameter("1 | 3", param_hint="--brokers")
    with embedded_kafka(settings.home, size, cache=settings.cache, say=terminal.say) as cluster:
        # For a shell to take over: eval "$(…)" or a line of an env file.
        terminal.write(f"CASETRAIL_KAFKA_BOOTSTRAP={','.join(cluster.address.bootstrap)}")
        _watch(terminal, cluster)
        terminal.say("Stopping")
    terminal.say("Stopped.")


def _watch(terminal: Terminal, cluster: Cluster) -> None:
    """Until a signal; tells of brokers that end and come back. KafkaError when none is left."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        terminal.say("Running; Ctrl-C stops.")
        down: set[int] = set()
        while not stop.wait(LOOK_EVERY):
            now = {number for number in cluster.brokers if cluster.pid(number) is None}
            for number in sorted(now - down):
                reason = cluster.brokers[number].last_words()
                if len(now) == len(cluster.brokers):
                    raise KafkaError(
                        "Broker {number} ended: {reason}", number=number, reason=reason
                    )
                terminal.say("Broker {number} ended: {reason}", number=number, reason=reason)
            for number in sorted(down - now):
                terminal.say("Broker {number} runs again.", number=number)
            down = now
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@kafka.command(help="Create the topics that are missing and say what differs in the others.")
def init(context: typer.Context, as_json: Json = False) -> None:
    terminal = terminal_of(context)
    with (
        open_kafka(terminal.settings, terminal.say) as address,
        open_admin(address) as admin,
    ):
        outcomes = init_topics(admin, terminal.settings.topic_prefix)
    differing = [outcome.name for outcome in outcomes if outcome.differences]
    if as_json:
        terminal.write_json([asdict(outcome) for outcome in outcomes])
    else:
        table = Table(title=terminal.t("Topics"), title_justify="left")
        table.add_column(terminal.t("topic"), no_wrap=True)
        table.add_column(terminal.t("state"))
        for outcome in outcomes:
            said = [
                terminal.t(
                    "{setting} is {found}, should be {wanted}",
                    setting=terminal.t(difference.setting),
                    found=difference.found or "–",
                    wanted=difference.wanted,
                )
                for difference in outcome.differences
            ]
            state = terminal.t("created" if outcome.created else "as it should be")
            table.add_row(outcome.name, "\n".join(said) or state)
        terminal.out.print(table)
    if differing:
        raise KafkaError(
            "Topics that are not as they should be: {names}. They were left as they are.",
            names=", ".join(differing),
        )
