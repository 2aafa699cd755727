"""The way in from Kafka: a member of the group that reads our topics."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from importlib import import_module
from threading import Event
from uuid import UUID

import psycopg

from consumers.kafka_record import Topic
from consumers.kafka_topics import KAFKA_TOPICS
from infra.activity import Activity
from infra.event_store import LogDatastore
from infra.failure import Failure, Say, say_nothing
from infra.kafka.decoding import Unreadable
from infra.kafka.intake_client import (
    POLL_LIMIT_MS,
    REQUEST_MS,
    SESSION_MS,
    SLICE,
    Consumer,
    Place,
    commit,
    make_listener,
    open_consumer,
    places_of,
    seek,
    topic_id,
)
from infra.kafka.intake_end import End
from infra.kafka.intake_slice import Held, MovedElsewhere, Slice, SliceWriter, Step
from infra.pipeline import Pipeline, Unavailable
from infra.settings import KafkaAddress
from infra.vault import Vault

POLL_MS = 200
BACKOFF = (0.2, 5.0)
"""Seconds before trying again: at first, and at most."""

REGAIN_AFTER = 5.0
"""Seconds after which a partition that somebody moved, and that still is ours, is read again."""

CONTESTED_WITHIN = 60.0
"""Seconds between two times that another reader was found on the same partition: then the group
has shared it to that one, which kafka-python may not notice after the process was stopped."""

COMMIT_EVERY = 1.0
EXPIRE_EVERY = 6 * 3600.0
CLOSE_MS = 3_000
STUCK_AFTER = 30.0
GIVE_UP = 75.0
"""Seconds without any partition: until the group is joined anew; until others read it all."""

logger = logging.getLogger(__name__)


class IntakeAlarm(Failure):
    """Records were lost, replaced or damaged before we read them: going on would hide it."""


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
        poll_limit_ms: int = POLL_LIMIT_MS,
        topics: Sequence[Topic] = KAFKA_TOPICS,
        say: Say = say_nothing,
        activity: Activity | None = None,
        step: Step = lambda name: None,
    ) -> None:
        self.records = 0
        self.letters = 0
        self.activity = activity or Activity("intake", member)
        self.activity.parts = lambda: {f"{at.topic}/{at.partition}" for at in list(self._held)}
        self._address = address
        self._group = f"{prefix}.intake"
        self._member = member
        self._limits_ms = session_ms, poll_limit_ms
        self._topics = {f"{prefix}.{topic.name}": topic for topic in topics}
        self._writer = SliceWriter(datastore, pipeline, vault, step)
        self._say = say
        self._step = step
        self._held: dict[Place, Held] = {}
        self._waiting: list[Slice] = []
        self._to_commit: dict[Place, tuple[int, int]] = {}
        self._contested = False
        self._backoff = 0.0
        self._idle_since = 0.0
        self._next = dict.fromkeys(("commit", "expire"), 0.0)

    # ------------------------------------------------------------------- the worker

    def run(self, stop: Event) -> None:
        """Work until `stop` is set. Raises IntakeAlarm when records are gone, damaged or not the
        same."""
        self._run(stop)

    def catch_up(self, give_up: float = GIVE_UP) -> None:
        """Take all the records that are there now, and return. Waits for a broker and for the
        database, and so many seconds for a partition; raises IntakeAlarm, and KafkaError when it
        had none by then and not all was taken by others."""
        self._run(Event(), give_up)

    def places(self) -> set[tuple[str, int]]:
        """Topic and number of the partitions that it reads."""
        return {(held.place.topic, held.place.partition) for held in self._placed()}

    def _run(self, stop: Event, give_up: float | None = None) -> None:
        """give_up: seconds, of one who only catches up."""
        errors = import_module("kafka.errors")
        self._idle_since = time.monotonic()
        while not stop.is_set():
            self.activity.turn()
            try:
                consumer = open_consumer(self._address, self._group, self._member, *self._limits_ms)
            except errors.KafkaError as e:
                self._wait(stop, e)
                continue
            try:
                # A leader that joins before it knows the topics hands out nothing, and its second
                # attempt may never end (kafka-python 3.0.12).
                places_of(consumer, self._topics)
                listener = make_listener(partial(self._assigned, consumer), self._taken)
                consumer.subscribe(list(self._topics), listener=listener)
                if self._consume(consumer, stop, give_up):
                    return
                logger.warning("no partition, or none alone; joining the group anew")
            except (errors.OffsetOutOfRangeError, errors.LogTruncationError) as e:
                raise IntakeAlarm(
                    "Records that were not read yet are gone: {reason} When that is understood, "
                    "say where to go on: casetrail kafka read-from.",
                    reason=e,
                ) from e
            except Unreadable as e:
                raise IntakeAlarm(
                    "What lies in {topic}/{partition} at {offset} cannot be read: {reason} If that "
                    "stays so, say where to go on: casetrail kafka read-from.",
                    topic=e.topic,
                    partition=e.partition,
                    offset=e.offset,
                    reason=_line(e.reason),
                ) from e
            except errors.KafkaError as e:
                self._wait(stop, e)
            finally:
                self._held.clear()
                self._waiting.clear()
                self._to_commit.clear()
                consumer.close(timeout_ms=CLOSE_MS)

    def _consume(self, consumer: Consumer, stop: Event, give_up: float | None) -> bool:
        """Until stopped or done; False when it has had no partition for long, or another one
        reads the same. give_up: after how long, of one who only catches up."""
        end = None
        if give_up is not None:
            known = self._writer.offsets
            end = End(self._address, consumer, self._topics, known, give_up)
        joined = time.monotonic()
        while not stop.is_set():
            self.activity.turn()
            if self._held:
                self._idle_since = time.monotonic()
            elif time.monotonic() - max(joined, self._idle_since) > STUCK_AFTER:
                return False
            if self._contested:
                self._contested = False
                return False
            try:
                self._check_topics(consumer)
                self._place(consumer)
                self._store_waiting(consumer, stop)
                self._upkeep(consumer)
                reached = end is not None and end.is_reached(
                    list(self._held.values()), self._idle_since
                )
            except (Unavailable, psycopg.Error) as e:
                self._stand_by(consumer, stop, e)
                continue
            if self._backoff:
                self._backoff = 0.0
                self.activity.goes_on()
                self._say("The intake goes on.")
                self._resume(consumer)
            if reached:
                break
            self._read(consumer, POLL_MS)
        self._commit(consumer)
        return True

    # ---------------------------------------------- on kafka-python's own thread

    def _assigned(self, consumer: Consumer, places: Iterable[Place]) -> None:
        """Somewhere, and paused, until the database was asked: there is no time for that here,
        and without a position the group's would be taken."""
        for place in places:
            consumer.seek(place, 0)
            consumer.pause(place)
            self._held[place] = Held(place, self._topics[place.topic])

    def _taken(self, places: Iterable[Place]) -> None:
        for place in places:
            self._held.pop(place, None)

    # -------------------------------------------------------------- one round

    def _check_topics(self, consumer: Consumer) -> None:
        """A topic that was made anew holds other records under the old offsets."""
        for topic in {held.place.topic: held.topic_id for held in self._placed()}.items():
            self._compare(consumer, *topic)

    def _compare(self, consumer: Consumer, topic: str, known: UUID | None) -> UUID | None:
        now = topic_id(consumer, topic)
        if now is not None and known is not None and now != known:
            raise IntakeAlarm(
                "The topic {topic} was deleted and made anew. When that is understood, say where "
                "to go on: casetrail kafka read-from.",
                topic=topic,
            )
        return now

    def _place(self, consumer: Consumer) -> None:
        """Go where the database says with partitions that are new to us."""
        now = time.monotonic()
        new = [
            held
            for held in list(self._held.values())
            if held.position is None
            and (held.dropped_at is None or now - held.dropped_at > REGAIN_AFTER)
        ]
        if not new:
            return
        found = self._writer.offsets.find([held.place for held in new])
        unread = [h for h in new if (h.place.topic, h.place.partition) not in found]
        if unread:
            places = [held.place for held in unread]
            for place, start in consumer.beginning_offsets(places, REQUEST_MS).items():
                made = topic_id(consumer, place.topic)
                if made is not None:
                    self._writer.offsets.begin(place, made, start)
            found = self._writer.offsets.find([held.place for held in new])
        for held in new:
            offset = found.get((held.place.topic, held.place.partition))
            if offset is None or topic_id(consumer, held.place.topic) is None:
                continue
            held.topic_id = self._compare(consumer, held.place.topic, offset.topic_id)
            if self._held.get(held.place) is held:
                held.position, held.epoch, held.dropped_at = offset.position, offset.epoch, None
                held.furthest = offset.furthest
                with contextlib.suppress(KeyError):  # taken at this moment
                    seek(consumer, held.place, offset.position, offset.epoch)
                    consumer.resume(held.place)

    def _read(self, consumer: Consumer, wait_ms: int) -> None:
        for place, records in consumer.poll(wait_ms, SLICE).items():
            held = self._held.get(place)
            if held is not None and held.position is not None:
                # Anything before is from before a seek.
                fresh = [record for record in records if record.offset >= held.position]
                if fresh:
                    self._waiting.append((held, fresh))
        if self._waiting:
            self._step("read")

    def _store_waiting(self, consumer: Consumer, stop: Event) -> None:
        """All partitions' slices together; each alone when one of them was moved elsewhere."""
        if not self._waiting or stop.is_set():
            return
        slices = [
            (held, records)
            for held, records in self._waiting
            if self._held.get(held.place) is held and held.position is not None
        ]
        try:
            self._store(slices)
        except MovedElsewhere:
            for held, records in slices:
                if held.position is None:
                    continue  # what came before of the same partition was dropped
                try:
                    self._store([(held, records)])
                except MovedElsewhere as e:
                    logger.warning("%s; its slice was dropped", e)
                    self._drop(consumer, held)
        self._waiting.clear()

    def _store(self, slices: Sequence[Slice]) -> None:
        if slices:
            began = time.monotonic()
            counts = self._writer.store(slices)
            self.records += counts.records
            self.letters += counts.letters
            self.activity.did(
                counts.records,
                time.monotonic() - began,
                accepted=counts.accepted,
                refused=counts.refused,
                repeated=counts.repeated,
                dead_letters=counts.letters,
            )
        for held, _ in slices:
            if held.position is not None:
                self._to_commit[held.place] = (held.position, held.epoch)

    def _drop(self, consumer: Consumer, held: Held) -> None:
        now = time.monotonic()
        self._contested |= now - held.last_dropped < CONTESTED_WITHIN
        held.position, held.dropped_at, held.last_dropped = None, now, now
        if self._held.get(held.place) is held:
            with contextlib.suppress(KeyError):
                consumer.pause(held.place)

    # ------------------------------------------------------------------- troubles

    def _stand_by(self, consumer: Consumer, stop: Event, reason: Exception) -> None:
        """The database is away: read nothing more, and go on polling to stay in the group."""
        self.activity.failed(reason)
        if not self._backoff:
            self._say("The database is away; the intake waits: {reason}", reason=_line(reason))
        self._pause(consumer)
        self._backoff = min(self._backoff * 2 or BACKOFF[0], BACKOFF[1])
        until = time.monotonic() + self._backoff
        while not stop.is_set() and time.monotonic() < until:
            self._read(consumer, POLL_MS)

    def _pause(self, consumer: Consumer) -> None:
        for held in self._placed():
            with contextlib.suppress(KeyError):  # taken at this moment
                consumer.pause(held.place)

    def _resume(self, consumer: Consumer) -> None:
        for held in self._placed():
            with contextlib.suppress(KeyError):
                consumer.resume(held.place)

    def _wait(self, stop: Event, reason: Exception) -> None:
        """Kafka could not be reached, or sent us away."""
        self.activity.failed(reason)
        if not self._backoff:
            self._say("Kafka is away; the intake waits: {reason}", reason=_line(reason))
        self._backoff = min(self._backoff * 2 or BACKOFF[0], BACKOFF[1])
        stop.wait(self._backoff)
        self._idle_since = time.monotonic()  # nobody could have had a partition

    def _placed(self) -> list[Held]:
        return [held for held in list(self._held.values()) if held.position is not None]

    # --------------------------------------------------------------------- upkeep

    def _upkeep(self, consumer: Consumer) -> None:
        now = time.monotonic()
        if now >= self._next["commit"]:
            self._next["commit"] = now + COMMIT_EVERY
            self._commit(consumer)
        if now >= self._next["expire"]:
            self._next["expire"] = now + EXPIRE_EVERY
            self._writer.letters.expire()

    def _commit(self, consumer: Consumer) -> None:
        mine = {place: at for place, at in self._to_commit.items() if place in self._held}
        self._to_commit.clear()
        if mine:
            commit(consumer, mine)
            self._step("told the group")


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
