"""Which complaint belongs to which case, and what the order says about it.

DOMAIN: "Streams" (identity), "The flow of a case" 1.
"""

from __future__ import annotations

from datetime import timedelta

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import Status
from domain.case.values import (
    Channel,
    DivergenceKind,
    EvidenceKind,
    EvidenceRef,
    Level,
    ProblemType,
    Stage,
)
from domain.kernel import Platform
from domain.order import CaseOpenedOnOrder
from domain.policy import ProcedureDocument, PublishPolicy, WindowDocument
from domain.product import RegisterProduct
from domain.sla.events import ClockRetargeted, ClockStarted
from tests.unit.case.build import (
    case_of,
    claim,
    classify,
    closed,
    complaint,
    contact,
    ended,
    filed,
    order,
    photo,
    put,
)
from tests.unit.order.build import (
    CASE,
    ORDER,
    OTHER_CASE,
    delivered,
    line,
    order_of,
    placed,
    shipped,
)
from tests.unit.support import (
    ADMIN,
    PLATFORM,
    T0,
    Story,
    Told,
    days,
    given,
    hours,
    like,
    told,
)

THIRD_CASE = "douyin:s1:AS3"


# ------------------------------------------------------------------ filing


def test_a_complaint_opens_a_case_with_what_the_order_says() -> None:
    story = given(order(quantity=2), shipped({"1": 2}), delivered(at=T0 + hours(1)))
    request = complaint(claim(quantity=2), at=T0 + hours(30), evidence=(photo(),), buyer="buyer-7")
    put(story, request).then_among(
        ev.ComplaintFiled(
            platform="douyin",
            shop="s1",
            order_id=ORDER,
            channel=Channel.PLATFORM,
            stage=Stage.DELIVERED,
            items=(claim(quantity=2),),
            category="shoes",
            currency="CNY",
            buyer="buyer-7",
            follows=None,
            in_window=True,
            in_warranty=True,
            severity=Level.LOW,
            safety=False,
            evidence=(photo(),),
            terms=("default@1",),
        ),
        CaseOpenedOnOrder(case_id=CASE, lines=("1",), complained_at=T0 + hours(30)),
        like(ClockStarted, key="first_response#1"),
    )
    case = case_of(story)
    assert case.subject() == "buyer-7"
    assert case.items[1].complained_at == T0 + hours(30)


def test_a_complaint_about_an_unknown_order_is_recorded_without_terms() -> None:
    story = given()
    put(story, complaint()).then_among(
        like(ev.ComplaintFiled, in_window=None, in_warranty=None, currency=None, stage=None),
        like(CaseOpenedOnOrder, case_id=CASE),
    )


def test_a_complaint_without_an_order_is_recorded() -> None:
    story = given()
    outcome = put(story, complaint(number="douyin:s1:wechat-55", order=None))
    outcome.then_among(like(ev.ComplaintFiled, order_id=None))


def test_the_stage_that_the_platform_tells_stands() -> None:
    story = given(order())
    put(story, complaint(stage=Stage.IN_TRANSIT)).then_among(
        like(ev.ComplaintFiled, stage=Stage.IN_TRANSIT)
    )


def test_goods_partly_delivered_count_as_in_transit() -> None:
    story = given(order(lines=2), shipped({"1": 1}), delivered(at=T0))
    put(story, complaint(claim("1"), claim("2"), at=T0 + hours(1))).then_among(
        like(ev.ComplaintFiled, stage=Stage.IN_TRANSIT)
    )


def test_the_same_complaint_again_changes_nothing() -> None:
    put(filed(), complaint(evidence=(photo(),))).then_nothing()


def test_lines_of_several_categories_stand_under_the_shops_policies() -> None:
    story = given(placed(line("1"), line("2", category="hats")))
    put(story, complaint(claim("1"), claim("2"))).then_among(like(ev.ComplaintFiled, category=None))


def test_a_problem_type_that_the_policy_calls_dangerous_is_a_matter_of_safety() -> None:
    policy = PublishPolicy(
        platform=Platform.DOUYIN,
        shop="s1",
        document=ProcedureDocument(safety_types=(ProblemType.QUALITY_DEFECT,)),
    )
    story = given(told(policy, at=T0 - days(1), by=ADMIN), order())
    put(story, complaint(claim(problem=ProblemType.QUALITY_DEFECT))).then_among(
        like(ev.ComplaintFiled, safety=True)
    )


def test_a_number_of_an_unknown_platform_is_refused() -> None:
    request = complaint(number="acme:s1:AS1", order=None)
    put(given(), request).refused("unknown_platform", "case_id")


def test_an_order_of_another_shop_is_refused() -> None:
    put(given(), complaint(order="douyin:s2:O1")).refused("other_shop", "order_id")


def test_a_line_that_the_order_does_not_have_is_refused() -> None:
    put(given(order()), complaint(claim("9"))).refused("unknown_line", "items.0.line")


def test_more_units_than_were_bought_are_refused() -> None:
    outcome = put(given(order(quantity=2)), complaint(claim(quantity=3)))
    outcome.refused("quantity_exceeds_bought", "items.0.quantity")


def test_the_same_line_and_problem_twice_are_refused() -> None:
    put(given(order()), complaint(claim(), claim())).refused("item_named_twice", "items")


def test_two_proofs_under_one_id_are_refused() -> None:
    video = EvidenceRef(evidence_id="E1", kind=EvidenceKind.VIDEO, sha256="b" * 64)
    put(given(order()), complaint(evidence=(photo(), video))).refused(
        "evidence_named_twice", "evidence"
    )


# ------------------------------------------------------- window and warranty


def in_window(complained_after: timedelta, problem: ProblemType = ProblemType.DAMAGED) -> Story:
    """Delivered at T0, a Monday 09:00 in Shanghai; the complaint so much later."""
    at = T0 + complained_after
    return given(order(), shipped(at=T0 - days(1)), delivered(at=T0)).given(
        complaint(claim(problem=problem), at=at)
    )


def test_the_window_runs_from_the_day_after_delivery_in_the_shops_zone() -> None:
    last_moment = days(7) + hours(15) - timedelta(seconds=1)  # Monday next, 23:59:59 in Shanghai
    assert case_of(in_window(last_moment)).in_window is True
    assert case_of(in_window(last_moment + timedelta(seconds=1))).in_window is False


def test_a_complaint_outside_the_window_is_recorded_and_flagged() -> None:
    case = case_of(in_window(days(20)))
    assert case.is_open
    assert (case.in_window, case.in_warranty) == (False, True)


def test_what_was_not_delivered_is_inside_the_window() -> None:
    story = given(order(), shipped(at=T0 - days(60))).given(complaint())
    assert case_of(story).in_window is True


def test_after_the_warranty_a_complaint_is_flagged_too() -> None:
    case = case_of(in_window(days(400), ProblemType.QUALITY_DEFECT))
    assert (case.in_window, case.in_warranty) == (False, False)


def test_a_products_own_warranty_goes_before_the_policys() -> None:
    product = RegisterProduct(product="P1", name="boots", category="shoes", warranty_days=730)
    story = given(told(product, at=T0 - days(9), by=ADMIN), order(), shipped(at=T0 - days(1)))
    story.given(delivered(at=T0), complaint(at=T0 + days(400)))
    assert case_of(story).in_warranty is True


def test_each_lines_category_has_its_own_window() -> None:
    hats = PublishPolicy(
        platform=Platform.DOUYIN,
        shop="s1",
        category="hats",
        document=WindowDocument(after_sales_days=15),
    )
    both = placed(line("1"), line("2", category="hats"))
    story = given(told(hats, at=T0 - days(9), by=ADMIN), both, shipped({"1": 1, "2": 1}))
    story.given(delivered(at=T0), complaint(claim("2"), at=T0 + days(10)))
    assert case_of(story).in_window is True
    story.given(complaint(claim("1"), number=OTHER_CASE, at=T0 + days(10)))
    assert case_of(story, OTHER_CASE).in_window is False


def window(days_: int | None = None, no_reason: int | None = None, after: float = 1) -> Told:
    """A window published so many days after T0."""
    document = WindowDocument(after_sales_days=days_, no_reason_days=no_reason)
    return told(
        PublishPolicy(platform=Platform.DOUYIN, document=document), at=T0 + days(after), by=ADMIN
    )


def bought_under(*policies: Told) -> Story:
    """Ordered and delivered at T0, complained about 10 days later."""
    story = given(*(p for p in policies if p.at < T0))
    story.given(order(), shipped(at=T0), delivered(at=T0))
    story.given(*(p for p in policies if p.at >= T0))
    return story.given(complaint(at=T0 + days(10)))


def test_the_terms_are_those_of_the_order_time() -> None:
    story = bought_under(window(15, after=-1), window(7))
    assert case_of(story).in_window is True


def test_kinder_terms_published_later_hold_too() -> None:
    assert case_of(bought_under(window(15))).in_window is True


def test_a_category_that_takes_nothing_back_without_a_reason_says_so() -> None:
    story = given(window(no_reason=0, after=-1), order(), shipped(at=T0), delivered(at=T0))
    story.given(complaint(claim(problem=ProblemType.NO_REASON), at=T0 + hours(2)))
    assert case_of(story).in_window is False


# ------------------------------------------------------------------ joining


def test_a_second_complaint_about_an_item_with_an_open_case_joins_it() -> None:
    story = filed()
    outcome = put(
        story, complaint(number=OTHER_CASE, at=T0 + hours(2), evidence=(photo("E2"),), safety=True)
    )
    outcome.then_among(
        ev.ComplaintReferred(joined=CASE),
        ev.ComplaintJoined(
            number="AS2",
            channel=Channel.PLATFORM,
            items=(),
            about=(1,),
            severity=Level.LOW,
            safety=True,
            evidence=(photo("E2"),),
        ),
    )
    case = case_of(story)
    assert case.complaints == ("AS1", "AS2")
    assert case.safety
    assert "E2" in case.evidence
    assert case_of(story, OTHER_CASE).status is Status.JOINED
    assert case_of(story, OTHER_CASE).clocks == {}


def test_the_earlier_complaint_starts_the_clocks() -> None:
    story = filed()
    outcome = put(story, complaint(number=OTHER_CASE, at=T0 - hours(5), known=T0 + hours(1)))
    outcome.then_among(
        like(ClockRetargeted, key="first_response#1", due_at=T0 + hours(19)),
        like(CaseOpenedOnOrder, case_id=CASE, complained_at=T0 - hours(5)),
    )
    case = case_of(story)
    assert case.filed_at == T0 - hours(5)
    assert case.items[1].complained_at == T0 - hours(5)


def test_what_is_new_in_a_joining_complaint_becomes_an_item() -> None:
    story = filed(claim("1"))
    more = (claim("1", 2), claim("1", problem=ProblemType.MISSING_ITEM), claim("2"))
    put(story, complaint(*more, number=OTHER_CASE)).then_among(
        like(
            ev.ComplaintJoined,
            about=(1,),
            items=(claim("1"), claim("1", problem=ProblemType.MISSING_ITEM), claim("2")),
        ),
        like(CaseOpenedOnOrder, lines=("1", "2")),
    )
    assert order_of(story).open_case_on("2") == CASE


def test_a_complaint_about_items_of_two_open_cases_joins_both() -> None:
    story = filed(claim("1")).given(complaint(claim("2"), number=OTHER_CASE))
    outcome = put(story, complaint(claim("1"), claim("2"), claim("3"), number=THIRD_CASE))
    outcome.then_among(
        ev.ComplaintReferred(joined=CASE),
        like(ev.ComplaintJoined, about=(1,), items=(claim("3"),)),
        like(ev.ComplaintJoined, about=(1,), items=()),
    )
    assert order_of(story).open_case_on("3") == CASE
    assert case_of(story, OTHER_CASE).complaints == ("AS2", "AS3")


def test_a_command_under_the_joined_number_reaches_the_case() -> None:
    story = filed().given(complaint(number=OTHER_CASE))
    story.given(contact(number=OTHER_CASE))
    assert len(case_of(story).contacts) == 1


def test_news_under_a_number_that_has_its_case_are_added() -> None:
    story = filed()
    put(story, complaint(claim("1"), claim("2"))).then_among(
        like(ev.ComplaintJoined, number="AS1", items=(claim("2"),))
    )
    assert case_of(story).complaints == ("AS1",)


def test_news_without_an_order_are_about_the_cases_own() -> None:
    story = filed()
    put(story, complaint(claim("2"), order=None)).then_among(
        like(ev.ComplaintJoined, items=(claim("2"),)), like(CaseOpenedOnOrder, lines=("1", "2"))
    )


def test_news_under_the_number_of_an_ended_case_are_refused() -> None:
    put(ended(), complaint(claim("2"))).refused("case_ended")


def test_another_order_under_a_number_that_has_its_case_is_refused() -> None:
    put(filed(), complaint(claim("2"), order="douyin:s1:O2")).refused("other_order", "order_id")


def test_a_complaint_after_the_cases_end_opens_a_new_case_that_follows_it() -> None:
    story = ended()
    put(story, complaint(number=OTHER_CASE, at=T0 + days(3))).then_among(
        like(ev.ComplaintFiled, follows=CASE)
    )
    assert order_of(story).open_case_on("1") == OTHER_CASE


def test_it_follows_the_case_that_ended_last() -> None:
    story = ended().given(complaint(number=OTHER_CASE), cmd.WithdrawCase(case_id=OTHER_CASE))
    put(story, complaint(number=THIRD_CASE)).then_among(like(ev.ComplaintFiled, follows=OTHER_CASE))


def test_a_complaint_after_the_close_follows_too() -> None:
    put(closed(), complaint(number=OTHER_CASE)).then_among(like(ev.ComplaintFiled, follows=CASE))


def test_facts_that_came_before_the_complaint_are_not_unknown_any_more() -> None:
    story = given(order()).given(
        told(cmd.RecordIntercept(case_id=CASE, shipment_id="S1", succeeded=True), by=PLATFORM)
    )
    assert [d.kind for d in case_of(story).open_divergences] == [DivergenceKind.UNKNOWN_CASE]
    put(story, complaint()).then_among(ev.DivergenceSettled(divergence_id=1))
    case = case_of(story)
    assert case.is_open
    assert not case.open_divergences
    assert case.intercepts["S1"].succeeded is True


def test_a_case_that_nobody_filed_takes_no_command() -> None:
    given().when(classify()).refused("unknown_case", "case_id")
