"""Sends records as a service does, and waits until the intake has taken them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import psycopg

from consumers.kafka_sending import Outgoing
from infra.kafka.client import DELIVERY_MS, make_producer, said_plainly
from infra.postgres import PostgresError, Rows, connect, load_statements
from infra.settings import KafkaAddress

SQL = load_statements(Path(__file__).with_name("intake.sql"))

AHEAD = 1_000
"""Records on their way at most: kafka-python's producer has no bound of its own."""
LOOK_EVERY = 0.03
LOOK_AGAIN = 0.5
"""Seconds, when the database was away."""

Ends = dict[tuple[str, int], int]
"""The offset of the last record sent, by topic and partition."""


class Sender:
    """Sends to the topics of a prefix; database_url: where the intake keeps its offsets."""

    def __init__(self, address: KafkaAddress, prefix: str, database_url: str) -> None:
        self._address = address
        self._prefix = prefix
        self._database_url = database_url

    def send(
        self, rounds: Sequence[Sequence[Outgoing]], stop: Event, sent: Callable[[int], None]
    ) -> Ends:
        """Send each round once the one before it was taken in, by whomever; return when the last
        one was, or when `stop` is set. sent: told how many more were acknowledged.

        Raises KafkaError when the brokers did not acknowledge in time: sending all of it again
        is safe.
        """
        ends: Ends = {}
        with said_plainly(self._address), closing(make_producer(self._address)) as producer:
            for records in rounds:
                for start in range(0, len(records), AHEAD):
                    if stop.is_set():
                        return ends
                    part = records[start : start + AHEAD]
                    ends.update(self._send(producer, part))
                    sent(len(part))
                self._await_taken(ends, stop)
        return ends

    def _send(
        self, producer: Any, records: Sequence[Outgoing]
    ) -> Iterator[tuple[tuple[str, int], int]]:
        on_their_way = [
            producer.send(
                f"{self._prefix}.{record.topic}",
                key=record.key,
                value=record.value,
                headers=list(record.headers),
            )
            for record in records
        ]
        for future in on_their_way:
            at = future.get(timeout=2 * DELIVERY_MS / 1000)
            yield (at.topic, at.partition), at.offset

    def _await_taken(self, ends: Ends, stop: Event) -> None:
        """The offsets say so, whichever process it was."""
        while not stop.is_set():
            try:
                with closing(connect(self._database_url, autocommit=True)) as conn:
                    while not stop.is_set():
                        if self._are_taken(conn, ends):
                            return
                        stop.wait(LOOK_EVERY)
            except (psycopg.OperationalError, PostgresError):
                stop.wait(LOOK_AGAIN)

    @staticmethod
    def _are_taken(conn: Rows, ends: Ends) -> bool:
        asked = {"topics": [topic for topic, _ in ends], "partitions": [n for _, n in ends]}
        found = conn.execute(SQL["select_offsets"], asked).fetchall()
        taken = {(topic, partition): position for topic, partition, _, position, *_ in found}
        return all(taken.get(place, 0) > offset for place, offset in ends.items())
