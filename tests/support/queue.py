"""A queue with cases in it, for those who claim from it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from domain.case.commands import FileComplaint
from domain.case.events import NoteAdded
from domain.kernel import Platform
from domain.policy import PolicyDocument, ProcedureDocument, PublishPolicy
from domain.request import Request
from infra.engine import Engine
from infra.event_store import Pending
from infra.postgres import connect
from tests.support.store import AGENT, BOSS, Store, ask, envelope


def complaint(
    name: str,
    *,
    shop: str = "s1",
    problem: str = "damaged",
    ago: timedelta = timedelta(minutes=1),
) -> Request:
    """A complaint by phone about an order that is not known yet, made so long ago."""
    command = FileComplaint.model_validate(
        {
            "case_id": f"douyin:{shop}:{name}",
            "channel": "phone",
            "items": [{"line": "1", "quantity": 1, "problem": problem}],
        }
    )
    at = datetime.now(UTC) - ago
    return ask(command, f"complaint-{shop}-{name}", by=AGENT, occurred_at=at)


def publish(document: PolicyDocument, message_id: str) -> Request:
    return ask(PublishPolicy(platform=Platform.DOUYIN, document=document), message_id, by=BOSS)


def procedure(message_id: str = "procedure", **fields: Any) -> Request:
    """lease_seconds, agent_capacity, breached_share …, for all of the platform's shops."""
    return publish(ProcedureDocument.model_validate(fields), message_id)


def fill(store: Store, url: str, requests: Sequence[Request]) -> None:
    """Accept them all, and bring the queue up to date."""
    answers = store.pipeline.submit(requests)
    refused = [answer for answer in answers if not answer.accepted]
    assert not refused, refused[:3]
    Engine(url).catch_up()


def rows(url: str, query: str, **params: Any) -> list[dict[str, Any]]:
    with (
        closing(connect(url, autocommit=True)) as conn,
        conn.cursor(row_factory=dict_row) as cursor,
    ):
        return cursor.execute(query.encode(), params).fetchall()


def spoil(store: Store, stream: str) -> None:
    """Record an event that nobody can read."""
    version = len(store.log.load(stream)) + 1
    unread = Pending(stream, version, NoteAdded(), envelope(f"unreadable-{stream}"))
    stored = replace(store.log.mapper.to_stored_event(unread), state=b'{"e":{"no":1},"s":{}}')
    store.log.recorder.insert_events([stored])
