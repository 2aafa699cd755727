"""The order learnt later, other numbers of the case, and the case that another goes on in.

DOMAIN: "Streams" (identity).
"""

from __future__ import annotations

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.state import Status
from domain.case.values import (
    EvidenceKind,
    EvidenceRef,
    Resolution,
    Stage,
)
from domain.order import CaseEndedOnOrder, CaseOpenedOnOrder
from tests.unit.case.build import (
    case_of,
    claim,
    complaint,
    contact,
    ended,
    filed,
    order,
    photo,
    proposal,
    put,
)
from tests.unit.order.build import (
    CASE,
    ORDER,
    OTHER_CASE,
    order_of,
)
from tests.unit.support import (
    PLATFORM,
    T0,
    Story,
    given,
    hours,
    like,
    told,
)

THIRD_CASE = "douyin:s1:AS3"


# --------------------------------------------------------------- the order


def wechat(number: str = CASE) -> Story:
    """A complaint by chat, without an order, about "shoes"."""
    return given(order(quantity=2, lines=2)).given(
        complaint(claim("shoes"), number=number, order=None)
    )


def link(number: str = CASE, to: str = ORDER, lines: dict[str, str] | None = None) -> cmd.LinkOrder:
    return cmd.LinkOrder(case_id=number, order_id=to, lines=lines or {})


def test_an_order_learnt_later_brings_its_terms() -> None:
    story = wechat()
    story.when(link(lines={"shoes": "1"})).then_among(
        like(
            ev.OrderLinked,
            order_id=ORDER,
            currency="CNY",
            category="shoes",
            in_window=True,
            stage=Stage.UNSHIPPED,
        ),
        like(CaseOpenedOnOrder, case_id=CASE, lines=("1",)),
    )
    assert case_of(story).items[1].line == "1"


def test_linking_the_same_order_again_changes_nothing() -> None:
    story = wechat().given(link(lines={"shoes": "1"}))
    story.when(link()).then_nothing()


def test_linking_again_brings_the_terms_of_an_order_recorded_meanwhile() -> None:
    story = given(complaint(), order())
    story.when(link()).then(like(ev.OrderLinked, currency="CNY", in_window=True))


def test_a_line_that_the_linked_order_does_not_have_is_refused() -> None:
    wechat().when(link()).refused("unknown_line", "lines.0.line")


def test_a_link_to_an_order_with_fewer_units_is_refused() -> None:
    story = given(order(), complaint(claim(quantity=2), order=None))
    story.when(link()).refused("quantity_exceeds_bought")


def test_a_second_order_for_a_case_is_refused() -> None:
    filed().when(link(to="douyin:s1:O2")).refused("order_already_linked", "order_id")


def test_an_order_of_another_shop_cannot_be_linked() -> None:
    wechat().when(link(to="douyin:s2:O1")).refused("other_shop", "order_id")


def test_an_ended_case_takes_no_order() -> None:
    ended().when(link()).refused("case_ended")


def test_linking_to_an_order_whose_item_has_an_open_case_joins_that_one() -> None:
    story = wechat().given(
        told(contact(), at=T0 + hours(1)), complaint(number=OTHER_CASE, at=T0 + hours(20))
    )
    story.when(link(lines={"shoes": "1"}), at=T0 + hours(30)).then_among(
        ev.ComplaintReferred(joined=OTHER_CASE),
        like(ev.ComplaintJoined, number="AS1", about=(1,), items=()),
        like(ev.ContactRecorded, substantive=True),
    )
    joined = case_of(story, OTHER_CASE)
    assert joined.filed_at == T0
    assert joined.contacts[0].occurred_at == T0 + hours(1)
    own = case_of(story)
    assert own.status is Status.JOINED
    assert not any(clock.is_live for clock in own.clocks.values())


def test_a_case_with_dealings_of_its_own_joins_no_other() -> None:
    story = wechat().given(
        proposal(cmd.PartOffer(resolution=Resolution.RESHIP, items=(1,))),
        complaint(number=OTHER_CASE),
    )
    story.when(link(lines={"shoes": "1"})).refused("case_has_dealings")


def test_the_order_that_a_repeated_complaint_names_is_linked() -> None:
    story = given(order(), complaint(order=None))
    put(story, complaint(claim("1", 1), evidence=(photo(),))).then_among(
        like(ev.OrderLinked, order_id=ORDER), like(ev.ComplaintJoined, number="AS1")
    )


def test_a_repeated_complaint_does_not_link_past_another_open_case() -> None:
    story = given(order(), complaint(order=None), complaint(number=OTHER_CASE))
    put(story, complaint(evidence=(photo(),))).refused("open_case_on_item", "order_id")


# ----------------------------------------------------------------- aliases


def alias(number: str = OTHER_CASE, of: str = CASE) -> cmd.AddAlias:
    return cmd.AddAlias(case_id=of, alias=number)


def test_a_number_learnt_later_is_an_alias() -> None:
    story = filed()
    story.when(alias()).then(ev.AliasLearned(alias=OTHER_CASE), ev.ComplaintReferred(joined=CASE))
    story.given(contact(number=OTHER_CASE))
    assert len(case_of(story).contacts) == 1
    story.when(alias()).then_nothing()


def test_a_case_is_no_alias_of_its_own() -> None:
    filed().when(alias(CASE)).then_nothing()


def test_facts_under_an_alias_are_to_be_looked_at() -> None:
    fact = cmd.RecordIntercept(case_id=OTHER_CASE, shipment_id="S1", succeeded=True)
    filed().given(told(fact, by=PLATFORM)).when(alias()).then_among(
        like(ev.DivergenceFound, next_action="check_facts_of_alias", about=OTHER_CASE)
    )


def test_a_case_opened_meanwhile_under_the_alias_goes_on_in_this_one() -> None:
    story = filed().given(complaint(claim("shoes"), number=OTHER_CASE, order=None))
    story.when(alias()).then_among(
        ev.AliasLearned(alias=OTHER_CASE),
        ev.ComplaintReferred(joined=CASE),
        like(ev.ComplaintJoined, number="AS2", items=(claim("shoes"),)),
    )


def test_the_evidence_goes_along_with_the_complaint() -> None:
    second = complaint(
        claim("shoes"), number=OTHER_CASE, order=None, evidence=(photo(), photo("E2"))
    )
    filed().given(second).when(alias()).then_among(
        like(ev.ComplaintJoined, evidence=(photo("E2"),))
    )


def test_evidence_of_another_content_under_a_known_id_goes_along_under_its_own() -> None:
    other = EvidenceRef(evidence_id="E1", kind=EvidenceKind.PHOTO, sha256="f" * 64)
    kept = other.model_copy(update={"evidence_id": "E1-" + "f" * 12})
    second = complaint(claim("shoes"), number=OTHER_CASE, order=None, evidence=(other,))
    story = filed().given(second)
    story.when(alias()).then_among(like(ev.ComplaintJoined, evidence=(kept,)))
    third = complaint(claim("1"), number="douyin:s1:AS3", evidence=(other,))
    put(story, third).then_among(like(ev.ComplaintJoined, evidence=()))
    assert {"E1", kept.evidence_id} <= set(case_of(story).evidence)


def test_the_order_is_told_when_a_case_goes_on_in_another() -> None:
    story = filed(claim("1")).given(complaint(claim("2"), number=OTHER_CASE))
    story.when(alias()).then_among(CaseEndedOnOrder(case_id=OTHER_CASE))
    assert order_of(story).open_case_on("2") == CASE


def test_a_number_that_joined_a_joined_case_reaches_the_last_one() -> None:
    story = filed(claim("1")).given(
        complaint(claim("2"), number=OTHER_CASE),
        complaint(claim("2"), number=THIRD_CASE),
        alias(),
    )
    assert case_of(story).complaints == ("AS1", "AS2", "AS3")
    story.given(contact(number=THIRD_CASE))
    assert len(case_of(story).contacts) == 1


def test_another_cases_number_is_no_alias() -> None:
    story = filed(claim("1")).given(complaint(claim("2"), number=OTHER_CASE))
    story.given(cmd.WithdrawCase(case_id=OTHER_CASE))
    story.when(alias()).refused("alias_taken", "alias")


def test_a_case_about_another_order_is_no_alias() -> None:
    story = filed().given(complaint(number=OTHER_CASE, order="douyin:s1:O2"))
    story.when(alias()).refused("other_order", "alias")


def test_an_alias_is_of_the_same_shop() -> None:
    filed().when(alias("douyin:s2:AS2")).refused("other_shop", "alias")


def test_an_ended_case_takes_in_no_open_one() -> None:
    ended().given(complaint(claim("shoes"), number=OTHER_CASE, order=None)).when(alias()).refused(
        "case_ended"
    )


def test_a_case_with_dealings_does_not_go_on_in_another() -> None:
    story = filed().given(
        complaint(claim("shoes"), number=OTHER_CASE, order=None),
        proposal(cmd.PartOffer(resolution=Resolution.RESHIP, items=(1,)), number=OTHER_CASE),
    )
    story.when(alias()).refused("case_has_dealings")
