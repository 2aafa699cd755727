"""The live queue: who is in it, in which order, and why."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.case import events as ev
from domain.case.values import (
    Duty,
    Level,
    LineAmount,
    ObligationTerms,
    Outcome,
    Party,
    PlatformDeadline,
    Priority,
    ProblemType,
    RefundBasis,
    Totals,
)
from domain.kernel import Event
from domain.policy import PolicyPublished, ProcedureDocument, ShopDocument, defaults
from domain.sla.events import (
    ClockBreached,
    ClockCancelled,
    ClockName,
    ClockPaused,
    ClockSatisfied,
)
from tests.databases import fresh_database
from tests.integration.engine.given import (
    T0,
    Told,
    World,
    case_id,
    clock,
    days,
    filed,
    hours,
    on_case,
    open_world,
)

RESPONSE, PROGRESS = ClockName.FIRST_RESPONSE, ClockName.PROGRESS_UPDATE


def names(world: World, at: datetime) -> list[str]:
    return [row["case_id"].rpartition(":")[2] for row in world.queue(at)]


def closed(name: str, at: datetime) -> Told:
    totals = Totals(refunded=0, goodwill=0, return_freight=0)
    return on_case(name, ev.CaseClosed(outcome=Outcome.SOLVED, totals=totals), at)


def test_an_open_case_is_in_the_queue_with_its_turn_and_next_action(world: World) -> None:
    world.given(filed("A", severity=Level.HIGH), clock("A", RESPONSE, T0 + hours(24))).project()
    (row,) = world.queue(T0 + hours(1))
    assert row["place"] == 1
    assert (row["turn"], row["next_action"]) == ("shop", "contact_buyer")
    assert (row["next_due_at"], row["next_due_clock"]) == (T0 + hours(24), "first_response")
    assert row["start_by"] == T0 + hours(23.5)
    assert row["slack"] == hours(22.5)
    assert row["reasons"] == ["least_slack", "severity_high"]
    assert row["zone"] == "Asia/Shanghai"


def test_a_closed_case_leaves_the_queue_and_a_reopened_one_comes_back(world: World) -> None:
    world.given(filed("A"), filed("B")).project()
    world.given(closed("A", T0 + hours(1))).project()
    assert names(world, T0 + hours(2)) == ["B"]
    world.given(on_case("A", ev.CaseReopened(reason="again"), T0 + hours(2))).project()
    assert names(world, T0 + hours(2)) == ["A", "B"]


def test_the_same_rows_are_ordered_anew_at_each_moment_of_asking(world: World) -> None:
    world.given(
        filed("A"),
        clock("A", RESPONSE, T0 + hours(2)),
        filed("B"),
        clock("B", RESPONSE, T0 + hours(3)),
        filed("C"),
    ).project()
    assert names(world, T0) == ["A", "B", "C"]
    assert names(world, T0 + hours(2) - timedelta(microseconds=1)) == ["A", "B", "C"]
    assert names(world, T0 + hours(2)) == ["B", "A", "C"]
    late = world.queue(T0 + hours(4))
    assert [row["case_id"] for row in late] == [case_id("A"), case_id("B"), case_id("C")]
    assert [row["reasons"] for row in late] == [["breached"], ["breached"], ["no_shop_clock"]]
    assert late[0]["overdue_since"] == T0 + hours(2)


def test_a_platforms_deadline_within_a_day_comes_first(world: World) -> None:
    deadline = PlatformDeadline(clock="execution", due_at=T0 + hours(30))
    world.given(
        filed("A"),
        clock("A", RESPONSE, T0 + hours(8)),
        filed("B"),
        clock("B", ClockName.EXECUTION, T0 + hours(40)),
        on_case("B", ev.PlatformDeadlineSet(deadline=deadline)),
    ).project()
    assert names(world, T0 + hours(5)) == ["A", "B"]
    assert names(world, T0 + hours(6)) == ["B", "A"]
    assert world.queue(T0 + hours(6))[0]["reasons"][0] == "platform_deadline"


def test_a_platforms_deadline_for_what_is_done_counts_no_more(world: World) -> None:
    deadline = PlatformDeadline(clock="first_response", due_at=T0 + hours(3))
    world.given(
        filed("A"),
        clock("A", RESPONSE, T0 + hours(3)),
        on_case("A", ev.PlatformDeadlineSet(deadline=deadline)),
        on_case("A", ClockSatisfied(key="first_response#1"), T0 + hours(1)),
    ).project()
    assert world.queue(T0 + hours(2))[0]["reasons"] == ["no_shop_clock"]


def refund(name: str, *, outcome: str, at: datetime = T0) -> list[Told]:
    lines = (LineAmount(line="L1", amount=500),)
    owed = ObligationTerms(
        obligation_id="o1",
        duty=Duty.REFUND,
        party=Party.SHOP,
        items=(1,),
        amount=500,
        lines=lines,
    )
    approved = ev.AutoRefundDecided(
        verdict="approve",
        rules=("small",),
        inputs_hash="0" * 64,
        amount=500,
        lines=lines,
        action_key="k1",
        told_buyer=True,
        budget_day=None,
        obligations=(owed,),
        policy=(),
    )
    asked = ev.RefundRequested(
        action_key="k1",
        obligation_id="o1",
        basis=RefundBasis.AGREEMENT,
        amount=500,
        lines=lines,
        attempt=1,
        policy=(),
    )
    paid = ev.RefundSucceeded(
        action_key="k1", obligation_id="o1", amount=500, lines=lines, by=Party.SHOP
    )
    unknown = ev.RefundUnknown(action_key="k1")
    bounced = ev.RefundReversed(action_key="k1", reason="account closed")
    events: dict[str, list[Event]] = {
        "owed": [approved],
        "unknown": [approved, asked, unknown],
        "failed": [approved, asked, ev.RefundFailed(action_key="k1", reason="closed")],
        "paid": [approved, asked, paid],
        "bounced": [approved, asked, paid, bounced],
    }
    return [on_case(name, event, at) for event in events[outcome]]


@pytest.mark.parametrize(
    ("outcome", "reason"), [("unknown", "unknown"), ("failed", "failed"), ("bounced", "failed")]
)
def test_a_payout_in_trouble_comes_first(world: World, outcome: str, reason: str) -> None:
    world.given(
        filed("A"),
        clock("A", RESPONSE, T0 + hours(1)),
        filed("B"),
        *refund("B", outcome=outcome),
    ).project()
    rows = world.queue(T0)
    assert rows[0]["case_id"] == case_id("B")
    assert rows[0]["reasons"] == [f"payout_{reason}", "no_shop_clock"]
    assert rows[0]["next_action"] == "check_payout"


def test_amounts_are_in_the_orders_currency(world: World) -> None:
    world.given(filed("A"), *refund("A", outcome="paid")).project()
    (row,) = world.queue(T0)
    assert (row["refunded"], row["owed"], row["currency"]) == (Decimal("5.00"), 0, "CNY")
    world.given(filed("B"), *refund("B", outcome="owed")).project()
    (row,) = [row for row in world.queue(T0) if row["case_id"] == case_id("B")]
    assert (row["refunded"], row["owed"]) == (0, Decimal("5.00"))


def test_a_matter_of_safety_comes_first_by_the_complaint_or_by_the_shops_rules(
    world: World,
) -> None:
    world.given(
        filed("A"),
        clock("A", RESPONSE, T0 + hours(1)),
        filed("B", safety=True),
        filed("C", problems=(ProblemType.QUALITY_DEFECT,)),
    ).project()
    assert names(world, T0) == ["B", "A", "C"]
    document = ProcedureDocument(safety_types=(ProblemType.QUALITY_DEFECT,))
    publish(world, "douyin:s1", document, T0 + hours(2))
    assert names(world, T0) == ["B", "A", "C"]
    assert names(world, T0 + hours(2)) == ["B", "C", "A"]


def publish(
    world: World, scope: str, document: ProcedureDocument | ShopDocument, at: datetime
) -> None:
    event = PolicyPublished(document=document, effective_from=at)
    world.given((f"policy:{scope}", event, at)).project()


def test_the_narrower_scope_says_how_long_a_case_takes(world: World) -> None:
    world.given(
        filed("A", category="shoes", problems=(ProblemType.DELAYED, ProblemType.LOST)),
        clock("A", RESPONSE, T0 + hours(24)),
    ).project()
    assert world.queue(T0)[0]["handling_minutes"] == 20
    minutes = {ProblemType.DELAYED: 100}
    publish(world, "douyin", ProcedureDocument(handling_minutes=minutes), T0)
    assert world.queue(T0)[0]["handling_minutes"] == 100
    minutes = {ProblemType.DELAYED: 5, ProblemType.LOST: 90}
    publish(world, "douyin:s1:shoes", ProcedureDocument(handling_minutes=minutes), T0)
    assert world.queue(T0)[0]["handling_minutes"] == 90
    assert world.queue(T0)[0]["start_by"] == T0 + hours(22.5)
    publish(world, "douyin:s1", ShopDocument(zone="Asia/Urumqi"), T0)
    assert world.queue(T0)[0]["zone"] == "Asia/Urumqi"


def test_missed_progress_periods_count_the_same_before_and_after_they_are_noticed(
    world: World,
) -> None:
    world.given(filed("A"), clock("A", PROGRESS, T0 + days(1))).project()
    at = T0 + days(3.5)
    (before,) = world.queue(at)
    noticed = ClockBreached(
        key="progress_update#1",
        due_at=T0 + days(1),
        detected_at=at,
        missed=3,
        next_due_at=T0 + days(4),
    )
    world.given(on_case("A", noticed, T0 + days(1))).project()
    (after,) = world.queue(at)
    assert before == after
    assert after["savable_due_at"] == T0 + days(4)
    assert after["overdue_since"] == T0 + days(1)
    # As of a moment before all that was noticed, its later part has not happened.
    assert world.queue(T0 + days(1.5))[0]["savable_due_at"] == T0 + days(2)


# ------------------------------------------------- against a brute-force sort

HANDLING = defaults.PROCEDURE.handling_minutes


@dataclass(frozen=True)
class AClock:
    name: ClockName
    party: Party
    due: int  # minutes after T0
    status: str
    noticed: int = 0  # periods of progress_update


@dataclass(frozen=True)
class ACase:
    filed: int  # minutes before T0
    problems: tuple[ProblemType, ...]
    severity: Level
    priority: Priority
    safety: bool
    payout: str
    deadline: int | None
    clocks: tuple[AClock, ...] = field(default=())


DAY = 24 * 60
moments = st.integers(-3 * DAY, 5 * DAY).map(lambda minutes: minutes - minutes % 30)
one_shot = st.builds(
    AClock,
    name=st.sampled_from([RESPONSE, ClockName.FIRST_SOLUTION, ClockName.EXECUTION]),
    party=st.just(Party.SHOP),
    due=moments,
    status=st.sampled_from(["running", "running", "noticed", "satisfied", "paused", "cancelled"]),
)
others = st.builds(
    AClock,
    name=st.sampled_from([ClockName.ANSWER, ClockName.APPRAISAL]),
    party=st.sampled_from([Party.BUYER, Party.SUPPLIER]),
    due=moments,
    status=st.just("running"),
)
progress = st.builds(
    AClock,
    name=st.just(PROGRESS),
    party=st.just(Party.SHOP),
    due=moments,
    status=st.sampled_from(["running", "paused"]),
    noticed=st.integers(0, 3),
)
clocks = st.lists(
    st.one_of(one_shot, others, progress), max_size=4, unique_by=lambda clock: clock.name
).map(tuple)
cases = st.builds(
    ACase,
    filed=st.sampled_from([0, 60, DAY]),
    problems=st.lists(
        st.sampled_from([ProblemType.DELAYED, ProblemType.RETURN_DISPUTE, ProblemType.LOST]),
        min_size=1,
        max_size=3,
    ).map(tuple),
    severity=st.sampled_from(Level),
    priority=st.sampled_from(Priority),
    safety=st.sampled_from([False, False, True]),
    payout=st.sampled_from(["", "", "", "paid", "unknown", "failed", "bounced"]),
    deadline=st.one_of(st.none(), st.none(), moments),
    clocks=clocks,
)


def after(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def tell(name: str, shop: str, case: ACase) -> list[Told]:
    """The events that make such a case."""
    began = T0 - days(4)
    told = [
        filed(
            name,
            T0 - timedelta(minutes=case.filed),
            shop=shop,
            problems=case.problems,
            severity=case.severity,
            safety=case.safety,
        )
    ]
    for one in case.clocks:
        told.append(clock(name, one.name, after(one.due), began, shop=shop, party=one.party))
        key = f"{one.name.value}#1"
        missed = one.noticed or (1 if one.status == "noticed" else 0)
        if missed:
            recurs = one.name is PROGRESS
            event = ClockBreached(
                key=key,
                due_at=after(one.due),
                detected_at=T0,
                missed=missed,
                next_due_at=after(one.due + missed * DAY) if recurs else None,
            )
            told.append(on_case(name, event, after(one.due), shop=shop))
        ends = {"satisfied": ClockSatisfied, "paused": ClockPaused, "cancelled": ClockCancelled}
        if one.status in ends:
            told.append(on_case(name, ends[one.status](key=key), T0, shop=shop))
    if case.priority is not Priority.NORMAL:
        raised = ev.PriorityRaised(priority=case.priority, as_remedy=False)
        told.append(on_case(name, raised, shop=shop))
    if case.payout:
        told += [
            (stream.replace(":s1:", f":{shop}:"), event, at)
            for stream, event, at in refund(name, outcome=case.payout)
        ]
    if case.deadline is not None:
        deadline = PlatformDeadline(clock="inspection", due_at=after(case.deadline))
        told.append(on_case(name, ev.PlatformDeadlineSet(deadline=deadline), shop=shop))
    return told


def sort_key(name: str, shop: str, case: ACase, at: datetime) -> tuple[object, ...]:
    """DOMAIN.md, "The live queue", read once more and on its own."""
    first = (
        case.safety
        or case.payout in ("unknown", "failed", "bounced")
        or (case.deadline is not None and after(case.deadline) <= at + hours(24))
    )
    savable: list[datetime] = []
    passed: list[datetime] = []
    for one in case.clocks:
        if one.party is not Party.SHOP or one.status not in ("running", "noticed"):
            continue
        due = after(one.due)
        if due <= at:
            passed.append(due)
            while one.name is PROGRESS and due <= at:
                due += days(1)
        if due > at:
            savable.append(due)
    handling = timedelta(minutes=max(HANDLING[problem] for problem in case.problems))
    if savable:
        standing = (0, min(savable) - handling - at)
    elif passed:
        standing = (1, min(passed) - at)
    else:
        standing = (2, timedelta(0))
    return (
        not first,
        *standing,
        -list(Level).index(case.severity),
        -list(Priority).index(case.priority),
        T0 - timedelta(minutes=case.filed),
        case_id(name, shop),
    )


@pytest.fixture(scope="module")
def shared_world(request: pytest.FixtureRequest) -> Generator[World]:
    server = request.getfixturevalue("postgres_server")
    with fresh_database(server) as made, open_world(made.url) as opened:
        yield opened


SHOPS = itertools.count()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=st.lists(cases, min_size=2, max_size=12), asked=st.lists(moments, min_size=1))
def test_the_order_equals_a_brute_force_sort(
    shared_world: World, drawn: Sequence[ACase], asked: list[int]
) -> None:
    world, shop = shared_world, f"shop{next(SHOPS)}"
    named = {f"C{number}": case for number, case in enumerate(drawn)}
    told = [event for name, case in named.items() for event in tell(name, shop, case)]
    world.given(*told).project()
    for minutes in asked[:3]:
        at = after(minutes)
        wanted = sorted(named, key=lambda name: sort_key(name, shop, named[name], at))
        rows = [row for row in world.queue(at) if row["shop"] == shop]
        assert [row["case_id"] for row in rows] == [case_id(name, shop) for name in wanted]
