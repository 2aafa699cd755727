"""Kafka to stored events for one worker, beside reading alone with kafka-python."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from infra.kafka import consumer_config, embedded_kafka, open_admin, producer_config
from infra.postgres import Server
from infra.settings import KafkaAddress, read_settings
from tests.databases import fresh_database
from tests.support.cases import complain, contact
from tests.support.kafka import Sent, as_record, create_topics, open_intake
from tests.support.store import place_order, ship_order

AT_ONCE = 5_000


def run(server: Server, smoke: bool) -> None:
    orders = 500 if smoke else 20_000
    cases = 100 if smoke else 2_000
    turns = 2 if smoke else 10
    with (
        tempfile.TemporaryDirectory(prefix="ct-bench-") as home,
        embedded_kafka(Path(home), cache=read_settings().cache) as cluster,
    ):
        address = cluster.address
        with open_admin(address) as admin:
            create_topics(admin, "facts")
            create_topics(admin, "asked")
        facts = [as_record(place_order(n)) for n in range(orders)]
        facts += [as_record(ship_order(n)) for n in range(orders)]
        _send(address, "facts", facts)
        # Of today: a case that lay for months would hold hundreds of breached days.
        now = datetime.now(UTC)
        first = [as_record(complain(n, f"c{n}", order=n, at=now)) for n in range(cases)]
        asked = [
            as_record(contact(n, f"m{turn}-{n}")) for turn in range(turns) for n in range(cases)
        ]
        raw = _read_alone(address, "facts.shipments", len(facts))
        print(f"  read alone: {raw:,.0f} records/s")
        with fresh_database(server) as database:
            rate = _take(database.url, address, "facts", len(facts))
        print(f"  order and shipment facts, stored: {rate:,.0f}/s = {rate / raw:.2f} × read alone")
        with fresh_database(server) as database:
            _send(address, "asked", first)
            _take(database.url, address, "asked", len(first))
            _send(address, "asked", asked)
            rate = _take(database.url, address, "asked", len(asked))
        print(f"  commands, decided and stored: {rate:,.0f}/s = {rate / raw:.2f} × read alone")


def _send(address: KafkaAddress, prefix: str, records: Sequence[Sent]) -> None:
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


def _read_alone(address: KafkaAddress, topic: str, count: int) -> float:
    with closing(KafkaConsumer(**consumer_config(address))) as consumer:
        places = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        started = time.perf_counter()
        left = count
        while left > 0:
            left -= sum(len(found) for found in consumer.poll(1000, max_records=500).values())
        return count / (time.perf_counter() - started)


def _take(url: str, address: KafkaAddress, prefix: str, count: int) -> float:
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
