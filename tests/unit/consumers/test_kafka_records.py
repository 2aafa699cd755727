"""What a Kafka record asks for, and why it may ask for nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.kafka_commands import COMMANDS_TOPIC
from consumers.kafka_logistics import LOGISTICS_TOPIC
from consumers.kafka_record import key_of, sender_of
from consumers.kafka_shipments import SHIPMENTS_TOPIC
from consumers.kafka_topics import OWN_TOPICS
from domain.kernel import COMMANDS
from domain.request import Malformed

ERP = {"kind": "system", "id": "erp", "role": "service"}
DELIVERY = {"order_id": "douyin:s1:O1", "shipment_id": "p1"}
HEADERS = {
    "ce_specversion": b"1.0",
    "ce_type": b"order.record_delivery.v1",
    "ce_source": b"/erp",
    "ce_id": b"m1",
    "ce_time": b"2026-01-02T03:04:05+08:00",
    "content-type": b"application/json",
}


@dataclass(frozen=True)
class Sent:
    key: bytes | None = b"douyin:s1:O1"
    value: bytes | None = json.dumps({"actor": ERP, "data": DELIVERY}).encode()
    headers: Sequence[tuple[str, bytes | None]] = tuple(HEADERS.items())
    topic: str = "casetrail.shipments"
    partition: int = 3
    offset: int = 7


def with_header(name: str, content: bytes | None) -> Sent:
    changed: dict[str, bytes | None] = {**HEADERS, name: content}
    return Sent(headers=tuple((n, c) for n, c in changed.items() if n == "x" or c is not None))


def body(**changes: Any) -> bytes:
    return json.dumps({"actor": ERP, "data": {**DELIVERY, **changes}}).encode()


def test_a_record_asks_for_what_its_headers_and_its_value_say() -> None:
    sent = Sent(
        headers=(
            *HEADERS.items(),
            ("ce_correlationid", b"c1"),
            ("ce_causationid", b"c0"),
            ("ce_claimtoken", b"7"),
            ("traceparent", b"\xff"),
        )
    )
    (request,) = SHIPMENTS_TOPIC.translate(sent)
    assert request.source == "kafka:/erp"
    assert request.message_id == "m1"
    assert request.command == COMMANDS["order.record_delivery"].model_validate(DELIVERY)
    assert request.actor.id == "erp"
    assert request.occurred_at == datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)
    assert (request.correlation_id, request.causation_id) == ("c1", "c0")
    assert request.claim_token == 7
    assert request.origin == "casetrail.shipments/3/7"


def test_a_command_need_not_say_when() -> None:
    sent = with_header("ce_type", b"case.close.v1")
    sent = replace(
        sent,
        key=b"douyin:s1:A1",
        value=json.dumps({"actor": ERP, "data": {"case_id": "douyin:s1:A1"}}).encode(),
        headers=[(n, c) for n, c in sent.headers if n != "ce_time"],
    )
    (request,) = COMMANDS_TOPIC.translate(sent)
    assert request.occurred_at is None


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        (Sent(value=None), "tombstone", ""),
        (with_header("ce_claimtoken", b"0"), "header_invalid", "ce_claimtoken"),
        (with_header("ce_claimtoken", b"seven"), "header_invalid", "ce_claimtoken"),
        (Sent(value=b"x" * (2 * 1024 * 1024)), "message_too_large", ""),
        (Sent(value=b"{"), "broken_json", ""),
        (Sent(value=b"\xff\xfe"), "broken_json", ""),
        (Sent(value=b'{"data": ' + b"[" * 10_000), "broken_json", ""),
        (Sent(value=b"[]"), "field_invalid", ""),
        (Sent(value=json.dumps({"data": DELIVERY}).encode()), "field_missing", "actor"),
        (Sent(value=body(signed="perhaps")), "field_invalid", "data.signed"),
        (Sent(value=body(more=1)), "field_unknown", "data.more"),
        (Sent(key=None), "key_missing", "key"),
        (Sent(key=b"douyin:s1:O2"), "wrong_key", "key"),
        (Sent(key=b"\xff"), "wrong_key", "key"),
        (Sent(headers=()), "header_missing", "ce_specversion"),
        (with_header("ce_id", None), "header_missing", "ce_id"),
        (with_header("ce_id", b""), "header_missing", "ce_id"),
        (with_header("ce_id", b"a\x00b"), "header_invalid", "ce_id"),
        (with_header("ce_id", b"\xff"), "header_invalid", "ce_id"),
        (with_header("ce_id", b"x" * 201), "header_invalid", "ce_id"),
        (with_header("ce_source", None), "header_missing", "ce_source"),
        (with_header("ce_time", None), "header_missing", "ce_time"),
        (with_header("ce_time", b"2026-01-02T03:04:05"), "header_invalid", "ce_time"),
        (with_header("ce_time", b"1700000000"), "header_invalid", "ce_time"),
        (with_header("ce_specversion", b"0.3"), "unknown_version", "ce_specversion"),
        (with_header("content-type", b"text/xml"), "wrong_content_type", "content-type"),
        (with_header("ce_type", b"order.eat.v1"), "unknown_type", "ce_type"),
        (with_header("ce_type", b"order.record_delivery"), "unknown_type", "ce_type"),
        (with_header("ce_type", b"order.record_delivery.v2"), "unknown_version", "ce_type"),
        (with_header("ce_type", b"case.close.v1"), "wrong_topic", "ce_type"),
        (Sent(headers=(*HEADERS.items(), ("ce_id", b"m2"))), "header_repeated", "ce_id"),
    ],
)
def test_a_record_that_breaks_the_contract_says_where(sent: Sent, code: str, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        SHIPMENTS_TOPIC.translate(sent)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_breaks_the_contract_never_repeats_what_it_said() -> None:
    with pytest.raises(Malformed) as refused:
        SHIPMENTS_TOPIC.translate(Sent(value=body(signed="13800000000")))
    assert "13800000000" not in refused.value.message


def test_every_command_has_a_topic() -> None:
    assert set().union(*(topic.types for topic in OWN_TOPICS)) == set(COMMANDS)
    assert LOGISTICS_TOPIC.types <= set(COMMANDS)


def test_the_key_is_the_name_of_what_the_command_is_about() -> None:
    command = COMMANDS["order.record_delivery"].model_validate(DELIVERY)
    assert key_of(command) == "douyin:s1:O1"


def test_records_are_translated_faster_than_they_can_be_stored() -> None:
    sent = Sent()
    SHIPMENTS_TOPIC.translate(sent)
    started = time.process_time()
    for _ in range(2_000):
        SHIPMENTS_TOPIC.translate(sent)
    assert 2_000 / (time.process_time() - started) > 10_000


@pytest.mark.parametrize(
    ("record", "sender"),
    [
        (Sent(), ("kafka:/erp", "m1", None)),
        (Sent(value=b"{", key=None), ("kafka:/erp", "m1", None)),
        (with_header("ce_correlationid", b"c1"), ("kafka:/erp", "m1", "c1")),
        (with_header("ce_correlationid", b"\xff"), ("kafka:/erp", "m1", None)),
        (with_header("ce_type", None), ("kafka:/erp", "m1", None)),
        (with_header("ce_id", None), None),
        (with_header("ce_id", b"x" * 201), None),
        (with_header("ce_source", b"\xff"), None),
        (Sent(headers=(*HEADERS.items(), ("ce_id", b"m2"))), None),
    ],
)
def test_of_a_bad_record_the_headers_say_whom_to_tell(
    record: Sent, sender: tuple[str, str, str | None] | None
) -> None:
    assert sender_of(record) == sender
