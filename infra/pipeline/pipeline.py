"""Every way in, in batches: read, decide, write in one transaction, answer."""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

import psycopg
from psycopg import Connection, errors
from psycopg.rows import tuple_row

from domain.kernel import Private, State
from domain.request import Request
from infra.event_store import EventMapper, LogDatastore, free_log, lock_log
from infra.pipeline.answer import Answer, Unavailable
from infra.pipeline.batch import Batch, Decider, Item, Key, Outcome
from infra.pipeline.cache import StateCache
from infra.pipeline.group import GroupCommit, Slice
from infra.pipeline.reading import Reader, Reading
from infra.pipeline.snapshots import Snapshots
from infra.pipeline.writing import SQL, Also, Writes, prepare_writes, write
from infra.postgres import OF_THE_ROWS
from infra.vault import Vault

logger = logging.getLogger(__name__)

OPTIMISTIC = 4
"""Attempts that decide before they lock; the last one decides while holding the lock."""

CONNECTIONS = 4
"""Attempts with a new connection when one is lost: after a restart each pooled one is dead."""

_READ_EARLIER = "CT001"
_KEY_DESTROYED = "CT002"


class Pipeline:
    """Decides requests and stores what follows. Thread-safe; one a process, for its cache.

    cache_bytes: how much memory folded streams may take, about.
    """

    def __init__(
        self,
        datastore: LogDatastore,
        vault: Vault,
        decider: Decider,
        cache_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        self._datastore = datastore
        self._vault = vault
        self._decider = decider
        self._mapper = EventMapper()
        self._cache = StateCache(cache_bytes)
        snapshots = Snapshots(vault.digest)
        self._reader = Reader(self._mapper, decider, self._cache, snapshots)
        self._group = GroupCommit(self._settle)

    def submit(self, requests: Sequence[Request], also: Also | None = None) -> list[Answer]:
        """Decide the requests in their order; an answer each, once it is committed.

        also: adds statements to the transaction of the last of them; with it, up to 500 requests
        are one transaction. More than 500 are several. Raises Unavailable when the database is
        away, or takes nothing now: for want of a right, a table or a server that writes. What was
        not committed by then was not remembered, and asking again is safe. After a
        lost connection `also` is tried again, whether or not it was committed; what it raises
        then is raised.
        """
        return self._group.submit(requests, also)

    # ------------------------------------------------------------- slices and faults

    def _settle(self, slices: list[Slice]) -> None:
        # What a batch loads dies with it, for the most part; a collection on the way would walk
        # through all of it in vain.
        gc.disable()
        try:
            answers = self._answer([r for part in slices for r in part.requests], slices)
        except OF_THE_ROWS as e:
            self._isolate(slices, e)
            return
        finally:
            gc.enable()
        for part in slices:
            part.ticket.answers.extend(answers[: len(part.requests)])
            del answers[: len(part.requests)]

    def _isolate(self, slices: list[Slice], fault: psycopg.Error) -> None:
        """The database refuses a row: find out whose it is, so that only that fails."""
        if len(slices) > 1:
            for part in slices:
                self._settle([part])
            return
        (part,) = slices
        if part.also is not None:
            part.ticket.error = fault
        elif len(part.requests) == 1:
            (request,) = part.requests
            logger.error(
                "%s %s cannot be stored", request.source, request.message_id, exc_info=fault
            )
            part.ticket.answers.append(
                self._item(request).settle_quarantined(f"The request cannot be stored: {fault}.")
            )
        else:
            half = len(part.requests) // 2
            self._settle([Slice(part.ticket, part.requests[:half])])
            self._settle([Slice(part.ticket, part.requests[half:])])

    def _answer(self, requests: Sequence[Request], slices: Sequence[Slice]) -> list[Answer]:
        """Attempts until the batch is committed. Raises Unavailable, and psycopg's errors for
        what the database refuses to store."""
        also = [part.also for part in slices if part.also is not None]
        batch = Batch([self._item(request) for request in requests], self._decider, self._cache.get)
        lost: Writes | None = None
        for attempt in range(CONNECTIONS):
            try:
                with self._datastore.connection() as conn:
                    if lost is not None:
                        # Look first: the connection may have broken after the commit. Where
                        # more is written than events, they don't tell: another process may have
                        # been given the same requests, and the rest may be refused now.
                        positions = None if also else self._find_written(conn, lost)
                        if positions is not None:
                            return self._answers(batch, lost, positions)
                        batch.retry()
                    return self._attempts(conn, batch, also)
            except _Lost as e:
                lost = e.writes or lost
                logger.warning("the connection was lost (%s); attempt %d", e, attempt + 1)
            except OF_THE_ROWS:
                raise
            except psycopg.Error as e:
                raise Unavailable(f"the database is not available: {e}") from e
        raise Unavailable("the connection to the database was lost again and again")

    def _attempts(self, conn: Connection[Any], batch: Batch, also: Sequence[Also]) -> list[Answer]:
        writes: Writes | None = None
        try:
            for _ in range(OPTIMISTIC):
                self._decide(conn, batch)
                writes = prepare_writes(batch, self._mapper, self._vault)
                answers = self._try_to_write(conn, batch, writes, also)
                if answers is not None:
                    return answers
            # Others keep changing what this batch reads: decide while nobody can.
            conn.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            lock_log(conn.cursor())
            self._decide(conn, batch)
            writes = prepare_writes(batch, self._mapper, self._vault)
            answers = self._try_to_write(conn, batch, writes, also)
            if answers is not None:
                return answers
        except BaseException as e:
            if conn.closed and isinstance(e, psycopg.Error):
                raise _Lost(str(e), writes) from e
            _roll_back(conn)
            raise
        raise Unavailable("the log is too busy; try again")

    # ------------------------------------------------------------------ one attempt

    def _item(self, request: Request) -> Item:
        command = request.command
        if command.BULK:  # its stream recognises a repeat
            return Item(request, b"", self._buyer(request))
        at = request.occurred_at
        occurred = at.astimezone(UTC).isoformat() if at else ""
        by = request.actor
        parts = [command.TYPE, by.kind, by.id, by.role, occurred, command.model_dump_json()]
        if request.acts_under is not None:
            parts.append(str(request.acts_under))
        content = "\0".join(parts)
        return Item(request, self._vault.digest(content.encode()), self._buyer(request))

    def _buyer(self, request: Request) -> str | None:
        private = getattr(request.command, "private", None)
        if not isinstance(private, Private) or private.buyer is None:
            return None
        # Stream names of cases and orders: kind, platform, shop, number.
        _, platform, shop, *_ = request.command.streams()[0].split(":")
        return self._vault.pseudonym(platform, shop, private.buyer)

    def _decide(self, conn: Connection[Any], batch: Batch) -> None:
        """Until every item is decided on states that are all current to the cache's position."""
        found = self._read(conn, batch, batch.named_streams(), batch.open_keys())
        if absent := batch.referred_streams(found.loaded):
            self._read(conn, batch, absent)
        while missing := batch.decide():
            found = self._read(conn, batch, missing)
            if absent := batch.referred_streams(found.loaded):
                self._read(conn, batch, absent)

    def _read(
        self, conn: Connection[Any], batch: Batch, streams: set[str], keys: Sequence[Key] = ()
    ) -> Reading:
        reading = self._reader.read(conn, streams, keys)
        batch.now = reading.now
        batch.broken.update(reading.broken)
        outdated = batch.forget(reading.touched)
        batch.add(reading.loaded)
        for item in batch.items:
            first = reading.answers.get(item.key) if item.is_remembered else None
            if first is None or item.answer is not None or item.repeat_of is not None:
                continue
            item.reset()
            if first.digest != item.digest:
                item.settle_reused()
            else:
                item.settle(
                    accepted=first.accepted,
                    position=first.position,
                    code=first.code,
                    message=first.message,
                    field=first.field,
                    repeat=not batch.tried,
                )
        if missing := batch.absent(outdated):
            self._read(conn, batch, missing)
        return reading

    def _try_to_write(
        self, conn: Connection[Any], batch: Batch, writes: Writes, also: Sequence[Also]
    ) -> list[Answer] | None:
        """The answers, or None when what was decided on has changed and must be read anew."""
        known = self._cache.position
        if writes.is_empty and not also:
            # All repeats and nothing new: it holds as of the position that was read.
            _roll_back(conn)
            return self._answers(batch, writes, [])
        try:
            outcome = batch.outcome() if also else Outcome()
            head = write(conn, writes, known, self._vault, also, outcome)
        except errors.LockNotAvailable:
            _roll_back(conn)
            free_log(conn)
            return None
        except psycopg.Error as e:
            if not self._is_outdated(e):
                raise
            _roll_back(conn)
            return None
        count = len(writes.events)
        latest = self._keep(batch, writes, known, head)
        self._reader.keep_snapshots(conn, latest)
        return self._answers(batch, writes, list(range(head + 1, head + 1 + count)))

    def _is_outdated(self, error: psycopg.Error) -> bool:
        if error.sqlstate == _KEY_DESTROYED:
            self._vault.drop_keys()
        # A unique violation: somebody else was given the same message at the same time.
        return error.sqlstate in (_READ_EARLIER, _KEY_DESTROYED) or isinstance(
            error, errors.UniqueViolation | errors.DeadlockDetected
        )

    def _keep(self, batch: Batch, writes: Writes, known: int, head: int) -> dict[str, State]:
        """Put what was committed into the cache; the states that it led to."""
        events = iter(writes.events)
        latest: dict[str, tuple[State, int]] = {}
        for item in batch.items:
            for step in item.steps:
                size = latest[step.stream][1] if step.stream in latest else 0
                latest[step.stream] = (step.after, size + len(next(events).state))
        for stream, (state, size) in latest.items():
            self._cache.put(stream, state, size)
        if head == known:
            # Nobody wrote in between, so nothing is missing before our own events either.
            self._cache.position = known + len(writes.events)
        return {stream: state for stream, (state, _) in latest.items()}

    def _find_written(self, conn: Connection[Any], lost: Writes) -> list[int] | None:
        """The positions of a batch's events if all it would write is there, else None."""
        cursor = conn.cursor(binary=True, row_factory=tuple_row)
        found: dict[str, int] = {}
        if lost.events:
            cursor.execute(
                SQL["select_written"],
                {
                    "streams": [str(event.originator_id) for event in lost.events],
                    "versions": [event.originator_version for event in lost.events],
                },
            )
            for _, _, position, topic, state in cursor.fetchall():
                found[self._mapper.decode(topic, state)[1].event_id] = position
        keys = [item.key for item in lost.items]
        if keys:
            cursor.execute(
                SQL["select_answers"],
                {"sources": [key[0] for key in keys], "message_ids": [key[1] for key in keys]},
            )
            if len(cursor.fetchall()) < len(keys):
                return None
        if lost.is_empty or any(event_id not in found for event_id in lost.ids):
            return None
        return [found[event_id] for event_id in lost.ids]

    @staticmethod
    def _answers(batch: Batch, writes: Writes, positions: list[int]) -> list[Answer]:
        answers: list[Answer] = []
        for item in batch.items:
            first = item.repeat_of
            if first is not None:
                earlier = first.answer
                assert earlier is not None
                if item.digest != first.digest:
                    item.settle_reused()
                else:
                    item.answer = replace(earlier, repeat=earlier.code != "quarantined")
            elif item.answer is None:
                nth = writes.nth.get(item)
                refusal = item.refusal
                item.settle(
                    accepted=refusal is None,
                    position=None if nth is None else positions[nth - 1],
                    code=refusal.code if refusal else "",
                    message=refusal.message if refusal else "",
                    field=refusal.field if refusal else "",
                )
            assert item.answer is not None
            answers.append(item.answer)
        return answers


class _Lost(Exception):
    """The connection is gone. writes: what may or may not have been committed."""

    def __init__(self, message: str, writes: Writes | None) -> None:
        super().__init__(message)
        self.writes = writes


def _roll_back(conn: Connection[Any]) -> None:
    if not conn.closed and conn.info.transaction_status.name != "IDLE":
        conn.rollback()
