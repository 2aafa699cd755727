"""Slices of partitions: decided and stored in one transaction with the partitions' offsets."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import Cursor
from psycopg.rows import tuple_row

from consumers.kafka_record import KafkaTopic, Topic, ask
from domain.request import Malformed, Request
from infra.event_store import LogDatastore
from infra.kafka.intake_client import SLICE, Consumed, Place
from infra.kafka.intake_letters import DeadLetters, Keys, NewLetter, add_letters, keys_of_today
from infra.pipeline import Answer, Outcome, Pipeline, Unremembered
from infra.postgres import OF_THE_ROWS, load_statements
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
    another reader was found on it, None once it is read again; last_dropped: the last such time."""

    place: Place
    topic: Topic
    topic_id: UUID | None = None
    position: int | None = None
    furthest: int = 0
    epoch: int = -1
    dropped_at: float | None = None
    last_dropped: float = -math.inf


Slice = tuple[Held, Sequence[Consumed]]
"""Records of one partition, in order, from where it was left."""


@dataclass(frozen=True)
class Counts:
    """What became of a slice's records, and of the requests that they were: repeated is what was
    answered before."""

    records: int = 0
    letters: int = 0
    accepted: int = 0
    refused: int = 0
    repeated: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.records + other.records,
            self.letters + other.letters,
            self.accepted + other.accepted,
            self.refused + other.refused,
            self.repeated + other.repeated,
        )


class SliceWriter:
    """Stores slices of several partitions at once. Raises Unavailable or psycopg's errors when the
    database is away or takes nothing now: nothing is lost, the same can be given again."""

    def __init__(
        self, datastore: LogDatastore, pipeline: Pipeline, vault: Vault, step: Step
    ) -> None:
        self.offsets = Offsets(datastore)
        self.letters = DeadLetters(datastore, vault)
        self._datastore = datastore
        self._pipeline = pipeline
        self._vault = vault
        self._step = step

    def store(self, slices: Sequence[Slice]) -> Counts:
        """Raises MovedElsewhere when another reader has moved one of the partitions on; what was
        stored by then shows in the positions."""
        try:
            return self._store(slices)
        except OF_THE_ROWS as e:
            if e.sqlstate == MOVED_ELSEWHERE:
                raise MovedElsewhere(str(e)) from e
            return self._apart(slices, e)

    def _apart(self, slices: Sequence[Slice], fault: psycopg.Error) -> Counts:
        """The database refuses a row: only that record becomes a letter."""
        (held, records), *others = slices
        if others:
            return sum((self.store([one]) for one in slices), Counts())
        if len(records) > 1:
            return sum((self.store([(held, [record])]) for record in records), Counts())
        logger.error("%s cannot be stored", records[0].offset, exc_info=fault)
        part = _Part(held)
        part.add(records[0], NewLetter(records[0], "not_storable", "The database refuses it.", ""))
        return self._commit([part])

    def _store(self, slices: Sequence[Slice]) -> Counts:
        """In transactions of at most SLICE requests, all those of a record in one."""
        parked = self.letters.parked_streams()
        counts, parts, room = Counts(), dict[Held, _Part](), SLICE
        for held, records in slices:
            for record in records:
                if held.position is not None and record.offset < held.position:
                    continue  # stored by then, when a later part of them failed
                asked = _asked(held.topic, record, parked)
                weight = 0 if isinstance(asked, NewLetter) else len(asked)
                if weight > room and parts:
                    counts += self._commit(list(parts.values()))
                    parts, room = {}, SLICE
                parts.setdefault(held, _Part(held)).add(record, asked)
                room -= weight
        self._step("translated")
        return counts + self._commit(list(parts.values())) if parts else counts

    def _commit(self, parts: Sequence[_Part]) -> Counts:
        """One transaction: effects, letters and where each partition is to be read on."""
        keys = keys_of_today(self._vault)
        moves = [part.move() for part in parts]
        sent = {id(request) for part in parts for request in part.sent_anew()}
        answers: list[Answer] = []
        left = set[int]()

        def also(cursor: Cursor[Any], outcome: Outcome) -> None:
            nonlocal left
            left = {id(one.request) for one in outcome.unremembered}
            for part, move in zip(parts, moves, strict=True):
                part.write(cursor, move, outcome.unremembered, keys)
            _add_repeats(cursor, [request for request in outcome.repeats if id(request) in sent])
            self._step("written")

        try:
            answers = self._pipeline.submit([r for part in parts for r, _ in part.requests], also)
        except psycopg.IntegrityError as e:
            # A connection that broke may have broken after the commit: then it was ourselves.
            if e.sqlstate != MOVED_ELSEWHERE or not self._were_ours(moves):
                raise
        self._step("committed")
        for part, move in zip(parts, moves, strict=True):
            held = part.held
            held.position, held.epoch = move.next, move.epoch
            held.furthest = max(held.furthest, move.next)
        remembered = [
            answer
            for (request, _), answer in zip(
                (asked for part in parts for asked in part.requests), answers, strict=False
            )
            if id(request) not in left
        ]
        return Counts(
            sum(len(part.records) for part in parts),
            sum(part.written for part in parts),
            accepted=sum(one.accepted and not one.repeat for one in remembered),
            refused=sum(not one.accepted and not one.repeat for one in remembered),
            repeated=sum(one.repeat for one in remembered),
        )

    def _were_ours(self, moves: Sequence[_Move]) -> bool:
        found = self.offsets.find([move.place for move in moves])
        mine = {(move.place.topic, move.place.partition): move.slice for move in moves}
        return {key: offset.moved_by for key, offset in found.items()} == mine


def _asked(topic: Topic, record: Consumed, parked: set[str]) -> Sequence[Request] | NewLetter:
    """What the record asks for, or why it cannot be asked now."""
    try:
        requests = ask(topic, record)
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


class _Part:
    """What one transaction takes of one partition. written: how many letters became of it."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.records: list[Consumed] = []
        self.requests: list[tuple[Request, Consumed]] = []
        self.written = 0
        self._letters: list[NewLetter] = []

    def add(self, record: Consumed, asked: Sequence[Request] | NewLetter) -> None:
        self.records.append(record)
        if isinstance(asked, NewLetter):
            self._letters.append(asked)
        else:
            self.requests += [(request, record) for request in asked]

    def sent_anew(self) -> Iterator[Request]:
        """The requests of records that somebody sent, and perhaps sent again; not of those that we
        only read again, nor what platforms tell again and again and nobody waits for."""
        if isinstance(self.held.topic, KafkaTopic):
            furthest = self.held.furthest
            yield from (request for request, record in self.requests if record.offset >= furthest)

    def move(self) -> _Move:
        """From where the partition was sought to behind the last record."""
        held, last = self.held, self.records[-1]
        assert held.position is not None
        assert held.topic_id is not None
        epoch = -1 if last.leader_epoch is None else last.leader_epoch
        return _Move(held.place, held.topic_id, held.position, last.offset + 1, epoch, uuid4())

    def write(
        self, cursor: Cursor[Any], move: _Move, unremembered: Sequence[Unremembered], keys: Keys
    ) -> None:
        """Add the statements of what is kept beside the events."""
        records = {id(request): record for request, record in self.requests}
        found = {letter.record.offset: letter for letter in self._letters}
        for one in unremembered:
            record = records.get(id(one.request))
            # One letter a record, whose other requests a retry finds answered.
            if record is not None and record.offset not in found:
                stream = one.request.command.streams()[0] if one.waits else None
                found[record.offset] = NewLetter(record, one.code, one.message, one.field, stream)
        letters = [found[offset] for offset in sorted(found)]
        self.written = len(letters)
        add_letters(cursor, letters, move.topic_id, keys)
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
