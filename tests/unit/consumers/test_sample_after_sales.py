"""What the platforms tell in the sample, in their own form, decided after the rest of it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from consumers.kafka_sending import Outgoing
from consumers.kafka_topics import KAFKA_TOPICS
from consumers.sample import Message, generate, told_by_platforms
from consumers.sample.after_sales import EACH, LIVES, PREFIX
from domain.case import commands as cmd
from domain.case.state import Case
from domain.case.values import Outcome, RefundStatus, RulingFor
from domain.request import Request
from infra.kafka.contracts.asyncapi import document
from tests.unit.consumers.test_kafka_sending import Read
from tests.unit.consumers.test_sample import ANCHOR, Log

SOURCE = "/test"


def told_of(anchor: datetime) -> tuple[list[Message], list[list[Outgoing]]]:
    sample = list(generate(anchor))
    return sample, told_by_platforms([one.request(SOURCE) for one in sample], SOURCE)


def read(record: Outgoing) -> list[Request]:
    topic = next(topic for topic in KAFKA_TOPICS if topic.name == record.topic)
    return list(topic.translate(Read(record)))


def message(request: Request) -> Message:
    assert request.occurred_at is not None
    return Message(
        told_at=request.occurred_at,
        id=request.message_id,
        command=request.command,
        actor=request.actor,
        occurred_at=request.occurred_at,
    )


@pytest.fixture(scope="module")
def rounds() -> list[list[Outgoing]]:
    return told_of(ANCHOR)[1]


@pytest.fixture(scope="module")
def log(rounds: list[list[Outgoing]]) -> Log:
    sample, _ = told_of(ANCHOR)
    asked = [message(request) for part in rounds for record in part for request in read(record)]
    return Log([*sample, *asked], ANCHOR + timedelta(seconds=20))


@pytest.fixture(scope="module")
def cases(log: Log) -> list[Case]:
    return [case for case in log.cases if f":{PREFIX}" in case.case_id]


def test_some_tens_of_after_sales_on_both_platforms_in_their_own_form(
    rounds: list[list[Outgoing]],
) -> None:
    documents, commands = rounds
    assert {record.topic for record in documents} == {"platform-aftersales"}
    assert {record.topic for record in commands} == {"commands"}
    platforms = Counter(dict(record.headers)["platform"].decode() for record in documents)
    assert platforms.keys() == {"douyin", "kuaishou"}
    assert min(platforms.values()) > 2 * len(LIVES) * EACH * 0.9
    schemas = document()["components"]
    for record in documents:
        name = f"{dict(record.headers)['platform'].decode()}-after-sale"
        root = {"$ref": f"#/components/schemas/{name}", "components": schemas}
        Draft202012Validator(root).validate(json.loads(record.value))  # pyright: ignore[reportUnknownMemberType]


def test_nothing_of_it_is_refused(log: Log) -> None:
    assert log.refused == []


@pytest.mark.parametrize(
    "anchor",
    [datetime(2027, 3, 1, 19, 0, tzinfo=UTC), datetime(2028, 2, 29, 3, 59, 59, tzinfo=UTC)],
)
def test_at_any_hour_nothing_of_it_is_refused(anchor: datetime) -> None:
    sample, parts = told_of(anchor)
    asked = [message(one) for part in parts for record in part for one in read(record)]
    assert Log([*sample, *asked], anchor + timedelta(minutes=5)).refused == []


def test_applications_refunds_and_rulings_come_to_what_the_platforms_say(
    cases: list[Case],
) -> None:
    assert len(cases) == 2 * len(LIVES) * EACH
    assert {case.outcome for case in cases} == {
        None,
        Outcome.SOLVED,
        Outcome.RULED_FOR_BUYER,
        Outcome.RULED_FOR_SHOP,
    }
    rulings = Counter(ruling.ruled_for for case in cases for ruling in case.rulings)
    assert rulings == {RulingFor.BUYER: 2 * EACH, RulingFor.SHOP: 2 * EACH}
    refunds = Counter(refund.status for case in cases for refund in case.refunds.values())
    assert refunds == {RefundStatus.SUCCEEDED: 4 * EACH}
    # A refund that failed and that we never asked for is somebody's to look into.
    assert sum(bool(case.divergences) for case in cases if case.is_open) == EACH
    assert sum(bool(case.returns) for case in cases) == 4 * EACH
    assert sum(case.is_open for case in cases) == 2 * EACH * 5
    ended = [one for case in cases if not case.is_open for one in case.divergences.values()]
    assert len(ended) == 6 * EACH
    assert all(divergence.settled for divergence in ended)


def test_the_same_again_is_asked_under_the_same_ids(rounds: list[list[Outgoing]]) -> None:
    def asked(parts: list[list[Outgoing]]) -> list[tuple[str, str]]:
        return [(one.source, one.message_id) for part in parts for r in part for one in read(r)]

    again = told_of(ANCHOR)[1]
    assert again == rounds
    ids = asked(again)
    # A later update repeats what an earlier one said of the deadline or the ruling.
    assert len(set(ids)) > 0.9 * len(ids)


def test_nothing_happens_after_the_sample_and_every_order_is_the_samples(
    rounds: list[list[Outgoing]],
) -> None:
    sample, _ = told_of(ANCHOR)
    orders = {getattr(one.command, "order_id", None) for one in sample}
    for part in rounds:
        for record in part:
            for request in read(record):
                assert request.occurred_at is not None
                assert request.occurred_at <= ANCHOR
                if isinstance(request.command, cmd.FileComplaint):
                    assert request.command.order_id in orders
