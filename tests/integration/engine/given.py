"""Given / when / then for read models: recorded events, projected by the engine, read by SQL."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from domain.case import events as ev
from domain.case.values import Channel, ItemClaim, Level, Party, ProblemType, Stage
from domain.kernel import Actor, ActorKind, Event, Role
from domain.order import Line, OrderRecorded, ShipmentOutcome
from domain.order.events import ShipmentOutcomeRecorded, ShipmentRecorded
from domain.sla.events import ClockName, ClockStarted
from infra.engine import Engine
from infra.engine.fold import SQL
from infra.event_store import Envelope, EventLog, LogDatastore, Pending, event_id
from infra.postgres import connect
from projections import PROJECTIONS, Projection

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday morning in Shanghai, 09:00."""

TEN_DAYS_AGO, EIGHT_DAYS_AGO, A_WEEK_AGO = (T0 - timedelta(days=count) for count in (10, 8, 7))

SYSTEM = Actor(kind=ActorKind.SYSTEM, id="test", role=Role.SERVICE)
Told = tuple[str, Event, datetime]
"""Stream, event, when it occurred."""


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    return timedelta(days=count)


@dataclass
class World:
    """A database with a log, to which events are appended without asking any rule."""

    url: str
    log: EventLog
    versions: dict[str, int] = field(default_factory=dict[str, int])
    told: int = 0

    def given(self, *told: Told) -> World:
        """Record these events, all in one commit."""
        stored = [self.log.mapper.to_stored_event(self.pending(*one)) for one in told]
        self.log.recorder.insert_events(stored)
        return self

    def spoil(self, stream: str) -> int:
        """Record an event that nobody can read; its position."""
        stored = self.log.mapper.to_stored_event(self.pending(stream, ev.NoteAdded(), T0))
        self.log.recorder.insert_events([replace(stored, state=b'{"e":{"no":1},"s":{}}')])
        return self.log.head()

    def project(self, projections: Sequence[Projection] = PROJECTIONS, **options: Any) -> World:
        """Bring the read models up to the log's head."""
        Engine(self.url, projections, **options).catch_up()
        return self

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        with (
            closing(connect(self.url, autocommit=True)) as conn,
            conn.cursor(row_factory=dict_row) as cursor,
        ):
            cursor.execute(query.encode(), params)
            return cursor.fetchall() if cursor.description else []

    def table(self, name: str) -> list[str]:
        """Of a read model's table what a rebuild has to give again."""
        places = [place for projection in PROJECTIONS for place in projection.places]
        made = self.rows(SQL["select_columns"], table=name, without=places)
        columns = ", ".join(row["attname"] for row in made)
        return sorted(map(str, self.rows(f"select {columns} from {name}")))

    def queue(self, at: datetime) -> list[dict[str, Any]]:
        return self.rows("select * from live_queue_at(%(at)s) order by place", at=at)

    def order_of_queue(self, at: datetime) -> list[str]:
        return [row["case_id"] for row in self.queue(at)]

    def pending(self, stream: str, event: Event, at: datetime) -> Pending:
        self.told += 1
        self.versions[stream] = version = self.versions.get(stream, 0) + 1
        envelope = Envelope(
            event_id=event_id("test", str(self.told), 0),
            occurred_at=at,
            decided_at=at,
            actor=SYSTEM,
            causation_id=None,
            correlation_id=None,
            source="test",
            message_id=str(self.told),
            origin="test",
        )
        return Pending(stream, version, event, envelope)


@contextlib.contextmanager
def open_world(url: str) -> Generator[World]:
    log = EventLog(LogDatastore(url))
    try:
        yield World(url, log)
    finally:
        log.close()


# ------------------------------------------------------------------ events


def case_id(name: str, shop: str = "s1") -> str:
    return f"douyin:{shop}:{name}"


def filed(
    name: str,
    at: datetime = T0,
    *,
    shop: str = "s1",
    problems: Iterable[ProblemType] = (ProblemType.OTHER,),
    order: str | None = None,
    units: int = 1,
    severity: Level = Level.LOW,
    safety: bool = False,
    buyer: str | None = None,
    category: str | None = None,
) -> Told:
    """A complaint about one line an item, L1, L2, …"""
    items = tuple(
        ItemClaim(line=f"L{number}", quantity=units, problem=problem)
        for number, problem in enumerate(problems, 1)
    )
    event = ev.ComplaintFiled(
        platform="douyin",
        shop=shop,
        order_id=order and f"douyin:{shop}:{order}",
        channel=Channel.PLATFORM,
        stage=Stage.DELIVERED,
        items=items,
        category=category,
        currency="CNY",
        buyer=buyer,
        follows=None,
        in_window=True,
        in_warranty=None,
        severity=severity,
        safety=safety,
        evidence=(),
        terms=(),
    )
    return f"case:{case_id(name, shop)}", event, at


def on_case(name: str, event: Event, at: datetime = T0, *, shop: str = "s1") -> Told:
    return f"case:{case_id(name, shop)}", event, at


def clock(
    name: str,
    clock_name: ClockName,
    due_at: datetime,
    at: datetime = T0,
    *,
    shop: str = "s1",
    party: Party = Party.SHOP,
    about: str | None = None,
    minutes: int = 24 * 60,
) -> Told:
    """A clock that started at `at`."""
    key = clock_name.value + (f":{about}" if about else "") + "#1"
    event = ClockStarted(
        key=key,
        clock=clock_name,
        party=party,
        about=about,
        round=1,
        due_at=due_at,
        target_minutes=minutes,
        paused=False,
        policy=(),
    )
    return on_case(name, event, at, shop=shop)


def ordered(
    name: str,
    *,
    supplier: str | None = "good",
    product: str = "P1",
    quantity: int = 1,
    lines: int = 1,
    at: datetime = TEN_DAYS_AGO,
) -> Told:
    parts = tuple(
        Line(
            line=f"L{number}",
            product=product,
            category="shoes",
            supplier=supplier,
            batch=None,
            quantity=quantity,
            gross=10_00,
            discount=0,
            coupon=0,
        )
        for number in range(1, lines + 1)
    )
    event = OrderRecorded(
        currency="CNY", lines=parts, freight=0, revision=0, content=_content(name)
    )
    return f"order:douyin:s1:{name}", event, at


def shipped(
    name: str,
    *,
    parcel: str = "p1",
    units: int = 1,
    line: str = "L1",
    at: datetime = EIGHT_DAYS_AGO,
    replacement_for: str | None = None,
    supplier_ships: bool = False,
) -> Told:
    event = ShipmentRecorded(
        shipment_id=parcel,
        units={line: units},
        supplier_ships=supplier_ships,
        replacement_for=replacement_for and case_id(replacement_for),
        revision=0,
        content=_content(name + parcel),
    )
    return f"order:douyin:s1:{name}", event, at


def ended(
    name: str, outcome: ShipmentOutcome, *, parcel: str = "p1", at: datetime = A_WEEK_AGO
) -> Told:
    event = ShipmentOutcomeRecorded(
        shipment_id=parcel, outcome=outcome, revision=0, content=_content(f"{name}{parcel}{at}")
    )
    return f"order:douyin:s1:{name}", event, at


def _content(of: str) -> str:
    return f"{abs(hash(of)):016x}"[:16]
