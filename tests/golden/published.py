"""The records that readers of our topics were ever given: kept, and never rewritten.

What is made here is made from the stored corpus, by the code as it is now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from domain.kernel import Kind, kind_of
from infra.event_store import EventMapper
from infra.kafka.contracts import Outgoing
from infra.kafka.publisher.records import Stored, case_event, notice, result
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
        "value": record.value.decode(),
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def made_now() -> Iterator[Outgoing]:
    """Every stored example of a case's event as it is published now, and results and notices of
    each kind."""
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
