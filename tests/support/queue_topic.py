"""The live queue as a reader of its topic builds it, beside what readers of the database see."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from infra.kafka import Cluster
from infra.postgres import connect
from tests.support.published import Published, check_contract, read_published

TIMES = ("filed_at", "held_until", "platform_due_at", "due_at")

SEEN = """
select case_id, platform, shop, position, category, order_id, filed_at, round, problems,
       (array['low', 'medium', 'high'])[severity + 1] as severity,
       (array['normal', 'high', 'urgent'])[priority + 1] as priority, safety,
       assignee is not null as assigned, held_until, turn, next_action, about, payout,
       platform_due_at, currency, (owed * 100)::bigint as owed,
       (refunded * 100)::bigint as refunded,
       (select coalesce(json_agg(json_build_object(
                   'clock', c.clock, 'party', c.party, 'every_minutes', c.every, 'due_at', c.due_at)
                   order by c.n), '[]')
        from unnest(clock, clock_party, clock_every, due_at) with ordinality
            as c (clock, party, every, due_at, n)) as due_times
from open_cases
"""
"""In yuan's cents: tests pay in nothing else."""


def check_queue_topic(cluster: Cluster, prefix: str, url: str) -> list[Published]:
    """Whoever keeps the last record of each key has the open cases, and nothing else; the topic's
    records."""
    records = read_published(cluster.address, prefix, "queue")
    for record in records:
        check_contract(record)
        assert not record.value or record.value["case_id"] == record.key
    assert table_of(records) == open_cases(url)
    return records


def table_of(records: Iterable[Published]) -> dict[str, dict[str, Any]]:
    """Case -> entry: what a compacted topic leaves."""
    found = {record.key: record.value for record in records}
    return {case_id: _with_times(value) for case_id, value in found.items() if value}


def open_cases(url: str) -> dict[str, dict[str, Any]]:
    with (
        closing(connect(url, autocommit=True)) as conn,
        conn.cursor(row_factory=dict_row) as cursor,
    ):
        rows = cursor.execute(SEEN).fetchall()
    return {row["case_id"]: _with_times(row) for row in rows}


def _with_times(fields: dict[str, Any]) -> dict[str, Any]:
    """Moments, however they are written."""
    made = fields | {"due_times": [_moments(due) for due in fields["due_times"]]}
    return _moments(made)


def _moments(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name in TIMES and isinstance(value, str) else value
        for name, value in fields.items()
    }
