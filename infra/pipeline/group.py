"""Group commit: whoever comes while a commit is under way shares the next."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from domain.request import Request
from infra.pipeline.answer import Answer, Unavailable
from infra.pipeline.writing import Also

BATCH = 500
"""Requests in one transaction at most, so that nobody waits long for the log's lock."""

BESIDE_SMALL = 100
"""… of a load while small calls keep coming."""

SMALL = 32
"""A call with at most this many requests goes ahead of the loads."""

GATHER = 0.0005
"""Seconds within which those that were just answered begin to come again."""


@dataclass(slots=True, eq=False)
class Ticket:
    """One call on its way. answers: of the requests so far; error: why there won't be more."""

    requests: Sequence[Request]
    also: Also | None
    answers: list[Answer] = field(default_factory=list[Answer])
    error: Exception | None = None
    is_done: bool = False
    then: Ticket | None = None
    _wakened: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Until it is done or its thread is to lead."""
        self._wakened.acquire()
        if self.then is not None:
            self.then.wake()

    def wake(self) -> None:
        self._wakened.release()


@dataclass(frozen=True, slots=True)
class Slice:
    """The part of a ticket that goes into one transaction; the ticket's last part takes its
    further statements along."""

    ticket: Ticket
    requests: Sequence[Request]

    @property
    def also(self) -> Also | None:
        ticket = self.ticket
        last = len(ticket.answers) + len(self.requests) == len(ticket.requests)
        return ticket.also if last else None


class GroupCommit:
    """Gathers calls from any number of threads into batches, one after the other.

    Of the waiting threads one leads: it settles batches until its own call is done and hands
    over. settle: adds to each slice's ticket its answers or an error.
    """

    def __init__(self, settle: Callable[[list[Slice]], None]) -> None:
        self._settle = settle
        self._mutex = threading.Lock()
        self._small: deque[Ticket] = deque()
        self._loads: deque[Ticket] = deque()
        self._led = False
        self._load_next = False
        self._together = 1

    def submit(self, requests: Sequence[Request], also: Also | None) -> list[Answer]:
        """The answers, once they are committed. Raises what `settle` raised or noted."""
        if not requests and also is None:
            return []
        ticket = Ticket(requests, also)
        ticket.wait()  # takes the lock, so that the next wait blocks until it is wakened
        with self._mutex:
            (self._small if len(requests) <= SMALL else self._loads).append(ticket)
            leads, self._led = not self._led, True
        if not leads:
            try:
                ticket.wait()
            except BaseException:
                # This thread was asked to stop, but others may wait for it to wake them or to lead.
                threading.Thread(target=self._follow, args=(ticket,)).start()
                raise
        if not ticket.is_done:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.answers

    def _follow(self, ticket: Ticket) -> None:
        ticket.wait()
        if not ticket.is_done:
            self._lead(ticket)

    def _lead(self, ticket: Ticket) -> None:
        try:
            while not ticket.is_done:
                self._gather()
                slices = self._next_batch()
                try:
                    self._settle(slices)
                except Exception as e:
                    for part in slices:
                        part.ticket.error = e
                except BaseException:
                    # Only this thread was asked to stop; the others may ask again.
                    for part in slices:
                        part.ticket.error = Unavailable("the batch was broken off")
                    raise
                finally:
                    self._put_back(slices, ticket)
        finally:
            self._hand_over(ticket)

    def _gather(self) -> None:
        """Let those come who shared the last batch, as long as they keep coming: answered all at
        once, they would else find the first of them under way, and wait for a batch of one."""
        before = 0
        while before < len(self._small) < self._together and not self._loads:
            before = len(self._small)
            time.sleep(GATHER)

    def _next_batch(self) -> list[Slice]:
        """Small calls and loads take turns, so that neither waits for more than one batch."""
        slices: list[Slice] = []
        with self._mutex:
            queue, room = self._small, BATCH
            if self._loads and (self._load_next or not self._small):
                queue, room = self._loads, BESIDE_SMALL if self._load_next else BATCH
            self._load_next = queue is self._small
            while queue and room > 0:
                if queue is self._small and len(queue[0].requests) > room:
                    break  # a small call is never cut in two
                ticket = queue.popleft()
                start = len(ticket.answers)
                # What takes statements along belongs in one transaction with them.
                most = room if ticket.also is None else BATCH
                part = Slice(ticket, ticket.requests[start : start + most])
                room -= len(part.requests)
                slices.append(part)
            if queue is self._small:
                self._together = len(slices)
        return slices

    def _put_back(self, slices: Sequence[Slice], leader: Ticket) -> None:
        """Whoever is done goes on; a load with more to come queues behind the others."""
        tickets = [part.ticket for part in slices]
        for ticket in tickets:
            whole = len(ticket.answers) == len(ticket.requests)
            ticket.is_done = whole or ticket.error is not None
        with self._mutex:
            self._loads.extend(ticket for ticket in tickets if not ticket.is_done)
        # One wakes the next: all at once, they would wait for each other anyway, in a crowd.
        done = [ticket for ticket in tickets if ticket.is_done and ticket is not leader]
        for ticket, then in pairwise(done):
            ticket.then = then
        if done:
            done[0].wake()

    def _hand_over(self, leader: Ticket) -> None:
        with self._mutex:
            waiting = (t for queue in (self._small, self._loads) for t in queue if t is not leader)
            heir = next(waiting, None)
            self._led = heir is not None
        if heir is not None:
            heir.wake()
