"""The records that readers of our topics were ever given: kept, and never rewritten.

What is made here is made from the stored corpus, by the code as it is now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from domain.kernel import Kind, kind_of
from infra.event_store import EventMapper
from infra.kafka.contracts import Outgoing
from infra.kafka.publisher.records import Stored, case_event, entry, notice, result
from tests.golden import TOPICS, read_lines

PUBLISHED = Path(__file__).with_name("published.jsonl")
RECORDED_AT = datetime(2026, 1, 5, 2, 0, 1, tzinfo=UTC)
SOURCE = "casetrail"


def read_published() -> list[Outgoing]:
    if not PUBLISHED.exists():
        return []
    return [_read(line) for line in PUBLISHED.read_text(encoding="utf-8").splitlines()]


def _read(line: str) -> Outgoing:
    said = json.loads(line)
    headers = [(name, content.encode()) for name, content in said["headers"]]
    return Outgoing(said["topic"], said["key"].encode(), said["value"].encode(), headers)


def written(record: Outgoing) -> str:
    said = {
        "topic": record.topic,
        "key": record.key.decode(),
        "headers": [[name, content.decode()] for name, content in record.headers],
        "value": (record.value or b"").decode(),
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def made_now() -> Iterator[Outgoing]:
    """Every stored example of a case's event as it is published now; results, notices and entries
    of the queue of each kind."""
    mapper = EventMapper()
    for position, line in enumerate(read_lines(TOPICS), 1):
        if kind_of(line.stream) is Kind.CASE:
            row = Stored(position, line.stream, line.version, line.topic, RECORDED_AT, line.state)
            event, envelope = mapper.decode(line.topic, line.state)
            yield case_event(row, event, envelope, "CNY", SOURCE)
    refusal = {"accepted": False, "code": "unknown_case", "message": "There is no such case."}
    for row in (
        _row("m1", accepted=True, position=7),
        _row("m1", accepted=True, position=7, is_repeat=True, correlation_id="flow-1"),
        _row("m2", **refusal, field="case_id"),
        _row("m3", accepted=None, code="broken_json"),
    ):
        yield result(row, SOURCE)
    yield notice(_row("m3", accepted=None, code="broken_json"), SOURCE)
    yield result(_row("m4", accepted=None, code="header_missing", field="ce_time"), SOURCE)
    for row in (_entry(), _entry(**UNKNOWN)):
        yield entry(row, RECORDED_AT, SOURCE)


UNKNOWN: dict[str, Any] = {
    **dict.fromkeys(("category", "order_id", "filed_at", "assignee", "held_until", "turn")),
    **dict.fromkeys(("next_action", "about", "payout", "platform_due_at", "currency")),
    **dict.fromkeys(("owed", "refunded"), Decimal(0)),
    **{name: [] for name in ("problems", "clock", "clock_party", "clock_every", "due_at")},
}
"""Of a row of the queue, what can be missing."""


def _entry(**more: Any) -> Any:
    fields: dict[str, Any] = {
        "position": 7,
        "case_id": "douyin:s1:A1",
        "platform": "douyin",
        "shop": "s1",
        "category": "shoes",
        "order_id": "douyin:s1:O1",
        "filed_at": RECORDED_AT,
        "round": 1,
        "problems": ["damaged", "delayed"],
        "severity": 2,
        "priority": 1,
        "safety": True,
        "assignee": "li",
        "held_until": RECORDED_AT + timedelta(minutes=30),
        "turn": "shop",
        "next_action": "check_payout",
        "about": "pay-1",
        "payout": "failed",
        "platform_due_at": RECORDED_AT + timedelta(hours=8),
        "currency": "CNY",
        "owed": Decimal("12.30"),
        "refunded": Decimal("5"),
        "clock": ["execution", "progress_update"],
        "clock_party": ["shop", "shop"],
        "clock_every": [0, 1440],
        "due_at": [RECORDED_AT + timedelta(hours=48), RECORDED_AT + timedelta(hours=24)],
    }
    return SimpleNamespace(**{**fields, **more})


def _row(message_id: str, **more: Any) -> Any:
    fields: dict[str, Any] = {
        "number": 3,
        "source": "kafka:warehouse",
        "message_id": message_id,
        "correlation_id": None,
        "accepted": True,
        "is_repeat": False,
        "position": None,
        "code": "",
        "message": "",
        "field": "",
        "waits": False,
        "recorded_at": RECORDED_AT,
        "told_of": message_id,
        "topic": "casetrail.commands",
        "partition": 4,
        "record_offset": 12,
        "digest": bytes(32),
    }
    return SimpleNamespace(**{**fields, **more})


def schema_of(record: Outgoing) -> str:
    return dict(record.headers)["ce_dataschema"].decode()


def new_lines() -> list[str]:
    """Of the schemas that no line shows yet."""
    there = {schema_of(record) for record in read_published()}
    return [written(record) for record in made_now() if schema_of(record) not in there]
