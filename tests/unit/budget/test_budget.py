"""A shop's daily budget. DOMAIN: automatic refunds (the shop's daily budget)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.budget import (
    Budget,
    BudgetReleased,
    BudgetReserved,
    BudgetSet,
    BudgetSpent,
    SetBudget,
    budget_day,
    release,
    reserve,
    spend,
)
from domain.kernel import Actor, Platform, Rejected
from domain.money import Money
from tests.unit.support import ADMIN, AGENT, SERVICE, SUPERVISOR, Story, given, told, when

STREAM = "budget:douyin:s1:2026-11-22"
LIMIT = 10_000


def set_budget(amount: str = "50.00") -> SetBudget:
    return SetBudget(
        platform=Platform.DOUYIN,
        shop="s1",
        day="2026-11-22",
        limit=Money(amount=amount, currency="CNY"),
    )


def budget_of(story: Story) -> Budget:
    budget = story.state(STREAM)
    assert isinstance(budget, Budget)
    return budget


@pytest.mark.parametrize("actor", [SUPERVISOR, ADMIN])
def test_a_supervisor_sets_a_days_budget(actor: Actor) -> None:
    story = when(set_budget(), by=actor).then(BudgetSet(limit=5_000, currency="CNY"))
    assert budget_of(story).left(LIMIT) == 5_000


@pytest.mark.parametrize("actor", [AGENT, SERVICE])
def test_nobody_else_sets_a_budget(actor: Actor) -> None:
    when(set_budget(), by=actor).refused("role_not_allowed")


def test_the_same_budget_set_twice_changes_nothing() -> None:
    story = given(told(set_budget(), by=SUPERVISOR))
    story.when(set_budget(), by=SUPERVISOR).then_nothing()
    story.when(set_budget("60.00"), by=SUPERVISOR).then(BudgetSet)


def test_without_a_budget_of_its_own_the_day_has_the_policys() -> None:
    assert budget_of(Story()).left(LIMIT) == LIMIT


def test_a_reservation_takes_from_the_day_and_a_failure_gives_back() -> None:
    story = Story()
    story.given(reserve(budget_of(story), "k1", 6_000, LIMIT))
    assert budget_of(story).left(LIMIT) == 4_000
    freed = release(budget_of(story), "k1")
    assert [emit.event for emit in freed] == [BudgetReleased(action_key="k1")]
    assert budget_of(story.given(*freed)).left(LIMIT) == LIMIT


def test_what_is_spent_stays_taken() -> None:
    story = Story()
    story.given(reserve(budget_of(story), "k1", 6_000, LIMIT))
    spent = spend(budget_of(story), "k1", 6_000)
    assert [emit.event for emit in spent] == [BudgetSpent(action_key="k1", amount=6_000)]
    story.given(*spent)
    assert (budget_of(story).left(LIMIT), budget_of(story).used) == (4_000, 6_000)


def test_more_than_the_day_holds_is_refused() -> None:
    story = Story()
    story.given(reserve(budget_of(story), "k1", 6_000, LIMIT))
    with pytest.raises(Rejected) as refusal:
        reserve(budget_of(story), "k2", 4_001, LIMIT)
    assert refusal.value.code == "budget_exhausted"


def test_one_key_draws_on_a_day_once() -> None:
    story = Story()
    story.given(reserve(budget_of(story), "k1", 10, LIMIT))
    with pytest.raises(Rejected) as refusal:
        reserve(budget_of(story), "k1", 10, LIMIT)
    assert refusal.value.code == "budget_key_reused"


def test_what_holds_nothing_frees_and_spends_nothing() -> None:
    assert release(budget_of(Story()), "k1") == []
    assert spend(budget_of(Story()), "k1", 10) == []


def test_a_lower_limit_leaves_nothing_rather_than_less_than_nothing() -> None:
    story = Story()
    story.given(reserve(budget_of(story), "k1", 6_000, LIMIT))
    assert budget_of(story).left(5_000) == 0


def test_the_day_is_counted_in_the_shops_zone() -> None:
    late = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    assert budget_day(late, ZoneInfo("Asia/Shanghai")) == "2026-11-22"
    assert budget_day(late, ZoneInfo("UTC")) == "2026-11-21"


@examples(
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "release", "spend"]),
            st.sampled_from(["k1", "k2", "k3"]),
            st.integers(1, 6_000),
        ),
        max_size=20,
    )
)
def test_a_day_never_holds_more_than_its_limit(steps: list[tuple[str, str, int]]) -> None:
    story = Story()
    for step, key, amount in steps:
        budget = budget_of(story)
        if step == "reserve":
            try:
                emit = reserve(budget, key, amount, LIMIT)
            except Rejected:
                continue
            assert isinstance(emit.event, BudgetReserved)
            story.given(emit)
        elif step == "release":
            story.given(*release(budget, key))
        else:
            story.given(*spend(budget, key, budget.reserved.get(key, 0)))
        assert 0 <= budget_of(story).used <= LIMIT
        assert budget_of(story).left(LIMIT) == LIMIT - budget_of(story).used
