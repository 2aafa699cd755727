"""Records that could not be taken: kept encrypted, shown, tried again or given up."""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Cursor
from psycopg.rows import class_row, tuple_row

from consumers.kafka_record import Record, Topic, ask, origin, sender_of
from domain.request import Malformed, Request
from infra.event_store import LogDatastore
from infra.kafka.failure import KafkaError
from infra.pipeline import Answer, Outcome, Pipeline
from infra.postgres import load_statements
from infra.vault import SubjectKey, Vault

SQL = load_statements(Path(__file__).with_name("intake.sql"))

KEPT_DAYS = 90
"""What is in a letter is forgotten then; what is in a parked one, so long after it was settled."""

SHOWN_LETTERS = 1_000
SETTLED = "23C02"


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A record and why it could not be taken. stream: behind which it waits, if it does."""

    record: Record
    code: str
    message: str
    field: str
    stream: str | None = None


@dataclass(frozen=True)
class Original:
    """A record as it came."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Letter:
    """A row of dead_letters. state: open, parked, retried or discarded."""

    number: int
    topic: str
    partition: int
    record_offset: int
    code: str
    message: str
    field: str
    stream: str | None
    sha256: str
    recorded_at: datetime
    state: str
    settled_at: datetime | None
    settled_by: str | None
    reason: str | None

    def connect_headers(self) -> dict[str, str]:
        """What Kafka Connect's dead-letter headers would say of it (Kafka's guide, "Error
        Reporting in Connect")."""
        return {
            "__connect.errors.topic": self.topic,
            "__connect.errors.partition": str(self.partition),
            "__connect.errors.offset": str(self.record_offset),
            "__connect.errors.connector.name": "casetrail",
            "__connect.errors.stage": "TRANSFORMATION",
            "__connect.errors.exception.class.name": self.code,
            "__connect.errors.exception.message": self.message,
        }


@dataclass(frozen=True)
class Keys:
    """Today's keys. They are there before the log's lock is taken, under which none is made."""

    letters: SubjectKey
    parked: SubjectKey


def keys_of_today(vault: Vault) -> Keys:
    """One a day for each purpose, so that old letters can be forgotten together."""
    day = datetime.now(UTC).date().isoformat()
    letters, parked = f"dead-letters:{day}", f"parked-records:{day}"
    keys = vault.keys_for([letters, parked])
    return Keys(keys[letters], keys[parked])


def add_letters(
    cursor: Cursor[Any], letters: Sequence[NewLetter], topic_id: UUID, keys: Keys
) -> None:
    """Add the statement that keeps the letters, all of one partition and in its order."""
    if not letters:
        return
    first = letters[0].record
    senders = [sender_of(letter.record) or (None, None, None) for letter in letters]
    chosen = [keys.letters if letter.stream is None else keys.parked for letter in letters]
    cursor.execute(
        SQL["insert_dead_letters"],
        {
            "topic": first.topic,
            "topic_id": topic_id,
            "partition": first.partition,
            "offsets": [letter.record.offset for letter in letters],
            "codes": [letter.code for letter in letters],
            "messages": [letter.message.replace("\0", "�") for letter in letters],
            "fields": [letter.field.replace("\0", "�") for letter in letters],
            "streams": [letter.stream for letter in letters],
            "digests": [hashlib.sha256(letter.record.value or b"").digest() for letter in letters],
            "key_ids": [key.id for key in chosen],
            "boxes": [
                Vault.seal_bytes(_packed(letter.record), key, origin(letter.record))
                for letter, key in zip(letters, chosen, strict=True)
            ],
            "states": ["open" if letter.stream is None else "parked" for letter in letters],
            "sources": [source for source, _, _ in senders],
            "message_ids": [message_id for _, message_id, _ in senders],
            "correlation_ids": [correlation_id for _, _, correlation_id in senders],
        },
    )


class DeadLetters:
    """The letters of one database. Raises psycopg's errors when it is away."""

    def __init__(self, datastore: LogDatastore, vault: Vault) -> None:
        self._datastore = datastore
        self._vault = vault

    def parked_streams(self) -> set[str]:
        with self._datastore.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(SQL["select_parked_streams"], prepare=True)
            return {stream for (stream,) in cursor.fetchall()}

    def list(
        self,
        *,
        settled: bool = False,
        code: str | None = None,
        number: int | None = None,
        after: int = 0,
        limit: int = SHOWN_LETTERS,
    ) -> list[Letter]:
        """The unsettled ones (settled: all of them) in their order, after a number."""
        with (
            self._datastore.connection() as conn,
            conn.cursor(row_factory=class_row(Letter)) as cursor,
        ):
            asked = {"all": settled, "code": code, "number": number}
            cursor.execute(SQL["select_letters"], {**asked, "after": after, "limit": limit})
            return cursor.fetchall()

    def get(self, number: int) -> Letter:
        """Raises KafkaError when there is none."""
        found = self.list(settled=True, number=number)
        if not found:
            raise KafkaError("There is no dead letter {number}.", number=number)
        return found[0]

    def open(self, number: int) -> Original | None:
        """The record as it came; None once it is gone."""
        with self._datastore.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(SQL["select_box"], {"number": number}, binary=True)
            row = cursor.fetchone()
        if row is None or row[4] is None:
            return None
        topic, partition, offset, key_id, box = row
        packed = self._vault.open_bytes(box, key_id, f"{topic}/{partition}/{offset}")
        return None if packed is None else _unpacked(packed, topic, partition, offset)

    def discard(self, number: int, by: str, reason: str) -> None:
        """Give it up; its content is destroyed, the rest stays. Raises KafkaError when it is
        settled already."""
        self._unsettled(number)
        with self._datastore.connection() as conn, conn.cursor() as cursor:
            _settle(cursor, number, "discarded", by, reason)

    def retry(self, number: int, pipeline: Pipeline, topics: Sequence[Topic], by: str) -> Answer:
        """Ask what the record asks, once more; the first answer that refuses, else the last.

        Raises Malformed when it still asks for nothing, KafkaError when it is settled or gone.
        Any answer `quarantined` or `message_id_reused` leaves the letter as it is, else it is
        settled in the same transaction. Raises KafkaError, too, while others wait before it for
        the same."""
        self._unsettled(number)
        self._first_in_line(number)
        original = self.open(number)
        if original is None:
            raise KafkaError("What was in dead letter {number} is gone.", number=number)
        requests = _requests(original, topics)
        ours = {id(request) for request in requests}

        def settle(cursor: Cursor[Any], outcome: Outcome) -> None:
            if all(id(one.request) not in ours for one in outcome.unremembered):
                _settle(cursor, number, "retried", by, "")

        try:
            answers = pipeline.submit(requests, settle)
        except psycopg.IntegrityError as e:
            # Somebody was quicker, or our connection broke after the commit.
            if e.sqlstate == SETTLED:
                self._unsettled(number)
            raise
        return next((answer for answer in answers if not answer.accepted), answers[-1])

    def expire(self, days: int = KEPT_DAYS) -> int:
        """Forget what is in letters older than that, or settled so long ago if parked; how many."""
        with self._datastore.connection() as conn:
            return conn.execute(SQL["expire_boxes"], {"days": days}).rowcount

    def _unsettled(self, number: int) -> None:
        if self.get(number).settled_at is not None:
            raise KafkaError("Dead letter {number} is settled already.", number=number)

    def _first_in_line(self, number: int) -> None:
        with self._datastore.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(SQL["select_earlier_parked"], {"number": number})
            row = cursor.fetchone()
        if row is not None:
            raise KafkaError(
                "Dead letter {number} waits before it; take that first.", number=row[0]
            )


def _requests(original: Original, topics: Sequence[Topic]) -> Sequence[Request]:
    for topic in topics:
        if original.topic.endswith(f".{topic.name}"):
            return ask(topic, original)
    raise Malformed("wrong_topic", f"Nothing is read from {original.topic}.")


def _settle(cursor: Cursor[Any], number: int, state: str, by: str, reason: str) -> None:
    cursor.execute(
        SQL["settle_letter"], {"number": number, "state": state, "by": by, "reason": reason}
    )


def _packed(record: Record) -> bytes:
    text = {
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [[name, _text(content)] for name, content in record.headers],
    }
    return zlib.compress(json.dumps(text).encode())


def _unpacked(packed: bytes, topic: str, partition: int, offset: int) -> Original:
    text = json.loads(zlib.decompress(packed))
    headers = [(name, _bytes(content)) for name, content in text["headers"]]
    return Original(topic, partition, offset, _bytes(text["key"]), _bytes(text["value"]), headers)


def _text(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
