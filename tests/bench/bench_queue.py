"""The live queue when it is long: ranking it, a page of it, claims from it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from infra.claims import Claim, Claims
from infra.engine import Engine
from infra.engine.fold import SQL
from infra.engine.ranking import rank_all
from infra.postgres import Rows, Server, connect
from projections import queue
from tests.bench.bench_engine import followed, open_cases, wait_for
from tests.bench.bench_pipeline import print_percentiles
from tests.databases import fresh_database
from tests.support.store import open_store

TABLE, PLACES = queue.PROJECTION.table, queue.PROJECTION.places
PAGE = 20
AGENTS = 8
LOOKS = {
    "a page": "select * from queue_page_at(statement_timestamp(), %s)",
    "a page of a shop": "select * from queue_page_at(statement_timestamp(), %s, shop => 's1')",
    "a page of high priority": (
        "select * from queue_page_at(statement_timestamp(), %s, priority => 'high')"
    ),
}
SORTED = "select * from live_queue order by place limit %s"
COPY = """
insert into {table} ({names})
select {changed} from {table} q, generate_series(1, %(times)s) n limit %(count)s
"""
CHANGED = {
    "stream": "stream || '-' || n",
    "case_id": "case_id || '-' || n",
    "shop": "'s' || n % 10",
    "priority": "(n = 1)::int",
    "due_at": "array(select due + n * interval '1 minute' from unnest(q.due_at) due)",
}


def run(server: Server, smoke: bool) -> None:
    for cases, claims in ((500, 40), (1_000, 40)) if smoke else ((10_000, 1_000), (10**6, 1_000)):
        with fresh_database(server) as database:
            print(f"  a queue of {cases:,}")
            _fill(database.url, 2 * claims, cases)
            _look(database.url, cases)
            _claim(database.url, claims)


def _fill(url: str, real: int, cases: int) -> None:
    """So many cases of the log, which come first, and copies of their rows, due later."""
    with open_store(url) as store:
        open_cases(store, real)
    Engine(url).catch_up(600)
    with closing(connect(url, autocommit=True)) as conn:
        asked = {"table": TABLE, "without": list(PLACES)}
        names: list[str] = [name for (name,) in conn.execute(SQL["select_columns"], asked)]
        changed = ", ".join(CHANGED.get(name, name) for name in names)
        copied = {"times": cases // real, "count": cases - real}
        text = COPY.format(table=TABLE, names=", ".join(names), changed=changed)
        conn.execute(text.replace(" % ", " %% ").encode(), copied)
        seconds = _timed(lambda: rank_all(conn, queue.PROJECTION, TABLE))
    print(f"    ranked: {(cases - real) / seconds:,.0f} cases/s")


def _look(url: str, cases: int) -> None:
    with closing(connect(url, autocommit=True)) as conn:
        for what, text in LOOKS.items():
            print_percentiles(f"  {what}", _times(conn, text, 300))
        sorting = statistics.median(_times(conn, SORTED, 5 if cases <= 10_000 else 1))
    print(f"    by judging and sorting all of it: {sorting:,.0f} ms")


def _times(conn: Rows, text: str, looks: int) -> list[float]:
    """Milliseconds of each."""

    def look() -> Sequence[object]:
        return conn.execute(text.encode(), (PAGE,)).fetchall()

    assert look()
    return [1_000 * _timed(look) for _ in range(looks)]


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _claim(url: str, count: int) -> None:
    with open_store(url) as store, followed(url):
        wait_for(url, store.log.head())
        claims = Claims(store.datastore, store.pipeline)
        names = iter(range(2 * count))
        times: list[float] = []
        anew: list[float] = []

        def work(_agent: int) -> None:
            for _ in range(count // AGENTS):
                times.append(_claimed(claims, next(names)))

        with ThreadPoolExecutor(AGENTS) as pool:
            seconds = _timed(lambda: list(pool.map(work, range(AGENTS))))
        for _ in range(20):  # as a command that is run once
            anew.append(_claimed(Claims(store.datastore, store.pipeline), next(names)))
    print(f"    {AGENTS} agents: {len(times) / seconds:,.0f} claims/s")
    print_percentiles("  a claim", times)
    print_percentiles("  a claim that draws anew", anew)


def _claimed(claims: Claims, number: int) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    found = claims.claim_next(f"agent-{number}")
    assert isinstance(found, Claim), found
    return 1_000 * (time.perf_counter() - started)
