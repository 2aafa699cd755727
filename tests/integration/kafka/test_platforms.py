"""After-sales as platforms tell them, from a real broker into the right cases."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from consumers.kafka_topics import KAFKA_TOPICS
from domain import decider
from domain.case.state import Case
from domain.case.values import RefundStatus, RulingFor
from infra.kafka import Admin, Cluster
from infra.kafka.intake_client import SLICE
from infra.kafka.intake_letters import DeadLetters
from tests.support.kafka import Sent, create_topics, open_intake, send
from tests.support.platforms import (
    NUMBER,
    PAID,
    SHOP,
    douyin,
    douyins_life,
    kuaishou,
    kuaishous_life,
    told,
)
from tests.support.store import Store

LIVES = {"douyin": douyins_life, "kuaishou": kuaishous_life}


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    create_topics(admin, prefix)
    return prefix


def record(platform: str, fields: dict[str, Any], number: str = NUMBER) -> Sent:
    made = told(platform, number, fields)
    return Sent(made.topic, made.key, made.value, made.headers)


def case_of(store: Store, platform: str, number: str = NUMBER) -> Case:
    stream = f"case:{platform}:{SHOP}:{number}"
    case = decider.fold(stream, ((one.event, one.stamp) for one in store.log.load(stream)))
    assert isinstance(case, Case)
    return case


def test_applications_go_through_to_their_ruling_and_refund_on_both_platforms(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    for step in range(7):
        for platform, life in LIVES.items():
            send(kafka_cluster.address, topics, [record(platform, m) for m in life()[step:][:1]])
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        assert (intake.records, intake.letters) == (13, 0)
        for platform in LIVES:
            case = case_of(store, platform)
            (refund,) = case.refunds.values()
            assert (refund.amount, refund.status) == (PAID, RefundStatus.SUCCEEDED)
            assert [ruling.ruled_for for ruling in case.rulings] == [RulingFor.BUYER]
            assert case.platform_ended
        head = store.log.head()
        # The same again, and the last of it once more: nothing new.
        again = [record(p, fields) for p, life in LIVES.items() for fields in life()]
        send(kafka_cluster.address, topics, again)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        assert (intake.records, intake.letters) == (13, 0)
        assert store.log.head() == head


def test_what_a_platform_garbled_is_a_letter_that_names_the_field_and_the_rest_flows(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    garbled = douyin(6, 0)
    del garbled["process_info"]["after_sale_info"]["update_time"]
    sent = [record("douyin", garbled), record("douyin", douyin(27, 1))]
    send(kafka_cluster.address, topics, sent)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        letters = DeadLetters(store.datastore, store.vault)
        (letter,) = letters.list()
        path = "process_info.after_sale_info.update_time"
        assert (letter.code, letter.field) == ("field_missing", path)
        assert case_of(store, "douyin").platform_status == "商家拒绝申请"
        original = letters.open(letter.number)
        assert original is not None
        assert json.loads(original.value or b"")["shop_id"] == int(SHOP)
        letters.discard(letter.number, "li", "told again since")
        assert letters.list() == []


def test_records_that_ask_for_more_than_a_transaction_holds_are_taken_in_several(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    numbers = [str(10**12 + n) for n in range(SLICE // 2)]
    sent = [
        Sent(m.topic, m.key, m.value, m.headers, partition=0)
        for number in numbers
        for m in [record("kuaishou", kuaishou(10, 0, number, oid=number), number)]
    ]
    send(kafka_cluster.address, topics, sent)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        assert (intake.records, intake.letters) == (len(numbers), 0)
        assert case_of(store, "kuaishou", numbers[-1]).is_open
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT max(position), count(*) FROM kafka_offsets").fetchone()
        told_ = conn.execute("SELECT count(*) FROM answers WHERE accepted").fetchone()
    assert row == (len(numbers), 12 * len(KAFKA_TOPICS))
    assert told_ == (3 * len(numbers),)
