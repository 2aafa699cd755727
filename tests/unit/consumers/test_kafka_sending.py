"""The records that a service sends, and in which order they may be sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random

import pytest

from consumers.kafka_sending import Outgoing, in_rounds, record_of
from consumers.kafka_topics import KAFKA_TOPICS
from consumers.sample import Message, generate
from tests.unit.consumers.test_sample import ANCHOR, Log

SOURCE = "/test"


@pytest.fixture(scope="module")
def told() -> list[Message]:
    return list(generate(ANCHOR, quiet=100))


@dataclass(frozen=True)
class Read:
    """An outgoing record as it is read."""

    sent: Outgoing
    partition: int = 0
    offset: int = 0

    @property
    def topic(self) -> str:
        return f"casetrail.{self.sent.topic}"

    @property
    def key(self) -> bytes:
        return self.sent.key

    @property
    def value(self) -> bytes:
        return self.sent.value

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        return self.sent.headers


def test_what_is_sent_is_read_as_it_was(told: list[Message]) -> None:
    topics = {topic.name: topic for topic in KAFKA_TOPICS}
    for message in told:
        asked = message.request("kafka:/test")
        record = record_of(asked, SOURCE)
        (read,) = topics[record.topic].translate(Read(record))
        assert (read.source, read.message_id) == (asked.source, asked.message_id)
        assert (read.command, read.actor) == (asked.command, asked.actor)
        assert (read.occurred_at, read.correlation_id) == (asked.occurred_at, asked.correlation_id)


def test_every_request_is_sent_once(told: list[Message]) -> None:
    rounds = in_rounds((message.request(SOURCE) for message in told), SOURCE)
    sent = sorted(dict(record.headers)["ce_id"].decode() for part in rounds for record in part)
    assert sent == sorted(message.id for message in told)


@pytest.mark.parametrize("seed", range(3))
def test_in_whatever_order_partitions_are_read_nothing_of_a_round_is_refused(
    told: list[Message], seed: int
) -> None:
    chance = Random(seed)
    waiting: dict[str, list[Message]] = defaultdict(list)
    for message in told:
        waiting[message.id].append(message)
    read: list[Message] = []
    for part in in_rounds((message.request(SOURCE) for message in told), SOURCE):
        keys: dict[tuple[str, bytes], list[Outgoing]] = defaultdict(list)
        for record in part:
            keys[record.topic, record.key].append(record)
        lanes = list(keys.values())
        while lanes:
            lane = chance.choice(lanes)
            read.append(waiting[dict(lane.pop(0).headers)["ce_id"].decode()].pop(0))
            if not lane:
                lanes.remove(lane)
    assert Log(read, ANCHOR).refused == []
