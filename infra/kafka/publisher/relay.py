"""The publisher: one at a time follows what was committed and tells Kafka, in order."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event

import psycopg
from psycopg.types.json import Jsonb

from infra.activity import Activity
from infra.failure import Say, say_nothing
from infra.kafka.failure import KafkaError
from infra.kafka.publisher.pages import PAGE, SQL, Page, Pages, Unpublishable
from infra.kafka.publisher.records import QUEUE
from infra.kafka.publisher.sending import Sender, open_sender
from infra.postgres import PostgresError, Rows, connect
from infra.postgres.connect import one_line
from infra.postgres.leading import end_silent_holder, try_lead
from infra.settings import KafkaAddress

LEADER_LOCK = 0x43617365_50756273  # "CasePubs"
NAME = "casetrail publisher"
POLL = 1.0
"""Seconds. A lost NOTIFY costs at most this."""
SOON = 0.005
"""Seconds until the live queue is looked at again that has not followed yet; then twice as long."""
LOOK_FOR_STOP = 0.2
SESSION_SECONDS = 20
"""A publisher that says nothing for so long is given up by the server, and with its session goes
its lock. Longer than it takes to find that no broker answers."""
BACKOFF = (0.2, 5.0)
"""Seconds before trying again: at first, and at most."""

STUCK = 5.0
"""Seconds until a kind is read again of which the next cannot be published: another release may
be able to, or somebody sees to it by hand. The other kinds don't wait."""

logger = logging.getLogger(__name__)

Step = Callable[[str], None]
"""Told what was just done with a page, for tests that end the process there."""


class Behind(KafkaError):
    """Not everything was published in the time given."""


class Overtaken(Exception):
    """A position is not where it was left: another publisher, or somebody by hand, moved it."""


@dataclass(frozen=True)
class _Senders:
    """fenced: for the queue, where the last record of a key stands for ever; see docs/adr."""

    plain: Sender
    fenced: Sender


@dataclass(frozen=True)
class _Stuck:
    """until: when the kind is read again, on the monotonic clock."""

    fault: Unpublishable
    until: float


class Publisher:
    """Publishes until stopped, as the leader or ready to become it. Connects in `run` and
    `catch_up`, not before; when database or brokers are away it waits and comes back by itself.

    Everything is sent at least once, in its order, and acknowledged before a position moves; of
    the queue, the newest of each case.
    url: of the database, as the application. session_seconds: see SESSION_SECONDS.
    """

    name = "Kafka publisher"

    def __init__(
        self,
        url: str,
        address: KafkaAddress,
        prefix: str,
        *,
        say: Say = say_nothing,
        page: int = PAGE,
        poll: float = POLL,
        session_seconds: float = SESSION_SECONDS,
        activity: Activity | None = None,
        step: Step = lambda name: None,
    ) -> None:
        self.sent = 0
        self.activity = activity or Activity("publisher")
        self._url = url
        self._address = address
        self._prefix = prefix
        self._say = say
        self._page = page
        self._poll = poll
        self._session_seconds = session_seconds
        self._step = step
        self._backoff = 0.0
        self._noted = False
        self._stuck: dict[str, _Stuck] = {}

    # ------------------------------------------------------------------- the worker

    def run(self, stop: Event) -> None:
        """Publish, or stand by, until `stop` is set."""
        while not stop.is_set():
            self.activity.turn()
            try:
                with self._session() as conn:
                    while not try_lead(conn, LEADER_LOCK):
                        self.activity.turn()
                        self.activity.goes_on()
                        self._backoff = 0.0
                        end_silent_holder(conn, LEADER_LOCK, self._session_seconds)
                        if stop.wait(self._poll):
                            return
                    self._lead(conn, stop)
            except (psycopg.Error, PostgresError) as e:
                self.activity.failed(e)
                self._wait(
                    "The database is away; the publisher waits: {reason}", reason=one_line(e)
                )
                stop.wait(self._backoff)

    def catch_up(self, seconds: float = 60.0) -> None:
        """Publish all that is committed by now, or see another publisher do it. Raises Behind
        when that took longer than `seconds`, KafkaError when Kafka cannot be used, Unpublishable
        when all is published but what cannot be and what is behind it."""
        until = time.monotonic() + seconds
        self._stuck.clear()
        with self._session() as conn:
            pages = Pages(conn, self._prefix, self._page)
            aims = {name: standing.head for name, standing in pages.positions().items()}
            while True:
                if try_lead(conn, LEADER_LOCK):
                    with contextlib.suppress(Overtaken), self._senders(conn) as senders:
                        while self._publish(pages, senders):
                            pass
                        for stuck in self._stuck.values():
                            raise stuck.fault
                here = pages.positions()
                if all(here[name].position >= aim for name, aim in aims.items()):
                    return
                if time.monotonic() > until:
                    raise Behind("Not everything was published; see publisher status.")
                time.sleep(0.05)

    # ------------------------------------------------------------------- as the leader

    def _lead(self, conn: Rows, stop: Event) -> None:
        conn.execute(SQL["listen_log"])
        self._noted = True  # perhaps, by the leader before
        self._stuck.clear()
        while not stop.is_set():
            try:
                with self._senders(conn) as senders:
                    pages = Pages(conn, self._prefix, self._page)
                    soon = SOON
                    while not stop.is_set():
                        self.activity.turn()
                        if self._publish(pages, senders):
                            soon = SOON
                        else:
                            soon = min(2 * soon, self._poll)
                            wait = soon if pages.queue_follows else self._poll
                            self._await_news(conn, stop, wait)
                        self._back(conn)
            except Overtaken as e:
                logger.warning("%s", e)
            except KafkaError as e:
                self._wait("Kafka is away; the publisher waits: {reason}", reason=one_line(e))
                self._rest(conn, stop, e)

    @contextlib.contextmanager
    def _senders(self, conn: Rows) -> Generator[_Senders]:
        """To be opened while we lead, and before anything is read that they send: so whatever a
        leader before read is older, and its sends to the queue fail from here on."""
        with (
            open_sender(self._address, self._prefix) as plain,
            open_sender(self._address, self._prefix, f"{self._prefix}.{QUEUE}") as fenced,
        ):
            fenced.take_over(lambda: self._meanwhile(conn))
            yield _Senders(plain, fenced)

    def _publish(self, pages: Pages, senders: _Senders) -> bool:
        """One page of each kind; whether there was any. Raises Overtaken."""
        began = time.monotonic()
        found, faults = pages.read([k for k, stuck in self._stuck.items() if stuck.until > began])
        for name, fault in faults.items():
            self._stick(pages.conn, name, fault)
        if not found:
            return False
        before = self.sent
        queue = [page for page in found if page.name == QUEUE]
        others = [page for page in found if page.name != QUEUE]
        if others:
            self._send(pages.conn, senders.plain, others)
        if queue:
            self._send(pages.conn, senders.fenced, queue, "queue ")
        self.activity.did(self.sent - before, time.monotonic() - began)
        return True

    def _send(self, conn: Rows, sender: Sender, pages: Sequence[Page], of: str = "") -> None:
        records = [record for page in pages for record in page.records]
        self._step(f"{of}read")
        sender.send(records, lambda: self._meanwhile(conn))
        self._step(f"{of}sent")
        moves = {
            "names": [page.name for page in pages],
            "afters": [page.after for page in pages],
            "positions": [page.end for page in pages],
            "bases": [None if page.basis is None else Jsonb(page.basis) for page in pages],
        }
        if conn.execute(SQL["move_positions"], moves, prepare=True).rowcount != len(pages):
            left = ", ".join(f"{page.name} at {page.after}" for page in pages)
            raise Overtaken(f"a position is no longer where it was left: {left}")
        for page in pages:
            if self._stuck.pop(page.name, None) is not None:
                self._say("The publisher goes on.")
        self._step(f"{of}moved")
        self.sent += len(records)

    def _meanwhile(self, conn: Rows) -> None:
        self.activity.turn()
        _ping(conn)

    def _await_news(self, conn: Rows, stop: Event, seconds: float) -> None:
        """Until a writer says that it committed, or it is time to look anyway."""
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            if any(True for _ in conn.notifies(timeout=min(left, LOOK_FOR_STOP), stop_after=1)):
                return

    def _rest(self, conn: Rows, stop: Event, reason: Exception) -> None:
        """Before the next producer; the lead is kept, so that nobody else runs into the same."""
        self.activity.failed(reason)
        conn.execute(SQL["note_error"], {"error": one_line(reason), "stuck": list(self._stuck)})
        self._noted = True
        until = time.monotonic() + self._backoff
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            _ping(conn)
            stop.wait(min(left, LOOK_FOR_STOP))

    # ------------------------------------------------------------------------ troubles

    def _wait(self, text: str, **values: object) -> None:
        if not self._backoff:
            self._say(text, **values)
        self._backoff = min(self._backoff * 2 or BACKOFF[0], BACKOFF[1])

    def _stick(self, conn: Rows, name: str, fault: Unpublishable) -> None:
        """One kind does not go on, until it moves; said once."""
        self.activity.failed(fault)
        if name not in self._stuck:
            self._say(fault.text, **fault.values)
            conn.execute(SQL["note_fault"], {"name": name, "error": one_line(fault)})
        self._stuck[name] = _Stuck(fault, time.monotonic() + STUCK)

    def _back(self, conn: Rows) -> None:
        if self._backoff:
            self._backoff = 0.0
            self._say("The publisher goes on.")
        if not self._stuck:
            self.activity.goes_on()
        if self._noted:
            self._noted = False
            conn.execute(SQL["forget_error"], {"stuck": list(self._stuck)})

    @contextlib.contextmanager
    def _session(self) -> Generator[Rows]:
        who = f"{NAME} {os.getpid()}@{socket.gethostname()}"[:63]
        with closing(connect(self._url, autocommit=True, name=who)) as conn:
            for setting, seconds in (
                ("idle_session_timeout", self._session_seconds),
                ("idle_in_transaction_session_timeout", self._session_seconds),
                ("statement_timeout", 30),
                ("lock_timeout", 10),
            ):
                milliseconds = str(int(seconds * 1000))
                conn.execute("SELECT set_config(%s, %s, false)", (setting, milliseconds))
            yield conn


def _ping(conn: Rows) -> None:
    """The server shall know that we are there, and we whether it is."""
    conn.execute("SELECT 1")
