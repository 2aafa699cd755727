"""The way in from Kafka: a member of the group that reads our topics."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from importlib import import_module
from threading import Event

import psycopg

from consumers.kafka_record import KafkaTopic
from consumers.kafka_topics import KAFKA_TOPICS
from infra.event_store import LogDatastore
from infra.failure import Failure, Say, say_nothing
from infra.kafka.intake_client import (
    SESSION_MS,
    SLICE,
    Consumed,
    Consumer,
    Place,
    commit,
    make_listener,
    open_consumer,
    places_of,
    seek,
    topic_id,
)
from infra.kafka.intake_slice import Held, MovedElsewhere, SliceWriter, Step
from infra.pipeline import Pipeline, Unavailable
from infra.settings import KafkaAddress
from infra.vault import Vault

POLL_MS = 200
BACKOFF = (0.2, 5.0)
"""Seconds before trying again: at first, and at most."""

REGAIN_AFTER = 5.0
"""Seconds after which a partition that somebody moved, and that still is ours, is read again."""

COMMIT_EVERY = 1.0
WATCH_EVERY = 30.0
EXPIRE_EVERY = 6 * 3600.0
CLOSE_MS = 3_000

logger = logging.getLogger(__name__)


class IntakeAlarm(Failure):
    """Records were lost or replaced before we read them: going on would hide it."""


class Intake:
    """Reads the topics until stopped. Database or brokers away: waits, keeps its membership and
    comes back by itself.

    member: its name in the group, unique among those that run and the same after a restart.
    Partitions are read in order, a slice in one transaction with their offsets; nothing relies on
    the group but the sharing of work: a slice whose partition another one moved is undone.
    """

    name = "Kafka intake"

    def __init__(
        self,
        address: KafkaAddress,
        prefix: str,
        datastore: LogDatastore,
        pipeline: Pipeline,
        vault: Vault,
        *,
        member: str | None = None,
        session_ms: int = SESSION_MS,
        topics: Sequence[KafkaTopic] = KAFKA_TOPICS,
        say: Say = say_nothing,
        step: Step = lambda name: None,
    ) -> None:
        self.records = 0
        self.letters = 0
        self._address = address
        self._group = f"{prefix}.intake"
        self._member = member
        self._session_ms = session_ms
        self._topics = {f"{prefix}.{topic.name}": topic for topic in topics}
        self._writer = SliceWriter(datastore, pipeline, vault, step)
        self._say = say
        self._step = step
        self._held: dict[Place, Held] = {}
        self._waiting: list[tuple[Held, list[Consumed]]] = []
        self._to_commit: dict[Place, tuple[int, int]] = {}
        self._backoff = 0.0
        self._next = dict.fromkeys(("commit", "watch", "expire"), 0.0)

    # ------------------------------------------------------------------- the worker

    def run(self, stop: Event) -> None:
        """Work until `stop` is set. Raises IntakeAlarm when records are gone or not the same."""
        self._run(stop, to_the_end=False)

    def catch_up(self) -> None:
        """Take all the records that are there now, and return. Waits for a broker and for the
        database; raises IntakeAlarm."""
        self._run(Event(), to_the_end=True)

    @property
    def positions(self) -> dict[tuple[str, int], int]:
        """The next offset of each partition that is being read, for people."""
        held = list(self._held.values())
        return {(h.place.topic, h.place.partition): h.position for h in held if h.position}

    def _run(self, stop: Event, to_the_end: bool) -> None:
        errors = import_module("kafka.errors")
        while not stop.is_set():
            try:
                consumer = open_consumer(
                    self._address, self._group, self._member, self._session_ms
                )
            except errors.KafkaError as e:
                self._wait(stop, "Kafka cannot be reached: {reason}", e)
                continue
            try:
                consumer.subscribe(
                    list(self._topics), listener=make_listener(self._assigned, self._taken)
                )
                self._consume(consumer, stop, to_the_end)
                return
            except errors.OffsetOutOfRangeError as e:
                raise IntakeAlarm(GAP, reason=e) from e
            except errors.LogTruncationError as e:
                raise IntakeAlarm(CUT, reason=e) from e
            except errors.KafkaError as e:
                self._wait(stop, "Kafka cannot be reached: {reason}", e)
            finally:
                self._held.clear()
                self._waiting.clear()
                consumer.close(timeout_ms=CLOSE_MS)

    def _consume(self, consumer: Consumer, stop: Event, to_the_end: bool) -> None:
        ends: dict[Place, int] | None = None
        while not stop.is_set():
            try:
                self._check_topics(consumer)
                self._place(consumer)
                self._store_waiting(consumer, stop)
                self._upkeep(consumer)
            except (Unavailable, psycopg.OperationalError) as e:
                self._stand_by(consumer, stop, e)
                continue
            if self._backoff:
                self._backoff = 0.0
                self._resume(consumer)
            if to_the_end and self._is_all_ours(consumer):
                if ends is None:
                    ends = consumer.end_offsets(list(self._held), CLOSE_MS)
                if all((consumer.position(p, 0) or 0) >= end for p, end in ends.items()):
                    self._commit(consumer)
                    return
            self._read(consumer)
        self._commit(consumer)

    # -------------------------------------------------- on kafka-python's own thread

    def _assigned(self, places: Iterable[Place]) -> None:
        """Somewhere, and paused, until the database was asked: no time for that in here, and
        without a position the group's would be taken."""
        consumer = self._consumer
        for place in places:
            consumer.seek(place, 0)
            consumer.pause(place)
            self._held[place] = Held(place, self._topics[place.topic])

    def _taken(self, places: Iterable[Place]) -> None:
        for place in places:
            self._held.pop(place, None)
