"""What a publisher has published, read back and compared with what the database holds."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from jsonschema import Draft202012Validator
from kafka import KafkaConsumer  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from infra.kafka import TOPICS, Cluster, consumer_config
from infra.kafka.contracts.schemas import frozen
from infra.settings import KafkaAddress

SECONDS = 60.0
PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


@dataclass(frozen=True)
class Published:
    """A record as a service reads it. value: {} of a tombstone. raw: all its bytes."""

    partition: int
    key: str
    headers: dict[str, str]
    value: dict[str, Any]
    raw: bytes

    @property
    def id(self) -> str:
        return self.headers["ce_id"]

    @property
    def type(self) -> str:
        return self.headers["ce_type"]


def read_published(address: KafkaAddress, prefix: str, topic: str) -> list[Published]:
    """All that a topic holds now, each partition in its order."""
    places = [TopicPartition(f"{prefix}.{topic}", n) for n in range(PARTITIONS[topic])]
    with contextlib.closing(KafkaConsumer(**consumer_config(address))) as consumer:
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        ends: dict[Any, int] = consumer.end_offsets(places)
        found: list[Any] = []
        until = time.monotonic() + SECONDS
        while any(int(consumer.position(place) or 0) < end for place, end in ends.items()):
            assert time.monotonic() < until
            for records in consumer.poll(timeout_ms=500).values():
                found += records
    return [_published(record) for record in sorted(found, key=lambda r: (r.partition, r.offset))]


def _published(record: Any) -> Published:
    headers = {name: content.decode() for name, content in record.headers}
    assert len(headers) == len(record.headers), "no header twice"
    value: bytes = record.value or b""
    raw = b"\0".join((record.key, value, *(content for _, content in record.headers)))
    said: dict[str, Any] = json.loads(value or b"{}")
    return Published(record.partition, record.key.decode(), headers, said, raw)


def check_contract(record: Published) -> None:
    """CloudEvents 1.0 in binary mode, and the frozen schema that the record names."""
    assert record.headers["ce_specversion"] == "1.0"
    for name in ("ce_type", "ce_source", "ce_id", "ce_time", "ce_subject"):
        assert record.headers[name], name
    if not record.value:
        assert record.type == "casetrail.queue_left.v1"
        assert record.headers.keys().isdisjoint({"ce_dataschema", "content-type"})
        return
    assert record.headers["content-type"] == "application/json"
    validator: Any = _validator(record.headers["ce_dataschema"])
    validator.validate(record.value)


@cache
def _validator(id_: str) -> Draft202012Validator:
    return Draft202012Validator(frozen()[id_])


def events_of(url: str) -> dict[str, list[str]]:
    """The ids of each case's events, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    with psycopg.connect(url) as conn:
        for stream, id_ in conn.execute(
            "SELECT originator_id, convert_from(state, 'UTF8')::jsonb -> 's' ->> 'id'"
            " FROM stored_events WHERE kind = 1 ORDER BY originator_id, originator_version"
        ):
            found[stream.removeprefix("case:")].append(id_)
    return dict(found)


def check_complete_and_in_order(url: str, records: list[Published], *, once: bool = False) -> None:
    """Every event of every case is there, for the first time in its order; whatever is there
    again is the same again."""
    by_key: dict[str, list[Published]] = defaultdict(list)
    for record in records:
        by_key[record.key].append(record)
    wanted = events_of(url)
    assert by_key.keys() == wanted.keys()
    for key, found in by_key.items():
        assert len({record.partition for record in found}) == 1
        first = {record.id: record for record in reversed(found)}
        ids = list(dict.fromkeys(record.id for record in found))
        assert ids == wanted[key], key
        assert [first[id_].value["version"] for id_ in ids] == list(range(1, len(ids) + 1))
        for record in found:
            assert record.raw == first[record.id].raw
        if once:
            assert len(found) == len(ids), "nothing twice"


def check_answered(url: str, results: list[Published]) -> None:
    """Every answer to a record from Kafka was told, for the first time in its order."""
    with psycopg.connect(url) as conn:
        answers = conn.execute(
            "SELECT message_id, accepted FROM answers WHERE source LIKE 'kafka:%' ORDER BY number"
        ).fetchall()
    told = {
        record.value["message_id"]: record.value["outcome"] == "accepted"
        for record in results
        if not record.value["repeat"] and record.value["outcome"] != "not_taken"
    }
    assert told == dict(answers)


def eventually(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def positions(url: str) -> dict[str, int]:
    with psycopg.connect(url) as conn:
        return dict(conn.execute("SELECT name, position FROM publications").fetchall())


def behind(url: str) -> int:
    """Events of cases that are not published yet."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT count(*) FROM stored_events WHERE kind = 1 AND notification_id >"
            " (SELECT position FROM publications WHERE name = 'case-events')"
        ).fetchone()
    assert row is not None
    return int(row[0])


def leader(url: str) -> int | None:
    """The process of the server that serves the publisher which leads."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()"
            " AND a.application_name LIKE 'casetrail publisher %'"
        ).fetchone()
    return None if row is None else int(row[0])


@contextlib.contextmanager
def child(
    url: str, cluster: Cluster, prefix: str, *more: str, session_seconds: float = 20
) -> Generator[subprocess.Popen[str]]:
    """A publisher in a process of its own; killed at the end of the block."""
    bootstrap = ",".join(cluster.address.bootstrap)
    command = [sys.executable, "-m", "tests.support.publisher_child", url, bootstrap, prefix]
    process = subprocess.Popen(
        [*command, str(session_seconds), *more], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
