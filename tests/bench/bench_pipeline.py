"""The pipeline against the library one at a time, against bare inserts, and under concurrency."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import psycopg
from eventsourcing.persistence import StoredEvent

from domain import decider
from domain.request import Request
from infra.event_store import append_events, lock_log, notify_readers
from infra.postgres import Server, connect
from tests.bench.baseline import Library
from tests.databases import fresh_database
from tests.support.cases import complain, contact, note
from tests.support.store import Store, open_store, place_order, set_budget, ship_order

EVENTS_A_CASE = 30
BATCH = 500
COLD_CACHE = 5_000_000  # bytes; a tenth of what the cases need


def run(server: Server, smoke: bool) -> None:
    cases = 60 if smoke else 2_000
    singles = 20 if smoke else 1_000
    with fresh_database(server) as database:
        url = database.url
        with open_store(url, cache_bytes=1 << 30) as store:
            _fill(store, cases)
            hot = _hot(store, cases)
            alone = _one_by_one(store, cases, singles)
        with open_store(url, cache_bytes=COLD_CACHE) as store:
            cold = _cold(store, cases, 1)
            visits = _cold(store, cases, 5)
        bare = _bare(server, url, 20 * BATCH if not smoke else BATCH)
        library_short, library_long = _library(url, database.admin_url, cases, singles)
    print(f"  one at a time, `eventsourcing`, {EVENTS_A_CASE}-event cases: {library_long:,.0f}/s")
    print(f"  one at a time, `eventsourcing`, new cases:      {library_short:,.0f}/s")
    print(f"  one at a time, pipeline:                        {alone:,.0f}/s")
    _ratio("batches, hot, commands/s", hot[0], library_long, "the library one at a time")
    _ratio("batches, cold, commands/s", cold[0], library_long, "the library one at a time")
    _ratio("batches, cold, five commands a case", visits[0], library_long, "the library")
    _ratio("batches, hot, events/s", hot[1], bare, "the bare insert of the same events")
    with fresh_database(server) as database:
        _callers(database.url, smoke)
    with fresh_database(server) as database:
        _processes(database.url, smoke)
    with fresh_database(server) as database:
        _beside_a_load(database.url, smoke)
    with fresh_database(server) as database:
        _replay(database.url, smoke)


# ------------------------------------------------------------ batches and baselines


def _fill(store: Store, cases: int) -> None:
    """Cases of EVENTS_A_CASE events each, with an order each."""
    store.pipeline.submit([place_order(n) for n in range(cases)])
    store.pipeline.submit([ship_order(n) for n in range(cases)])
    # Of today: a case that lay for months would hold hundreds of breached days.
    now = datetime.now(UTC)
    store.pipeline.submit([complain(n, f"c{n}", order=n, at=now) for n in range(cases)])
    for turn in range(20):
        some = range(0, cases, max(1, cases // 100))
        if turn and min(_events(store, n) for n in some) >= EVENTS_A_CASE:
            return
        store.pipeline.submit([contact(n, f"fill-{turn}-{n}") for n in range(cases)])


def _events(store: Store, case: int) -> int:
    return store.log.load(f"case:douyin:s1:AS{case}")[-1].stamp.version


def _hot(store: Store, cases: int) -> tuple[float, float]:
    """Commands and events a second when every case is in the cache."""
    rates: list[tuple[float, float]] = []
    for turn in range(3):
        requests = [contact(n, f"hot-{turn}-{n}") for n in range(cases)]
        rates.append(_rate(store, requests))
    return max(rates)


def _cold(store: Store, cases: int, each: int) -> tuple[float, float]:
    """Commands and events a second when no case is in the cache any more. each: commands for
    one case, one after the other."""
    name = random.random()
    requests = [contact(n, f"cold-{name}-{n}-{i}") for n in range(cases) for i in range(each)]
    return _rate(store, requests)


def _rate(store: Store, requests: Sequence[Request]) -> tuple[float, float]:
    before = store.log.head()
    started = time.perf_counter()
    answers = store.pipeline.submit(requests)
    took = time.perf_counter() - started
    assert all(answer.accepted for answer in answers)
    return len(requests) / took, (store.log.head() - before) / took


def _one_by_one(store: Store, cases: int, count: int) -> float:
    requests = [contact(n % cases, f"one-{random.random()}") for n in range(count)]
    started = time.perf_counter()
    for request in requests:
        store.pipeline.submit([request])
    return count / (time.perf_counter() - started)


def _bare(server: Server, url: str, count: int) -> float:
    """Events a second of the same rows into the same table, in batches of the same size."""
    with fresh_database(server) as database, closing(connect(database.url)) as conn:
        with closing(connect(url)) as source:
            rows = [
                StoredEvent(*row)
                for row in source.execute(
                    "SELECT originator_id, originator_version, topic, state FROM stored_events"
                    " ORDER BY notification_id LIMIT %s",
                    (count,),
                )
            ]
        cursor = conn.cursor()
        started = time.perf_counter()
        for start in range(0, len(rows), BATCH):
            lock_log(cursor)
            append_events(cursor, rows[start : start + BATCH])
            notify_readers(cursor)
            conn.commit()
        return len(rows) / (time.perf_counter() - started)


def _library(url: str, admin_url: str, cases: int, count: int) -> tuple[float, float]:
    """Commands a second of the library, on new cases and on cases of the same length as ours."""
    with psycopg.connect(admin_url, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA library; GRANT ALL ON SCHEMA library TO PUBLIC")
    with Library(url) as library:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO library.library_events"
                " (originator_id, originator_version, topic, state)"
                " SELECT originator_id, originator_version, topic, state FROM stored_events"
                " ORDER BY notification_id"
            )
            conn.execute("ANALYZE library.library_events")
        now = datetime.now(UTC)
        new = [complain(10**6 + n, f"new-{n}", order=n % cases, at=now) for n in range(count)]
        old = [contact(n % cases, f"lib-{n}") for n in range(count)]
        return _library_rate(library, new), _library_rate(library, old)


def _library_rate(library: Library, requests: Sequence[Request]) -> float:
    started = time.perf_counter()
    for request in requests:
        library.submit(request)
    return len(requests) / (time.perf_counter() - started)


# ----------------------------------------------------------------- concurrency


def _callers(url: str, smoke: bool) -> None:
    """Appends by concurrent callers of one process."""
    with open_store(url) as store:
        single = 0.0
        seconds = 0.3 if smoke else 4.0
        for callers in (1, 8, 64):
            rates = [_call(store, callers, seconds) for _ in range(1 if smoke else 3)]
            rate = statistics.median(rates)
            single = single or rate
            print(
                f"  {callers:3} callers in one process: {rate:,.0f}/s = {rate / single:.1f} × one"
            )


def _call(store: Store, callers: int, seconds: float) -> float:
    until = time.perf_counter() + seconds

    def work(caller: int) -> int:
        done = 0
        while time.perf_counter() < until:
            limit = str(1 + done % 1000)
            request = set_budget(limit, f"{caller}-{random.random()}", day=f"{2000 + caller}-01-01")
            store.pipeline.submit([request])
            done += 1
        return done

    started = time.perf_counter()
    with ThreadPoolExecutor(callers) as threads:
        done = sum(threads.map(work, range(callers)))
    return done / (time.perf_counter() - started)


def _processes(url: str, smoke: bool) -> None:
    """Appends by several processes of eight callers each."""
    for processes in (1, 2, 4):
        seconds = 0.5 if smoke else 4.0
        children = [_child("append", url, str(n), str(seconds)) for n in range(processes)]
        rate = sum(float(child.communicate()[0]) for child in children)
        print(f"  {processes} processes × 8 callers: {rate:9,.0f}/s")


def _beside_a_load(url: str, smoke: bool) -> None:
    """One agent's commands while another process, or another thread, loads at full speed."""
    count = 20 if smoke else 400
    with open_store(url) as store:
        store.pipeline.submit([place_order(n) for n in range(100)])
        now = datetime.now(UTC)
        store.pipeline.submit([complain(n, f"c{n}", order=n, at=now) for n in range(100)])
        _latency("an agent's command, nobody else", store, count)
        load = _child("load", url, "3600")
        assert load.stdout is not None
        load.stdout.readline()
        before, started = store.log.head(), time.perf_counter()
        _latency("an agent's command beside a load in another process", store, count)
        rate = (store.log.head() - before - 2 * count) / (time.perf_counter() - started)
        load.kill()
        load.wait()
        load.stdout.close()
        print(f"    the load meanwhile: {rate:,.0f} events/s")
        stop = threading.Event()
        loader = threading.Thread(target=_load, args=(store, stop.is_set, 10**7))
        loader.start()
        _latency("an agent's command beside a load in the same process", store, count)
        stop.set()
        loader.join()


def _latency(what: str, store: Store, count: int) -> None:
    times: list[float] = []
    for n in range(count):
        request = note(n % 100, f"note-{random.random()}")
        started = time.perf_counter()
        (answer,) = store.pipeline.submit([request])
        times.append(1000 * (time.perf_counter() - started))
        assert answer.accepted
        time.sleep(0.01)
    _percentiles(what, times)


def _load(store: Store, stopped: Callable[[], bool], first: int) -> None:
    while not stopped():
        store.pipeline.submit([place_order(n) for n in range(first, first + 5 * BATCH)])
        first += 5 * BATCH


def _replay(url: str, smoke: bool) -> None:
    """Reading one case back and folding it."""
    cases = 20 if smoke else 300
    with open_store(url) as store:
        _fill(store, cases)
        times: list[float] = []
        for n in range(10 * cases):
            started = time.perf_counter()
            stream = f"case:douyin:s1:AS{n * 7919 % cases}"
            decider.fold(stream, [(r.event, r.stamp) for r in store.log.load(stream)])
            times.append(1000 * (time.perf_counter() - started))
        _percentiles(f"replaying a case of {EVENTS_A_CASE} events", times)


# --------------------------------------------------------------------- helpers


def _ratio(what: str, rate: float, other: float, whose: str) -> None:
    print(f"  {what}: {rate:,.0f} = {rate / other:.1f} × {whose} ({other:,.0f}/s)", flush=True)


def _percentiles(what: str, milliseconds: list[float]) -> None:
    cuts = statistics.quantiles(milliseconds, n=100)
    print(f"  {what}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms", flush=True)


def _child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.bench_pipeline", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _child_main(what: str, url: str, *arguments: str) -> None:
    with open_store(url) as store:
        if what == "append":
            number, seconds = int(arguments[0]), float(arguments[1])
            until = time.perf_counter() + seconds

            def work(caller: int) -> int:
                done = 0
                while time.perf_counter() < until:
                    day = f"{1000 + 100 * number + caller}-01-01"
                    message_id = f"{number}-{caller}-{done}"
                    store.pipeline.submit([set_budget(str(1 + done % 1000), message_id, day=day)])
                    done += 1
                return done

            with ThreadPoolExecutor(8) as threads:
                print(sum(threads.map(work, range(8))) / seconds)
        else:
            store.pipeline.submit([place_order(n) for n in range(10**6, 10**6 + BATCH)])
            print("ready", flush=True)
            _load(store, lambda: False, 2 * 10**6)


if __name__ == "__main__":
    _child_main(*sys.argv[1:])
