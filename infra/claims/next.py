"""The next best case for an agent: drawn from the queue, claimed by a command.

What is drawn may be behind the log; whether a case is free, open and fits is decided by the claim
itself. Whoever was not quick enough goes on to the next candidate.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import uuid4

import psycopg
from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from domain.agent import LeaseHeld
from domain.case.commands import ClaimCase
from domain.case.values import ProblemType
from domain.kernel import Actor, ActorKind, Role, agent_stream, case_stream
from domain.request import Request
from infra.event_store import EventMapper, LogDatastore
from infra.pipeline import Pipeline, Unavailable
from infra.postgres import load_statements

SQL = load_statements(Path(__file__).with_name("claims.sql"))

SOURCE: Final = "claims"
DRAWN: Final = 200
"""Candidates of a draw: as many in the queue's order, as many of the late ones."""
FRESH: Final = 1.0
"""Seconds for which a draw serves whoever asks for the same shops and skills; longer where the
queue is so long that drawing would take more than a fifth of the time."""
AWAIT: Final = 0.01
"""Seconds for which others are given time to decide what they go for."""
ROUNDS: Final = 8
"""Draws for one claim, each twice as large as the one before."""
NEXT_CANDIDATE: Final = frozenset(
    {"case_held", "case_ended", "unknown_case", "shop_does_not_fit", "skills_do_not_fit"}
)
"""Refusals of what a read model that is behind may have drawn."""
UNREADABLE: Final = "quarantined"
"""Of a case whose events nobody can read, until the queue takes it out of what is drawn; or of the
agent's own, and then of all cases."""
MOST_UNREADABLE: Final = 10
"""In a row: then it is no single case."""
CAPACITY: Final = "agent_at_capacity"


@dataclass(frozen=True, slots=True)
class Claim:
    """A case that an agent holds. position: of the claim in the log, to wait for it in a view."""

    case_id: str
    agent: str
    token: int
    until: datetime
    position: int


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Nothing was claimed. code: no_case_fits, agent_at_capacity, or what else a claim may be
    refused for."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """nth: its place among all that fit, or nth_late: among those of them that are late. share:
    percent of the claims that go to what is late."""

    case_id: str
    platform: str
    shop: str
    share: int
    nth: int | None
    nth_late: int | None


_Wanted = tuple[tuple[str, ...], tuple[str, ...]]
"""Shops and skills."""


@dataclass(slots=True)
class _Draw:
    """started, stale: on the monotonic clock, before the database was asked, and when it is to be
    asked again. whole: nothing else fits. first: in the queue's order; late: the oldest breach
    first."""

    started: float
    stale: float
    whole: bool
    first: list[_Candidate]
    late: list[_Candidate]


@dataclass(slots=True)
class _Search:
    """One agent's claim on its way. tried: cases; full: shops of which it may hold no more.
    unreadable: what was said of the last case that cannot be decided, and how many there were in a
    row. passed_by: a candidate that another caller goes for, and may not get."""

    begun: float
    turn: float
    tried: set[str] = field(default_factory=set[str])
    full: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    refusal: str = ""
    unreadable: Unclaimed | None = None
    in_a_row: int = 0
    passed_by: bool = False


class Claims:
    """Gives agents their next case. Thread-safe; callers of one process share their draws and
    never go for the same candidate at the same time.

    chance: decides whether a claim is one of the share that goes to late cases.
    """

    def __init__(
        self, datastore: LogDatastore, pipeline: Pipeline, chance: Random | None = None
    ) -> None:
        self._datastore = datastore
        self._pipeline = pipeline
        self._mapper = EventMapper()
        self._chance = chance or Random()
        self._lock = threading.Lock()
        self._drawing: dict[_Wanted, threading.Lock] = {}
        self._draws: dict[_Wanted, _Draw] = {}
        self._going_for: set[str] = set()
        self._gone: dict[str, float] = {}

    def claim_next(
        self, agent: str, *, shops: Sequence[str] = (), skills: Sequence[ProblemType] = ()
    ) -> Claim | Unclaimed:
        """The best case that fits the agent's shops and skills (all of its problem types), none
        given: any. Raises Unavailable when the database is away, ValidationError for what is no
        agent, shop or skill."""
        asked = ClaimCase(
            case_id="other:x:x", agent=agent, shops=tuple(shops), skills=tuple(skills)
        )
        wanted = (asked.shops, tuple(skill.value for skill in asked.skills))
        search = _Search(time.monotonic(), self._chance.random() * 100)
        after: float | None = None
        for round_ in range(ROUNDS):
            search.passed_by = False
            draw = self._drawn(wanted, after, DRAWN << round_)
            after = max(draw.started, search.begun)
            for candidate in self._candidates(draw, search):
                found = self.claim(asked.model_copy(update={"case_id": candidate.case_id}))
                if isinstance(found, Unclaimed) and found.code == CAPACITY:
                    search.full.add((candidate.platform, candidate.shop))
                    search.refusal = found.message
                    continue
                if isinstance(found, Unclaimed) and found.code == UNREADABLE:
                    # Not gone: it may be this agent's claim alone that cannot be decided.
                    search.unreadable = found
                    search.in_a_row += 1
                    if search.in_a_row == MOST_UNREADABLE:
                        return found
                    continue
                search.in_a_row = 0
                with self._lock:
                    self._gone[candidate.case_id] = time.monotonic()
                if isinstance(found, Claim) or found.code not in NEXT_CANDIDATE:
                    return found
            if search.passed_by:
                time.sleep(AWAIT)
            elif draw.whole and draw.started >= search.begun:
                break
        if search.full:
            return Unclaimed(CAPACITY, search.refusal)
        if search.unreadable is not None:
            return search.unreadable
        return Unclaimed(
            code="no_case_fits", message="No open case waits that fits and that nobody holds."
        )

    def _candidates(self, draw: _Draw, search: _Search) -> Iterator[_Candidate]:
        """In the order in which this claim goes for them, each reserved until it is decided."""
        late = [candidate for candidate in draw.late if search.turn < candidate.share]
        for candidate in (*late, *draw.first):
            if candidate.case_id in search.tried:
                continue
            if (candidate.platform, candidate.shop) in search.full:
                continue
            with self._lock:
                if candidate.case_id in self._going_for:
                    search.passed_by = True
                    continue
                if self._gone.get(candidate.case_id, 0.0) >= draw.started:
                    continue
                self._going_for.add(candidate.case_id)
            search.tried.add(candidate.case_id)
            try:
                if not self._is_held(candidate):
                    yield candidate
            finally:
                with self._lock:
                    self._going_for.discard(candidate.case_id)

    def _is_held(self, candidate: _Candidate) -> bool:
        stream = {"stream": case_stream(candidate.case_id)}
        with self._connection() as conn:
            found = conn.execute(SQL["find_lease"], stream, prepare=True).fetchone()
        return found is not None

    def claim(self, command: ClaimCase) -> Claim | Unclaimed:
        """One given case, claimed by the agent itself. Raises Unavailable."""
        by = Actor(kind=ActorKind.PERSON, id=command.agent, role=Role.AGENT)
        (answer,) = self._pipeline.submit([Request(SOURCE, str(uuid4()), command, by)])
        if not answer.accepted:
            return Unclaimed(answer.code, answer.message)
        assert answer.position is not None
        place = {"stream": agent_stream(command.agent), "position": answer.position}
        with (
            self._connection() as conn,
            conn.cursor(binary=True, row_factory=tuple_row) as cursor,
        ):
            row = cursor.execute(SQL["select_held"], place, prepare=True).fetchone()
        assert row is not None
        event, _ = self._mapper.decode(*row)
        assert isinstance(event, LeaseHeld)
        return Claim(event.case_id, command.agent, event.token, event.until, answer.position)

    @contextlib.contextmanager
    def _connection(self) -> Generator[Connection[Any]]:
        try:
            with self._datastore.connection() as conn:
                yield conn
        except psycopg.OperationalError as e:
            raise Unavailable(f"the database is not available: {e}") from e

    # -------------------------------------------------------------------- draws

    def _drawn(self, wanted: _Wanted, after: float | None, limit: int) -> _Draw:
        """A draw that is fresh enough, or begun after a moment; whoever needs the same one at the
        same time shares it."""
        with self._lock:
            drawing = self._drawing.setdefault(wanted, threading.Lock())
        with drawing:
            draw = self._draws.get(wanted)
            if draw is None or (
                draw.stale < time.monotonic() if after is None else draw.started <= after
            ):
                draw = self._draw(wanted, limit)
                with self._lock:
                    self._draws[wanted] = draw
                    self._forget(draw.started - 60.0)
            return draw

    def _forget(self, before: float) -> None:
        """What no draw is old enough to show any more."""
        self._gone = {case: at for case, at in self._gone.items() if at >= before}
        old = [key for key, draw in self._draws.items() if draw.started < before]
        for key in old:
            del self._draws[key]

    def _draw(self, wanted: _Wanted, limit: int) -> _Draw:
        shops, skills = wanted
        started = time.monotonic()
        with self._connection() as conn:
            with conn.cursor(row_factory=tuple_row) as cursor:
                (is_there,) = cursor.execute(SQL["find_queue"]).fetchone() or (False,)
            if not is_there:
                return _Draw(started, started, True, [], [])
            with conn.cursor(row_factory=class_row(_Candidate)) as cursor:
                params = {
                    "shops": list(shops) or None,
                    "names": [shop.rpartition(":")[2] for shop in shops],
                    "skills": list(skills) or None,
                    "limit": limit,
                }
                found = cursor.execute(SQL["draw_candidates"], params).fetchall()
        first = [candidate for candidate in found if candidate.nth is not None]
        late = [candidate for candidate in found if candidate.nth is None]
        return _Draw(
            started,
            max(started + FRESH, time.monotonic() + 4 * (time.monotonic() - started)),
            len(first) < limit,
            first,
            late,
        )
