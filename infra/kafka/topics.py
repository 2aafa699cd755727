"""The topics, in one table. docs/topics.md is made from it: `python -m infra.kafka topics`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

DAY_MS = 24 * 60 * 60 * 1000
TOMBSTONE_DAYS = 7
"""How long a compacted topic says that a key is gone: readers may be away, or read, for so long."""
LARGEST_RECORD = 2**20
"""Bytes of a batch as it is sent; producers are told at once when theirs is larger."""


@dataclass(frozen=True)
class Topic:
    """One topic. name: without the prefix. direction: seen from here. days: how long records
    are kept; None means for ever. compacted: only the newest record of each key is kept. key:
    what it is, and so what is kept in order. what: for people."""

    name: str
    direction: Literal["in", "out"]
    partitions: int
    days: int | None
    compacted: bool
    key: str
    what: str

    def full_name(self, prefix: str) -> str:
        return f"{prefix}.{self.name}"

    @property
    def config(self) -> dict[str, str]:
        """Kafka's settings of the topic, all that we care about; the brokers' defaults may be
        others."""
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": "-1" if self.days is None else str(self.days * DAY_MS),
            "retention.bytes": "-1",
            "max.message.bytes": str(LARGEST_RECORD),
            "message.timestamp.type": "CreateTime",
            "compression.type": "producer",
            **({"delete.retention.ms": str(TOMBSTONE_DAYS * DAY_MS)} if self.compacted else {}),
        }


# fmt: off
# Partitions cannot be added later without taking keys out of order: 12 can be shared evenly by
# 1, 2, 3, 4, 6 or 12 workers.
TOPICS = (
    Topic("commands", "in", 12, 14, False, "case id, or the supplier, product … it is about",
          "What people and services ask of cases; each is accepted or refused once."),
    Topic("shipments", "in", 12, 30, False, "order id",
          "Order lines shipped, delivered, corrected, cancelled: what rates are taken over."),
    Topic("logistics", "in", 12, 30, False,
          "order id; case id of returns, replacements and interceptions",
          "Parcel facts that move cases: delivered, lost, intercepted, return arrived."),
    Topic("platform-aftersales", "in", 12, 30, False, "the platform's after-sale id",
          "Applications, deadlines, refunds and rulings as the platforms send them."),
    Topic("case-events", "out", 12, 30, False, "case id",
          "What happened to cases, for everybody; nothing personal."),
    Topic("command-results", "out", 12, 7, False, "correlation id, else the message's id",
          "What became of each command: accepted with its position, refused and why, not taken."),
    Topic("queue", "out", 12, None, True, "case id",
          "Open cases, with what their places in the live queue depend on; no value: it left."),
    Topic("dead-letters", "out", 3, 90, False, "topic and partition it came from",
          "Records that could not be read: where each is kept, its hash and the reason."),
)
# fmt: on


def as_markdown() -> str:
    """The table for docs/topics.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Topics"
    yield ""
    yield "Made from the table in `infra/kafka/topics.py` (`python -m infra.kafka topics`); a test"
    yield "compares the two. `casetrail kafka init` creates the topics, and says of existing ones"
    yield "what differs; nothing creates one by itself. Names begin with `casetrail.`, or with what"
    yield "`CASETRAIL_KAFKA_TOPIC_PREFIX` says."
    for direction, title in (("in", "In"), ("out", "Out")):
        yield ""
        yield f"## {title}"
        yield "| topic | key | partitions | kept | what |"
        yield "| --- | --- | --- | --- | --- |"
        for topic in TOPICS:
            if topic.direction == direction:
                kept = "for ever" if topic.days is None else f"{topic.days} days"
                if topic.compacted:
                    kept += f", the newest of each key; a tombstone {TOMBSTONE_DAYS} days"
                cells = (f"`casetrail.{topic.name}`", topic.key, str(topic.partitions), kept)
                yield f"| {' | '.join(cells)} | {topic.what} |"
    yield ""
    yield "Every topic has three copies, of which two must have a record before it is acknowledged"
    yield "(one, on a cluster of fewer than three brokers). A record is refused by the broker when"
    yield f"it has more than {LARGEST_RECORD:,} bytes, compressed and with its headers."
