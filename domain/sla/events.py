"""Events of the SLA clocks, recorded in the stream of the case that they time."""

from __future__ import annotations

from enum import StrEnum

from domain.case.values import Party
from domain.kernel import Event, Moment, event


class ClockName(StrEnum):
    FIRST_RESPONSE = "first_response"
    FIRST_SOLUTION = "first_solution"
    EXECUTION = "execution"
    INSPECTION = "inspection"
    REPAIR = "repair"
    PROGRESS_UPDATE = "progress_update"
    APPRAISAL = "appraisal"
    ANSWER = "answer"
    RETURN_SHIPMENT = "return_shipment"
    RETURN_TRANSIT = "return_transit"
    DELEGATED_FOLLOW_UP = "delegated_follow_up"


class RetargetReason(StrEnum):
    PLATFORM_DEADLINE = "platform_deadline"
    PRIORITY = "priority"
    POLICY_COMMAND = "policy_command"
    EARLIER_COMPLAINT = "earlier_complaint"


@event("case.clock_started.v1")
class ClockStarted(Event):
    """key: unique in the case, `name[:about]#round[/n]`. occurred_at: when it started.

    due_at: fixed now, under the policy version named. paused: it waits for its condition
    (the goods' receipt); then due_at is what it would be without the wait.
    """

    key: str
    clock: ClockName
    party: Party
    about: str | None
    round: int
    due_at: Moment
    target_minutes: int
    paused: bool
    policy: tuple[str, ...]


@event("case.clock_satisfied.v1")
class ClockSatisfied(Event):
    """occurred_at: when what it waited for happened."""

    key: str


@event("case.clock_paused.v1")
class ClockPaused(Event):
    key: str


@event("case.clock_resumed.v1")
class ClockResumed(Event):
    key: str
    due_at: Moment


@event("case.clock_restarted.v1")
class ClockRestarted(Event):
    """A recurring clock (progress_update) began its next period at occurred_at."""

    key: str
    due_at: Moment


@event("case.clock_breached.v1")
class ClockBreached(Event):
    """occurred_at = due_at: when it was breached. detected_at: when we noticed.

    missed: for a recurring clock, how many periods in a row passed unmet, each one breach, the
    first at due_at; next_due_at: when its current period is due. Else 1 and None.
    """

    key: str
    due_at: Moment
    detected_at: Moment
    missed: int
    next_due_at: Moment | None


@event("case.breach_retracted.v1")
class BreachRetracted(Event):
    """What the clock waited for had occurred in time and was only learnt late.
    occurred_at: when it had occurred. due_at: names the retracted breach. confirmed_by: the
    person who entered or confirmed it; None for a system."""

    key: str
    due_at: Moment
    confirmed_by: str | None


@event("case.clock_cancelled.v1")
class ClockCancelled(Event):
    """Outside attainment from now on: withdrawn or superseded before due."""

    key: str


@event("case.clock_retargeted.v1")
class ClockRetargeted(Event):
    key: str
    due_at: Moment
    reason: RetargetReason
    policy: tuple[str, ...]


ClockEvent = (
    ClockStarted
    | ClockSatisfied
    | ClockPaused
    | ClockResumed
    | ClockRestarted
    | ClockBreached
    | BreachRetracted
    | ClockCancelled
    | ClockRetargeted
)
