"""Watches the workers of one process from outside, in threads of its own."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any

import psycopg

from infra.activity import Activity, plain
from infra.failure import Say, say_nothing
from infra.kafka import KafkaError, open_admin
from infra.kafka.lag import intake_group
from infra.ops.lags import (
    Lag,
    Standing,
    Watchdog,
    claim_lags,
    kafka_lags,
    parts_of,
    projection_lags,
    publisher_lags,
)
from infra.ops.workers import SQL, forget_old, tell
from infra.postgres import PostgresError, Rows, connect
from infra.settings import KafkaAddress

BEAT_EVERY = 1.0
LOOK_EVERY = 5.0
STANDS_AFTER = 30.0
"""Seconds without a move, while more and more waits, after which the watchdog barks."""

JOIN_SECONDS = 5.0
SESSION = {"statement_timeout": "5s", "lock_timeout": "2s"}
"""What is asked here must never hold up those who work."""

LAGS_OF: dict[str, Callable[[Rows], list[Lag]]] = {
    "claims": claim_lags,
    "projections": projection_lags,
    "publisher": publisher_lags,
}


@dataclass(frozen=True)
class Check:
    """Whether a server answered when it was last asked. at: on the monotonic clock, None before
    the first time. reason: why not."""

    ok: bool = False
    reason: str = ""
    at: float | None = None


@dataclass(frozen=True)
class Observed:
    """What was found last. kafka: None where nobody works with it. lags: of each kind of worker,
    only of those that were found. letters: dead letters that nothing was done with, by state."""

    database: Check = Check()
    kafka: Check | None = None
    lags: dict[str, list[Lag]] = field(default_factory=dict[str, list[Lag]])
    standing: dict[str, list[Standing]] = field(default_factory=dict[str, list[Standing]])
    letters: dict[str, int] = field(default_factory=dict[str, int])


class Observer:
    """Looks how far the workers are, tells the database about them, and says when one stands.

    Its own troubles harm nobody: what cannot be found is missing, and the checks say why.
    address: None for workers that have nothing to do with Kafka, which is then not asked.
    """

    def __init__(
        self,
        url: str,
        address: KafkaAddress | None,
        prefix: str,
        activities: Sequence[Activity],
        *,
        say: Say = say_nothing,
        beat_every: float = BEAT_EVERY,
        look_every: float = LOOK_EVERY,
        stands_after: float = STANDS_AFTER,
    ) -> None:
        self.activities = tuple(activities)
        self.look_every = look_every
        self._url = url
        self._address = address
        self._prefix = prefix
        self._say = say
        self._beat_every = beat_every
        self._watchdogs = {one.worker: Watchdog(stands_after) for one in self.activities}
        self._lock = threading.Lock()
        self._observed = Observed(kafka=None if address is None else Check())

    def observed(self) -> Observed:
        with self._lock:
            return self._observed

    @contextlib.contextmanager
    def watching(self) -> Generator[None]:
        """Watch until the end of the block."""
        stop = threading.Event()
        loops: list[Callable[[threading.Event], None]] = [self._beat, self._look_at_database]
        if self._address is not None:
            # At first, and by one thread: two that import it at the same time get in each other's
            # way.
            import_module("kafka.admin")
            loops.append(partial(self._look_at_kafka, self._address))
        # A server that falls silent may hold one up; the program's end does not wait for it.
        threads = [
            threading.Thread(target=loop, args=(stop,), name="observer", daemon=True)
            for loop in loops
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            until = time.monotonic() + JOIN_SECONDS
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))

    # ------------------------------------------------------------------- telling

    def _beat(self, stop: threading.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(psycopg.Error, PostgresError), self._session() as conn:
                forget_old(conn)
                while not stop.is_set():
                    self._tell(conn)
                    stop.wait(self._beat_every)
                self._tell(conn, ended=True)
            stop.wait(self._beat_every)

    def _tell(self, conn: Rows, *, ended: bool = False) -> None:
        standing = self.observed().standing
        for activity in self.activities:
            tell(conn, activity, standing.get(activity.worker, ()), ended=ended)

    # ------------------------------------------------------------------- looking

    def _look_at_database(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with self._session() as conn:
                    while not stop.is_set():
                        for worker in self._watchdogs.keys() & LAGS_OF.keys():
                            self._found(worker, LAGS_OF[worker](conn))
                        letters = dict(conn.execute(SQL["count_letters"]).fetchall())
                        self._note(letters=letters, database=Check(True, "", time.monotonic()))
                        stop.wait(self.look_every)
            except (psycopg.Error, PostgresError) as e:
                self._note(database=Check(False, plain(e), time.monotonic()))
                stop.wait(self._beat_every)

    def _look_at_kafka(self, address: KafkaAddress, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with open_admin(address) as admin:
                    while not stop.is_set():
                        admin.describe_cluster()
                        self._note(kafka=Check(True, "", time.monotonic()))
                        if "intake" in self._watchdogs:
                            # Without the database nothing is known of the intake; it says so.
                            with (
                                contextlib.suppress(psycopg.Error, PostgresError),
                                self._session() as conn,
                            ):
                                lags = kafka_lags(conn, admin, address, self._prefix)
                                group = intake_group(admin, self._prefix)
                                members = {one.member for one in self.activities}
                                self._found("intake", lags, parts_of(members, group, lags))
                        stop.wait(self.look_every)
            except KafkaError as e:
                self._note(kafka=Check(False, plain(e), time.monotonic()))
                stop.wait(self._beat_every)

    def _found(self, worker: str, lags: list[Lag], also: Collection[str] = ()) -> None:
        """also: parts that this process judges, beside those that its workers work on."""
        ours = [one.parts() for one in self.activities if one.worker == worker]
        mine = None if None in ours else {*also, *(part for parts in ours for part in parts or ())}
        standing = [
            one
            for one in self._watchdogs[worker].look(lags, time.monotonic())
            if mine is None or one.part in mine
        ]
        before = {one.part for one in self.observed().standing.get(worker, ())}
        new = [one for one in standing if one.part not in before]
        if new:
            self._say(
                "{part} stands at {position} while {waiting} wait. In all {count} such.",
                part=new[0].part,
                position=new[0].position,
                waiting=new[0].waiting,
                count=len(standing),
            )
        with self._lock:
            now = self._observed
            self._observed = replace(
                now,
                lags=now.lags | {worker: lags},
                standing=now.standing | {worker: standing},
            )

    def _note(self, **changes: Any) -> None:
        with self._lock:
            self._observed = replace(self._observed, **changes)

    @contextlib.contextmanager
    def _session(self) -> Generator[Rows]:
        with closing(connect(self._url, autocommit=True, name="casetrail observer")) as conn:
            for setting, value in SESSION.items():
                conn.execute("SELECT set_config(%s, %s, false)", (setting, value))
            yield conn
