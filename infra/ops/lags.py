"""How far each worker is behind, as the database and Kafka say; the worker need not be alive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from infra.claims.sweeper import SQL
from infra.engine.books import base_of
from infra.engine.status import read_status
from infra.kafka import Admin, cluster_status
from infra.kafka.lag import READ, Group, intake_lags, with_ages
from infra.kafka.publisher.status import publisher_status
from infra.postgres import Rows
from infra.settings import KafkaAddress
from projections import PROJECTIONS


@dataclass(frozen=True)
class Lag:
    """One part of a worker's work. part: a partition, a read model, a kind of what is published;
    whole: what metrics show it under, for partitions the topic. waiting: records or events;
    seconds: the age of the first of them, None if not known. parked: streams that it doesn't
    follow; stopped: why it stands still, "" if it doesn't."""

    part: str
    whole: str
    position: int
    waiting: int
    seconds: float | None
    parked: int = 0
    stopped: str = ""


def projection_lags(conn: Rows) -> list[Lag]:
    """Of this version's read models, whatever table of it readers see; older versions' tables are
    nobody's work any more."""
    ours = {projection.table for projection in PROJECTIONS}
    return [
        Lag(
            one.name,
            base_of(one.name),
            one.position,
            one.behind,
            one.seconds,
            one.parked,
            one.error or "",
        )
        for one in read_status(conn)
        if one.standing == "live" and base_of(one.name) in ours
    ]


def publisher_lags(conn: Rows) -> list[Lag]:
    return [
        Lag(one.name, one.name, one.position, one.waiting, one.oldest_seconds or 0.0)
        for one in publisher_status(conn).publications
    ]


def claim_lags(conn: Rows) -> list[Lag]:
    """Claims that have lapsed and that nobody has ended."""
    count, seconds = conn.execute(SQL["select_overdue"]).fetchone() or (0, None)
    return [Lag("lapsed", "lapsed", 0, int(count), float(seconds or 0.0))]


def kafka_lags(conn: Rows, admin: Admin, address: KafkaAddress, prefix: str) -> list[Lag]:
    """Of all who read our topics together. Raises KafkaError."""
    lags = with_ages(address, intake_lags(conn, cluster_status(admin, prefix, READ).topics))
    return [
        Lag(
            f"{one.topic}/{one.partition}",
            one.topic.removeprefix(f"{prefix}."),
            one.position or 0,
            one.waiting,
            one.oldest_seconds if one.waiting else 0.0,
        )
        for one in lags
    ]


def parts_of(members: Collection[str | None], group: Group, lags: Sequence[Lag]) -> set[str]:
    """The partitions that the group gave to these members, or to nobody: then all who can look
    after them do. None is no member's name."""
    places = {lag.part: lag.part.rpartition("/") for lag in lags}
    owners = {part: group.owner(topic, int(n)) for part, (topic, _, n) in places.items()}
    return {part for part, owner in owners.items() if owner is None or owner in members}


@dataclass(frozen=True)
class _Seen:
    position: int
    waiting: int
    since: float


@dataclass(frozen=True)
class Standing:
    """A part that has not moved although more and more waits."""

    part: str
    position: int
    waiting: int


class Watchdog:
    """Finds what stands. after: seconds without a move, while more came."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._seen: dict[str, _Seen] = {}

    def look(self, lags: Sequence[Lag], now: float) -> list[Standing]:
        """now: on a clock of seconds that never goes back."""
        for lag in lags:
            seen = self._seen.get(lag.part)
            if seen is None or seen.position != lag.position or lag.waiting < seen.waiting:
                self._seen[lag.part] = _Seen(lag.position, lag.waiting, now)
        return [
            Standing(lag.part, lag.position, lag.waiting)
            for lag in lags
            if now - self._seen[lag.part].since >= self._after
            and lag.waiting > self._seen[lag.part].waiting
        ]
