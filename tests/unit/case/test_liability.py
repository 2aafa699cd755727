"""Who is liable: shares, precedence, provisional and final, rescission.

DOMAIN: "Words", liability; "Find the cause".
"""

from __future__ import annotations

from typing import Literal

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.values import Basis, Liable, RulingFor, Share, Verdict
from domain.kernel import Command, Emit
from tests.unit.case.scenes import (
    CASE,
    at,
    business,
    case_of,
    closed,
    complained,
    fact,
    tell,
    withdrawn,
)
from tests.unit.support import PLATFORM, SUPERVISOR, Story

Said = Literal[Basis.CLAIM, Basis.MUTUAL, Basis.SUPERVISOR]

SUPPLIER = (Share(party=Liable.SUPPLIER, percent=100, supplier="huaxing"),)
MERCHANT = (Share(party=Liable.MERCHANT, percent=100),)
CARRIER = (Share(party=Liable.CARRIER, percent=100),)


def find(
    shares: tuple[Share, ...] = SUPPLIER,
    basis: Said = Basis.CLAIM,
    *,
    final: bool = False,
    item: int = 1,
) -> cmd.FindLiability:
    return cmd.FindLiability(case_id=CASE, item=item, shares=shares, basis=basis, final=final)


def rescind(item: int = 1) -> cmd.RescindLiability:
    return cmd.RescindLiability(case_id=CASE, item=item, reason="the photos were of another case")


def ruled(*shares: Share) -> cmd.RecordRuling:
    return cmd.RecordRuling(
        case_id=CASE,
        ruling_id="R1",
        ruled_for=RulingFor.SPLIT,
        liability=(cmd.ItemShares(item=1, shares=shares),),
    )


def admitted() -> Story:
    return complained().given(
        cmd.RequestAppraisal(case_id=CASE, appraisal_id="V1", items=(1,)),
        fact(cmd.RecordAppraisalVerdict(case_id=CASE, appraisal_id="V1", verdict=Verdict.ADMITTED)),
    )


def basis(story: Story) -> Basis | None:
    found = case_of(story).items[1].liability
    return found.basis if found is not None and found.in_force else None


# -------------------------------------------------------------------- shares


def test_a_finding_names_the_shares_of_an_item_and_what_they_rest_on() -> None:
    split = (
        Share(party=Liable.SUPPLIER, percent=60, supplier="huaxing"),
        Share(party=Liable.CARRIER, percent=40),
    )
    outcome = complained().when(find(split, Basis.MUTUAL, final=True))
    assert business(outcome) == [
        ev.LiabilityFound(item=1, shares=split, basis=Basis.MUTUAL, final=True, contested=False)
    ]


@pytest.mark.parametrize(
    ("shares", "code", "field"),
    [
        ((Share(party=Liable.MERCHANT, percent=99),), "shares_not_100", "shares"),
        ((*MERCHANT, Share(party=Liable.CARRIER, percent=1)), "shares_not_100", "shares"),
        (
            (Share(party=Liable.SUPPLIER, percent=100),),
            "supplier_missing",
            "shares.0.supplier",
        ),
        (
            (Share(party=Liable.CARRIER, percent=100, supplier="huaxing"),),
            "supplier_not_expected",
            "shares.0.supplier",
        ),
        (
            (
                Share(party=Liable.MERCHANT, percent=50),
                Share(party=Liable.MERCHANT, percent=50),
            ),
            "party_named_twice",
            "shares.1",
        ),
    ],
)
def test_shares_that_say_nothing_clear_are_refused(
    shares: tuple[Share, ...], code: str, field: str
) -> None:
    complained().when(find(shares)).refused(code, field)
    tell(complained(), ruled(*shares), by=PLATFORM).refused(code, f"liability.0.{field}")


def test_two_suppliers_may_share_the_liability() -> None:
    shares = (
        Share(party=Liable.SUPPLIER, percent=50, supplier="huaxing"),
        Share(party=Liable.SUPPLIER, percent=50, supplier="mingda"),
    )
    complained().when(find(shares)).then_among(ev.LiabilityFound)


def test_a_finding_is_about_an_item_of_the_case() -> None:
    complained().when(find(item=9)).refused("unknown_item", "item")


def test_the_same_finding_again_changes_nothing() -> None:
    complained().given(find()).when(find()).then_nothing()


# ---------------------------------------------------------------- precedence


def test_what_one_side_claims_is_never_final() -> None:
    complained().when(find(final=True)).refused("claim_not_final", "final")


def test_a_finding_of_a_supervisors_is_a_supervisors_and_contested_if_it_blames_a_supplier() -> (
    None
):
    complained().when(find(basis=Basis.SUPERVISOR)).refused("role_not_allowed", "actor.role")
    blaming = complained().when(find(basis=Basis.SUPERVISOR, final=True), by=SUPERVISOR)
    assert [e.contested for e in business(blaming) if isinstance(e, ev.LiabilityFound)] == [True]
    other = complained().when(find(CARRIER, Basis.SUPERVISOR), by=SUPERVISOR)
    assert [e.contested for e in business(other) if isinstance(e, ev.LiabilityFound)] == [False]


def test_a_later_finding_on_at_least_as_good_a_basis_supersedes() -> None:
    story = complained().given(find())
    story.when(find(CARRIER)).then_among(ev.LiabilityFound)
    story.when(find(MERCHANT, Basis.MUTUAL, final=True)).then_among(ev.LiabilityFound)
    assert basis(story) is Basis.MUTUAL


@pytest.mark.parametrize("weaker", [Basis.CLAIM, Basis.SUPERVISOR])
def test_a_weaker_basis_does_not_supersede_what_both_sides_accepted(weaker: Said) -> None:
    story = complained().given(find(CARRIER, Basis.MUTUAL))
    story.when(find(MERCHANT, weaker), by=SUPERVISOR).refused("liability_outranked", "basis")


@pytest.mark.parametrize("weaker", [Basis.CLAIM, Basis.SUPERVISOR, Basis.MUTUAL])
def test_an_admission_is_final(weaker: Said) -> None:
    admitted().when(find(MERCHANT, weaker), at=at(2), by=SUPERVISOR).refused("liability_outranked")


def test_a_ruling_stands_above_everything_and_another_ruling_changes_it() -> None:
    story = admitted()
    tell(story, ruled(*CARRIER), 2, PLATFORM).then_among(ev.LiabilityFound)
    assert basis(story) is Basis.RULING
    story.when(find(MERCHANT, Basis.MUTUAL), at=at(3)).refused("liability_outranked")
    second = ruled(*MERCHANT).model_copy(update={"ruling_id": "R2"})
    tell(story, second, 4, PLATFORM).then_among(ev.LiabilityFound)


def test_an_admission_does_not_supersede_a_ruling() -> None:
    story = complained().given(
        cmd.RequestAppraisal(case_id=CASE, appraisal_id="V1", items=(1,)),
        fact(ruled(*CARRIER), by=PLATFORM),
    )
    admits = cmd.RecordAppraisalVerdict(case_id=CASE, appraisal_id="V1", verdict=Verdict.ADMITTED)
    tell(story, admits, 2)
    assert basis(story) is Basis.RULING


# ---------------------------------------------------------------- rescission


def test_a_finding_is_taken_back_with_a_reason_and_the_next_may_rest_on_less() -> None:
    story = complained().given(find(CARRIER, Basis.MUTUAL))
    story.when(rescind()).then_among(ev.LiabilityRescinded)
    assert basis(story) is None
    story.when(find()).then_among(ev.LiabilityFound)


def test_a_final_finding_is_a_supervisors_to_take_back() -> None:
    story = admitted()
    story.when(rescind(), at=at(2)).refused("role_not_allowed", "actor.role")
    story.when(rescind(), at=at(2), by=SUPERVISOR).then_among(ev.LiabilityRescinded)


def test_a_ruling_is_the_platforms_to_change() -> None:
    story = complained().given(fact(ruled(*CARRIER), by=PLATFORM))
    story.when(rescind(), at=at(2), by=SUPERVISOR).refused("ruling_stands", "item")


def test_only_a_finding_in_force_is_taken_back() -> None:
    complained().when(rescind()).refused("no_liability", "item")
    complained().given(find(), rescind()).when(rescind()).refused("no_liability", "item")
    complained().when(rescind(9)).refused("unknown_item", "item")


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
def test_findings_go_on_after_the_cases_end(ending: Command | Emit) -> None:
    story = complained().given(ending)
    story.when(find(), at=at(1)).then_among(ev.LiabilityFound)
    story.when(rescind(), at=at(2)).then_among(ev.LiabilityRescinded)
