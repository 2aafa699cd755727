"""Every clock of every case, with its breaches noticed so far."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.case.state import Case
from domain.kernel import Kind, record
from domain.sla.events import ClockName
from domain.sla.state import Clock
from projections.projection import Look, Projection

VERSION = 2


@record
class ClockRow:
    """One clock. The three `breach_*` are parallel, oldest first: from the first of so many due
    times, one period apart, all noticed together. retracted_at are the due times of breaches
    taken back, parallel to retracted_detected_at.

    met: periods of a recurring clock that ended in time.
    """

    case_id: str
    key: str
    platform: str
    shop: str
    clock: str
    party: str
    about: str | None
    round: int
    recurs: bool
    started_at: datetime
    restarted_at: datetime
    due_at: datetime
    target_minutes: int
    status: str
    ended_at: datetime | None
    met: int
    breach_from: tuple[datetime, ...]
    breach_times: tuple[int, ...]
    breach_detected_at: tuple[datetime, ...]
    retracted_at: tuple[datetime, ...]
    retracted_detected_at: tuple[datetime | None, ...]


def rows(case: Case, _look: Look) -> Iterator[ClockRow]:
    """The case's clocks, ended ones included."""
    for clock in case.clocks.values():
        spans = list(_spans(clock))
        yield ClockRow(
            case_id=case.case_id,
            key=clock.key,
            platform=case.platform,
            shop=case.shop,
            clock=clock.clock.value,
            party=clock.party.value,
            about=clock.about,
            round=clock.round,
            recurs=clock.clock is ClockName.PROGRESS_UPDATE,
            started_at=clock.started_at,
            restarted_at=clock.restarted_at,
            due_at=clock.due_at,
            target_minutes=clock.target_minutes,
            status=clock.status.value,
            ended_at=clock.ended_at,
            met=clock.met,
            breach_from=tuple(first for first, _, _ in spans),
            breach_times=tuple(times for _, times, _ in spans),
            breach_detected_at=tuple(detected_at for _, _, detected_at in spans),
            retracted_at=clock.retracted,
            retracted_detected_at=tuple(clock.detected.get(due) for due in clock.retracted),
        )


def _spans(clock: Clock) -> Iterator[tuple[datetime, int, datetime]]:
    """(first due time, how many one period apart, when noticed) of the breaches."""
    period = timedelta(minutes=clock.target_minutes)
    first: datetime | None = None
    times = 0
    for due in sorted(clock.breaches):
        if first is not None:
            follows = due == first + period * times
            if follows and clock.detected[due] == clock.detected[first]:
                times += 1
                continue
            yield first, times, clock.detected[first]
        first, times = due, 1
    if first is not None:
        yield first, times, clock.detected[first]


PROJECTION = Projection("sla_clocks", VERSION, frozenset({Kind.CASE}), rows)
