"""The projection engine: one for all read models, at most one writing at a time."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event

import psycopg
from psycopg.errors import LockNotAvailable

from domain.kernel import Kind
from infra.activity import Activity
from infra.engine.books import FOLLOWED, LEADER_LOCK, Books, Generation, Overtaken, reason_of
from infra.engine.fold import (
    OF_THE_TABLE,
    PASSING,
    SQL,
    Folder,
    Stored,
    Turned,
    is_poison,
    read_page,
)
from infra.engine.pages import Move, TooManyParked, project_around, rows_of
from infra.engine.ranking import BATCH, rank
from infra.engine.readers import InTheWay
from infra.engine.tables import SubjectRows, make_tables, readers_see, swap_readers, write_rows
from infra.failure import Failure
from infra.postgres import OF_THE_ROWS, PostgresError, Rows, connect
from infra.postgres.connect import one_line
from infra.postgres.leading import end_silent_holder, try_lead
from projections import PROJECTIONS, Projection

logger = logging.getLogger(__name__)

PAGE = 1_000
"""Events of a page, all of which one transaction projects."""
POLL = 1.0
"""Seconds. A lost NOTIFY costs at most this; so does a dead leader, beside its session's end."""
LOOK_FOR_STOP = 0.2
SILENT_AFTER = 15.0
"""Seconds without a word, or three polls, after which PostgreSQL ends a leader's session: one that
is stopped does not keep the lock from the others."""
REST = (1.0, 60.0)
"""Seconds that a read model which failed is left alone: first, and at most."""
LOCK_AGAIN = "500ms"
"""How long one that failed waits for a lock when it is tried again; the others wait for it."""
PARKED_OF_A_PAGE = 100
"""Of a full page one stream in so many may be parked at once, and at least one."""
SWAP_AGAIN = 5.0
"""Seconds until the views are tried to be swapped again when a reader held them."""
IN_THE_WAY_AGAIN = 60.0
"""So too where something of others is in the way, until its owners have dropped or changed it."""
RANK_EVERY = 0.2
"""Seconds between two batches of places while there are events to project; else at once."""
RANK_AGAIN = 60.0
"""Seconds until it is tried again when it failed: the queue is read more slowly, no more."""
SESSION = {
    "idle_in_transaction_session_timeout": "10s",
    "statement_timeout": "60s",
    "lock_timeout": "10s",
}


class Behind(Failure):
    """The read models did not catch up in the time given."""


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
        self._books = Books(self.projections)
        self._folders: dict[frozenset[str], Folder] = {}
        self._resting: dict[str, _Resting] = {}
        self._swapped, self._swap_from = False, 0.0
        self._rank_from = 0.0

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
            except (psycopg.Error, PostgresError) as e:
                logger.warning("the read models connect anew: %s", one_line(e))
                self.activity.failed(e)
                stop.wait(wait)
                wait = min(wait * 2, 5.0)

    def catch_up(self, seconds: float = 60.0) -> None:
        """Bring the read models up to the log's head of this moment, or see another engine do it.

        Raises Behind when that took longer than `seconds`, or when a read model failed.
        """
        until = time.monotonic() + seconds
        with self.session() as conn:
            _, target = self._books.read(conn)
            while True:
                leads = self.drive(conn)
                behind = self._behind(conn, target)
                if not behind:
                    return
                if leads or time.monotonic() > until:
                    raise Behind(
                        "The read models {names} are behind the log; see projections status.",
                        names=", ".join(behind),
                    )
                time.sleep(0.05)

    def drive(self, conn: Rows) -> bool:
        """Do all there is to do at this moment, unless another engine leads. Whether none does."""
        if not self._try_lead(conn):
            return False
        # One that failed is tried anew: whoever calls wants to know now.
        self._resting.clear()
        _, target = self._books.read(conn)
        while self.step(conn):
            # Others may write without end.
            generations, _ = self._books.read(conn)
            if not any(
                one.position < target and one.table not in self._resting
                for one in generations
                if one.standing in FOLLOWED
            ):
                self._rank(conn)
                break
        return True

    def _behind(self, conn: Rows, target: int) -> list[str]:
        """The tables that have not reached `target`; all, while readers see other versions."""
        generations, _ = self._books.read(conn)
        live = [one for one in generations if one.standing == "live"]
        seen = readers_see(conn, self.projections)
        return sorted(one.table for one in live if not seen or one.position < target)

    @contextlib.contextmanager
    def session(self) -> Generator[Rows]:
        """A connection to lead or to step on, with the tables made."""
        with closing(connect(self._url, autocommit=True, name="casetrail projections")) as conn:
            silent = {"idle_session_timeout": f"{self._silent_after}s"}
            for setting, value in (SESSION | silent).items():
                conn.execute("select set_config(%s, %s, false)", (setting, value))
            self._folders.clear()
            self._swapped, self._swap_from = False, 0.0
            make_tables(conn, self.projections)
            yield conn

    def _try_lead(self, conn: Rows) -> bool:
        return try_lead(conn, LEADER_LOCK)

    @property
    def _silent_after(self) -> float:
        return max(SILENT_AFTER, 3 * self.poll)

    def _follow(self, conn: Rows, stop: Event) -> None:
        while not self._try_lead(conn):
            self.activity.turn()
            end_silent_holder(conn, LEADER_LOCK, self._silent_after)
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
        generations, head = self._books.read(conn)
        followed = [one for one in generations if one.standing in FOLLOWED]
        groups = self._groups(followed, head)
        names = [frozenset(one.table for one in group) for group in groups]
        self._folders = {key: self._folders[key] for key in names if key in self._folders}
        positions = {one.table: one.position for one in followed}
        for group in groups:
            after = group[0].position
            # Not beyond where another one is by now: there the two become one.
            upto = min([head, *(position for position in positions.values() if position > after)])
            try:
                positions |= self._project(conn, group, after, upto)
            except Overtaken:
                logger.warning("somebody else changed the read models' books")
                self._folders.clear()
        self._swap(conn)
        more = False
        if not groups or time.monotonic() >= self._rank_from + RANK_EVERY:
            more = self._rank(conn)
        if not self._resting:
            self.activity.goes_on()
        return bool(groups) or more

    def _groups(self, followed: list[Generation], head: int) -> list[list[Generation]]:
        """The tables that are behind and not at rest, by position, the furthest first. Those that
        skip an event that others don't fold apart from them."""
        now = time.monotonic()
        groups: dict[tuple[int, frozenset[int]], list[Generation]] = {}
        for one in followed:
            resting = self._resting.get(one.table)
            if one.position < head and (resting is None or resting.until <= now):
                groups.setdefault((one.position, one.quarantine.skipped), []).append(one)
        return sorted(groups.values(), key=lambda group: group[0].position, reverse=True)

    def _project(
        self, conn: Rows, group: list[Generation], after: int, upto: int
    ) -> dict[str, int]:
        """One page; the positions of the tables that moved."""
        began = time.monotonic()
        kinds = frozenset[Kind]().union(*(one.projection.kinds for one in group))
        key = frozenset(one.table for one in group)
        folder = self._folders.pop(key, None)
        skipped = group[0].quarantine.skipped
        if folder is None or (folder.position, folder.skipped) != (after, skipped):
            folder = Folder(conn, after, skipped)
        page = read_page(conn, after, upto, kinds, self.page)
        end = page[-1].position if len(page) == self.page else upto
        turned = folder.turn_page(page, end)
        failed: dict[str, Exception] = {}
        rows = self._rows_of(group, turned, folder, failed)
        seconds = time.monotonic() - began
        # The rate of a page with a few events says how long a commit takes, not how fast we are.
        rate = len(page) / seconds if len(page) >= self.page // 10 else None
        move = Move(after, end, len(page), rate)
        with conn.transaction():
            if any(one.table in self._resting for one in group):
                conn.execute("select set_config('lock_timeout', %s, true)", (LOCK_AGAIN,))
            for one in group:
                if one.table in failed:
                    continue
                try:
                    with conn.transaction():
                        move.do(conn, one)
                        write_rows(conn, one.projection, rows[one.table], one.table)
                except (*OF_THE_ROWS, *OF_THE_TABLE, ValueError, TypeError) as e:
                    failed[one.table] = e
        self._folders[key] = folder
        if len(failed) < len(group):
            self.activity.did(len(page), time.monotonic() - began)
        moved: dict[str, int] = {}
        for one in group:
            error = failed.get(one.table)
            if error is not None and is_poison(error):
                error = self._go_around(conn, one, page, move)
            if error is None:
                self._resting.pop(one.table, None)
                moved[one.table] = end
            else:
                self._rest(conn, one, error)
        return moved

    def _rows_of(
        self,
        group: list[Generation],
        turned: Turned,
        folder: Folder,
        failed: dict[str, Exception],
    ) -> dict[str, SubjectRows]:
        """By table; what went wrong with the others is put into `failed`."""
        rows: dict[str, SubjectRows] = {}
        for one in group:
            try:
                rows[one.table] = rows_of(one.projection, one.quarantine.parked, turned, folder)
            except Exception as e:
                if not is_poison(e):
                    raise
                failed[one.table] = e
        return rows

    def _go_around(
        self, conn: Rows, one: Generation, page: list[Stored], move: Move
    ) -> Exception | None:
        """Project a page that holds poison, event by event where it must be; None if it went."""
        try:
            found = project_around(conn, one, page, move, max(1, self.page // PARKED_OF_A_PAGE))
        except (TooManyParked, *OF_THE_TABLE) as e:
            return e
        for stream, error in found.items():
            logger.error("%s is parked in the read model %s", stream, one.table, exc_info=error)
        return None

    def _rest(self, conn: Rows, one: Generation, error: Exception) -> None:
        """Leave a failing read model where it is, for a while; the others go on."""
        before = self._resting.get(one.table)
        first, most = REST
        seconds = min(most, first if before is None else before.seconds * 2)
        self.activity.failed(error)
        self._resting[one.table] = _Resting(time.monotonic() + seconds, seconds)
        logger.error("the read model %s stands still", one.table, exc_info=error)
        conn.execute(SQL["note_error"], {"name": one.table, "error": reason_of(error)})

    def _swap(self, conn: Rows) -> None:
        if not self._swapped and time.monotonic() >= self._swap_from:
            try:
                self._swapped = swap_readers(conn, self.projections)
            except LockNotAvailable:
                # Somebody reads for long; the log must not wait for them.
                self._swap_from = time.monotonic() + SWAP_AGAIN
            except InTheWay as e:
                self._swap_from = time.monotonic() + IN_THE_WAY_AGAIN
                logger.error("the views stay as they were, for others need them so: %s", e)
                conn.execute(SQL["note_in_the_way"], {"error": reason_of(e)})

    def _rank(self, conn: Rows) -> bool:
        """A batch of the places that are not known any more, once readers see these versions;
        whether there may be more."""
        if not self._swapped or time.monotonic() < self._rank_from:
            return False
        self._rank_from = time.monotonic()
        most = 0
        generations, _ = self._books.read(conn)
        for projection in self.projections:
            tables = [
                one.table
                for one in generations
                if one.projection is projection and one.standing in ("live", "joining")
            ]
            if projection.places and tables:
                try:
                    most = max(most, rank(conn, projection, tables) or 0)
                except psycopg.Error as e:
                    if conn.broken:
                        raise
                    logger.error("the queue's places cannot be kept now: %s", one_line(e))
                    passes = isinstance(e, PASSING)
                    self._rank_from = time.monotonic() + (SWAP_AGAIN if passes else RANK_AGAIN)
        return most >= BATCH
