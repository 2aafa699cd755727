"""The hot statements walk an index, however much the log holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.postgres import Statements, load_statements
from tests.databases import Database

INFRA = Path(__file__).resolve().parents[3] / "infra"
LOG = load_statements(INFRA / "event_store" / "log.sql")
PIPELINE = load_statements(INFRA / "pipeline" / "pipeline.sql")
ENGINE = load_statements(INFRA / "engine" / "engine.sql")
PUBLISHER = load_statements(INFRA / "kafka" / "publisher" / "publisher.sql")


@pytest.fixture
def filled(database: Database) -> str:
    """A log of 30,000 events: 3,000 orders of ten events each, a case for every hundredth."""
    with psycopg.connect(database.admin_url) as conn:
        # Not behind our back: what is analysed, and when, is the test's own.
        conn.execute("ALTER TABLE stored_events SET (autovacuum_enabled = false)")
        conn.execute(
            "INSERT INTO stored_events SELECT n, (n - 1) / 3000 + 1, now(),"
            " CASE WHEN n % 100 = 0 THEN 1 ELSE 2 END,"
            " CASE WHEN n % 100 = 0 THEN 'case:' ELSE 'order:' END || n % 3000,"
            " 'topic', 'state' FROM generate_series(1, 30000) AS n"
        )
        conn.execute(
            "INSERT INTO answers SELECT n, n, now(), now(), true, '', 'source', n::text, '', '', ''"
            " FROM generate_series(1, 30000) AS n"
        )
        conn.execute(
            "INSERT INTO snapshots SELECT 'order:' || n, 5, '1', repeat('state', 300)::bytea"
            " FROM generate_series(1, 3000) AS n"
        )
        conn.execute("ANALYZE answers, snapshots")
    return database.url


@pytest.fixture
def analysed(database: Database, filled: str) -> str:
    with psycopg.connect(database.admin_url) as conn:
        conn.execute("ANALYZE stored_events")
    return filled


@pytest.mark.parametrize(
    ("statements", "name", "index", "parameters"),
    [
        (LOG, "select_tail", "stored_events_pkey", {"after": 100, "upto": 2**60, "limit": 500}),
        (
            LOG,
            "select_tail_of_kinds",
            "stored_events_by_kind",
            {"kinds": [1], "after": 100, "upto": 2**60, "limit": 500},
        ),
        (
            LOG,
            "select_stream",
            "stored_events_originator_id_originator_version_key",
            {"stream": "order:7", "after": 0, "upto": 2**60, "limit": None},
        ),
        (LOG, "select_head", "stored_events_pkey", {}),
        (PIPELINE, "select_clock", "stored_events_pkey", {}),
        (PIPELINE, "select_tail", "stored_events_pkey", {"after": 29_000, "limit": 5_001}),
        (
            PIPELINE,
            "select_streams",
            "stored_events_originator_id_originator_version_key",
            {"streams": [f"order:{n}" for n in range(500)], "made_by": b"1"},
        ),
        (
            PIPELINE,
            "select_answers",
            "answers_source_message_id_key",
            {"sources": ["source"] * 20, "message_ids": [str(n) for n in range(20)]},
        ),
    ],
)
def test_a_hot_statement_uses_its_index(
    analysed: str, statements: Statements, name: str, index: str, parameters: dict[str, Any]
) -> None:
    with psycopg.connect(analysed) as conn:
        lines = conn.execute(b"EXPLAIN " + statements[name].encode(), parameters).fetchall()
    plan = "\n".join(str(line[0]) for line in lines)
    assert index in plan
    assert "Seq Scan" not in plan
    assert "Sort Method: external" not in plan


@pytest.mark.parametrize(
    "name", ["select_clock", "select_tail", "select_answers", "select_streams", "select_written"]
)
def test_a_plan_that_is_made_while_the_log_is_empty_reads_no_whole_table_later(
    database_url: str, name: str
) -> None:
    """A session keeps the plan of a prepared statement for as long as nobody analyses the table."""
    with psycopg.connect(database_url) as conn:
        assert not [line for line in _plan_of_any(conn, PIPELINE[name]) if "Seq Scan on" in line]


@pytest.mark.parametrize("statistics", [False, True])
@pytest.mark.parametrize(
    ("statements", "name"),
    [
        (LOG, "select_tail_of_kinds"),
        (ENGINE, "select_page"),
        (PUBLISHER, "select_events"),
        (PUBLISHER, "select_touched"),
        (PUBLISHER, "select_positions"),
    ],
)
def test_a_page_of_a_kind_costs_the_same_wherever_it_is_and_whatever_is_known_of_the_log(
    request: pytest.FixtureRequest, statements: Statements, name: str, statistics: bool
) -> None:
    """It neither collects all that follows to sort it nor reads past the other kinds' events."""
    url = request.getfixturevalue("analysed" if statistics else "filled")
    with psycopg.connect(url) as conn:
        lines = _plan_of_any(conn, statements[name])
    reads = [line.strip(" ->") for line in lines if "on stored_events" in line]
    assert reads
    assert all(line.startswith("Index") and "stored_events_by_kind" in line for line in reads)


def _plan_of_any(conn: psycopg.Connection[Any], statement: str) -> list[str]:
    """The plan that serves whatever the statement is asked with."""
    numbers: dict[str, int] = {}
    numbered = re.sub(
        r"%\((\w+)\)[sb]",
        lambda found: f"${numbers.setdefault(found[1], len(numbers) + 1)}",
        statement,
    )
    lines = conn.execute(b"EXPLAIN (GENERIC_PLAN) " + numbered.encode()).fetchall()
    return [str(line) for (line,) in lines]
