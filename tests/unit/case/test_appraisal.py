"""The supplier's track: naming, asking for a verdict, and what follows on it.

DOMAIN: "Appraise"; "SLA clocks", appraisal.
"""

from __future__ import annotations

import pytest

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import AppraisalStep
from domain.case.values import (
    Basis,
    Liable,
    Settlement,
    Share,
    Verdict,
)
from domain.kernel import Command, Emit
from domain.supplier import RegisterSupplier
from tests.unit.case.scenes import (
    CASE,
    agreed,
    at,
    business,
    case_of,
    closed,
    complained,
    complaint,
    divergences,
    fact,
    kinds,
    pay,
    tell,
    withdrawn,
)
from tests.unit.support import ADMIN, SUPERVISOR, Story, given, like, told

SUPPLIER = (Share(party=Liable.SUPPLIER, percent=100, supplier="huaxing"),)
HALF = (
    Share(party=Liable.SUPPLIER, percent=50, supplier="huaxing"),
    Share(party=Liable.MERCHANT, percent=50),
)


def ask(
    appraisal: str = "V1",
    items: tuple[int, ...] = (1,),
    *,
    goods: bool = False,
    evidence: tuple[str, ...] = ("E1",),
) -> cmd.RequestAppraisal:
    return cmd.RequestAppraisal(
        case_id=CASE, appraisal_id=appraisal, items=items, needs_goods=goods, evidence=evidence
    )


def holds(appraisal: str = "V1") -> cmd.RecordAppraisalMaterialReceived:
    return cmd.RecordAppraisalMaterialReceived(case_id=CASE, appraisal_id=appraisal)


def says(
    verdict: Verdict, appraisal: str = "V1", *, independent: bool = False
) -> cmd.RecordAppraisalVerdict:
    return cmd.RecordAppraisalVerdict(
        case_id=CASE, appraisal_id=appraisal, verdict=verdict, independent=independent
    )


def independent(body: str = "sgs") -> cmd.OrderIndependentAppraisal:
    return cmd.OrderIndependentAppraisal(case_id=CASE, appraisal_id="V1", body=body)


def settle(how: Settlement, shares: tuple[Share, ...] = ()) -> cmd.SettleAppraisal:
    return cmd.SettleAppraisal(case_id=CASE, appraisal_id="V1", how=how, shares=shares)


ACCEPT = settle(Settlement.SHOP_ACCEPTS)
CONTEST = settle(Settlement.FINAL_CONTESTED, SUPPLIER)


def asked(*, goods: bool = False) -> Story:
    return complained().given(ask(goods=goods))


def denied() -> Story:
    return asked().given(fact(says(Verdict.DENIED)))


def liability(story: Story, item: int = 1) -> tuple[Basis, bool, bool] | None:
    found = case_of(story).items[item].liability
    if found is None or not found.in_force:
        return None
    return found.basis, found.final, found.contested


# ------------------------------------------------------- naming the supplier


def name(supplier: str = "mingda", item: int = 1) -> cmd.NameSupplier:
    return cmd.NameSupplier(case_id=CASE, item=item, supplier=supplier)


def test_the_supplier_of_an_item_is_named_and_can_be_corrected() -> None:
    story = complained()
    story.when(name()).then_among(like(ev.SupplierNamed, item=1, supplier="mingda"))
    story.when(name("huaxing")).then_among(like(ev.SupplierNamed, supplier="huaxing"))
    story.when(name("huaxing")).then_nothing()
    story.when(name(item=9)).refused("unknown_item", "item")


# ------------------------------------------------------------ asking for it


def test_the_order_line_says_who_is_asked_and_the_policy_how_long_it_may_take() -> None:
    complained().when(ask()).then_among(
        like(ev.SupplierNamed, item=1, supplier="huaxing"),
        like(
            ev.AppraisalRequested,
            supplier="huaxing",
            evidence=("E1",),
            needs_goods=False,
            due_minutes=72 * 60,
            policy=("default@1",),
        ),
    )


def test_a_contract_says_how_long_the_supplier_may_take() -> None:
    registered = RegisterSupplier(supplier="huaxing", appraisal_hours=24)
    story = complained().given(told(registered, by=ADMIN))
    story.when(ask()).then_among(like(ev.AppraisalRequested, due_minutes=24 * 60, policy=()))


def test_a_supplier_named_in_the_case_goes_before_the_order_lines() -> None:
    story = complained().given(name("other"))
    story.when(ask()).then_among(like(ev.AppraisalRequested, supplier="other"))


def test_all_evidence_goes_along_where_none_is_chosen() -> None:
    complained().when(ask(evidence=())).then_among(like(ev.AppraisalRequested, evidence=("E1",)))


def test_an_unknown_supplier_is_asked_for_and_the_buyers_track_goes_on() -> None:
    story = complained(supplier=None)
    assert kinds(story.when(ask())) == ["SupplierNameAskedFor"]
    story.when(ask()).then_nothing()
    assert case_of(story).appraisals == {}
    story.given(name())
    story.when(ask()).then_among(like(ev.AppraisalRequested, supplier="mingda"))


def test_of_an_unknown_order_the_supplier_is_asked_for() -> None:
    story = given(complaint(order_id=None))
    assert kinds(story.when(ask())) == ["SupplierNameAskedFor"]


def test_items_whose_supplier_is_known_do_not_wait_for_the_others() -> None:
    story = complained(lines=(("L1", 2), ("L2", 1)), supplier=None)
    story.when(ask(items=(1, 2))).then_among(
        ev.SupplierNameAskedFor(item=1), like(ev.AppraisalRequested, items=(2,), supplier="mingda")
    )


def test_an_appraisal_is_asked_of_one_supplier() -> None:
    story = complained(lines=(("L1", 2), ("L2", 1)))
    story.when(ask(items=(1, 2))).refused("several_suppliers", "items")


def test_an_appraisal_names_items_and_evidence_of_the_case() -> None:
    complained().when(ask(items=(9,))).refused("unknown_item", "items")
    complained().when(ask(items=(1, 1))).refused("item_named_twice", "items")
    complained().when(ask(evidence=("E9",))).refused("unknown_evidence", "evidence")


def test_the_same_appraisal_asked_for_again_changes_nothing() -> None:
    asked().when(ask()).then_nothing()
    asked().when(ask(goods=True)).refused("appraisal_id_reused", "appraisal_id")


def test_an_item_is_appraised_by_one_at_a_time() -> None:
    asked().when(ask("V2")).refused("appraisal_under_way", "items")
    story = denied().given(told(ACCEPT, at=at(2)))
    story.when(ask("V2"), at=at(3)).then_among(ev.AppraisalRequested)


# -------------------------------------------------------------------- facts


def test_the_suppliers_time_runs_once_it_holds_the_goods() -> None:
    story = asked(goods=True)
    assert not [c for c in case_of(story).clocks.values() if c.about == "V1"]
    assert kinds(tell(story, holds(), 10)) == ["AppraisalMaterialReceived"]
    [clock] = [c for c in case_of(story).clocks.values() if c.about == "V1"]
    assert clock.due_at == at(10 + 72)
    assert case_of(story).appraisals["V1"].step is AppraisalStep.HELD


def test_material_learnt_of_after_the_verdict_takes_nothing_back() -> None:
    story = asked(goods=True).given(fact(says(Verdict.DENIED), 5))
    story.when(holds(), at=at(6), occurred_at=at(1)).then_among(ev.AppraisalMaterialReceived)
    assert case_of(story).appraisals["V1"].step is AppraisalStep.ANSWERED


def test_an_admission_makes_the_supplier_finally_liable() -> None:
    story = asked()
    outcome = tell(story, says(Verdict.ADMITTED))
    outcome.then_among(
        ev.LiabilityFound(
            item=1, shares=SUPPLIER, basis=Basis.ADMISSION, final=True, contested=False
        )
    )


@pytest.mark.parametrize("verdict", [Verdict.DENIED, Verdict.INCONCLUSIVE])
def test_a_denial_or_no_conclusion_finds_nobody_liable(verdict: Verdict) -> None:
    story = asked()
    assert kinds(tell(story, says(verdict))) == ["AppraisalVerdictGiven"]
    assert liability(story) is None


@pytest.mark.parametrize("command", [holds(), says(Verdict.ADMITTED)], ids=lambda c: c.TYPE)
def test_a_fact_of_an_appraisal_told_twice_changes_nothing(command: Command) -> None:
    story = asked().given(fact(command))
    tell(story, command).then_nothing()


@pytest.mark.parametrize("command", [holds("X"), says(Verdict.DENIED, "X")], ids=lambda c: c.TYPE)
def test_a_fact_of_an_appraisal_nobody_asked_for_is_kept_and_looked_into(
    command: Command,
) -> None:
    story = complained()
    assert len(business(tell(story, command))) == 2
    assert divergences(story) == [("unexpected_appraisal", "check_appraisal")]


def test_an_admission_is_final_although_the_supplier_denies_later() -> None:
    story = asked().given(fact(says(Verdict.ADMITTED)))
    tell(story, says(Verdict.DENIED), 2)
    assert liability(story) == (Basis.ADMISSION, True, False)
    assert divergences(story) == [("unexpected_appraisal", "check_appraisal")]


def test_an_admission_after_a_settlement_supersedes_it() -> None:
    story = denied().given(told(CONTEST, at=at(2), by=SUPERVISOR))
    tell(story, says(Verdict.ADMITTED), 3)
    assert liability(story) == (Basis.ADMISSION, True, False)
    assert case_of(story).appraisals["V1"].step is AppraisalStep.SETTLED


# ------------------------------------------------------ what follows a denial


def test_after_a_denial_an_independent_appraisal_is_ordered() -> None:
    story = denied()
    story.when(independent(), at=at(2)).then_among(like(ev.IndependentAppraisalOrdered, body="sgs"))
    story.when(independent(), at=at(3)).then_nothing()
    assert case_of(story).appraisals["V1"].step is AppraisalStep.INDEPENDENT


def test_an_independent_verdict_against_the_supplier_makes_it_finally_liable() -> None:
    story = denied().given(told(independent(), at=at(2)))
    tell(story, says(Verdict.ADMITTED, independent=True), 3)
    assert liability(story) == (Basis.INDEPENDENT, True, False)
    assert divergences(story) == []


def test_an_independent_verdict_for_the_supplier_takes_back_what_rested_on_less() -> None:
    claimed = cmd.FindLiability(case_id=CASE, item=1, shares=SUPPLIER, basis=Basis.CLAIM)
    story = denied().given(claimed, told(independent(), at=at(2)))
    tell(story, says(Verdict.DENIED, independent=True), 3).then_among(
        like(ev.LiabilityRescinded, reason="independent_appraisal_denied")
    )
    story.when(claimed, at=at(4)).refused("liability_outranked", "basis")


def test_an_independent_verdict_for_the_supplier_leaves_its_admission() -> None:
    story = denied().given(
        told(independent(), at=at(2)),
        fact(says(Verdict.ADMITTED), 3),
        fact(says(Verdict.DENIED, independent=True), 4),
    )
    assert liability(story) == (Basis.ADMISSION, True, False)


def test_an_independent_verdict_without_a_conclusion_leaves_it_open() -> None:
    story = denied().given(
        told(independent(), at=at(2)),
        fact(says(Verdict.INCONCLUSIVE, independent=True), 3),
    )
    story.when(ACCEPT, at=at(4)).then_among(ev.AppraisalSettled)


def test_a_denial_that_comes_while_others_judge_leaves_it_to_them() -> None:
    story = asked().given(told(independent(), at=at(80)), fact(says(Verdict.DENIED), 81))
    assert case_of(story).appraisals["V1"].step is AppraisalStep.INDEPENDENT


def test_an_independent_verdict_that_nobody_ordered_counts_and_is_looked_into() -> None:
    story = denied()
    tell(story, says(Verdict.ADMITTED, independent=True), 3)
    assert liability(story) == (Basis.INDEPENDENT, True, False)
    assert divergences(story) == [("unexpected_appraisal", "check_appraisal")]


def test_a_shop_that_accepts_the_denial_bears_it() -> None:
    story = denied()
    story.when(ACCEPT, at=at(2)).then_among(
        like(ev.AppraisalSettled, how=Settlement.SHOP_ACCEPTS),
        like(
            ev.LiabilityFound,
            shares=(Share(party=Liable.MERCHANT, percent=100),),
            basis=Basis.MUTUAL,
            final=True,
        ),
    )
    story.when(ACCEPT, at=at(3)).then_nothing()


def test_a_shop_that_accepts_may_divide_it_among_others_than_the_supplier() -> None:
    carrier = (Share(party=Liable.CARRIER, percent=100),)
    accepted = settle(Settlement.SHOP_ACCEPTS, carrier)
    denied().when(accepted, at=at(2)).then_among(like(ev.LiabilityFound, shares=carrier))
    blaming = settle(Settlement.SHOP_ACCEPTS, HALF)
    denied().when(blaming, at=at(2)).refused("supplier_share_on_acceptance", "shares")


def test_a_supervisor_decides_a_contested_denial_on_the_evidence_shown_apart() -> None:
    story = denied()
    story.when(CONTEST, at=at(2), by=SUPERVISOR).then_among(
        like(ev.AppraisalSettled, how=Settlement.FINAL_CONTESTED)
    )
    assert liability(story) == (Basis.SUPERVISOR, True, True)


def test_only_a_supervisor_decides_a_contested_denial_and_says_the_shares() -> None:
    denied().when(CONTEST, at=at(2)).refused("role_not_allowed", "actor.role")
    bare = settle(Settlement.FINAL_CONTESTED)
    denied().when(bare, at=at(2), by=SUPERVISOR).refused("shares_missing", "shares")
    odd = settle(Settlement.FINAL_CONTESTED, (Share(party=Liable.MERCHANT, percent=99),))
    denied().when(odd, at=at(2), by=SUPERVISOR).refused("shares_not_100", "shares")


def test_a_contested_decision_does_not_overrule_an_independent_appraisal() -> None:
    story = denied().given(
        told(independent(), at=at(2)), fact(says(Verdict.DENIED, independent=True), 3)
    )
    story.when(CONTEST, at=at(4), by=SUPERVISOR).refused("liability_outranked", "how")


def test_silence_past_due_is_settled_like_a_denial() -> None:
    for command in (independent(), ACCEPT, CONTEST):
        asked().when(command, at=at(71), by=SUPERVISOR).refused("verdict_not_due", "appraisal_id")
        assert asked().when(command, at=at(72), by=SUPERVISOR).refusal is None


def test_who_never_got_the_goods_is_not_silent() -> None:
    asked(goods=True).when(ACCEPT, at=at(1000)).refused("verdict_not_due")


@pytest.mark.parametrize("command", [independent(), ACCEPT], ids=lambda c: c.TYPE)
def test_an_appraisal_that_ended_or_never_was_is_not_settled(command: Command) -> None:
    complained().when(command).refused("unknown_appraisal", "appraisal_id")
    admitted = asked().given(fact(says(Verdict.ADMITTED)))
    admitted.when(command, at=at(2)).refused("appraisal_admitted", "appraisal_id")
    settled = denied().given(told(CONTEST, at=at(2), by=SUPERVISOR))
    settled.when(command, at=at(3)).refused("appraisal_settled", "appraisal_id")


# --------------------------------------------------- beside the buyer's track


@pytest.mark.parametrize("ending", [withdrawn(), closed()])
def test_the_suppliers_track_goes_on_after_the_cases_end(ending: Command | Emit) -> None:
    story = complained().given(ending)
    story.given(
        name("huaxing"),
        ask(goods=True),
        fact(holds()),
        fact(says(Verdict.DENIED), 2),
        told(independent(), at=at(3)),
        fact(says(Verdict.ADMITTED, independent=True), 4),
    )
    assert liability(story) == (Basis.INDEPENDENT, True, False)
    assert divergences(story) == []


def test_the_buyer_does_not_wait_for_an_appraisal() -> None:
    story = agreed().given(ask())
    story.when(pay()).then_among(ev.RefundRequested)
