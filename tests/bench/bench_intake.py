"""Kafka to stored events for one worker, beside reading alone, bare inserts and the library."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import psutil
from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from consumers.kafka_commands import COMMANDS_TOPIC
from infra.kafka import consumer_config, embedded_kafka, open_admin, producer_config
from infra.postgres import Server, connect
from infra.settings import KafkaAddress, read_settings
from tests.bench.baseline import insert_bare, open_library
from tests.databases import Database, fresh_database
from tests.support.cases import complain, contact
from tests.support.intake_child import intake_process
from tests.support.kafka import Sent, as_record, create_topics, open_intake
from tests.support.processes import short_folder
from tests.support.store import place_order, ship_order

AT_ONCE = 5_000


def run(server: Server, smoke: bool) -> None:
    with (
        short_folder() as home,
        embedded_kafka(home, cache=read_settings().cache) as cluster,
    ):
        address = cluster.address
        with open_admin(address) as admin:
            for prefix in ("facts", "asked", "again", "many"):
                create_topics(admin, prefix)
        with fresh_database(server) as database, fresh_database(server) as other:
            orders = 500 if smoke else 20_000
            raw = _facts(address, database, other, orders)
            numbers = range(orders, 3 * orders)
            facts = [as_record(make(n)) for make in (place_order, ship_order) for n in numbers]
            _shared(address, database.url, "facts", facts)
        with fresh_database(server) as database, fresh_database(server) as other:
            cases, turns = (100, 2) if smoke else (2_000, 10)
            _commands(address, database, other, raw, cases, turns)
        with fresh_database(server) as database:
            _memory(address, database.url, 4_000 if smoke else 1_000_000)


def _facts(address: KafkaAddress, database: Database, other: Database, orders: int) -> float:
    """Order and shipment facts; records a second of reading alone."""
    facts = [as_record(make(n)) for make in (place_order, ship_order) for n in range(orders)]
    send_all(address, "facts", facts)
    raw = _read(address, "facts.shipments", len(facts), lambda record: None)
    print(f"  reading alone: {raw:,.0f} records/s")
    rate = take(database.url, address, "facts", len(facts))
    _tell("order and shipment facts, decided and stored", rate, raw, _bare(database, other, 0))
    return raw


def _commands(
    address: KafkaAddress, database: Database, other: Database, raw: float, cases: int, turns: int
) -> None:
    # Of today: a case that lay for months would hold hundreds of breached days.
    now = datetime.now(UTC)
    first = [as_record(complain(n, f"c{n}", order=n, at=now)) for n in range(cases)]
    send_all(address, "asked", first)
    take(database.url, address, "asked", len(first))
    with open_library(database) as library:
        some = [as_record(contact(n, f"l{n}")) for n in range(cases // 2)]
        send_all(address, "again", some)

        def submit(record: Any) -> None:
            for request in COMMANDS_TOPIC.translate(record):
                library.submit(request)

        theirs = _read(address, "again.commands", len(some), submit)
    print(f"  `eventsourcing`: read, load, decide, save, one at a time: {theirs:,.0f} commands/s")
    with closing(connect(database.url)) as conn:
        head = conn.execute("SELECT max(notification_id) FROM stored_events").fetchone()
        before = head[0] if head else 0
    asked = [as_record(contact(n, f"m{turn}-{n}")) for turn in range(turns) for n in range(cases)]
    send_all(address, "asked", asked)
    rate = take(database.url, address, "asked", len(asked))
    _tell("commands, decided and stored", rate, raw, _bare(database, other, before))
    print(f"    = {rate / theirs:.1f} × `eventsourcing` in the same loop")
    more = [as_record(contact(n, f"s{turn}-{n}")) for turn in range(turns) for n in range(cases)]
    _shared(address, database.url, "asked", more)


def _shared(address: KafkaAddress, url: str, prefix: str, records: Sequence[Sent]) -> None:
    """Records a second of one worker with two processes, once both of them read: a group takes
    seconds to share its partitions, and one process that has nothing left does not count."""
    counted = (
        "SELECT coalesce(sum(position), 0)::int FROM kafka_offsets WHERE starts_with(topic, %s)"
    )
    seen: list[tuple[float, int]] = []
    with closing(connect(url, autocommit=True)) as conn:

        def taken() -> int:
            row = conn.execute(counted, (f"{prefix}.",)).fetchone()
            assert row is not None
            seen.append((time.perf_counter(), int(row[0])))
            return seen[-1][1]

        start = taken()
        send_all(address, prefix, records)
        with (
            intake_process(url, address, prefix, member="first"),
            intake_process(url, address, prefix, member="second"),
        ):
            while taken() < start + len(records):
                time.sleep(0.05)
    began, first = [one for one in seen if one[1] <= start + 0.4 * len(records)][-1]
    ended, last = next(one for one in seen if one[1] >= start + 0.9 * len(records))
    print(f"    the same with two processes: {(last - first) / (ended - began):,.0f}/s")


def _bare(database: Database, other: Database, after: int) -> tuple[int, float]:
    with closing(connect(other.url)) as conn:
        return insert_bare(database.url, conn, after)


def _tell(what: str, rate: float, raw: float, bare: tuple[int, float]) -> None:
    events, seconds = bare
    print(f"  {what}: {rate:,.0f}/s = {rate / raw:.2f} × reading alone")
    print(f"    the bare insert of their {events:,} events alone: {events / seconds:,.0f} events/s")


def _memory(address: KafkaAddress, url: str, count: int) -> None:
    """Resident memory along the way of many records."""
    process = psutil.Process()
    sizes: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            sizes.append(process.memory_info().rss / 1e6)

    def facts() -> Iterator[Sent]:
        for n in range(count // 2):
            yield as_record(place_order(n))
            yield as_record(ship_order(n))

    made = facts()
    while batch := list(islice(made, 50_000)):
        send_all(address, "many", batch)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        rate = take(url, address, "many", count)
    finally:
        done.set()
        watcher.join()
    marks = [sizes[int(part * (len(sizes) - 1))] for part in (0.1, 0.25, 0.5, 0.75, 1)]
    print(
        f"  {count:,} records in a row: {rate:,.0f}/s; resident after a tenth and at each quarter:"
    )
    print("    " + ", ".join(f"{mark:.0f} MB" for mark in marks), flush=True)


def send_all(address: KafkaAddress, prefix: str, records: Sequence[Sent]) -> None:
    config: dict[str, Any] = producer_config(address)
    with closing(KafkaProducer(**config)) as producer:
        for start in range(0, len(records), AT_ONCE):
            for record in records[start : start + AT_ONCE]:
                producer.send(
                    f"{prefix}.{record.topic}",
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                )
            producer.flush()


def _read(address: KafkaAddress, topic: str, count: int, submit: Callable[[Any], None]) -> float:
    """Records a second that kafka-python reads and `submit` takes."""
    with closing(KafkaConsumer(**consumer_config(address))) as consumer:
        places = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        started = time.perf_counter()
        left = count
        while left > 0:
            for records in consumer.poll(1000, max_records=500).values():
                for record in records:
                    submit(record)
                left -= len(records)
        return count / (time.perf_counter() - started)


def take(url: str, address: KafkaAddress, prefix: str, count: int) -> float:
    """Records a second from the first slice to the last."""
    begun: list[float] = []

    def step(name: str) -> None:
        if name == "read" and not begun:
            begun.append(time.perf_counter())

    with open_intake(url, address, prefix, member=f"bench-{prefix}", step=step) as (intake, _):
        intake.catch_up()
        took = time.perf_counter() - begun[0]
        assert intake.records == count
        assert intake.letters == 0
    return count / took
