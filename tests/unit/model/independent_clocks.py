"""What two clocks must say, reckoned from a case's business events alone: first_response and
progress_update. DOMAIN: "SLA clocks".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.kernel import Event, Stamp
from tests.unit.model.independent import name_of

DAY = timedelta(hours=24)
BEFORE_COMPLAINT = timedelta(minutes=60)
DATED_BACK = timedelta(minutes=15)
ENDS = ("closed", "withdrawn", "complaint_referred", "solution_confirmed", "round_opened")


@dataclass
class Expected:
    """The standing breaches: those that must be recorded by now, and those that may be, too."""

    must: list[datetime] = field(default_factory=list[datetime])
    may: list[datetime] = field(default_factory=list[datetime])

    def allows(self, breaches: Sequence[datetime]) -> bool:
        return set(self.must) <= set(breaches) <= {*self.must, *self.may} and len(
            set(breaches)
        ) == len(breaches)


def standing_breaches(events: Iterable[tuple[Event, Stamp]]) -> dict[str, list[datetime]]:
    """By clock, the breaches that were recorded and not retracted."""
    periods: dict[str, timedelta] = {}
    standing: dict[str, list[datetime]] = {}
    for event, _ in events:
        fields: Any = event
        match name_of(event):
            case "clock_started":
                periods[fields.key] = timedelta(minutes=fields.target_minutes)
                standing[fields.key] = []
            case "clock_breached":
                missed = [fields.due_at + periods[fields.key] * i for i in range(fields.missed)]
                standing[fields.key] += missed
            case "breach_retracted":
                standing[fields.key].remove(fields.due_at)
            case _:
                pass
    return standing


def business(
    events: Iterable[tuple[Event, Stamp]],
) -> Iterator[tuple[str, Any, Stamp]]:
    """The events from the complaint on, without what the clocks themselves say."""
    filed = False
    for event, stamp in events:
        name = name_of(event)
        filed = filed or name == "complaint_filed"
        if filed and not name.startswith(("clock_", "breach_")):
            yield name, event, stamp


def reaches_the_buyer(name: str, event: Any) -> bool:
    """A substantive message to the buyer; an offer, a decline, a decision told are some, too."""
    return (
        (name == "contact_recorded" and event.substantive and event.direction == "to_buyer")
        or (name == "resolution_proposed" and event.by == "shop")
        or name == "complaint_declined"
        or (name == "auto_refund_decided" and event.told_buyer and event.verdict != "person")
    )


def first_response(events: Sequence[tuple[Event, Stamp]], now: datetime) -> Expected | None:
    """The first round's; None where the platform's deadline, an earlier complaint or a higher
    priority moved it."""
    filed: datetime | None = None
    answers: dict[int, Stamp] = {}
    ends: list[Stamp] = []
    confirmed: set[int] = set()
    horizon = datetime.min.replace(tzinfo=now.tzinfo)
    for event, _ in events:
        fields: Any = event
        moved = name_of(event) == "clock_retargeted" and fields.key == "first_response#1"
        deadline = name_of(event) == "platform_deadline_set"
        if moved or (deadline and fields.deadline.clock == "first_response"):
            return None
    for name, event, stamp in business(events):
        if name == "complaint_filed":
            filed = stamp.occurred_at
        elif name == "complaint_joined" and filed is not None and stamp.occurred_at < filed:
            return None
        elif reaches_the_buyer(name, event):
            answers[stamp.version] = stamp
        elif name == "entry_corrected":
            answers.pop(event.supersedes, None)
        elif name == "backdating_confirmed":
            confirmed.add(event.entry)
        elif name in ("closed", "withdrawn", "complaint_referred"):
            ends.append(stamp)
        horizon = max(horizon, stamp.occurred_at)
    if filed is None:
        return None
    due = filed + DAY

    def believed(stamp: Stamp) -> bool:
        person = stamp.actor.kind == "person"
        late = stamp.decided_at - stamp.occurred_at > DATED_BACK
        vouched = stamp.version in confirmed
        return not (person and late and stamp.decided_at > due) or vouched

    answered = any(
        filed - BEFORE_COMPLAINT <= stamp.occurred_at <= due and believed(stamp)
        for stamp in answers.values()
    )
    over = bool(ends) and ends[0].occurred_at <= due and believed(ends[0])
    if answered or over or now <= due:
        return Expected()
    return Expected([due]) if horizon > due else Expected([], [due])


def progress_updates(
    events: Sequence[tuple[Event, Stamp]], now: datetime
) -> dict[str, Expected] | None:
    """By clock, one for each round, whenever the messages became known. When it was the buyer's
    turn is taken from the recorded pauses and resumes. None where priority or policy moved it."""
    clocks: dict[str, _Updates] = {}
    heard: dict[int, Stamp] = {}
    vouched: set[int] = set()
    for name, event, stamp in business(events):
        running = [clock for clock in clocks.values() if clock.end is None]
        if reaches_the_buyer(name, event):
            heard[stamp.version] = stamp
        elif name == "entry_corrected":
            heard.pop(event.supersedes, None)
        elif name == "backdating_confirmed":
            vouched.add(event.entry)
        elif name in ENDS:
            believed = getattr(event, "by_silence", False)
            for clock in running:
                clock.end = stamp.occurred_at if believed else counted_at(stamp)
        if name == "complaint_filed":
            clocks["progress_update#1"] = _Updates(stamp.occurred_at)
        elif name == "round_opened":
            clocks[f"progress_update#{event.round}"] = _Updates(stamp.occurred_at)
    for event, stamp in events:
        own = clocks.get(getattr(event, "key", ""))
        if own is None:
            continue
        if name_of(event) == "clock_retargeted":
            return None
        own.hear(name_of(event), stamp.occurred_at)
    horizon = max((stamp.occurred_at for _, _, stamp in business(events)), default=now)
    messages = [
        (stamp.occurred_at, stamp.occurred_at if version in vouched else counted_at(stamp))
        for version, stamp in heard.items()
    ]
    return {key: clock.expected(messages, horizon, now) for key, clock in clocks.items()}


def counted_at(stamp: Stamp) -> datetime:
    """As of its entry, if a person dated it back too far."""
    late = stamp.decided_at - stamp.occurred_at > DATED_BACK
    return stamp.decided_at if late and stamp.actor.kind == "person" else stamp.occurred_at


@dataclass
class _Updates:
    """A clock that recurs. pauses: from when to when (None: still) it was the buyer's turn."""

    start: datetime
    end: datetime | None = None
    pauses: list[tuple[datetime, datetime | None]] = field(
        default_factory=list[tuple[datetime, "datetime | None"]]
    )

    def hear(self, name: str, at: datetime) -> None:
        if name == "clock_paused":
            self.pauses.append((at, None))
        elif name == "clock_resumed" and self.pauses and self.pauses[-1][1] is None:
            self.pauses[-1] = (self.pauses[-1][0], at)

    def expected(
        self, messages: list[tuple[datetime, datetime]], horizon: datetime, now: datetime
    ) -> Expected:
        heard = [counted for occurred, counted in messages if occurred >= self.start]
        begins = [self.start, *heard, *(end for _, end in self.pauses if end is not None)]
        running = {at for at in begins if at >= self.start and not self._stands_still(at)}
        stops = [start for start, _ in self.pauses] + ([self.end] if self.end else [])
        must = self._missed(running, [*stops, max(horizon, self.start)])
        may = self._missed(running, [*stops, max(now, self.start)])
        return Expected(must, [due for due in may if due not in must])

    def _stands_still(self, at: datetime) -> bool:
        return any(start <= at and (end is None or at < end) for start, end in self.pauses)

    def _missed(self, begins: set[datetime], stops: list[datetime]) -> list[datetime]:
        """From each begin, every 24 hours until the next begin or stop."""
        missed: list[datetime] = []
        for since in begins:
            if since >= min(stops[-1], self.end or stops[-1]):
                continue
            until = min(at for at in [*begins, *stops] if at > since)
            count = -((since - until) // DAY) - 1
            missed += [since + DAY * n for n in range(1, count + 1)]
        return missed
