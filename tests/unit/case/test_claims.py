"""Claims: one agent on a case at a time, known by a token, for as long as the lease runs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.agent import LeaseEnded, LeaseHeld
from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import Lease
from domain.case.values import Party, ProblemType
from domain.kernel import Actor, ActorKind, Command, Platform, Private, Role
from domain.policy import PolicyDocument, ProcedureDocument, PublishPolicy, defaults
from tests.unit.case.build import case_of, claim, classify, complaint, contact, filed, solved
from tests.unit.order.build import CASE
from tests.unit.support import (
    ADMIN,
    PLATFORM,
    SERVICE,
    SUPERVISOR,
    T0,
    Story,
    Told,
    given,
    hours,
    like,
    told,
)

CHEN = Actor(kind=ActorKind.PERSON, id="chen", role=Role.AGENT)
LEASE = timedelta(seconds=defaults.PROCEDURE.lease_seconds)
MINUTE = timedelta(minutes=1)
LATER = T0 + MINUTE
LAPSED = T0 + LEASE
NOTE = cmd.AddNote(case_id=CASE, private=Private(text="called the warehouse"))


def claims(number: str = CASE, agent: str = "li", **more: object) -> cmd.ClaimCase:
    return cmd.ClaimCase.model_validate({"case_id": number, "agent": agent, **more})


def claimed(at: datetime = T0) -> Story:
    """A case that li has claimed, with the token 1."""
    return filed().given(told(claims(), at=at))


def published(document: PolicyDocument) -> Told:
    policy = PublishPolicy(platform=Platform.DOUYIN, document=document)
    return told(policy, by=ADMIN, at=T0)


def lease_of(story: Story, number: str = CASE) -> tuple[str, int] | None:
    lease = case_of(story, number).lease
    return None if lease is None else (lease.agent, lease.token)


# ------------------------------------------------------------------ claiming


def test_a_claim_is_a_lease_with_a_token_and_an_end_set_by_the_policy() -> None:
    story = (
        filed()
        .when(claims(), at=LATER)
        .then(
            ev.CaseClaimed(agent="li", token=1, until=LATER + LEASE, policy=("default@1",)),
            LeaseHeld(case_id=CASE, token=1, until=LATER + LEASE),
        )
    )
    assert case_of(story).lease == Lease("li", 1, LATER, LATER + LEASE)


def test_a_claim_begins_when_it_is_decided_whatever_the_agent_says() -> None:
    outcome = filed().when(claims(), at=LATER, occurred_at=T0)
    assert [emit.occurred_at for emit in outcome.emits] == [LATER, LATER]
    outcome.then_among(like(ev.CaseClaimed, until=LATER + LEASE))


def test_a_case_is_never_claimed_by_two() -> None:
    claimed().when(claims(agent="chen"), by=CHEN, at=LAPSED - MINUTE).refused(
        "case_held", "case_id"
    )
    claimed().when(claims(), at=LATER).refused("case_held")
    claimed().when(claims(agent="chen"), by=SUPERVISOR, at=LATER).refused("case_held")


def test_the_answer_does_not_say_who_holds_the_case() -> None:
    outcome = claimed().when(claims(agent="chen"), by=CHEN, at=LATER)
    assert outcome.refusal is not None
    assert "li" not in outcome.refusal.message.split()


def test_a_lapsed_claim_is_ended_by_the_next_one_as_of_when_it_lapsed() -> None:
    outcome = claimed().when(claims(agent="chen"), by=CHEN, at=LAPSED + MINUTE)
    assert [emit.occurred_at for emit in outcome.emits[:2]] == [LAPSED, LAPSED]
    assert [emit.stream for emit in outcome.emits] == [
        f"case:{CASE}",
        "agent:li",
        f"case:{CASE}",
        "agent:chen",
    ]
    story = outcome.then(
        ev.ClaimLapsed(agent="li", token=1),
        LeaseEnded(case_id=CASE, token=1),
        like(ev.CaseClaimed, agent="chen", token=2),
        like(LeaseHeld, token=2),
    )
    assert lease_of(story) == ("chen", 2)


def test_a_token_is_never_given_twice() -> None:
    story = claimed().given(told(cmd.ReleaseClaim(case_id=CASE), at=LATER, token=1))
    story.when(claims(), at=LATER).then_among(like(ev.CaseClaimed, token=2))


def test_an_agent_claims_for_itself_and_others_may_claim_for_it() -> None:
    filed().when(claims(agent="chen")).refused("claim_for_another", "agent")
    filed().when(claims(agent="chen"), by=SUPERVISOR).then_among(like(ev.CaseClaimed, agent="chen"))
    filed().when(claims(agent="chen"), by=SERVICE).then_among(like(ev.CaseClaimed, agent="chen"))


def test_an_ended_or_unknown_case_cannot_be_claimed() -> None:
    filed().given(cmd.WithdrawCase(case_id=CASE)).when(claims()).refused("case_ended")
    given().when(claims()).refused("unknown_case")


@pytest.mark.parametrize("shops", [(), ("s1",), ("douyin:s1",), ("s2", "s1")])
def test_a_claim_of_an_agents_own_shops_is_accepted(shops: tuple[str, ...]) -> None:
    filed().when(claims(shops=shops)).then_among(ev.CaseClaimed)


@pytest.mark.parametrize("shops", [("s2",), ("taobao:s1",)])
def test_a_claim_of_another_shops_case_is_refused(shops: tuple[str, ...]) -> None:
    filed().when(claims(shops=shops)).refused("shop_does_not_fit", "shops")


def test_an_agent_must_be_able_to_deal_with_all_of_the_cases_problems() -> None:
    story = filed(claim("1", problem=ProblemType.DAMAGED), claim("2", problem=ProblemType.SIZE_FIT))
    story.when(claims(skills=("damaged",))).refused("skills_do_not_fit", "skills")
    story.when(claims(skills=("size_fit", "damaged", "lost"))).then_among(ev.CaseClaimed)


# ------------------------------------------------------------------ capacity


def two_cases() -> Story:
    other = complaint(claim("2"), number="douyin:s1:AS2")
    return filed(claim("1")).given(other, published(ProcedureDocument(agent_capacity=1)))


def test_an_agent_holds_at_most_as_many_cases_as_the_policy_says() -> None:
    story = two_cases().given(told(claims(), at=T0))
    story.when(claims("douyin:s1:AS2"), at=LATER).refused("agent_at_capacity", "agent")
    story.when(claims("douyin:s1:AS2", "chen"), by=CHEN, at=LATER).then_among(ev.CaseClaimed)


def test_a_lapsed_claim_takes_no_place_though_nobody_has_ended_it() -> None:
    story = two_cases().given(told(claims(), at=T0))
    story.when(claims("douyin:s1:AS2"), at=LAPSED).then_among(like(ev.CaseClaimed, token=1))


def test_a_released_claim_takes_no_place() -> None:
    story = two_cases().given(told(claims(), at=T0))
    story.given(told(cmd.ReleaseClaim(case_id=CASE), at=LATER, token=1))
    story.when(claims("douyin:s1:AS2"), at=LATER).then_among(ev.CaseClaimed)


def test_an_agent_may_claim_a_case_anew_that_it_held_last() -> None:
    story = two_cases().given(told(claims(), at=T0))
    story.when(claims(), at=LAPSED).then_among(ev.ClaimLapsed, like(ev.CaseClaimed, token=2))


def test_nobody_can_be_handed_more_than_they_may_hold() -> None:
    story = two_cases().given(told(claims(), at=T0))
    story.given(told(claims("douyin:s1:AS2", "chen"), at=T0, by=CHEN))
    handed = cmd.HandOverClaim(case_id=CASE, to="chen")
    story.when(handed, at=LATER, token=1).refused("agent_at_capacity", "to")


# ------------------------------------------------------------------- fencing

ACTIONS: tuple[Command, ...] = (
    NOTE,
    contact(),
    cmd.CloseCase(case_id=CASE),
    cmd.RenewClaim(case_id=CASE),
    cmd.ReleaseClaim(case_id=CASE),
    cmd.HandOverClaim(case_id=CASE, to="chen"),
)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.TYPE)
def test_an_action_under_a_claim_needs_its_token(action: Command) -> None:
    claimed().when(action, at=LATER).refused("claim_required", "claim_token")
    claimed().when(action, at=LATER, token=2).refused("stale_claim_token", "claim_token")
    claimed().when(action, at=LATER, by=CHEN).refused("case_held", "case_id")
    claimed().when(action, at=LATER, by=CHEN, token=1).refused("case_held", "case_id")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.TYPE)
def test_a_token_is_stale_from_the_very_moment_that_its_lease_lapses(action: Command) -> None:
    claimed().when(action, at=LAPSED, token=1).refused("stale_claim_token")


def test_the_holder_acts_with_its_token_until_the_lease_lapses() -> None:
    just_before = LAPSED - timedelta(microseconds=1)
    claimed().when(NOTE, at=just_before, token=1).then(ev.NoteAdded)


def test_a_token_of_an_earlier_claim_is_stale_under_the_next() -> None:
    story = claimed().given(told(claims(agent="chen"), by=CHEN, at=LAPSED))
    story.when(NOTE, at=LAPSED, token=1).refused("stale_claim_token")
    story.when(NOTE, at=LAPSED, by=CHEN, token=2).then(ev.NoteAdded)


def test_without_a_claim_no_token_is_needed_and_none_is_current() -> None:
    filed().when(NOTE).then(ev.NoteAdded)
    filed().when(NOTE, token=1).refused("stale_claim_token")
    claimed().when(NOTE, at=LAPSED, by=CHEN).then(ev.NoteAdded)


def test_supervisors_and_systems_act_without_a_token_but_not_with_a_stale_one() -> None:
    claimed().when(NOTE, at=LATER, by=SUPERVISOR).then(ev.NoteAdded)
    claimed().when(NOTE, at=LATER, by=SERVICE).then(ev.NoteAdded)
    claimed().when(NOTE, at=LATER, by=SUPERVISOR, token=7).refused("stale_claim_token")


def test_facts_and_what_a_buyer_says_are_taken_whoever_holds_the_case() -> None:
    helped = cmd.RecordIntervention(case_id=CASE, called_by=Party.BUYER)
    claimed().when(helped, at=LATER, by=PLATFORM).then_among(ev.PlatformIntervened)
    claimed().when(helped, at=LATER, by=CHEN, token=9).then_among(ev.PlatformIntervened)
    again = complaint(number="douyin:s1:AS2", at=LATER).command
    claimed().when(again, by=CHEN, at=LATER).then_among(like(ev.ComplaintJoined))


# ------------------------------------------- renewed, released, handed over


def test_a_renewed_lease_runs_anew_from_now_under_the_same_token() -> None:
    story = (
        claimed()
        .when(cmd.RenewClaim(case_id=CASE), at=LATER, token=1)
        .then(
            ev.ClaimRenewed(token=1, until=LATER + LEASE, policy=("default@1",)),
            LeaseHeld(case_id=CASE, token=1, until=LATER + LEASE),
        )
    )
    story.when(NOTE, at=LAPSED, token=1).then(ev.NoteAdded)


def test_renewing_never_shortens_a_lease() -> None:
    story = claimed().given(published(ProcedureDocument(lease_seconds=1)))
    story.when(cmd.RenewClaim(case_id=CASE), at=LATER, token=1).then_nothing()


def test_a_released_case_is_anybodys() -> None:
    story = (
        claimed()
        .when(cmd.ReleaseClaim(case_id=CASE), at=LATER, token=1)
        .then(
            ev.ClaimReleased(agent="li", token=1, case_ended=False),
            LeaseEnded(case_id=CASE, token=1),
        )
    )
    assert lease_of(story) is None
    story.when(NOTE, at=LATER, token=1).refused("stale_claim_token")
    story.when(claims(agent="chen"), by=CHEN, at=LATER).then_among(ev.CaseClaimed)


def test_a_case_handed_over_is_held_by_the_other_agent_under_a_new_token() -> None:
    handed = cmd.HandOverClaim(case_id=CASE, to="chen")
    story = (
        claimed()
        .when(handed, at=LATER, token=1)
        .then(
            ev.ClaimHandedOver(agent="li", token=1, to="chen"),
            LeaseEnded(case_id=CASE, token=1),
            like(ev.CaseClaimed, agent="chen", token=2, until=LATER + LEASE),
            like(LeaseHeld, token=2),
        )
    )
    story.when(NOTE, at=LATER, token=1).refused("stale_claim_token")
    story.when(NOTE, at=LATER, by=CHEN, token=2).then(ev.NoteAdded)


def test_handing_a_case_to_whoever_holds_it_changes_nothing() -> None:
    handed = cmd.HandOverClaim(case_id=CASE, to="li")
    claimed().when(handed, at=LATER, token=1).then_nothing()


def test_only_a_supervisor_overrides_a_claim_and_says_why() -> None:
    taken = cmd.OverrideClaim(case_id=CASE, reason="the agent is ill")
    claimed().when(taken, at=LATER, token=1).refused("role_not_allowed")
    story = (
        claimed()
        .when(taken, at=LATER, by=SUPERVISOR)
        .then(
            ev.ClaimOverridden(agent="li", token=1, reason="the agent is ill"),
            LeaseEnded(case_id=CASE, token=1),
        )
    )
    story.when(NOTE, at=LATER, token=1).refused("stale_claim_token")


def test_a_supervisor_may_give_the_case_to_another_agent_at_once() -> None:
    taken = cmd.OverrideClaim(case_id=CASE, reason="urgent", to="chen")
    story = (
        claimed()
        .when(taken, at=LATER, by=SUPERVISOR)
        .then(
            ev.ClaimOverridden,
            LeaseEnded,
            like(ev.CaseClaimed, agent="chen", token=2),
            LeaseHeld,
        )
    )
    assert lease_of(story) == ("chen", 2)


@pytest.mark.parametrize(
    "command",
    [
        cmd.RenewClaim(case_id=CASE),
        cmd.ReleaseClaim(case_id=CASE),
        cmd.HandOverClaim(case_id=CASE, to="chen"),
        cmd.OverrideClaim(case_id=CASE, reason="urgent"),
    ],
    ids=lambda command: command.TYPE,
)
def test_what_nobody_holds_can_be_neither_renewed_nor_given_away(command: Command) -> None:
    filed().when(command, by=SUPERVISOR).refused("not_claimed", "case_id")
    claimed().when(command, by=SUPERVISOR, at=LAPSED).refused("not_claimed", "case_id")


# -------------------------------------------------------------------- lapsed


def test_the_end_of_a_lapsed_claim_is_recorded_once() -> None:
    ends = cmd.EndLapsedClaim(case_id=CASE)
    outcome = claimed().when(ends, by=SERVICE, at=LAPSED + hours(1))
    assert {emit.occurred_at for emit in outcome.emits} == {LAPSED}
    story = outcome.then(ev.ClaimLapsed(agent="li", token=1), LeaseEnded(case_id=CASE, token=1))
    assert lease_of(story) is None
    story.when(ends, by=SERVICE, at=LAPSED + hours(1)).then_nothing()


def test_a_running_or_renewed_claim_is_not_ended() -> None:
    ends = cmd.EndLapsedClaim(case_id=CASE)
    claimed().when(ends, by=SERVICE, at=LAPSED - timedelta(microseconds=1)).then_nothing()
    renewed = told(cmd.RenewClaim(case_id=CASE), at=LATER, token=1)
    claimed().given(renewed).when(ends, by=SERVICE, at=LAPSED).then_nothing()
    filed().when(ends, by=SERVICE).then_nothing()


# ---------------------------------------------------------- the case's end


def test_closing_a_case_ends_its_claim() -> None:
    story = solved().given(told(classify(), at=T0), told(claims(), at=T0))
    story = story.when(cmd.CloseCase(case_id=CASE), at=LATER, token=1).then_among(
        ev.CaseClosed,
        ev.ClaimReleased(agent="li", token=1, case_ended=True),
        LeaseEnded(case_id=CASE, token=1),
    )
    assert lease_of(story) is None


def test_a_buyer_who_withdraws_ends_the_claim_too() -> None:
    withdrawn = cmd.WithdrawCase(case_id=CASE)
    claimed().when(withdrawn, by=SERVICE, at=LATER).then_among(
        ev.CaseWithdrawn, like(ev.ClaimReleased, case_ended=True), LeaseEnded
    )
    outcome = claimed().when(withdrawn, by=SERVICE, at=LAPSED + MINUTE)
    outcome.then_among(ev.CaseWithdrawn, ev.ClaimLapsed, LeaseEnded)


def test_a_case_that_goes_on_in_another_one_is_held_no_more() -> None:
    other = "douyin:s1:AS2"
    story = filed().given(
        complaint(claim("shoes"), number=other, order=None), told(claims(other), at=T0)
    )
    story.when(cmd.AddAlias(case_id=CASE, alias=other), by=SERVICE, at=LATER).then_among(
        ev.ComplaintReferred(joined=CASE),
        ev.ClaimReleased(agent="li", token=1, case_ended=True),
        LeaseEnded(case_id=other, token=1),
    )
    assert lease_of(story, other) is None
    story.when(NOTE.model_copy(update={"case_id": other}), at=LATER, token=1).refused(
        "stale_claim_token"
    )
