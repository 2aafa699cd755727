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

from domain import decider
from domain.request import Request
from infra.postgres import Rows, Server, connect
from tests.bench.baseline import insert_bare, open_library
from tests.databases import Database, fresh_database
from tests.support.cases import complain, contact, note
from tests.support.store import Store, open_store, place_order, set_budget, ship_order

EVENTS_A_CASE = 30
BATCH = 500
COLD_CACHE = 5_000_000  # bytes; a tenth of what the cases need


def run(server: Server, smoke: bool) -> None:
    with (
        fresh_database(server) as database,
        fresh_database(server) as other,
        closing(connect(other.url)) as bare,
    ):
        _side_by_side(database, bare, smoke)
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


def _side_by_side(database: Database, bare: Rows, smoke: bool) -> None:
    """The library, the pipeline hot and cold, turn by turn: what else the machine does then
    falls on all of them alike."""
    cases, some, rounds = (60, 20, 1) if smoke else (2_000, BATCH, 9)
    with (
        open_store(database.url, cache_bytes=1 << 30) as hot,
        open_store(database.url, cache_bytes=COLD_CACHE) as cold,
    ):
        _fill(cold, cases)  # as in life: nobody's cache held them all meanwhile
        hot.pipeline.submit([note(n, f"known-{n}") for n in range(cases)])
        with open_library(database) as library:
            rates: dict[str, list[float]] = {}
            for turn in range(rounds):
                names = [n * some % cases for n in (turn, turn + 1)]
                first, second = (range(start, start + some) for start in names)
                ours, theirs = _contacts(first, "h"), _contacts(first, "l")[: some // 5]
                _note(rates, "library", theirs, lambda r: [library.submit(one) for one in r])
                _learn_of_the_others(hot)
                before = hot.log.head()
                _note(rates, "hot", ours, hot.pipeline.submit)
                count, seconds = insert_bare(database.url, bare, before)
                rates.setdefault("bare", []).append(count / seconds)
                rates.setdefault("events", []).append(rates["hot"][-1] * count / len(ours))
                _note(rates, "alone", _contacts(first, "o")[: some // 5], _one_by_one(hot))
                _learn_of_the_others(cold)
                _note(rates, "cold", _contacts(second, "c"), cold.pipeline.submit)
                visits = [one for case in first[: some // 5] for one in _contacts([case] * 5, "v")]
                _note(rates, "visits", visits, cold.pipeline.submit)
    print(f"  cases of {EVENTS_A_CASE} events, commands a second, medians of {rounds} turns:")
    base = rates["library"]
    for name, what in (
        ("library", "`eventsourcing`: load, decide, save, one at a time"),
        ("alone", "pipeline, one at a time"),
        ("hot", f"pipeline, batches of {some}, hot"),
        ("cold", f"pipeline, batches of {some}, cold"),
        ("visits", f"pipeline, batches of {some}, cold, five commands a case"),
    ):
        times = statistics.median(x / y for x, y in zip(rates[name], base, strict=True))
        print(f"    {statistics.median(rates[name]):7,.0f} = {times:4.1f} × {what}", flush=True)
    share = statistics.median(x / y for x, y in zip(rates["events"], rates["bare"], strict=True))
    ours_, bare_ = (statistics.median(rates[name]) for name in ("events", "bare"))
    print(f"  events a second, hot: {ours_:,.0f} = {share:.2f} × their bare insert ({bare_:,.0f})")


def _learn_of_the_others(store: Store) -> None:
    """Read what the others' turns have written; that is not what a turn is about."""
    store.pipeline.submit([note(0, f"n-{random.random()}")])


def _note(
    rates: dict[str, list[float]],
    name: str,
    requests: list[Request],
    submit: Callable[[list[Request]], object],
) -> None:
    started = time.perf_counter()
    submit(requests)
    rates.setdefault(name, []).append(len(requests) / (time.perf_counter() - started))


def _contacts(cases: Sequence[int], name: str) -> list[Request]:
    return [contact(case, f"{name}-{random.random()}") for case in cases]


def _one_by_one(store: Store) -> Callable[[list[Request]], object]:
    return lambda requests: [store.pipeline.submit([request]) for request in requests]


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
    print_percentiles(what, times)


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
        print_percentiles(f"replaying a case of {EVENTS_A_CASE} events", times)


# --------------------------------------------------------------------- helpers


def print_percentiles(what: str, milliseconds: list[float]) -> None:
    cuts = statistics.quantiles(milliseconds, n=100)
    some = ", ".join(f"p{n} {cuts[n - 1]:.1f}" for n in (50, 95, 99))
    print(f"  {what}: {some} ms", flush=True)


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
