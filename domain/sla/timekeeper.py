"""The mechanics of clocks: starting, satisfying, noticing breaches, taking them back.

A Timekeeper carries one case through the events of one decision and collects the clock events
that they lead to. What leads to what stands in `domain.sla.follow`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from domain.case.evolve import CaseEvent, evolve
from domain.case.state import Case
from domain.case.values import Party
from domain.kernel import ActorKind, Context, Emit, Stamp, case_stream
from domain.sla.events import (
    BreachRetracted,
    ClockBreached,
    ClockCancelled,
    ClockEvent,
    ClockName,
    ClockPaused,
    ClockRestarted,
    ClockResumed,
    ClockRetargeted,
    ClockSatisfied,
    ClockStarted,
    RetargetReason,
)
from domain.sla.state import Clock, ClockStatus
from domain.sla.updates import reckoned, runs

if TYPE_CHECKING:
    from domain.policy import Policies
    from domain.world import World

MAX_MISSED: Final = 10_000
"""Missed periods that one event may tell of: 27 years of daily updates."""


class Timekeeper:
    """One case and the events collected for it so far. `case` is folded along."""

    def __init__(self, case: Case, world: World, context: Context) -> None:
        self.case = case
        self.emits: list[Emit] = []
        self._category = case.category
        self._world = world
        self._context = context

    @cached_property
    def _policies(self) -> Policies:
        platform, shop, _ = self.case.case_id.split(":", 2)
        return self._world.policies(platform, shop, self._category)

    # ------------------------------------------------------------- folding

    def apply(self, emit: Emit) -> Stamp:
        """Fold one event of the case and collect it. Returns its stamp."""
        stamp = emit.stamp(self.case.version, self._context)
        event: CaseEvent = emit.event  # type: ignore[assignment]  # a case's stream holds no other
        before, self.case = self.case, evolve(self.case, event, stamp)
        self.emits.append(
            Emit(emit.stream, event, emit.occurred_at, emit.actor, (before, stamp, self.case))
        )
        return stamp

    def _emit(self, event: ClockEvent, at: datetime) -> None:
        self.apply(Emit(case_stream(self.case.case_id), event, at))

    # ------------------------------------------------------------- look-up

    def live(self, name: ClockName, about: str | None = None) -> list[Clock]:
        """The running and paused clocks of that name; of one matter, if `about` names it."""
        return [
            clock
            for clock in self.case.clocks.values()
            if clock.is_live and clock.clock is name and about in (None, clock.about)
        ]

    def about(self, name: ClockName, about: str) -> list[Clock]:
        """The clocks of one matter that had started, ended ones included, but of one that was
        started again only the last."""
        return [
            clock
            for clock in self.case.clocks.values()
            if (clock.clock, clock.about) == (name, about)
        ][-1:]

    def target(self, name: ClockName) -> tuple[int | None, tuple[str, ...]]:
        """Minutes that the policy in force now grants for a clock of this case, and which policy
        versions say so."""
        found = self._policies.sla(self._context.now)
        problems = {item.problem for item in self.case.items.values()}
        return found.values.minutes(name, self.case.priority, sorted(problems)), found.ref

    def is_the_platforms(self, clock: Clock) -> bool:
        """The platform sent its due time, which wins over ours."""
        return self.case.platform_deadlines.get(clock.clock) == clock.due_at

    def believes(self, stamp: Stamp) -> bool:
        """Whether the entry's time is believed where it takes a breach back: always from a
        system; from a person unless dated back beyond what the policy allows."""
        if stamp.actor.kind is not ActorKind.PERSON or stamp.occurred_at >= stamp.decided_at:
            return True
        minutes = self._policies.silence(stamp.decided_at).values.backdating_minutes
        return stamp.decided_at - stamp.occurred_at <= timedelta(minutes=minutes)

    # ------------------------------------------------------------ starting

    def start(
        self,
        name: ClockName,
        party: Party,
        at: datetime,
        *,
        about: str | None = None,
        paused: bool = False,
        due_at: datetime | None = None,
        minutes: int | None = None,
        again: bool = False,
    ) -> None:
        """Start a clock at `at`. due_at: as agreed; minutes: by contract; else the policy's
        target. A deadline that the platform sent for this clock wins over all of them.
        again: beside those about the same matter that have ended."""
        key = name.value + (f":{about}" if about else "") + f"#{self.case.round}"
        if again:
            same = [c for c in self.case.clocks.values() if (c.clock, c.about) == (name, about)]
            key += f"/{len(same) + 1}"
        if key in self.case.clocks:
            return
        policy: tuple[str, ...] = ()
        if due_at is None:
            if minutes is None:
                minutes, policy = self.target(name)
            if minutes is None:
                return
            due_at = at + timedelta(minutes=minutes)
        platform = self.case.platform_deadlines.get(name)
        if platform is not None and platform > at:
            due_at = platform
        started = ClockStarted(
            key=key,
            clock=name,
            party=party,
            about=about,
            round=self.case.round,
            due_at=due_at,
            target_minutes=minutes or max(1, int((due_at - at).total_seconds() // 60)),
            paused=paused,
            policy=policy,
        )
        self._emit(started, at)

    # -------------------------------------------------------------- ending

    def satisfy(self, clock: Clock, at: datetime, *, counts: bool, stamp: Stamp) -> None:
        """What the clock waited for happened at `at`. counts: whether that time may be believed
        where it would take a breach back; if not, it counts as of when it was entered."""
        if clock.status is ClockStatus.CANCELLED:
            if at <= clock.due_at and counts:
                for due_at in clock.breaches:
                    self._retract(clock, due_at, at)
            return
        if clock.status is ClockStatus.SATISFIED and (clock.ended_at or at) <= at:
            return
        in_time = at <= clock.due_at
        noticed = clock.is_breached or clock.due_at < stamp.decided_at
        if in_time and noticed and not counts:
            at = stamp.decided_at
            in_time = at <= clock.due_at
        if clock.status is ClockStatus.SATISFIED and not (in_time and clock.is_breached):
            return
        if in_time:
            for due_at in clock.breaches:
                self._retract(clock, due_at, at)
        elif not clock.is_breached:
            self._breach(clock, clock.due_at, 1, None)
        self._emit(ClockSatisfied(key=clock.key), at)

    def cancel(self, clock: Clock, at: datetime, *, counts: bool) -> None:
        """Not needed any more from `at` on. A breach before that stays; one that was noticed
        although it never came to that is taken back, if that time may be believed; if not, what
        passed until it was entered stays missed."""
        if counts:
            for due_at in clock.breaches:
                if due_at >= at:
                    self._retract(clock, due_at, at)
        if clock.is_live:
            end = at if counts else self._context.now
            self.notice(end, (clock,))
            self._emit(ClockCancelled(key=clock.key), end)

    def end(self, name: ClockName, about: str, at: datetime, satisfied: bool, stamp: Stamp) -> None:
        """End the clock about one matter: satisfied at `at`, or not needed any more."""
        counts = self.believes(stamp)
        for clock in self.about(name, about):
            if satisfied:
                self.satisfy(clock, at, counts=counts, stamp=stamp)
            elif clock.is_live:
                self.cancel(clock, at, counts=counts)

    def reopen(self, clock: Clock, at: datetime) -> None:
        """What had satisfied it was entered by mistake: it runs on, with its old due time."""
        self._emit(ClockResumed(key=clock.key, due_at=clock.due_at), at)

    # ------------------------------------------------------------ breaches

    def notice(self, horizon: datetime, clocks: Iterable[Clock] | None = None) -> None:
        """Record the breaches that happened before `horizon` and are not recorded yet."""
        for clock in list(self.case.clocks.values() if clocks is None else clocks):
            if not clock.is_running or clock.due_at >= horizon:
                continue
            if clock.clock is ClockName.PROGRESS_UPDATE:
                self._miss(clock, clock.due_at, horizon)
            elif not clock.is_breached:
                self._breach(clock, clock.due_at, 1, None)

    def _miss(self, clock: Clock, first_due: datetime, horizon: datetime) -> None:
        """Breach a recurring clock once for each of its periods that ended before `horizon`."""
        period = timedelta(minutes=clock.target_minutes)
        missed = min(MAX_MISSED, -((first_due - horizon) // period))
        self._breach(clock, first_due, missed, first_due + period * missed)

    def _breach(
        self, clock: Clock, due_at: datetime, missed: int, next_due_at: datetime | None
    ) -> None:
        breached = ClockBreached(
            key=clock.key,
            due_at=due_at,
            detected_at=self._context.now,
            missed=missed,
            next_due_at=next_due_at,
        )
        self._emit(breached, due_at)

    def _retract(self, clock: Clock, due_at: datetime, at: datetime) -> None:
        person = self._context.actor
        confirmed_by = person.id if person.kind is ActorKind.PERSON else None
        self._emit(BreachRetracted(key=clock.key, due_at=due_at, confirmed_by=confirmed_by), at)

    # ------------------------------------------------- the recurring clock

    def heard(self, version: int) -> None:
        """The buyer got a substantive message: the next period of progress_update runs from
        there. One learnt late leaves the periods as if it had been known in time."""
        at = self.answered_at(version)
        said = self.case.answers[version]
        for clock in list(self.case.clocks.values()):
            if clock.clock is not ClockName.PROGRESS_UPDATE or said < clock.started_at:
                continue
            in_order = at >= clock.restarted_at and all(due < at for due in clock.breaches)
            if clock.is_running and in_order:
                self.notice(at, (clock,))
                due_at = at + timedelta(minutes=clock.target_minutes)
                self._emit(ClockRestarted(key=clock.key, due_at=due_at), at)
            else:
                self.reckon(clock)

    def reckon(self, clock: Clock) -> None:
        """Bring a clock of progress_update in line with all that is known by now."""
        latest = (due + timedelta(microseconds=1) for due in clock.breaches)
        horizon = max([self.case.last_at or self._context.occurred_at, *latest])
        answers = self.case.answers.items()
        messages = [self.answered_at(key) for key, at in answers if at >= clock.started_at]
        missed, since = reckoned(clock, messages, horizon)
        for due_at in sorted(set(clock.breaches).difference(missed)):
            self._retract(clock, due_at, self._context.occurred_at)
        for first, count in runs(clock, set(missed).difference(clock.breaches)):
            self._breach(clock, first, count, None)
        if since is None or not clock.is_running:
            return
        due_at = since + timedelta(minutes=clock.target_minutes)
        while due_at < horizon:
            due_at += timedelta(minutes=clock.target_minutes)
        if (since, due_at) != (clock.restarted_at, clock.due_at):
            later = since > clock.restarted_at
            event = (ClockRestarted if later else ClockResumed)(key=clock.key, due_at=due_at)
            self._emit(event, since)

    def answered_at(self, version: int) -> datetime:
        """When the buyer was answered by the event of that version: as of its entry, where a
        person dated it back too far and nobody vouched for it."""
        at, entry = self.case.answers[version], self.case.entry(version)
        if entry is None or version in self.case.confirmed_entries:
            return at
        stamp = Stamp(version, entry.occurred_at, entry.decided_at, entry.actor)
        return at if self.believes(stamp) else entry.decided_at

    def pause(self, clock: Clock, at: datetime) -> None:
        self.notice(at, (clock,))
        self._emit(ClockPaused(key=clock.key), at)
        if any(due >= at for due in clock.breaches):
            self.reckon(self.case.clocks[clock.key])

    def resume(self, clock: Clock, at: datetime) -> None:
        """Run on, with the whole target granted afresh."""
        due_at = at + timedelta(minutes=clock.target_minutes)
        self._emit(ClockResumed(key=clock.key, due_at=due_at), at)
        if clock.clock is ClockName.PROGRESS_UPDATE and at < (self.case.last_at or at):
            self.reckon(self.case.clocks[clock.key])

    # --------------------------------------------------------- retargeting

    def retarget(
        self, clock: Clock, due_at: datetime, reason: RetargetReason, policy: tuple[str, ...] = ()
    ) -> None:
        """Move the due time of an open clock that is not breached; others never change."""
        if clock.is_live and not clock.is_breached and due_at != clock.due_at:
            event = ClockRetargeted(key=clock.key, due_at=due_at, reason=reason, policy=policy)
            self._emit(event, self._context.occurred_at)

    def begin_earlier(self, clock: Clock, by: timedelta) -> None:
        """What it waits for was asked for that much before: it is judged anew from then."""
        late = clock.is_breached or (clock.ended_at or clock.started_at) > clock.due_at - by
        for due_at in clock.breaches:
            self._retract(clock, due_at, self._context.occurred_at)
        event = ClockRetargeted(
            key=clock.key,
            due_at=clock.due_at - by,
            reason=RetargetReason.EARLIER_COMPLAINT,
            policy=clock.policy,
        )
        self._emit(event, self._context.occurred_at)
        if late:
            self._breach(self.case.clocks[clock.key], clock.due_at - by, 1, None)
