"""From a record sent to its event published, at a tenth of what one worker takes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from infra.kafka import (
    consumer_config,
    embedded_kafka,
    init_topics,
    open_admin,
    producer_config,
)
from infra.kafka.publisher import Publisher
from infra.postgres import Server
from infra.settings import KafkaAddress, read_settings
from tests.bench.bench_intake import send_all, take
from tests.bench.bench_pipeline import print_percentiles
from tests.databases import fresh_database
from tests.support.cases import complain, contact
from tests.support.kafka import Sent, as_record, open_intake
from tests.support.processes import short_folder

PREFIX = "latency"
SHARE = 0.1
"""Of the rate at which a backlog is taken."""


def run(server: Server, smoke: bool) -> None:
    cases, seconds = (100, 3.0) if smoke else (2_000, 30.0)
    with (
        short_folder() as home,
        embedded_kafka(home, cache=read_settings().cache) as cluster,
        fresh_database(server) as database,
    ):
        address = cluster.address
        with open_admin(address) as admin:
            init_topics(admin, PREFIX)
        now = datetime.now(UTC)
        send_all(
            address,
            PREFIX,
            [as_record(complain(n, f"c{n}", order=n, at=now)) for n in range(cases)],
        )
        take(database.url, address, PREFIX, cases)
        send_all(address, PREFIX, [as_record(contact(n, f"w{n}")) for n in range(cases)])
        rate = SHARE * take(database.url, address, PREFIX, cases)
        with _served(database.url, address):
            some = _asked(cases, int(seconds * rate))
            _measure(address, some[: len(some) // 5], rate)  # until all of it is warm
            times = _measure(address, some[len(some) // 5 :], rate)
    print(f"  at {rate:,.0f} commands/s, {len(times):,} in all:")
    print_percentiles("record sent until its event is read back", times)


def _asked(cases: int, count: int) -> list[Sent]:
    return [as_record(contact(n % cases, f"a{n}", correlation_id=f"a{n}")) for n in range(count)]


def _measure(address: KafkaAddress, records: list[Sent], rate: float) -> list[float]:
    """Milliseconds from each record's sending to the first of its events."""
    sent: dict[str, float] = {}
    came: dict[str, float] = {}
    with closing(KafkaConsumer(**consumer_config(address))) as consumer:
        topic = f"{PREFIX}.case-events"
        places = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        for place, end in consumer.end_offsets(places).items():
            consumer.seek(place, end)
        sender = threading.Thread(target=_send, args=(address, records, rate, sent))
        sender.start()
        until = time.monotonic() + 60 + len(records) / rate
        while len(came) < len(records) and time.monotonic() < until:
            for found in consumer.poll(100).values():
                at = time.perf_counter()
                for record in found:
                    headers: dict[str, bytes] = dict(record.headers)
                    came.setdefault(headers.get("ce_correlationid", b"").decode(), at)
        sender.join()
    assert sent.keys() == came.keys() - {""}
    return [1000 * (came[key] - sent[key]) for key in sent]


def _send(address: KafkaAddress, records: list[Sent], rate: float, sent: dict[str, float]) -> None:
    config: dict[str, Any] = producer_config(address)
    with closing(KafkaProducer(**config)) as producer:
        started = time.perf_counter()
        for nth, record in enumerate(records):
            time.sleep(max(0.0, started + nth / rate - time.perf_counter()))
            sent[dict(record.headers)["ce_correlationid"].decode()] = time.perf_counter()
            topic = f"{PREFIX}.{record.topic}"
            headers = list(record.headers)
            producer.send(topic, key=record.key, value=record.value, headers=headers)
        producer.flush()


@contextmanager
def _served(url: str, address: KafkaAddress) -> Generator[None]:
    """Intake and publisher in a process of their own, as `casetrail up` has them."""
    arguments = ["-m", "tests.bench.bench_latency", url, ",".join(address.bootstrap)]
    process = subprocess.Popen([sys.executable, *arguments], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.communicate(timeout=30)  # closes its input, which ends it
    assert process.returncode == 0


def _serve(url: str, bootstrap: str) -> None:
    address, stop = KafkaAddress(tuple(bootstrap.split(","))), threading.Event()
    with open_intake(url, address, PREFIX, member="latency") as (intake, _):
        workers = (intake, Publisher(url, address, PREFIX))
        threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        stop.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
