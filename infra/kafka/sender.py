"""Sends records as a service does, and waits until the intake has taken them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import psycopg

from consumers.kafka_sending import Outgoing
from infra.kafka.client import abandon, make_producer, said_plainly
from infra.postgres import PostgresError, Rows, connect, load_statements
from infra.settings import KafkaAddress

SQL = load_statements(Path(__file__).with_name("intake.sql"))

AHEAD = 1_000
"""Records on their way at most: kafka-python's producer has no bound of its own."""
LOOK_EVERY = 0.03
LOOK_AGAIN = 0.5
"""Seconds, when the database was away."""

Sent = dict[tuple[str, int], tuple[int, int]]
"""The offsets of the first and the last record sent, by topic and partition."""


class Sender:
    """Sends to the topics of a prefix; database_url: where the intake keeps its offsets."""

    def __init__(self, address: KafkaAddress, prefix: str, database_url: str) -> None:
        self._address = address
        self._prefix = prefix
        self._database_url = database_url

    def send(
        self, rounds: Sequence[Sequence[Outgoing]], stop: Event, sent: Callable[[int], None]
    ) -> Sent:
        """Send each round once the one before it was taken in, by whomever; return when the last
        one was, or when `stop` is set. sent: told how many more were acknowledged.

        Raises KafkaError when the brokers did not acknowledge in time: sending all of it again
        is safe.
        """
        done: Sent = {}
        with said_plainly(self._address):
            producer = make_producer(self._address)
            try:
                for records in rounds:
                    for start in range(0, len(records), AHEAD):
                        part = records[start : start + AHEAD]
                        for place, offset in self._send(producer, part, stop):
                            done[place] = done.get(place, (offset,))[0], offset
                        if stop.is_set():
                            return done
                        sent(len(part))
                    self._await_taken(done, stop)
                    if stop.is_set():
                        return done  # nothing of the next round may be there before this one is
            finally:
                abandon(producer)
        return done

    def _send(
        self, producer: Any, records: Sequence[Outgoing], stop: Event
    ) -> Iterator[tuple[tuple[str, int], int]]:
        """Topic, partition and offset of each, once it is acknowledged."""
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
            while not future.is_done:
                if stop.wait(LOOK_EVERY):
                    return
            at = future.get()
            yield (at.topic, at.partition), at.offset

    def _await_taken(self, done: Sent, stop: Event) -> None:
        """The offsets say so, whichever process it was."""
        while not stop.is_set():
            try:
                with closing(connect(self._database_url, autocommit=True)) as conn:
                    while not stop.is_set():
                        if self._are_taken(conn, done):
                            return
                        stop.wait(LOOK_EVERY)
            except (psycopg.OperationalError, PostgresError):
                stop.wait(LOOK_AGAIN)

    @staticmethod
    def _are_taken(conn: Rows, done: Sent) -> bool:
        asked = {"topics": [topic for topic, _ in done], "partitions": [n for _, n in done]}
        found = conn.execute(SQL["select_offsets"], asked).fetchall()
        taken = {(topic, partition): position for topic, partition, _, position, *_ in found}
        return all(taken.get(place, 0) > last for place, (_, last) in done.items())
