"""Snapshots of long streams: shorter reading, never another outcome."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime

import psycopg
import pytest

from domain import decider
from domain.kernel import State
from tests.databases import Database
from tests.support.cases import complain, contact
from tests.support.store import Store, open_store, place_order, ship_order

CASE = "case:douyin:s1:AS1"


@pytest.fixture
def store(database_url: str) -> Generator[Store]:
    """A process that keeps nothing in memory, and a case of a dozen events."""
    with open_store(database_url, cache_bytes=0) as opened:
        opened.pipeline.submit([place_order(1), ship_order(1)])
        opened.pipeline.submit([complain(1, "c", order=1, at=datetime.now(UTC))])
        for turn in range(5):
            opened.pipeline.submit([contact(1, f"first-{turn}")])
        yield opened


def folded(store: Store) -> State:
    recorded = store.log.load(CASE)
    return decider.fold(CASE, [(record.event, record.stamp) for record in recorded])


def kept(database_url: str) -> list[tuple[str, int]]:
    with psycopg.connect(database_url) as conn:
        return conn.execute("SELECT stream, version FROM snapshots ORDER BY stream").fetchall()


def spoil(database_url: str, change: str) -> None:
    with psycopg.connect(database_url) as conn:
        assert conn.execute(f"UPDATE snapshots SET {change}".encode()).rowcount == 1


def test_what_took_long_to_fold_is_kept_for_the_next_time(store: Store, database_url: str) -> None:
    assert [stream for stream, _ in kept(database_url)] == [CASE]


def test_a_snapshot_and_the_later_events_give_what_all_events_give(
    store: Store, database_url: str
) -> None:
    for turn in range(8):
        (answer,) = store.pipeline.submit([contact(1, f"later-{turn}")])
        assert answer.accepted
    state = folded(store)
    assert [record.stamp.version for record in store.log.load(CASE)] == list(
        range(1, state.version + 1)
    )
    ((_, version),) = kept(database_url)
    assert version > 12, "a newer snapshot takes an old one's place"
    reader = store.pipeline._reader  # pyright: ignore[reportPrivateUsage]
    with store.datastore.connection() as conn:
        assert reader.read(conn, [CASE]).loaded[CASE] == state


@pytest.mark.parametrize(
    "change",
    [
        "state = set_byte(state, 40, get_byte(state, 40) # 1)",
        "version = version - 1",
        "made_by = '\\x00'",
        "state = ''",
    ],
    ids=["altered", "of another version", "of other code", "empty"],
)
def test_a_snapshot_that_is_not_ours_is_passed_over(
    store: Store, database_url: str, change: str
) -> None:
    spoil(database_url, change)
    (answer,) = store.pipeline.submit([contact(1, "after")])
    assert answer.accepted
    state = folded(store)
    reader = store.pipeline._reader  # pyright: ignore[reportPrivateUsage]
    with store.datastore.connection() as conn:
        assert reader.read(conn, [CASE]).loaded[CASE] == state


def test_what_cannot_be_kept_is_answered_all_the_same(
    store: Store, database: Database, database_url: str
) -> None:
    with psycopg.connect(database.admin_url) as conn:
        conn.execute("TRUNCATE snapshots")
        conn.execute("ALTER TABLE snapshots ADD CHECK (version < 0)")
    (answer,) = store.pipeline.submit([contact(1, "after")])
    assert answer.accepted
    assert kept(database_url) == []
