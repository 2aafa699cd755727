"""Whether a database took what Kafka holds: every record once, in order, and up to its offsets."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from kafka import KafkaConsumer  # type: ignore[import-untyped]
from kafka.errors import KafkaError  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from consumers.kafka_record import KafkaTopic, origin
from consumers.kafka_topics import KAFKA_TOPICS
from domain.request import Malformed
from infra.kafka import consumer_config
from infra.kafka.client import abandon, make_producer
from infra.settings import KafkaAddress
from tests.support.cases import complain, contact
from tests.support.kafka import Sent, as_record
from tests.support.store import place_order, ship_order

SECONDS = 90.0

Key = tuple[str, str]
"""source and message id"""


def eventually(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def dealings(numbers: range) -> list[Sent]:
    """Orders and shipments, and of other orders complaints and contacts, some twice, some
    refused: whatever the order in which the topics are read, the same becomes of it."""
    told = [place_order(n) for n in numbers]
    told += [ship_order(n) for n in numbers]
    told += [complain(n, f"c{n}", order=10**6 + n) for n in numbers]
    for turn in range(3):
        told += [contact(n, f"contact-{turn}-{n}") for n in numbers]
    told += [contact(n, f"contact-0-{n}") for n in numbers[::3]]
    told += [contact(10**6 + n, f"nobody-{n}") for n in numbers[::5]]
    return [as_record(request) for request in told]


# ------------------------------------------------------------- what the database holds


def log_of(url: str) -> list[tuple[Any, ...]]:
    """Stream, version, topic and id of each event."""
    with psycopg.connect(url) as conn:
        return conn.execute(
            "SELECT originator_id, originator_version, topic,"
            " convert_from(state, 'UTF8')::jsonb -> 's' ->> 'id' FROM stored_events"
            " ORDER BY originator_id, originator_version"
        ).fetchall()


def answers_of(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(
            "SELECT source, message_id, accepted, code FROM answers ORDER BY source, message_id"
        ).fetchall()


def letters_of(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(
            "SELECT number, code, field, state FROM dead_letters ORDER BY number"
        ).fetchall()


def offsets_of(url: str) -> dict[tuple[str, int], int]:
    """The offset to be read next of each topic and partition."""
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT topic, partition, position FROM kafka_offsets").fetchall()
    return {(topic, partition): position for topic, partition, position in rows}


@dataclass(frozen=True)
class _Effects:
    """As of one moment. answers, events: the number of each answer, and the position of the first
    event, by what asked for it."""

    offsets: dict[tuple[str, int], int]
    answers: dict[Key, int]
    events: dict[Key, int]
    letters: set[tuple[str, int, int]]
    repeats: Counter[str]

    @classmethod
    def read(cls, url: str) -> _Effects:
        with psycopg.connect(url) as conn:
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            offsets = conn.execute("SELECT topic, partition, position FROM kafka_offsets")
            places = {(topic, number): position for topic, number, position in offsets}
            answers = conn.execute("SELECT source, message_id, number FROM answers")
            numbers = {(source, id_): number for source, id_, number in answers}
            letters = conn.execute("SELECT topic, partition, record_offset FROM dead_letters")
            dead = {(topic, number, offset) for topic, number, offset in letters}
            repeats = Counter(row[0] for row in conn.execute("SELECT origin FROM repeats"))
            events: dict[Key, int] = {}
            ids: set[str] = set()
            rows = conn.execute(
                "SELECT notification_id, s ->> 'id', s ->> 'src', s ->> 'msg' FROM stored_events,"
                " LATERAL (SELECT convert_from(state, 'UTF8')::jsonb -> 's' AS s)"
                " ORDER BY notification_id"
            ).fetchall()
        for position, (stored, id_, source, message_id) in enumerate(rows, 1):
            assert position == stored, "no gap"
            ids.add(id_)
            events.setdefault((source, message_id), position)
        assert len(ids) == len(rows), "nothing twice"
        return cls(places, numbers, events, dead, repeats)


# -------------------------------------------------------------------- what Kafka holds


def read_topics(address: KafkaAddress, names: Iterable[str]) -> list[Any]:
    """All records that these topics hold now, each partition's in order."""
    found: list[Any] = []
    with contextlib.closing(KafkaConsumer(**consumer_config(address))) as consumer:
        places = [
            TopicPartition(name, number)
            for name in names
            for number in consumer.partitions_for_topic(name) or ()
        ]
        consumer.assign(places)
        for place, start in consumer.beginning_offsets(places).items():
            consumer.seek(place, start)
        ends: dict[Any, int] = consumer.end_offsets(places)
        until = time.monotonic() + SECONDS
        while any(int(consumer.position(place) or 0) < end for place, end in ends.items()):
            assert time.monotonic() < until
            for records in consumer.poll(timeout_ms=500).values():
                found += records
    return found


# ---------------------------------------------------------------------- both compared


@dataclass(frozen=True)
class Taken:
    """records: in the topics now; taken: those below the stored offsets; asked: what all of them
    ask for."""

    records: int
    taken: int
    asked: set[Key]


def check_taken(address: KafkaAddress, prefix: str, url: str) -> Taken:
    """Each record below its partition's stored offset has its effect, once; none at or above it
    has any; and the effects of a partition came in its order. Whoever may be working meanwhile."""
    effects = _Effects.read(url)
    topics = {f"{prefix}.{topic.name}": topic for topic in KAFKA_TOPICS}
    records = read_topics(address, topics)
    asked: set[Key] = set()
    last: dict[tuple[str, int], tuple[int, int]] = {}
    taken = 0
    for record in records:
        place = record.topic, record.partition
        below = record.offset < effects.offsets.get(place, 0)
        taken += below
        lettered = (*place, record.offset) in effects.letters
        topic = topics[record.topic]
        try:
            requests = topic.translate(record)
        except Malformed:
            assert lettered == below, origin(record)
            continue
        for request in requests:
            key = request.source, request.message_id
            if key in asked:
                if isinstance(topic, KafkaTopic) and not request.command.BULK:
                    assert effects.repeats[origin(record)] == below, origin(record)
                continue
            asked.add(key)
            found = key in effects.answers or key in effects.events
            assert (found or lettered) == below, (origin(record), key)
            if found:
                before = last.get(place, (0, 0))
                now = effects.answers.get(key, before[0]), effects.events.get(key, before[1])
                assert now[0] >= before[0], "answered in order"
                assert now[1] >= before[1], "stored in order"
                last[place] = now
    return Taken(len(records), taken, asked)


# ------------------------------------------------------------------------------- load


@dataclass
class Load:
    """Sends dealings, one lot after the other, until they are acknowledged. acknowledged: those
    that were."""

    address: KafkaAddress
    prefix: str
    pause: float
    lot: int
    first: int
    acknowledged: list[Sent] = field(default_factory=list[Sent])
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        number = self.first
        while not self.stop.is_set():
            with contextlib.suppress(KafkaError):  # nobody there, or the producer is done for
                number = self._send_from(number)

    def _send_from(self, number: int) -> int:
        """The number from which to go on, once one lot was sent; the same lot is sent again if
        not all of it was acknowledged."""
        producer = make_producer(self.address)
        try:
            while not self.stop.is_set():
                lot = dealings(range(number, number + self.lot))
                futures = [
                    producer.send(
                        f"{self.prefix}.{one.topic}",
                        key=one.key,
                        value=one.value,
                        headers=list(one.headers),
                    )
                    for one in lot
                ]
                try:
                    for future in futures:
                        future.get(timeout=30)
                except KafkaError:
                    break
                self.acknowledged += lot
                number += self.lot
                self.stop.wait(self.pause)
        finally:
            abandon(producer)
        return number

    def goes_on(self, lots: int = 3) -> None:
        """Wait until so many more are acknowledged."""
        aim = len(self.acknowledged) + lots * self.lot
        eventually(lambda: len(self.acknowledged) >= aim)


@contextlib.contextmanager
def load(
    address: KafkaAddress, prefix: str, *, pause: float = 0.3, lot: int = 5, first: int = 0
) -> Generator[Load]:
    """Records without end, until the end of the block. first: of the numbers of its dealings."""
    made = Load(address, prefix, pause, lot, first)
    thread = threading.Thread(target=made.run, name="load")
    thread.start()
    try:
        yield made
    finally:
        made.stop.set()
        thread.join(60)
    assert not thread.is_alive()


def check_all_taken(address: KafkaAddress, prefix: str, url: str, sent: Iterable[Sent]) -> Taken:
    """As check_taken, and nothing is left: all that was acknowledged is there and was taken."""
    found = check_taken(address, prefix, url)
    assert found.taken == found.records
    for one in sent:
        headers = dict(one.headers)
        assert (f"kafka:{headers['ce_source'].decode()}", headers["ce_id"].decode()) in found.asked
    return found
