"""The projection engine: one for all read models, at most one writing at a time."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event

import psycopg
from psycopg.errors import LockNotAvailable

from domain.kernel import Kind, kind_of
from infra.activity import Activity
from infra.engine.fold import SQL, Folder, Stored, Touched, read_page
from infra.engine.tables import (
    SubjectRows,
    make_tables,
    readers_see,
    swap_readers,
    write_rows,
)
from infra.failure import Failure
from infra.postgres import PostgresError, Rows, connect
from infra.postgres.connect import one_line
from projections import PROJECTIONS, Projection

logger = logging.getLogger(__name__)

LEADER_LOCK = 0x43617365_50726F6A  # "CaseProj"
PAGE = 1_000
"""Events of a page, all of which one transaction projects."""
POLL = 1.0
"""Seconds. A lost NOTIFY costs at most this; so does a dead leader, beside its session's end."""
LOOK_FOR_STOP = 0.2
REST = (1.0, 60.0)
"""Seconds that a read model which failed is left alone: first, and at most."""
NOT_THE_ROWS = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
"""Errors of the connection, the disk, a time-out: no read model is at fault."""
SWAP_AGAIN = 5.0
"""Seconds until the views are tried to be swapped again when a reader held them."""
SESSION = {
    "idle_in_transaction_session_timeout": "10s",
    "statement_timeout": "60s",
    "lock_timeout": "10s",
}


class Behind(Failure):
    """The read models did not catch up in the time given."""


class _Overtaken(Exception):
    """Another engine moved a position first."""


@dataclass(slots=True)
class _Resting:
    """A read model that failed. until: on the monotonic clock; seconds: the present rest."""

    until: float
    seconds: float


class Engine:
    """Keeps the read models up with the log. Connects in `run` and `catch_up`, not before.

    url: of the database, as the application. page: events a transaction. poll: seconds between
    looks at the log when nothing is said about it.
    """

    name = "projections"

    def __init__(
        self,
        url: str,
        projections: Sequence[Projection] = PROJECTIONS,
        *,
        page: int = PAGE,
        poll: float = POLL,
        activity: Activity | None = None,
    ) -> None:
        self.projections = tuple(projections)
        self.page = page
        self.poll = poll
        self.activity = activity or Activity("projections")
        self._url = url
        self._folders: dict[frozenset[str], Folder] = {}
        self._resting: dict[str, _Resting] = {}
        self._swapped, self._swap_from = False, 0.0

    # ------------------------------------------------------------- running

    def run(self, stop: Event) -> None:
        """Follow the log until `stop` is set: as the leader, or ready to become it. A lost
        connection is opened again."""
        wait = 0.1
        while not stop.is_set():
            self.activity.turn()
            try:
                with self.session() as conn:
                    wait = 0.1
                    self._follow(conn, stop)
            except (psycopg.OperationalError, psycopg.InterfaceError, PostgresError) as e:
                logger.warning("the read models' connection was lost: %s", one_line(e))
                self.activity.failed(e)
                stop.wait(wait)
                wait = min(wait * 2, 5.0)

    def catch_up(self, seconds: float = 60.0) -> None:
        """Bring the read models up to the log's head of this moment, or see another engine do it.

        Raises Behind when that took longer than `seconds`, or when a read model failed.
        """
        until = time.monotonic() + seconds
        with self.session() as conn:
            _, target = self._positions(conn)
            while True:
                leads = self._try_lead(conn)
                if leads:
                    # One that failed is tried anew: whoever calls wants to know now.
                    self._resting.clear()
                    while self.step(conn):
                        pass
                behind = self._behind(conn, target)
                if not behind:
                    return
                if leads or time.monotonic() > until:
                    raise Behind(
                        "The read models {names} are behind the log; see projections status.",
                        names=", ".join(behind),
                    )
                time.sleep(0.05)

    def _behind(self, conn: Rows, target: int) -> list[str]:
        """The tables that have not reached `target`; all, while readers see other versions."""
        positions, _ = self._positions(conn)
        if not readers_see(conn, self.projections):
            return sorted(positions)
        return sorted(name for name, position in positions.items() if position < target)

    @contextlib.contextmanager
    def session(self) -> Generator[Rows]:
        """A connection to lead or to step on, with the tables made."""
        with closing(connect(self._url, autocommit=True, name="casetrail projections")) as conn:
            for setting, value in SESSION.items():
                conn.execute("select set_config(%s, %s, false)", (setting, value))
            self._folders.clear()
            self._swapped, self._swap_from = False, 0.0
            make_tables(conn, self.projections)
            yield conn

    def _try_lead(self, conn: Rows) -> bool:
        row = conn.execute(SQL["try_lead"], {"key": LEADER_LOCK}).fetchone()
        return row is not None and bool(row[0])

    def _follow(self, conn: Rows, stop: Event) -> None:
        while not self._try_lead(conn):
            self.activity.turn()
            if stop.wait(self.poll):
                return
        conn.execute(SQL["listen_log"])
        while not stop.is_set():
            self.activity.turn()
            if not self.step(conn):
                self._await_news(conn, stop)

    def _await_news(self, conn: Rows, stop: Event) -> None:
        """Until a writer says that it committed, or it is time to look anyway."""
        until = time.monotonic() + self.poll
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            if any(True for _ in conn.notifies(timeout=min(left, LOOK_FOR_STOP), stop_after=1)):
                return

    # ------------------------------------------------------------ stepping

    def step(self, conn: Rows) -> bool:
        """Project one page for each group of read models that stand at the same position, the
        furthest first, so that a new one's rebuild doesn't hold up the others. Whether there may
        be more to do at once."""
        positions, head = self._positions(conn)
        groups = self._groups(positions, head)
        names = [frozenset(p.table for p in group) for _, group in groups]
        self._folders = {key: self._folders[key] for key in names if key in self._folders}
        for after, group in groups:
            # Not beyond another's position: there the two become one.
            upto = min([head, *(p for p in positions.values() if p > after)])
            try:
                self._project(conn, group, after, upto)
            except _Overtaken:
                logger.warning("another engine is writing the read models")
                self._folders.clear()
        self._swap(conn)
        if not self._resting:
            self.activity.goes_on()
        return bool(groups)

    def _positions(self, conn: Rows) -> tuple[dict[str, int], int]:
        rows = conn.execute(SQL["select_positions"]).fetchall()
        ours = {projection.table for projection in self.projections}
        return {name: position for name, position, _ in rows if name in ours}, rows[0][2]

    def _groups(self, positions: dict[str, int], head: int) -> list[tuple[int, list[Projection]]]:
        """The read models that are behind and not at rest, by position, the furthest first."""
        now = time.monotonic()
        groups: dict[int, list[Projection]] = {}
        for projection in self.projections:
            resting = self._resting.get(projection.table)
            position = positions[projection.table]
            if position < head and (resting is None or resting.until <= now):
                groups.setdefault(position, []).append(projection)
        return sorted(groups.items(), reverse=True)

    def _project(self, conn: Rows, group: list[Projection], after: int, upto: int) -> None:
        began = time.monotonic()
        kinds = frozenset[Kind]().union(*(p.kinds for p in group))
        key = frozenset(p.table for p in group)
        folder = self._folders.pop(key, None)
        if folder is None or folder.position != after:
            folder = Folder(conn, after)
        failed: dict[Projection, Exception] = {}
        rows: dict[Projection, SubjectRows] = {}
        page, end = list[Stored](), upto
        try:
            page = read_page(conn, after, upto, kinds, self.page)
            end = page[-1].position if len(page) == self.page else upto
            touched = folder.turn_page(page, end)
        except psycopg.Error:
            raise
        except Exception as e:
            failed = dict.fromkeys(group, e)
        else:
            for projection in group:
                try:
                    rows[projection] = rows_of(projection, touched, folder)
                except psycopg.Error:
                    raise
                except Exception as e:
                    failed[projection] = e
            with conn.transaction():
                for projection, its_rows in rows.items():
                    try:
                        with conn.transaction():
                            self._move(conn, projection, after, end, len(page), began)
                            write_rows(conn, projection, its_rows)
                    except NOT_THE_ROWS:
                        raise
                    except psycopg.Error as e:
                        failed[projection] = e
            self._folders[key] = folder
        if rows and len(failed) < len(group):
            self.activity.did(len(page), time.monotonic() - began)
        for projection in group:
            if projection in failed:
                self._rest(conn, projection, failed[projection])
            else:
                self._resting.pop(projection.table, None)

    def _move(
        self, conn: Rows, projection: Projection, after: int, end: int, events: int, began: float
    ) -> None:
        seconds = time.monotonic() - began
        # The rate of a page with a few events says how long a commit takes, not how fast we are.
        rate = events / seconds if events >= self.page // 10 else None
        moved = conn.execute(
            SQL["move_position"],
            {
                "name": projection.table,
                "after": after,
                "end": end,
                "events": events,
                "rate": rate,
            },
        )
        if moved.rowcount != 1:
            raise _Overtaken

    def _rest(self, conn: Rows, projection: Projection, error: Exception) -> None:
        """Leave a failing read model where it is, for a while; the others go on."""
        before = self._resting.get(projection.table)
        first, most = REST
        seconds = min(most, first if before is None else before.seconds * 2)
        self.activity.failed(error)
        self._resting[projection.table] = _Resting(time.monotonic() + seconds, seconds)
        logger.error("the read model %s stands still", projection.table, exc_info=error)
        reason = f"{type(error).__name__}: {one_line(error)}"
        conn.execute(SQL["note_error"], {"name": projection.table, "error": reason})

    def _swap(self, conn: Rows) -> None:
        if not self._swapped and time.monotonic() >= self._swap_from:
            try:
                self._swapped = swap_readers(conn, self.projections)
            except LockNotAvailable:
                # Somebody reads for long; the log must not wait for them.
                self._swap_from = time.monotonic() + SWAP_AGAIN


def rows_of(projection: Projection, touched: Mapping[str, Touched], folder: Folder) -> SubjectRows:
    """The rows of every stream whose rows a page may change, each with the position of the last
    event that touched it: the same however the log is cut into pages."""
    subjects: dict[str, int] = {}
    for stream, touch in touched.items():
        if kind_of(stream) not in projection.kinds:
            continue
        for state in (touch.before, touch.after):
            for subject in projection.subjects(stream, state):
                subjects[subject] = max(subjects.get(subject, 0), touch.position)
    states = folder.look(subjects)
    look = folder.look({needed for s in states.values() for needed in projection.needs(s)})
    return {
        stream: (position, tuple(projection.rows(states[stream], look)))
        for stream, position in subjects.items()
    }
