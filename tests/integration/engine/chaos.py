"""Engines that follow a log under load while they, their sessions and PostgreSQL are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import psycopg
from eventsourcing.persistence import PersistenceError

from domain.sla.events import ClockName
from infra.engine import drop_old, read_parked, verify
from infra.engine.books import LEADER_LOCK
from infra.guard import is_alive
from infra.postgres import PostgresError, Server, connect, embedded_server
from projections import PROJECTIONS
from tests.databases import fresh_database, prepare_template
from tests.integration.engine.given import T0, World, clock, hours, open_world
from tests.integration.engine.test_engine import ROOT, some_events
from tests.support.processes import short_folder, within

AWAY = (psycopg.Error, PostgresError, PersistenceError)
RECOVERED_WITHIN = 60.0
"""Seconds; generous: the machine may be busy."""
FOLLOWERS = 2
FAR_BEHIND = 500
"""Events that wait for the engine, above which the writer lets it catch up."""


class Chaos:
    """One database on a server of its own, two engines, and somebody who writes without end."""

    def __init__(
        self, home: Path, server: Server, url: str, random: Random, stack: ExitStack
    ) -> None:
        self.url = url
        self.random = random
        self._home = home
        self._server = server
        self._stack = stack
        self._leads = home / "leads"
        self._followers: list[subprocess.Popen[bytes]] = []
        self.written = 0

    # ---------------------------------------------------------------- engines

    def keep_running(self) -> None:
        """As many engines as there should be."""
        self._followers = [one for one in self._followers if one.poll() is None]
        while len(self._followers) < FOLLOWERS:
            page = str(self.random.choice((5, 50, 1_000)))
            module = "tests.integration.engine.follower"
            command = [sys.executable, "-m", module, self.url, page, str(self._leads)]
            self._followers.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL))

    def stop(self) -> None:
        for one in self._followers:
            one.kill()
            one.wait()

    def leader_pid(self) -> int:
        """Of the process that came to lead last; 0 if none did."""
        return int(self._leads.read_text() or 0) if self._leads.exists() else 0

    def _leader(self) -> subprocess.Popen[bytes]:
        pid = self.leader_pid()
        leaders = [one for one in self._followers if one.pid == pid]
        return leaders[0] if leaders else self.random.choice(self._followers)

    # ----------------------------------------------------------------- faults

    def kill_an_engine(self) -> None:
        one = self.random.choice(self._followers)
        one.kill()
        one.wait()

    def kill_the_leader(self) -> None:
        one = self._leader()
        one.kill()
        one.wait()

    def stop_the_leader_for_a_while(self) -> None:
        """Long enough for PostgreSQL to end its session, or not."""
        one = self._leader()
        one.send_signal(signal.SIGSTOP)
        time.sleep(self.random.uniform(0.1, 3.0))
        one.send_signal(signal.SIGCONT)

    def freeze_the_leader(self) -> int:
        """For good; its process id."""
        one = self._leader()
        one.send_signal(signal.SIGSTOP)
        return one.pid

    def end_the_session_that_leads_and_listens(self) -> None:
        with closing(connect(self.url, autocommit=True)) as conn:
            conn.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
                " and granted and (classid::bigint << 32 | objid::bigint) = %s",
                (LEADER_LOCK,),
            )

    def kill_the_backend_of_an_engine(self) -> None:
        """PostgreSQL then ends all sessions and recovers."""
        with closing(connect(self.url, autocommit=True)) as conn:
            rows = conn.execute(
                "select pid from pg_stat_activity where application_name = 'casetrail projections'"
                " and datname = current_database()"
            ).fetchall()
        if rows:
            os.kill(self.random.choice(rows)[0], signal.SIGKILL)

    def kill_postgresql(self) -> None:
        gone = self._server.pid
        os.kill(gone, self.random.choice((signal.SIGKILL, signal.SIGQUIT)))
        assert within(RECOVERED_WITHIN, lambda: not is_alive(gone))
        assert within(RECOVERED_WITHIN, self._start_postgresql)

    def _start_postgresql(self) -> bool:
        """Whether it starts: the processes of one that was killed need a moment to end."""
        try:
            self._server = self._stack.enter_context(embedded_server(self._home))
        except PostgresError:
            return False
        return True

    @property
    def faults(self) -> list[Callable[[], None]]:
        return [
            self.kill_an_engine,
            self.kill_the_leader,
            self.stop_the_leader_for_a_while,
            self.end_the_session_that_leads_and_listens,
            self.kill_the_backend_of_an_engine,
            self.kill_postgresql,
        ]

    # ---------------------------------------------------------------- writing

    @contextlib.contextmanager
    def load(self) -> Generator[None]:
        """New cases, and old ones that go on; what fails is let be, committed or not."""
        stop = threading.Event()

        def write() -> None:
            sure: list[int] = []
            while not stop.is_set():
                with contextlib.suppress(*AWAY), open_world(self.url) as world:
                    while not stop.is_set():
                        self.written += 1
                        number = self.written
                        world.given(*some_events(number))
                        sure.append(number)
                        self._go_on(world, sure)
                        self._give_time(world, stop)
                        time.sleep(0.002)
                time.sleep(0.05)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)
            assert not thread.is_alive()

    def _give_time(self, world: World, stop: threading.Event) -> None:
        """An engine that turns pages of five events is slower than a writer can be: left alone it
        would never catch up, and no rebuild would end."""
        if self.written % 20 == 0 and self._behind(world) > FAR_BEHIND:
            while not stop.is_set() and self._behind(world) > 0:
                time.sleep(0.05)
            stop.wait(1.0)  # for a swap, which waits until two tables have met

    def _behind(self, world: World) -> int:
        (books,) = world.rows("select to_regclass('projections') is not null as there")
        if not books["there"]:
            return 0
        (lag,) = world.rows(
            "select (select coalesce(max(notification_id), 0) from stored_events)"
            " - coalesce(min(position), 0) as events from projections"
            " where standing in ('live', 'joining', 'checking')"
        )
        return int(lag["events"])

    def _go_on(self, world: World, sure: list[int]) -> None:
        """An old case, each once: nobody has to know whether it was committed."""
        if len(sure) > 20:
            number = sure.pop(0)
            name = f"C{number}"
            if world.versions.get(f"case:douyin:s1:{name}"):
                world.given(clock(name, ClockName.EXECUTION, T0 + hours(number), about="o1"))

    # --------------------------------------------------------------- checking

    def drop_kept(self) -> None:
        for projection in PROJECTIONS:
            drop_old(self.url, projection)

    def has_caught_up(self) -> bool:
        try:
            with closing(connect(self.url, autocommit=True)) as conn:
                rows = conn.execute(
                    "select p.position, (select max(notification_id) from stored_events)"
                    " from projections p"
                ).fetchall()
                return bool(rows) and all(position == head for position, head in rows)
        except AWAY:
            return False

    def check(self) -> None:
        """They recover by themselves; then rows are those of a fresh rebuild, no event was taken
        twice, and nothing was parked."""
        self.keep_running()
        assert within(RECOVERED_WITHIN, self.has_caught_up)
        for projection in PROJECTIONS:
            checked = verify(self.url, projection)
            assert checked.count == 0, checked
        with closing(connect(self.url, autocommit=True)) as conn:
            assert read_parked(conn) == []
            rows = conn.execute("select name, projected, position from projections").fetchall()
        assert [name for name, projected, position in rows if projected > position] == []


@contextlib.contextmanager
def chaos(random: Random) -> Generator[Chaos]:
    with short_folder() as home:
        with embedded_server(home) as server:
            prepare_template(server)
        with ExitStack() as stack:
            server = stack.enter_context(embedded_server(home))
            with fresh_database(server) as database:
                one = Chaos(home, server, database.url, random, stack)
                try:
                    one.keep_running()
                    yield one
                finally:
                    one.stop()


def rounds(one: Chaos, count: int) -> None:
    """Each fault equally often, at random moments of the load, in random order."""
    faults = [
        *one.faults * (count // len(one.faults)),
        *one.random.sample(one.faults, count % len(one.faults)),
    ]
    one.random.shuffle(faults)
    with one.load():
        for fault in faults:
            time.sleep(one.random.uniform(0.1, 1.0))
            with contextlib.suppress(*AWAY):
                fault()
            one.keep_running()
    assert one.written > count
