"""Topics read again, into an empty database, onto themselves, and in another order."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from psycopg.rows import dict_row
from pydantic_core import to_json

from domain import decider
from domain.case.commands import (
    RecordIntercept,
    RecordPlatformDeadline,
    RecordPlatformStatus,
    RecordReplacementDelivered,
    RecordReturnReceived,
    RecordReturnShipped,
    RecordRuling,
)
from domain.case.values import RulingFor
from domain.kernel import Command, Event, Stamp, State
from domain.order.commands import RecordDelivery
from domain.request import Request
from infra.engine import Engine
from infra.kafka import Admin, Cluster
from infra.kafka.intake import Intake
from infra.postgres import connect
from projections import PROJECTIONS
from tests.integration.kafka.test_intake import other_url, rewind, topics
from tests.support.cases import (
    accept,
    case_id,
    complain,
    contact,
    note,
    propose,
    refund_succeeded,
    request_refund,
)
from tests.support.kafka import Sent, as_record, create_topics, open_intake, send
from tests.support.platforms import LINE, SHOP, kuaishous_life, told
from tests.support.store import ERP, LONG_AGO, ask, open_store, place_order, ship_order
from tests.support.taken import answers_of, check_all_taken, eventually, letters_of, log_of
from tests.support.workers import running

__all__ = ["other_url", "topics"]

BEGUN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=60, hours=12)
"""Half a day away from when clocks that recur every day fall due, so that no run sees one more."""


def life(number: int) -> list[Request]:
    """Of one case, each at its time: what is decided later is decided of the same."""
    steps = [
        complain(number, f"c{number}", order=number, at=BEGUN),
        propose(number, "p", "5.00", f"p{number}"),
        accept(number, "p", f"a{number}"),
        # A person's contact that is told late is not believed to have been then.
        replace(contact(number, f"m{number}"), actor=ERP),
        request_refund(number, "p-1", "k", f"r{number}"),
        refund_succeeded(number, "k", "5.00", f"s{number}"),
        note(number, f"n{number}"),
    ]
    dated = [replace(one, occurred_at=BEGUN + timedelta(hours=n)) for n, one in enumerate(steps)]
    return [*dated, dated[3]]


def from_platform(number: int) -> list[Sent]:
    """One application's life, for an order of its own."""
    name = str(10**12 + number)
    lives = [told("kuaishou", name, {**one, "oid": int(name)}) for one in kuaishous_life(name)]
    return [Sent(one.topic, one.key, one.value, one.headers) for one in lives]


def everything() -> list[Sent]:
    """No command among them is about what another topic tells: it would be decided of what was
    known by then."""
    requests = [place_order(10**6 + n) for n in range(30)]
    requests += [ship_order(10**6 + n) for n in range(30)]
    requests += [one for n in range(30) for one in life(n)]
    return [*map(as_record, requests), *(one for n in range(10) for one in from_platform(n))]


def shuffled(records: Sequence[Sent], random: Random) -> list[Sent]:
    """In another order, but for those of the same key."""
    waiting: dict[tuple[str, bytes | None], deque[Sent]] = defaultdict(deque)
    for one in records:
        waiting[one.topic, one.key].append(one)
    turns = [place for place, queue in waiting.items() for _ in queue]
    random.shuffle(turns)
    return [waiting[place].popleft() for place in turns]


# --------------------------------------------------------------------- what came of it


def states_of(url: str) -> dict[str, Any]:
    """The folded state of each stream, without when things were decided or noticed, and without
    what is sealed."""
    streams: dict[str, list[tuple[Event, Stamp]]] = defaultdict(list)
    with open_store(url) as store:
        for one in store.log.tail(0, 10**6):
            streams[one.stream].append((one.event, one.stamp))
    return {stream: _canonical(decider.fold(stream, found)) for stream, found in streams.items()}


def _canonical(state: State) -> Any:
    return json.loads(to_json(state), object_hook=_without_times_of_ours)


def _without_times_of_ours(fields: dict[str, Any]) -> dict[str, Any]:
    ours = ("decided_at", "detected", "private")
    return {name: content for name, content in fields.items() if name not in ours}


WHEN_NOTICED = ("position", "detected_at", "breach_from", "breach_times")
"""Columns of the log's places and of when things were noticed: breaches are told by spans of those
that were noticed together. The states hold each of them."""


def rows_of(url: str) -> dict[str, Any]:
    """The rows of each read model, without WHEN_NOTICED."""
    Engine(url).catch_up()
    found: dict[str, Any] = {}
    with (
        closing(connect(url, autocommit=True)) as conn,
        conn.cursor(row_factory=dict_row) as cursor,
    ):
        for projection in PROJECTIONS:
            rows = cursor.execute(f"SELECT * FROM {projection.table}".encode()).fetchall()
            bare = [
                {name: row[name] for name in row if not name.endswith(WHEN_NOTICED)} for row in rows
            ]
            found[projection.name] = sorted(map(repr, bare))
    return found


def take_all(cluster: Cluster, prefix: str, url: str) -> int:
    with open_intake(url, cluster.address, prefix) as (intake, _):
        intake.catch_up()
        return intake.records


def test_read_again_onto_itself_and_into_an_empty_database_all_comes_out_the_same(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    sent = everything()
    send(kafka_cluster.address, topics, sent)
    assert take_all(kafka_cluster, topics, database_url) == len(sent)
    log, states, rows = log_of(database_url), states_of(database_url), rows_of(database_url)
    assert all(rows[name] for name in ("queue", "sla_clocks", "shipped_units"))
    rewind(database_url)
    assert take_all(kafka_cluster, topics, database_url) == len(sent)
    assert log_of(database_url) == log
    assert (states_of(database_url), rows_of(database_url)) == (states, rows)
    assert take_all(kafka_cluster, topics, other_url) == len(sent)
    assert log_of(other_url) == log
    assert states_of(other_url) == states
    assert rows_of(other_url) == rows
    assert answers_of(other_url) == answers_of(database_url)


@pytest.fixture
def again(admin: Admin, topics: str) -> str:
    """Topics of the same names, but for another prefix."""
    create_topics(admin, f"{topics}.again")
    return f"{topics}.again"


def test_shuffled_across_keys_the_same_states_and_rows_come_out(
    kafka_cluster: Cluster, topics: str, again: str, database_url: str, other_url: str
) -> None:
    sent = everything()
    send(kafka_cluster.address, topics, sent)
    send(kafka_cluster.address, again, shuffled(sent, Random(5)))
    take_all(kafka_cluster, topics, database_url)
    take_all(kafka_cluster, again, other_url)
    assert log_of(other_url) == log_of(database_url)
    assert states_of(other_url) == states_of(database_url)
    assert rows_of(other_url) == rows_of(database_url)


def about(case: str, order: str, request: Request) -> Command:
    """The same of a platform's case, order and line."""
    text = request.command.model_dump_json()
    for ours, theirs in ((case_id(0), case), ("douyin:s1:O0", order), ('"1"', f'"{LINE}"')):
        text = text.replace(ours, theirs)
    return type(request.command).model_validate_json(text)


def facts(number: int) -> list[Sent]:
    """About one case and its order, on all the topics."""
    name = 10**12 + number
    case, order = f"kuaishou:{SHOP}:{name}", f"kuaishou:{SHOP}:{name}"
    due = LONG_AGO + timedelta(days=9)
    on_logistics = [
        RecordReturnShipped(case_id=case, return_id="r1"),
        RecordReturnReceived(case_id=case, return_id="r1"),
        RecordIntercept(case_id=case, shipment_id="p1", succeeded=False),
        RecordReplacementDelivered(case_id=case, shipment_id="p2"),
        RecordDelivery(order_id=order, shipment_id="p1"),
    ]
    on_commands = [
        RecordPlatformStatus(case_id=case, status="7"),
        RecordPlatformDeadline(case_id=case, clock="execution", due_at=due),
        RecordRuling(case_id=case, ruling_id="u1", ruled_for=RulingFor.BUYER),
        about(case, order, complain(0, "", order=0)),
        about(case, order, refund_succeeded(0, "k", "5.00", "")),
    ]
    on_shipments = [about(case, order, one) for one in (place_order(0), ship_order(0))]
    topics_: dict[str, Sequence[Command]] = {
        "logistics": on_logistics,
        "commands": on_commands,
        "shipments": on_shipments,
    }
    told_ = [
        as_record(ask(one, f"{one.TYPE}-{number}", by=ERP, occurred_at=LONG_AGO), topic)
        for topic, commands in topics_.items()
        for one in commands
    ]
    return [*told_, *from_platform(number)]


def has_taken(intake: Intake, count: int) -> bool:
    return intake.records == count


def test_facts_of_one_case_on_several_topics_come_in_any_order_and_none_is_refused(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    random = Random(7)
    orders = [facts(number) for number in range(16)]
    for one in orders[1:]:
        random.shuffle(one)
    orders[-1] = list(reversed(facts(15)))
    address = kafka_cluster.address
    with open_intake(database_url, address, topics) as (intake, _), running(intake):
        for step in range(len(orders[0])):
            send(address, topics, [one[step] for one in orders])
            eventually(partial(has_taken, intake, len(orders) * (step + 1)))
    assert letters_of(database_url) == []
    assert [row for row in answers_of(database_url) if not row[2]] == []
    check_all_taken(address, topics, database_url, [])
