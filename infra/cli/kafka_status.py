"""`casetrail kafka status`: brokers, topics, what waits, who reads and publishes, what failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import psycopg
import typer

from infra.cli.app import Json
from infra.cli.kafka import kafka
from infra.cli.listing import Column, Listing
from infra.cli.publisher import show_publisher
from infra.cli.terminal import Terminal, terminal_of
from infra.kafka import ClusterStatus, cluster_status, open_admin
from infra.kafka.lag import READ, Group, PartitionLag, intake_group, intake_lags, with_ages
from infra.postgres import PostgresError, connect
from infra.postgres.connect import one_line
from infra.settings import KafkaAddress
from infra.wiring import open_kafka, open_system

if TYPE_CHECKING:
    from infra.kafka.publisher import PublisherStatus
    from infra.ops import WorkerRow


@dataclass(frozen=True)
class _Database:
    """What only the database knows. error: why it cannot be asked; then the rest is empty."""

    lags: Sequence[PartitionLag] = ()
    publisher: PublisherStatus | None = None
    workers: Sequence[WorkerRow] = ()
    error: str | None = None


@kafka.command(help="Show brokers, topics, what waits, who reads and publishes, and last errors.")
def status(context: typer.Context, as_json: Json = False) -> None:
    terminal = terminal_of(context)
    prefix = terminal.settings.topic_prefix
    with open_kafka(terminal.settings, terminal.say) as address:
        with open_admin(address) as admin:
            cluster = cluster_status(admin, prefix)
            group = intake_group(admin, prefix)
        database = _ask_database(terminal, address, cluster)
    if as_json:
        terminal.write_json(_as_data(address, cluster, group, database))
        return
    terminal.write(f"{terminal.t('bootstrap servers')}: {', '.join(address.bootstrap)}")
    terminal.write(f"{terminal.t('cluster')}: {cluster.cluster_id}")
    _show_brokers(terminal, cluster)
    _show_topics(terminal, cluster)
    if database.error is None:
        _show_lags(terminal, prefix, database.lags)
    _show_members(terminal, prefix, group)
    if database.publisher is not None:
        show_publisher(terminal, database.publisher)
    if database.error is None:
        _show_workers(terminal, database.workers)
    else:
        terminal.write(terminal.t("The database cannot be asked: {reason}", reason=database.error))


def _ask_database(terminal: Terminal, address: KafkaAddress, cluster: ClusterStatus) -> _Database:
    """Kafka is shown even if the database is away."""
    from infra.kafka.publisher import publisher_status  # late: the domain comes with them
    from infra.ops import read_workers

    names = {topic.full_name(terminal.settings.topic_prefix) for topic in READ}
    read = [topic for topic in cluster.topics if topic.name in names]
    try:
        with (
            open_system(terminal.settings, terminal.say) as system,
            closing(connect(system.database_url, autocommit=True)) as conn,
        ):
            lags = with_ages(address, intake_lags(conn, read))
            return _Database(lags, publisher_status(conn), read_workers(conn))
    except (PostgresError, psycopg.Error) as e:
        return _Database(error=one_line(e))


def _as_data(
    address: KafkaAddress, cluster: ClusterStatus, group: Group, database: _Database
) -> dict[str, Any]:
    return {
        "bootstrap": address.bootstrap,
        **asdict(cluster),
        "group": asdict(group),
        "lag": sum(lag.waiting for lag in database.lags) if database.error is None else None,
        "positions": [
            {**asdict(lag), "owner": group.owner(lag.topic, lag.partition)} for lag in database.lags
        ],
        "publisher": None if database.publisher is None else asdict(database.publisher),
        "workers": [{**asdict(row), "state": row.state} for row in database.workers],
        "database_error": database.error,
    }


def _show_brokers(terminal: Terminal, found: ClusterStatus) -> None:
    table = Listing(terminal.t("Brokers"), _columns(terminal, "broker", "address", "state"))
    for broker in found.brokers:
        state = terminal.t("not taking part" if broker.fenced else "running")
        if broker.id == found.controller:
            state += f", {terminal.t('controller')}"
        table.add(str(broker.id), f"{broker.host}:{broker.port}", state)
    terminal.out.print("", table, sep="\n")


def _show_topics(terminal: Terminal, found: ClusterStatus) -> None:
    columns = (
        Column(terminal.t("topic")),
        Column(terminal.t("partitions"), right=True),
        Column(terminal.t("without leader"), rank=2, right=True),
        Column(terminal.t("copies behind"), rank=3, right=True),
        Column(terminal.t("kept"), right=True),
        Column(terminal.t("end offsets"), rank=1, right=True),
    )
    table = Listing(terminal.t("Topics"), columns)
    for topic in found.topics:
        if not topic.partitions:
            table.add(topic.name, terminal.t("missing"), "", "", "", "")
            continue
        led = [part for part in topic.partitions if part.start is not None]
        ends = [part.end or 0 for part in led]
        table.add(
            topic.name,
            str(len(topic.partitions)),
            str(sum(part.leader is None for part in topic.partitions)),
            str(sum(len(part.replicas) - len(part.in_sync) for part in topic.partitions)),
            str(sum(ends) - sum(part.start or 0 for part in led)),
            str(sum(ends)),
        )
    terminal.out.print("", table, sep="\n")


def _show_lags(terminal: Terminal, prefix: str, lags: Sequence[PartitionLag]) -> None:
    """By topic; of those that wait, each partition's position."""
    columns = (
        Column(terminal.t("topic")),
        *(Column(terminal.t(heading), right=True) for heading in ("position", "waiting", "for")),
        Column(terminal.t("partition@position+waiting"), rank=1),
    )
    table = Listing(terminal.t("Taken in"), columns)
    for topic, found in groupby(lags, key=lambda lag: lag.topic):
        parts = list(found)
        ages = [part.oldest_seconds for part in parts if part.oldest_seconds is not None]
        table.add(
            topic.removeprefix(f"{prefix}."),
            str(sum(part.position or 0 for part in parts)),
            str(sum(part.waiting for part in parts)),
            f"{max(ages):.1f} s" if ages else "–",
            " ".join(
                f"{part.partition}@{part.position or 0}+{part.waiting}"
                for part in parts
                if part.waiting
            )
            or "–",
        )
    terminal.out.print("", table, sep="\n")


def _show_members(terminal: Terminal, prefix: str, group: Group) -> None:
    if group.state is None:
        terminal.write(terminal.t("Kafka cannot say who reads ({group}).", group=group.name))
        return
    if not group.members:
        terminal.write(terminal.t("Nobody reads ({group}).", group=group.name))
        return
    title = terminal.t("Who reads what ({group}: {state})", group=group.name, state=group.state)
    table = Listing(title, _columns(terminal, "member", "host", "reads"))
    for member in group.members:
        owned = "\n".join(
            f"{topic.removeprefix(f'{prefix}.')} {_ranges(numbers)}"
            for topic, numbers in sorted(member.partitions.items())
        )
        table.add(member.name, member.host, owned or "–")
    terminal.out.print("", table, sep="\n")


def _ranges(numbers: Iterable[int]) -> str:
    """1, 2, 3, 7 as 1-3, 7."""
    found: list[str] = []
    for _, group in groupby(enumerate(numbers), key=lambda one: one[1] - one[0]):
        run = [number for _, number in group]
        found.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ", ".join(found)


def _show_workers(terminal: Terminal, workers: Sequence[WorkerRow]) -> None:
    if not workers:
        terminal.write(terminal.t("No worker ever told how it goes."))
        return
    columns = (
        Column(terminal.t("worker")),
        Column(terminal.t("process"), rank=2),
        Column(terminal.t("state")),
        Column(terminal.t("heard")),
        Column(terminal.t("done"), right=True),
        Column(terminal.t("retries"), rank=1, right=True),
        Column(terminal.t("last error"), rank=3),
    )
    table = Listing(terminal.t("Workers"), columns)
    for row in workers:
        state = terminal.t(row.state)
        if row.standing:
            parts = {"count": len(row.standing), "part": row.standing[0]}
            state += f": {terminal.t('{count}, the first {part}', **parts)}"
        error = "–"
        if row.error is not None and row.failed_at is not None:
            error = f"{row.failed_at:%m-%d %H:%M:%S}Z {row.error}"
        table.add(
            terminal.t(row.worker),
            row.process if row.member is None else f"{row.process}\n{row.member}",
            state,
            terminal.t("{seconds} s ago", seconds=f"{max(0.0, row.beat_seconds):.0f}"),
            str(row.items),
            str(row.retries),
            error,
        )
    terminal.out.print("", table, sep="\n")


def _columns(terminal: Terminal, *headings: str) -> list[Column]:
    return [Column(terminal.t(heading)) for heading in headings]
