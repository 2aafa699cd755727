"""Builds a read model anew beside the live one, and lets readers see it once it has caught up."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from psycopg.errors import DeadlockDetected, LockNotAvailable

from infra.engine.books import BOOKS_LOCK, Standing, lock_positions, tables_standing
from infra.engine.build import HOPELESS, build_parts
from infra.engine.engine import Engine
from infra.engine.fold import PASSING, SQL
from infra.engine.pages import TooManyParked
from infra.engine.quarantine import Parked, read_parked
from infra.engine.ranking import rank_all
from infra.engine.status import read_status
from infra.engine.tables import drop_tables, index_table, make_table, make_tables, readers_see
from infra.failure import Failure
from infra.postgres import Rows, connect
from infra.postgres.leading import try_lead
from projections import PROJECTIONS, Projection

REBUILD_LOCK = 0x43617365_52656275  # "CaseRebu": one rebuild at a time
PART = 4_000
"""Events of a part: what a killed process has to do again, at most, and what it holds in memory."""
LOOK = 0.1
SWAP_WAIT = "200ms"
"""How long a swap waits for open readers, and others behind it, before it lets them go first."""
TRY_AGAIN = 0.1


class BuildFailed(Failure):
    """A rebuild that would fail again: nothing of it is left."""


class Unfinished(Failure):
    """A rebuild that was cut short; the next one goes on with it."""


@dataclass(frozen=True)
class Progress:
    """Of a rebuild, in events. seconds: what is left by the pace so far, None at first. readers:
    sessions of the database that look at it as it was before, for which the swap waits."""

    done: int
    events: int
    seconds: float | None
    readers: tuple[int, ...] = ()


Watch = Callable[[Progress], None]


def unwatched(_progress: Progress) -> None:
    """For callers who don't want to be told."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild came to. kept: the tables that readers saw before. swap_seconds: for which
    readers may have had to wait. parked: streams that it could not follow."""

    table: str
    kept: list[str]
    swap_seconds: float
    parked: list[Parked]


def rebuild(
    url: str,
    projection: Projection,
    *,
    workers: int | None = None,
    anew: bool = False,
    watch: Watch = unwatched,
) -> Rebuilt:
    """Fill a new table in as many processes as there are cores, let it follow the log, and swap.

    What an earlier call left unfinished is gone on with, or thrown away (anew). Raises Failure
    when another rebuild is under way, too many streams would be parked, or something of others
    needs an older program's views.
    """
    with alone(url, projection) as (engine, conn):
        joining = tables_standing(conn, projection, "joining")
        if anew:
            drop_tables(conn, joining)
        if anew or not joining:
            table = fill(url, conn, projection, "joining", workers, anew, watch)
        else:
            (table,) = joining
        if projection.places and readers_see(conn, engine.projections):
            rank_all(conn, projection, table)
        _await_older_readers(engine, conn, projection, table, watch)
        while (swapped := _swap(conn, projection, table)) is None:
            _follow(engine, conn, table)
        while not readers_see(conn, engine.projections):
            # An older program's views: the engine swaps all at once, when all have caught up.
            engine.drive(conn)
            (reason,) = conn.execute(SQL["select_in_the_way"]).fetchone() or (None,)
            if reason is not None:
                raise Failure("Readers see what they saw: {reason}", reason=reason)
            time.sleep(TRY_AGAIN)
        parked = [one for one in read_parked(conn) if one.read_model == projection.name]
        return Rebuilt(table, tables_standing(conn, projection, "kept"), swapped, parked)


def check_follows(conn: Rows, table: str) -> None:
    """Raises BuildFailed, with the table dropped, when it stands still for good."""
    passing = {kind.__name__ for kind in PASSING}
    for one in read_status(conn):
        if one.name == table and one.error and one.error.partition(":")[0] not in passing:
            drop_tables(conn, [table])
            raise BuildFailed("{table} could not be built: {reason}", table=table, reason=one.error)


def drop_old(url: str, projection: Projection) -> list[str]:
    """Drop the tables that were read before; their names. Raises Failure while one is in use."""
    with alone(url, projection) as (_, conn):
        old = tables_standing(conn, projection, "kept")
        try:
            with conn.transaction():
                conn.execute("select set_config('lock_timeout', '2s', true)")
                drop_tables(conn, old)
        except LockNotAvailable as e:
            raise Failure("Somebody still reads {tables}.", tables=", ".join(old)) from e
        return old


@contextlib.contextmanager
def alone(url: str, projection: Projection) -> Generator[tuple[Engine, Rows]]:
    """An engine and a session of it. Tables that an earlier check left are dropped."""
    engine = Engine(url)
    with (
        closing(connect(url, autocommit=True, name="casetrail rebuild")) as lock,
        engine.session() as conn,
    ):
        if not try_lead(lock, REBUILD_LOCK):
            raise Failure("Another rebuild is under way.")
        drop_tables(conn, tables_standing(conn, projection, "checking"))
        yield engine, conn


def fill(
    url: str,
    conn: Rows,
    projection: Projection,
    then: Standing,
    workers: int | None,
    anew: bool,
    watch: Watch,
) -> str:
    """Make a table that holds all up to where it began, and let it stand as `then`; its name."""
    unfinished = tables_standing(conn, projection, "building")
    if anew:
        drop_tables(conn, unfinished)
        unfinished = []
    table = unfinished[0] if unfinished else _begin(conn, projection)
    try:
        _work(url, conn, projection, table, workers or os.cpu_count() or 1, watch)
    except BuildFailed:
        drop_tables(conn, [table])
        raise
    with conn.transaction():
        conn.execute("select set_config('statement_timeout', '0', true)")
        index_table(conn, projection, table)
        conn.execute(SQL["set_standing"], {"name": table, "standing": then})
    return table


def _begin(conn: Rows, projection: Projection) -> str:
    """Its line in the books, its parts, and an empty table."""
    make_tables(conn, PROJECTIONS)
    numbers = [1]
    for name in tables_standing(conn, projection, "live", "kept", "joining"):
        found = re.search(r"_g([0-9]+)$", name)
        numbers.append(int(found[1]) if found else 1)
    table = f"{projection.table}_g{max(numbers) + 1}"
    with conn.transaction():
        conn.execute("select set_config('statement_timeout', '0', true)")
        row = conn.execute(SQL["select_head"]).fetchone()
        make_table(conn, projection, table, "building", row[0] if row else 0)
        for number, kind in enumerate(sorted(projection.kinds)):
            prefix = kind.name.lower()
            wanted = {"first": f"{prefix}:", "last": f"{prefix};", "size": PART}
            # Numbers leave room for each kind's own, which are numbered in one statement.
            conn.execute(SQL["insert_parts"], {"name": table, "numbered": number * 10**8, **wanted})
    return table


def _work(
    url: str, conn: Rows, projection: Projection, table: str, workers: int, watch: Watch
) -> None:
    """Until every part is done: by ourselves, and by others who are at it as soon as they have
    started. Raises BuildFailed with what a process said at its end."""
    upto = lock_positions(conn, (table,))[table]
    (first, events, _), began = _progress(conn, table), time.monotonic()
    others = workers - 1 if events - first > PART else 0  # or it is not worth a process
    watch(Progress(first, events, None))

    def goes_on() -> bool:
        done, _, left = _progress(conn, table)
        if done > first:
            seconds = time.monotonic() - began
            watch(Progress(done, events, (events - done) * seconds / (done - first)))
        return left > 0 and not any(process.poll() for process in started)

    command = [sys.executable, "-m", "infra.engine.build", projection.name, table, str(upto)]
    with contextlib.ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile("w+"))
        started = [stack.enter_context(_worker(command, url, said)) for _ in range(others)]
        try:
            build_parts(conn, projection, table, upto, goes_on)
        except TooManyParked as e:
            raise BuildFailed(e.text, **e.values) from e
        while goes_on() and any(process.poll() is None for process in started):
            time.sleep(LOOK)
        said.seek(0)
        lines = said.read().strip().splitlines()
        failure = {"table": table, "reason": lines[-1] if lines else "a process was killed"}
        if any(process.poll() == HOPELESS for process in started):
            raise BuildFailed("{table} could not be built: {reason}", **failure)
        if _progress(conn, table)[2]:
            raise Unfinished("{table} is not finished: {reason}; run it again to go on.", **failure)
    watch(Progress(events, events, 0.0))


@contextlib.contextmanager
def _worker(command: Sequence[str], url: str, said: object) -> Generator[subprocess.Popen[str]]:
    """A process that fills parts, killed at the end if it still runs."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said, text=True) as process:  # type: ignore[call-overload]
        try:
            assert process.stdin is not None
            process.stdin.write(url)
            process.stdin.close()
            yield process
        finally:
            process.kill()


def _progress(conn: Rows, table: str) -> tuple[int, int, int]:
    """Events done, all events, parts left."""
    row = conn.execute(SQL["select_progress"], {"name": table}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


def _follow(engine: Engine, conn: Rows, table: str) -> None:
    """For a moment. Raises BuildFailed when the table stands still."""
    engine.drive(conn)
    check_follows(conn, table)
    time.sleep(TRY_AGAIN)


def _await_older_readers(
    engine: Engine, conn: Rows, projection: Projection, table: str, watch: Watch
) -> None:
    """Until whoever looks at the database sees the table filled and as far as the live one. To a
    transaction that began before and keeps its snapshot (repeatable read) it is empty: shown
    to it now, the view would lack all rows, without an error. CREATE INDEX CONCURRENTLY waits in
    the same way; what is asked for does not need its rights."""
    (live,) = tables_standing(conn, projection, "live")
    while True:
        with conn.transaction():
            positions = lock_positions(conn, (live, table))
        if positions[table] >= positions[live]:
            break
        _follow(engine, conn, table)
    _, events, _ = _progress(conn, table)
    # Those of this moment and no later ones, or a busy database would have some for ever.
    older = _snapshots(conn)
    while older := older & _snapshots(conn):
        watch(Progress(events, events, None, tuple(sorted({pid for pid, *_ in older}))))
        _follow(engine, conn, table)


def _snapshots(conn: Rows) -> set[tuple[int, str, str]]:
    """Session, transaction, and a mark that stays while the transaction keeps its snapshot."""
    return {(pid, its, mark) for pid, its, mark in conn.execute(SQL["select_snapshots"])}


def _swap(conn: Rows, projection: Projection, table: str) -> float | None:
    """Show readers the new table if it is as far as what they see; the seconds for which they may
    have had to wait, or None to try again."""
    (live,) = tables_standing(conn, projection, "live")
    try:
        with conn.transaction():
            conn.execute("select set_config('lock_timeout', %s, true)", (SWAP_WAIT,))
            # Or an engine could be making the views that are looked up below.
            conn.execute(SQL["lock_books"], {"key": BOOKS_LOCK})
            positions = lock_positions(conn, (live, table))
            if positions[table] < positions[live]:
                return None
            began = time.monotonic()
            for view, text in conn.execute(SQL["select_views_of"], {"table": live}).fetchall():
                definition = re.sub(rf"\b{re.escape(live)}\b", table, text)
                conn.execute(f'create or replace view "{view}" as {definition}'.encode())
            for name, standing in ((live, "kept"), (table, "live")):
                conn.execute(SQL["set_standing"], {"name": name, "standing": standing})
        return time.monotonic() - began
    except (LockNotAvailable, DeadlockDetected):
        return None
