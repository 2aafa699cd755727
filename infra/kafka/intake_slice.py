"""A slice of one partition: decided and stored in one transaction with the partition's offset."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import Cursor
from psycopg.rows import tuple_row

from consumers.kafka_record import Topic
from domain.request import Malformed, Request
from infra.event_store import LogDatastore
from infra.kafka.intake_client import SLICE, Consumed, Place
from infra.kafka.intake_letters import DeadLetters, Keys, NewLetter, add_letters, keys_of_today
from infra.pipeline import Pipeline, Unremembered
from infra.postgres import load_statements
from infra.vault import Vault

SQL = load_statements(Path(__file__).with_name("intake.sql"))

MOVED_ELSEWHERE = "23C01"

logger = logging.getLogger(__name__)

Step = Callable[[str], None]
"""Told what is about to happen to a slice, for tests that end the process there."""


class MovedElsewhere(Exception):
    """The partition's offset is no longer where this reader left it: another one reads it."""


@dataclass(frozen=True, slots=True)
class Offset:
    """A row of kafka_offsets."""

    topic_id: UUID
    position: int
    epoch: int
    moved_by: UUID
    furthest: int


class Offsets:
    """Where each partition is to be read on. Raises psycopg's errors when the database is away."""

    def __init__(self, datastore: LogDatastore) -> None:
        self._datastore = datastore

    def find(self, places: Sequence[Place]) -> dict[tuple[str, int], Offset]:
        with self._datastore.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(
                SQL["select_offsets"],
                {
                    "topics": [place.topic for place in places],
                    "partitions": [place.partition for place in places],
                },
            )
            return {
                (topic, partition): Offset(*rest) for topic, partition, *rest in cursor.fetchall()
            }

    def begin(self, place: Place, topic_id: UUID, position: int) -> None:
        """Where a partition that was never read is read from."""
        self._put("insert_offset", place, topic_id, position)

    def move_by_hand(self, place: Place, topic_id: UUID, position: int) -> None:
        """Whatever was there before; whoever reads the partition goes on from here."""
        self._put("set_offset", place, topic_id, position)

    def _put(self, statement: str, place: Place, topic_id: UUID, position: int) -> None:
        row = {"topic": place.topic, "partition": place.partition, "topic_id": topic_id}
        with self._datastore.connection() as conn:
            conn.execute(SQL[statement], {**row, "position": position, "slice": uuid4()})


@dataclass(eq=False)
class Held:
    """A partition of ours. position: the next offset to be read, None until it was looked up;
    furthest: the next one that was never read; epoch: of the last record read; dropped_at: when
    another reader was found on it."""

    place: Place
    topic: Topic
    topic_id: UUID | None = None
    position: int | None = None
    furthest: int = 0
    epoch: int = -1
    dropped_at: float | None = None
    stood_at: int = -1
    lag: int = 0


@dataclass(frozen=True)
class Counts:
    """What became of a slice's records."""

    records: int
    letters: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.records + other.records, self.letters + other.letters)


class SliceWriter:
    """Stores slices. Raises Unavailable or psycopg's OperationalError when the database is away:
    nothing is lost, the same slice can be given again."""

    def __init__(
        self, datastore: LogDatastore, pipeline: Pipeline, vault: Vault, step: Step
    ) -> None:
        self.offsets = Offsets(datastore)
        self.letters = DeadLetters(datastore, vault)
        self._datastore = datastore
        self._pipeline = pipeline
        self._vault = vault
        self._step = step

    def store(self, held: Held, records: Sequence[Consumed]) -> Counts:
        """Raises MovedElsewhere when another reader has moved the partition on."""
        try:
            return self._store(held, records)
        except psycopg.IntegrityError as e:
            if e.sqlstate == MOVED_ELSEWHERE:
                raise MovedElsewhere(str(e)) from e
            return self._one_by_one(held, records, e)
        except (psycopg.DataError, psycopg.ProgrammingError) as e:
            return self._one_by_one(held, records, e)

    def _one_by_one(self, held: Held, records: Sequence[Consumed], fault: psycopg.Error) -> Counts:
        """The database takes something amiss: only that record becomes a letter."""
        if len(records) == 1:
            logger.error("%s cannot be stored", records[0].offset, exc_info=fault)
            letter = NewLetter(records[0], "not_storable", "The database refuses it.", "")
            return self._commit(held, records, [], [letter])
        return sum((self.store(held, [record]) for record in records), Counts(0, 0))

    def _store(self, held: Held, records: Sequence[Consumed]) -> Counts:
        """In transactions of at most SLICE requests, all those of a record in one."""
        parked = self.letters.parked_streams()
        counts = Counts(0, 0)
        taken: list[Consumed] = []
        requests: list[tuple[Request, Consumed]] = []
        letters: list[NewLetter] = []
        for record in records:
            if held.position is not None and record.offset < held.position:
                continue  # stored by then, when a later part of them failed
            asked = _asked(held.topic, record, parked)
            if isinstance(asked, NewLetter):
                letters.append(asked)
                asked = ()
            if requests and len(requests) + len(asked) > SLICE:
                counts += self._commit(held, taken, requests, letters)
                taken, requests, letters = [], [], []
            requests += [(request, record) for request in asked]
            taken.append(record)
        self._step("translated")
        return counts + self._commit(held, taken, requests, letters) if taken else counts

    def _commit(
        self,
        held: Held,
        records: Sequence[Consumed],
        requests: Sequence[tuple[Request, Consumed]],
        letters: Sequence[NewLetter],
    ) -> Counts:
        assert held.position is not None
        assert held.topic_id is not None
        last = records[-1]
        epoch = -1 if last.leader_epoch is None else last.leader_epoch
        keys = keys_of_today(self._vault)
        move = _Move(held.place, held.topic_id, held.position, last.offset + 1, epoch, uuid4())
        repeats = self._repeats(requests, held.furthest)
        written = _Written(move, requests, letters, repeats, keys, self._step)
        try:
            self._pipeline.submit([request for request, _ in requests], written.add)
        except psycopg.IntegrityError as e:
            # A connection that broke may have broken after the commit: then it was ourselves.
            if e.sqlstate != MOVED_ELSEWHERE or not self._was_ours(move):
                raise
        self._step("committed")
        held.position, held.epoch = move.next, move.epoch
        held.furthest = max(held.furthest, move.next)
        return Counts(len(records), written.count)

    def _repeats(
        self, requests: Sequence[tuple[Request, Consumed]], furthest: int
    ) -> list[Request]:
        """Those that somebody sent again; not those that we only read again."""
        sent = [
            request
            for request, record in requests
            if record.offset >= furthest and not request.command.BULK
        ]
        if not sent:
            return []
        asked = {
            "sources": [request.source for request in sent],
            "message_ids": [request.message_id for request in sent],
        }
        with self._datastore.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(SQL["select_answered"], asked, prepare=True)
            known = set(cursor.fetchall())
        repeats: list[Request] = []
        for request in sent:
            key = request.source, request.message_id
            if key in known:
                repeats.append(request)
            known.add(key)
        return repeats

    def _was_ours(self, move: _Move) -> bool:
        found = self.offsets.find([move.place]).get((move.place.topic, move.place.partition))
        return found is not None and found.moved_by == move.slice


def _asked(topic: Topic, record: Consumed, parked: set[str]) -> Sequence[Request] | NewLetter:
    """What the record asks for, or why it cannot be asked now."""
    try:
        requests = topic.translate(record)
    except Malformed as e:
        return NewLetter(record, e.code, e.message, e.field)
    for request in requests:
        stream = request.command.streams()[0]
        if stream in parked:
            return NewLetter(record, "parked", f"{stream} has others waiting.", "", stream)
    return requests


@dataclass(frozen=True)
class _Move:
    place: Place
    topic_id: UUID
    sought: int
    next: int
    epoch: int
    slice: UUID


class _Written:
    """What goes into the transaction beside the events. count: of the letters."""

    def __init__(
        self,
        move: _Move,
        requests: Sequence[tuple[Request, Consumed]],
        letters: Sequence[NewLetter],
        repeats: Sequence[Request],
        keys: Keys,
        step: Step,
    ) -> None:
        self._move = move
        self._repeats = repeats
        self._records = {id(request): record for request, record in requests}
        self._letters = letters
        self._keys = keys
        self._step = step
        self.count = 0

    def add(self, cursor: Cursor[Any], unremembered: Sequence[Unremembered]) -> None:
        move = self._move
        found = {letter.record.offset: letter for letter in self._letters}
        for one in unremembered:
            record = self._records.get(id(one.request))
            # One letter a record, whose other requests a retry finds answered.
            if record is not None and record.offset not in found:
                stream = one.request.command.streams()[0] if one.waits else None
                found[record.offset] = NewLetter(record, one.code, one.message, one.field, stream)
        letters = [found[offset] for offset in sorted(found)]
        self.count = len(letters)
        add_letters(cursor, letters, move.topic_id, self._keys)
        left = {id(one.request) for one in unremembered}
        _add_repeats(cursor, [one for one in self._repeats if id(one) not in left])
        cursor.execute(
            SQL["move_offset"],
            {
                "topic": move.place.topic,
                "partition": move.place.partition,
                "topic_id": move.topic_id,
                "sought": move.sought,
                "next": move.next,
                "epoch": move.epoch,
                "slice": move.slice,
            },
            prepare=True,
        )
        self._step("written")


def _add_repeats(cursor: Cursor[Any], repeats: Sequence[Request]) -> None:
    if repeats:
        cursor.execute(
            SQL["insert_repeats"],
            {
                "sources": [request.source for request in repeats],
                "message_ids": [request.message_id for request in repeats],
                "correlation_ids": [request.correlation_id for request in repeats],
                "origins": [request.origin for request in repeats],
            },
        )
