"""The periods of progress_update, reckoned from what is known by now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from domain.sla.state import Clock


def reckoned(
    clock: Clock, messages: Iterable[datetime], horizon: datetime
) -> tuple[list[datetime], datetime | None]:
    """The due times before `horizon` that the clock missed, oldest first, and when its present
    period began: None while it stands still or has ended.

    A period begins with the clock's start, with each message while it runs, and with each resume.
    """
    heard = [
        at
        for at in messages
        if at >= clock.started_at
        and not any(start <= at and (end is None or at < end) for start, end in clock.pauses)
    ]
    turns = [(at, True) for at in heard]
    turns += [(end, True) for _, end in clock.pauses if end is not None]
    turns += [(start, False) for start, end in clock.pauses if start != end]
    missed: list[datetime] = []
    since: datetime | None = clock.started_at
    until = horizon if clock.ended_at is None else clock.ended_at
    for at, runs in sorted(turns, key=lambda turn: (turn[0], not turn[1])):
        if at > until:
            break
        if since is not None:
            missed += _dues(clock, since, at)
        since = at if runs else None
    if since is not None:
        missed += _dues(clock, since, until)
    return missed, since if clock.ended_at is None else None


def runs(clock: Clock, dues: Iterable[datetime]) -> Iterator[tuple[datetime, int]]:
    """(first, how many) of the due times that follow one another a period apart."""
    period = timedelta(minutes=clock.target_minutes)
    first: datetime | None = None
    count = 0
    for due in sorted(dues):
        if first is not None and due == first + period * count:
            count += 1
            continue
        if first is not None:
            yield first, count
        first, count = due, 1
    if first is not None:
        yield first, count


def _dues(clock: Clock, since: datetime, until: datetime) -> Iterator[datetime]:
    period = timedelta(minutes=clock.target_minutes)
    due = since + period
    while due < until:
        yield due
        due += period
