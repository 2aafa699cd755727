"""The read models: beside the library's runners, rebuilding, how soon a commit shows."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import psutil
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection as LibraryProjection
from eventsourcing.projection import ProjectionRunner
from eventsourcing.utils import EnvType

from domain import decider
from domain.kernel import EVENTS, Stamp, State
from infra.engine import Engine, drop_old, rebuild
from infra.engine.fold import read_page
from infra.engine.tables import statements_of, write_rows
from infra.postgres import Server, connect
from projections import PROJECTIONS, Projection
from tests.bench.baseline import Library, open_library
from tests.bench.bench_pipeline import print_percentiles
from tests.databases import Database, fresh_database
from tests.support.cases import complain, contact
from tests.support.store import Store, open_store, place_order, ship_order

SIZES = (400, 4_000, 45_000)
"""Cases: five million events at last."""
ORDERS = 50
"""Of which one has a case: of the events of both nine in ten are orders' and parcels'."""
MESSAGES = 3
"""To each case's buyer; with the complaint and the clocks a case has eleven events."""


def run(server: Server, smoke: bool) -> None:
    with fresh_database(server) as database:
        _beside_runners(database, 20 if smoke else 400)
    with fresh_database(server) as database:
        _growing(database.url, (10, 30) if smoke else SIZES)
    with fresh_database(server) as database:
        _visible(database.url, 50 if smoke else 1_000)


def _fill(url: str, cases: range) -> int:
    """A log of orders, parcels and these cases; its length."""
    with open_store(url) as store:
        for start in range(cases.start, cases.stop, 100):
            some = range(start, min(cases.stop, start + 100))
            orders = range(some.start * ORDERS, some.stop * ORDERS)
            store.pipeline.submit([place_order(n) for n in orders])
            store.pipeline.submit([ship_order(n) for n in orders])
            now = datetime.now(UTC)
            store.pipeline.submit([complain(n, f"c{n}", order=n * ORDERS, at=now) for n in some])
            for nth in range(MESSAGES):
                store.pipeline.submit([contact(n, f"m{nth}-{n}") for n in some])
        return store.log.head()


# ------------------------------------------------------------ beside the library


def _beside_runners(database: Database, cases: int) -> None:
    events = _fill(database.url, range(cases))
    engine = Engine(database.url)
    with engine.session():
        pass  # makes the tables, which is no part of catching up
    ours = _timed(lambda: engine.catch_up(600))
    open_library(database).close()
    (widest,) = (projection for projection in PROJECTIONS if projection.name == "shipped_units")
    alone = _runners(database, [_peer(database, widest)])
    together = _runners(database, [_peer(database, projection, "b") for projection in PROJECTIONS])
    count = len(PROJECTIONS)
    print(f"  {events:,} events, {count} read models together: {events / ours:,.0f} events/s")
    print(f"    = {together / ours:.1f} × {count} `ProjectionRunner`s, {alone / ours:.1f} × one")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


Peer = tuple[type[Any], type[Any]]
"""A projection and its view, as the library has them."""


def _peer(database: Database, projection: Projection, run: str = "a") -> Peer:
    """The same rows in the library's way: an event and its tracking in a transaction. The states
    are kept in memory for good, which is more than its documentation does."""
    table = f"peer_{projection.name}_{run}"
    with closing(connect(database.url, autocommit=True)) as conn:
        conn.execute(statements_of(projection, table)["create_table"])
    kinds = tuple(f"{kind.name.lower()}." for kind in projection.kinds)
    wanted = tuple(topic for topic in EVENTS if topic.startswith(kinds))

    class View(PostgresTrackingRecorder):
        def put(self, rows: Any, tracking: Tracking) -> None:
            with self.datastore.transaction(commit=True) as cursor:
                self._insert_tracking(cursor, tracking)
                write_rows(cursor.connection, projection, rows, table)

    class Rows(LibraryProjection[View]):
        name = table
        topics = wanted

        def __init__(self, view: View) -> None:
            super().__init__(view)
            self.states: dict[str, State] = {}

        def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
            one, said = domain_event, domain_event.envelope
            before = self.states.get(one.stream) or decider.initial(one.stream)
            stamp = Stamp(one.version, said.occurred_at, said.decided_at, said.actor)
            after = self.states[one.stream] = decider.evolve(before, one.event, stamp)
            subjects = {
                subject
                for state in (before, after)
                for subject in projection.subjects(one.stream, state)
            }
            position = tracking.notification_id
            rows = {
                subject: (
                    position,
                    tuple(projection.rows(self._state(subject), self._look(subject))),
                )
                for subject in subjects
            }
            self.view.put(rows, tracking)

        def _state(self, stream: str) -> State:
            return self.states.get(stream) or decider.initial(stream)

        def _look(self, subject: str) -> dict[str, State]:
            needed = projection.needs(self._state(subject))
            return {stream: self._state(stream) for stream in needed}

    return Rows, View


def _runners(database: Database, peers: Sequence[Peer]) -> float:
    """Seconds until runners of these have caught up."""

    class Application(Library):
        name = "library"

        def __init__(self, env: EnvType | None = None) -> None:
            super().__init__(database.url)

    source = Application()
    settings, head = source.settings, source.recorder.max_notification_id()
    source.close()
    with ExitStack() as stack:
        started = time.perf_counter()
        runners = [
            stack.enter_context(
                ProjectionRunner(
                    application_class=Application,
                    projection_class=projection,
                    view_class=view,
                    env=settings,
                )
            )
            for projection, view in peers
        ]
        for runner, (projection, _) in zip(runners, peers, strict=True):
            runner.wait(_last(database, projection.topics) if projection.topics else head, 3_600)
        return time.perf_counter() - started


def _last(database: Database, topics: Sequence[str]) -> int | None:
    with closing(connect(database.url)) as conn:
        row = conn.execute(
            "SELECT max(notification_id) FROM library.library_events WHERE topic = ANY (%s)",
            (list(topics),),
        ).fetchone()
    assert row is not None
    last: int | None = row[0]
    return last


# ------------------------------------------------------------ rebuilding


def _growing(url: str, sizes: Sequence[int]) -> None:
    """What the same costs on a log that grows: following it, and building anew."""
    engine, cases, head = Engine(url), 0, 0
    for size in sizes:
        before, cases, head = head, size, _fill(url, range(cases, size))
        caught_up = (head - before) / _timed(lambda: engine.catch_up(3_600))
        print(f"  a log of {head:,} events, of which all read models took {caught_up:,.0f}/s")
        more = max(1, sizes[0] // 5)
        before, cases, head = head, size + more, _fill(url, range(size, size + more))
        followed_at = (head - before) / _timed(lambda: engine.catch_up(3_600))
        rss = psutil.Process().memory_info().rss / 1e6
        print(f"    {head - before:,} more: {followed_at:,.0f}/s; {rss:.0f} MB", flush=True)
        for projection in PROJECTIONS:
            if projection.name in ("queue", "sla_clocks", "shipped_units"):
                _rebuild(url, projection)


def _rebuild(url: str, projection: Projection) -> None:
    """Beside reading its events."""
    with closing(connect(url)) as conn:
        started, after, count = time.perf_counter(), 0, 0
        while page := read_page(conn, after, 2**60, projection.kinds, 1_000):
            after, count = page[-1].position, count + len(page)
        reading = time.perf_counter() - started
    with _memory() as megabytes:
        seconds = _timed(lambda: rebuild(url, projection))
    drop_old(url, projection)
    print(
        f"    {projection.name} rebuilt from its {count:,} events: {count / seconds:,.0f}/s"
        f" = {reading / seconds:.2f} × reading them ({count / reading:,.0f}/s);"
        f" {max(megabytes):.0f} MB at most in all processes",
        flush=True,
    )


@contextmanager
def _memory() -> Generator[list[float]]:
    """Resident megabytes of this process and of those that it starts meanwhile, ten times a second:
    what they share counts for each. The database's are not among them."""
    ours = psutil.Process()
    before = set(ours.children())
    sizes: list[float] = []
    stop = threading.Event()

    def look() -> None:
        while True:
            total = 0
            for process in [ours, *(set(ours.children()) - before)]:
                with suppress(psutil.NoSuchProcess):  # it ended just now
                    total += process.memory_info().rss
            sizes.append(total / 1e6)
            if stop.wait(0.1):
                return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()


# ------------------------------------------------------------ how soon it shows


@contextmanager
def followed(url: str) -> Generator[None]:
    """An engine in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bench_engine", url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        process.communicate(timeout=30)  # closes its input, which ends it


def _visible(url: str, count: int) -> None:
    with open_store(url) as store, followed(url):
        open_cases(store, 100)
        wait_for(url, store.log.head())
        times: list[float] = []
        with closing(connect(url, autocommit=True)) as conn:
            for n in range(count):
                (answer,) = store.pipeline.submit([contact(n % 100, f"v{n}")])
                started = time.perf_counter()
                while not _shows(conn, n % 100, answer.position or 0):
                    pass
                times.append(1000 * (time.perf_counter() - started))
                time.sleep(0.005)
    print_percentiles("from a commit until a reader of the queue sees it", times)


def open_cases(store: Store, count: int) -> None:
    for start in range(0, count, 500):
        some = range(start, min(count, start + 500))
        now = datetime.now(UTC)
        store.pipeline.submit([place_order(n) for n in some])
        store.pipeline.submit([complain(n, f"c{n}", order=n, at=now) for n in some])


def _shows(conn: Any, case: int, position: int) -> bool:
    row = conn.execute(
        "SELECT position FROM open_cases WHERE stream = %s", (f"case:douyin:s1:AS{case}",)
    ).fetchone()
    return row is not None and row[0] >= position


def wait_for(url: str, position: int) -> None:
    with closing(connect(url, autocommit=True)) as conn:
        while True:
            row = conn.execute(
                "SELECT count(*) FROM pg_class WHERE relname IN ('open_cases', 'projections')"
            ).fetchone()
            if row == (2,):
                least = conn.execute("SELECT min(position) FROM projections").fetchone()
                if least is not None and least[0] is not None and least[0] >= position:
                    return
            time.sleep(0.05)


def _follow(url: str) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=Engine(url).run, args=(stop,))
    thread.start()
    sys.stdin.read()
    stop.set()
    thread.join()


if __name__ == "__main__":
    _follow(*sys.argv[1:])
