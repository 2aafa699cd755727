"""Ends claims that have lapsed, as events, whatever became of those who held them."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Final

import psycopg
from psycopg.rows import tuple_row

from domain.case.commands import EndLapsedClaim
from domain.kernel import Actor, ActorKind, Role
from domain.request import Request
from infra.activity import Activity
from infra.event_store import LogDatastore
from infra.pipeline import Pipeline, Unavailable
from infra.postgres import load_statements

logger = logging.getLogger(__name__)

SQL = load_statements(Path(__file__).with_name("claims.sql"))

SOURCE: Final = "claims:sweeper"
TIMER: Final = Actor(kind=ActorKind.SYSTEM, id="claims", role=Role.SERVICE)
PAGE: Final = 500
EVERY: Final = 1.0
"""Seconds between two looks, at most: by so much, and the time of a commit, a claim outlives its
end as an event. As a claim it is over at its end."""
BOUND: Final = 10.0
"""Seconds after its end by which a claim is recorded as lapsed, while the database answers and
a sweeper runs: a look, and a commit among many others."""
REST: Final = (0.1, 5.0)
"""Seconds after a failure: first, and at most."""


_Place = tuple[datetime, str]
"""When a claim lapsed, and its case's stream: the order in which they are ended."""


class Sweeper:
    """Connects in `run` and `catch_up`, not before. Several at a time do no harm."""

    name = "claims"

    def __init__(
        self,
        datastore: LogDatastore,
        pipeline: Pipeline,
        *,
        every: float = EVERY,
        activity: Activity | None = None,
    ) -> None:
        self.activity = activity or Activity("claims")
        self._datastore = datastore
        self._pipeline = pipeline
        self._every = every

    def run(self, stop: Event) -> None:
        """Sweep until `stop` is set. While the database is away, try again."""
        rest = REST[0]
        while not stop.is_set():
            self.activity.turn()
            try:
                self.catch_up()
                wait, rest = self._until_next(), REST[0]
                self.activity.goes_on()
            except (psycopg.Error, Unavailable) as e:
                logger.warning("lapsed claims cannot be ended now: %s", e)
                self.activity.failed(e)
                wait, rest = rest, min(rest * 2, REST[1])
            stop.wait(wait)

    def catch_up(self) -> None:
        """End all claims that have lapsed by now. Raises Unavailable and psycopg's errors."""
        after: _Place = (datetime.min.replace(tzinfo=UTC), "")
        while (last := self._sweep(after)) is not None:
            after = last

    def _sweep(self, after: _Place) -> _Place | None:
        """End a page of them; the last one's place, None when there was none."""
        started = time.monotonic()
        page = {"until": after[0], "stream": after[1], "limit": PAGE}
        with (
            self._datastore.connection() as conn,
            conn.cursor(row_factory=tuple_row) as cursor,
        ):
            lapsed = cursor.execute(SQL["select_lapsed"], page, prepare=True).fetchall()
        if not lapsed:
            return None
        answers = self._pipeline.submit([_ends(stream, token) for stream, token, _ in lapsed])
        ended = sum(answer.position is not None for answer in answers)
        self.activity.did(ended, time.monotonic() - started)
        stream, _, until = lapsed[-1]
        return until, stream

    def _until_next(self) -> float:
        """Seconds to wait: until the next claim lapses, if that is soon."""
        with (
            self._datastore.connection() as conn,
            conn.cursor(row_factory=tuple_row) as cursor,
        ):
            (seconds,) = cursor.execute(SQL["select_next_lapse"], prepare=True).fetchone() or (
                None,
            )
        return self._every if seconds is None else min(self._every, seconds + 0.01)


def _ends(stream: str, token: int) -> Request:
    case_id = stream.removeprefix("case:")
    return Request(SOURCE, f"{case_id}#{token}", EndLapsedClaim(case_id=case_id), TIMER)
