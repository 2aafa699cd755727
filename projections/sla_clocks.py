"""Every clock of every case, with its breaches noticed so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.case.state import Case
from domain.kernel import Kind
from domain.sla.events import ClockName
from projections.projection import Look, Projection

VERSION = 1


@dataclass(frozen=True, slots=True)
class ClockRow:
    """One clock. breached_at and detected_at are parallel, oldest first; retracted_at are the due
    times of breaches taken back, parallel to retracted_detected_at.

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
    breached_at: tuple[datetime, ...]
    detected_at: tuple[datetime | None, ...]
    retracted_at: tuple[datetime, ...]
    retracted_detected_at: tuple[datetime | None, ...]


def rows(case: Case, _look: Look) -> Iterator[ClockRow]:
    """The case's clocks, ended ones included."""
    for clock in case.clocks.values():
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
            breached_at=clock.breaches,
            detected_at=tuple(clock.detected.get(due) for due in clock.breaches),
            retracted_at=clock.retracted,
            retracted_detected_at=tuple(clock.detected.get(due) for due in clock.retracted),
        )


PROJECTION = Projection("sla_clocks", VERSION, frozenset({Kind.CASE}), rows)
