"""Cases in which shop and buyer come to terms: refunds, returns, exchanges, repairs, patience."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from consumers.sample import words
from consumers.sample.catalogue import PAYMENT, SMALL
from consumers.sample.dealings import AUTO
from consumers.sample.ending import Story
from consumers.sample.hours import awake, hours
from consumers.sample.plot import Plot
from domain.case import commands as cmd
from domain.case.values import (
    Channel,
    ContactKind,
    EvidenceKind,
    Level,
    Liable,
    Outcome,
    Party,
    ProblemType,
    Rating,
    Resolution,
    Rung,
    Stage,
    Verdict,
)
from domain.order import ShipmentOutcome

PHOTO: Final = (EvidenceKind.PHOTO,)
VIDEO: Final = (EvidenceKind.PHOTO, EvidenceKind.VIDEO)


def small_refund(s: Story) -> None:
    """Cheap and proven: the rules pay at once."""
    s.complain(s.claim(s.problem), proofs=PHOTO, severity=Level.LOW)
    s.respond(25)
    s.verify()
    key = s.auto_refund(evidence_supports=True)
    s.others_take(0.05, 2)
    s.paid(key)
    s.done()


def cancelled(s: Story) -> None:
    """Not shipped yet: cancelled, paid back, quickly and well."""
    s.at(s.now.replace(hour=10 + s.rng.randrange(8)))
    s.pace = 1.0
    s.complain(s.claim(s.problem), severity=Level.LOW)
    s.shop_takes(6, 0.3)
    s.verify()
    key = s.auto_refund()
    s.contact("订单还没发出，已为您取消，款项原路退回。")
    s.others_take(0.02, 0.3)
    s.paid(key)
    s.buyer_takes(0.6, 0.3)
    s.tell(cmd.ConfirmSolution(case_id=s.case_id), s.buyers)
    s.close(minutes=10)
    if s.rng.random() < 0.5:
        s.evaluate(Rating.POSITIVE)
        s.shop_takes(60)
        s.tell(cmd.RequestExemption(case_id=s.case_id), s.desk)


def intercepted(s: Story) -> None:
    """Under way: the parcel is stopped, then the money goes back."""
    s.complain(s.claim(s.problem), severity=Level.LOW)
    s.respond(30)
    s.verify()
    s.tell(cmd.RequestIntercept(case_id=s.case_id, shipment_id=s.parcel), s.desk)
    s.others_take(4, 30)
    stopped = cmd.RecordIntercept(case_id=s.case_id, shipment_id=s.parcel, succeeded=True)
    s.tell(stopped, s.carrier)
    s.parcel_ended(s.parcel, ShipmentOutcome.INTERCEPTED)
    s.shop_takes(45)
    key = s.auto_refund()
    s.others_take(0.05, 2)
    if s.rng.random() < 0.4:
        reason = s.rng.choice(words.REFUND_FAILURES)
        s.tell(cmd.RecordRefundFailed(case_id=s.case_id, action_key=key, reason=reason), PAYMENT)
        s.shop_takes(60)
        s.request(AUTO, key)
        s.others_take(0.05, 2)
    s.paid(key)
    s.done()


def too_late_to_stop(s: Story) -> None:
    """The parcel could not be stopped: it arrives, and goes back."""
    s.complain(s.claim(s.problem))
    s.respond(30)
    s.tell(cmd.RequestIntercept(case_id=s.case_id, shipment_id=s.parcel), s.desk)
    s.others_take(5, 24)
    passed = cmd.RecordIntercept(case_id=s.case_id, shipment_id=s.parcel, succeeded=False)
    s.tell(passed, s.carrier)
    s.shop_takes(40)
    s.contact("很抱歉包裹没有拦截成功，麻烦您签收后退回，运费规则我发给您。")
    s.tell(cmd.SettleDivergence(case_id=s.case_id, divergence_id=1), s.desk)
    s.others_take(8, 30)
    s.delivered(s.parcel, s.now)
    offer = s.agree(s.part(Resolution.RETURN_AND_REFUND, s.order.amount()))
    s.goods_come_back()
    s.refund(f"{offer}-2")
    s.done()


def patient(s: Story) -> None:
    """The buyer agrees to wait, and the goods come."""
    s.complain(s.claim(s.problem))
    s.respond(30)
    s.wait_until(2.5)
    if s.rng.random() < 0.6:
        offer = s.agree(s.part(Resolution.COMPENSATION_ONLY), goodwill=500, minutes=15)
        s.goodwill(Rung.COUPON, 500, f"{offer}-1")
    s.others_take(14, 46)
    s.delivered(s.parcel, s.now)
    s.contact("亲，物流显示已签收，请您查收，有问题随时联系我。")
    s.buyer_takes(10)
    s.tell(cmd.ConfirmSolution(case_id=s.case_id), s.buyers)
    s.close()
    s.evaluate()


def tired_of_waiting(s: Story) -> None:
    """Not shipped in time; the buyer no longer wants to wait."""
    s.complain(s.claim(s.problem))
    s.respond(60)
    s.wait_until(1.5)
    s.others_take(30, 40)
    s.hears(s.rng.choice(words.BUYER_ANGRY))
    s.upset(Level.MEDIUM)
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()), minutes=45, buyer_hours=1)
    s.refund(f"{offer}-1")
    s.done()


def no_reason(s: Story) -> None:
    """Seven days without a reason: back, fit for resale, paid; the buyer bears the freight."""
    s.complain(s.claim(s.problem))
    s.respond(40)
    s.verify()
    offer = s.agree(s.part(Resolution.RETURN_AND_REFUND, s.order.amount()), minutes=50)
    s.goods_come_back()
    s.refund(f"{offer}-2")
    s.done()


def never_posted(s: Story) -> None:
    """Agreed, but the buyer never sends the goods back."""
    s.complain(s.claim(s.problem))
    s.respond(40)
    s.agree(s.part(Resolution.RETURN_AND_REFUND, s.order.amount()))
    s.shop_takes(40)
    back = s.agree_return()
    s.silence(7.2)
    s.tell(cmd.LapseReturn(case_id=s.case_id, return_id=back), s.desk)
    s.close(Outcome.LAPSED)


def another_size(s: Story) -> None:
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    s.verify()
    offer = s.agree(s.part(Resolution.EXCHANGE), minutes=60)
    back = s.goods_come_back()
    if s.rng.random() < 0.5:
        s.freight(back)
    s.shop_takes(240)
    s.replacement(f"{offer}-2")
    s.done()


def returned_defect(s: Story) -> None:
    """A defect that the supplier admits: back, paid, freight given back."""
    proofs = VIDEO if s.rng.random() < 0.4 else PHOTO
    s.complain(s.claim(s.problem), proofs=proofs)
    s.respond(40)
    s.verify()
    s.apologise()
    s.appraise()
    s.admitted()
    offer = s.agree(s.part(Resolution.RETURN_AND_REFUND, s.order.amount()))
    back = s.goods_come_back()
    s.freight(back)
    s.refund(f"{offer}-2")
    s.done()


def repaired(s: Story) -> None:
    s.complain(s.claim(s.problem), proofs=VIDEO)
    s.respond(45)
    s.verify()
    s.appraise(needs_goods=True)
    offer = s.agree(s.part(Resolution.REPAIR))
    back = s.goods_come_back()
    s.freight(back, 1500)
    repair = f"{offer}-2"
    s.tell(cmd.OrderRepair(case_id=s.case_id, obligation_id=repair), s.desk)
    s.others_take(20, 40)
    received = cmd.RecordRepairItemReceived(case_id=s.case_id, obligation_id=repair)
    s.tell(received, s.carrier)
    held = cmd.RecordAppraisalMaterialReceived(case_id=s.case_id, appraisal_id="j1")
    s.tell(held, s.carrier)
    s.others_take(10, 40)
    s.verdict(Verdict.ADMITTED, text="电机接线脱焊，属生产问题。")
    s.others_take(20, 90)
    s.tell(cmd.CompleteRepair(case_id=s.case_id, obligation_id=repair), s.desk)
    s.shop_takes(120)
    s.tell(cmd.RecordRepairSentBack(case_id=s.case_id, obligation_id=repair), s.carrier)
    s.done()


def kept_for_less(s: Story) -> None:
    """The buyer keeps the goods: too little offered, a counter-offer, an agreement, a coupon."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    s.verify()
    s.upset(Level.LOW)
    s.shop_takes(60)
    low = s.propose(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=15)))
    s.buyer_takes(3)
    s.hears("15%太少了，瑕疵这么明显，至少退三成。")
    counter = s.propose(
        s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=35)),
        by=Party.BUYER,
        counters=low,
    )
    s.shop_takes(80)
    if s.rng.random() < 0.5:
        agreed = cmd.AcceptProposal(case_id=s.case_id, proposal_id=counter)
        s.tell(agreed, s.desk)
        s.contact("好的，按您说的来，退款马上安排。")
        offer, percent = counter, 35
    else:
        s.tell(cmd.DeclineProposal(case_id=s.case_id, proposal_id=counter), s.desk)
        offer, percent = (
            s.agree(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=28)), minutes=20),
            28,
        )
    s.refund(f"{offer}-1", s.order.amount(percent=percent))
    if s.rng.random() < 0.6:
        s.goodwill(Rung.COUPON, 500)
    supplier = (Liable.SUPPLIER, 70) if s.problem is ProblemType.QUALITY_DEFECT else None
    s.blame(*([supplier, (Liable.MERCHANT, 30)] if supplier else [(Liable.MERCHANT, 100)]))
    s.done()


def sent_again(s: Story) -> None:
    """Broken or missing: sent once more; the carrier or the warehouse is liable."""
    s.complain(s.claim(s.problem), proofs=VIDEO)
    s.respond(35)
    s.verify()
    s.apologise()
    offer = s.agree(s.part(Resolution.RESHIP), minutes=40, buyer_hours=1)
    s.shop_takes(300)
    s.replacement(f"{offer}-1")
    broken = s.problem is ProblemType.DAMAGED
    s.blame((Liable.CARRIER if broken else Liable.WAREHOUSE, 100))
    s.done()


def broken_but_kept(s: Story) -> None:
    s.complain(s.claim(s.problem), proofs=VIDEO)
    s.respond(35)
    s.verify()
    s.apologise()
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=40)), minutes=40)
    s.refund(f"{offer}-1", s.order.amount(percent=40))
    s.blame((Liable.CARRIER, 80), (Liable.WAREHOUSE, 20), final=False)
    s.done()


def part_missing(s: Story) -> None:
    """One of two is missing: the warehouse looks it up, the missing part is paid back."""
    s.complain(s.claim(s.problem, quantity=1), proofs=PHOTO)
    s.respond(35)
    due = s.now + hours(20)
    asked = cmd.HandOverWork(case_id=s.case_id, handover_id="h1", department="仓库", due_at=due)
    s.tell(asked, s.desk)
    s.others_take(3, 24)
    s.tell(cmd.FinishHandedWork(case_id=s.case_id, handover_id="h1"), s.desk)
    s.verify(quantity=1)
    half = s.order.amount(percent=50)
    offer = s.agree(s.part(Resolution.REFUND_MISSING_PART, half), minutes=30)
    s.refund(f"{offer}-1", half)
    s.blame((Liable.WAREHOUSE, 100))
    s.done()


def wrong_one(s: Story) -> None:
    """The right one is shipped at once; the wrong one comes back meanwhile."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(35)
    s.verify()
    s.apologise()
    offer = s.agree(s.part(Resolution.EXCHANGE), minutes=40, buyer_hours=2)
    s.shop_takes(200)
    s.replacement(f"{offer}-2")
    back = s.goods_come_back()
    s.freight(back, 1000)
    s.blame((Liable.WAREHOUSE, 100))
    s.done()


def lost(s: Story) -> None:
    s.complain(s.claim(s.problem), severity=Level.MEDIUM)
    s.respond(40)
    s.others_take(6, 20)
    s.parcel_ended(s.parcel, ShipmentOutcome.LOST)
    s.verify()
    if s.rng.random() < 0.35:
        offer = s.agree(s.part(Resolution.RESHIP), minutes=40)
        s.shop_takes(240)
        s.replacement(f"{offer}-1")
    else:
        offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()), minutes=40)
        s.refund(f"{offer}-1")
    s.blame((Liable.CARRIER, 100))
    s.done()


def rude(s: Story) -> None:
    """An apology and a red packet, what was done before noted as the reason to skip a rung."""
    s.complain(s.claim(s.problem), proofs=(EvidenceKind.SCREENSHOT,))
    s.respond(50)
    s.verify()
    s.upset(Level.MEDIUM)
    s.apologise()
    offer = s.agree(s.part(Resolution.COMPENSATION_ONLY), goodwill=1500, minutes=30)
    s.shop_takes(60)
    s.goodwill(Rung.RED_PACKET, 1500, f"{offer}-1", skip="买家明确只接受现金补偿")
    s.done()


def question(s: Story) -> None:
    """A question that an answer settles."""
    s.complain(s.claim(s.problem), channel=Channel.IM)
    s.respond(40)
    s.shop_takes(90)
    s.contact("发票已重新开具并发送到您的邮箱，保修以订单为凭证，无需盖章。")
    s.buyer_takes(6)
    s.hears(s.rng.choice(words.BUYER_AGREES))
    s.tell(cmd.ConfirmSolution(case_id=s.case_id), s.buyers)
    s.close()


def offer_lapsed(s: Story) -> None:
    """An offer that the buyer never answers."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    s.shop_takes(80)
    offer = s.propose(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=20)))
    s.silence(3.1)
    s.tell(cmd.LapseProposal(case_id=s.case_id, proposal_id=offer), s.desk)
    s.shop_takes(30)
    s.contact("多次联系未收到回复，方案已失效，如仍需处理请随时联系我们。", ContactKind.MESSAGE)
    s.now = awake(s.now + timedelta(days=2))
    s.close(Outcome.LAPSED)


P, UNSHIPPED, UNDERWAY = ProblemType, Stage.UNSHIPPED, Stage.IN_TRANSIT
PLOTS: Final = (
    Plot(small_refund, P.DAMAGED, 4, dearest=5000),
    Plot(small_refund, P.MISSING_ITEM, 3, dearest=5000),
    Plot(small_refund, P.NOT_AS_DESCRIBED, 2, dearest=5000, categories=("家居", "鞋靴")),
    Plot(cancelled, P.CHANGED_MIND, 7, UNSHIPPED, dearest=19000),
    Plot(cancelled, P.DELAYED, 3, UNSHIPPED, dearest=19000),
    Plot(intercepted, P.CHANGED_MIND, 4, UNDERWAY, dearest=19000),
    Plot(too_late_to_stop, P.CHANGED_MIND, 3, UNDERWAY),
    Plot(patient, P.DELAYED, 5, UNDERWAY),
    Plot(tired_of_waiting, P.DELAYED, 4, UNSHIPPED),
    Plot(no_reason, P.NO_REASON, 13),
    Plot(never_posted, P.NO_REASON, 3),
    Plot(another_size, P.SIZE_FIT, 11),
    Plot(returned_defect, P.QUALITY_DEFECT, 23, quantity=None),
    Plot(returned_defect, P.QUALITY_DEFECT, 1, categories=("家居",), supplier=SMALL),
    Plot(repaired, P.QUALITY_DEFECT, 4, after=(10, 120), categories=("小家电", "数码")),
    Plot(kept_for_less, P.QUALITY_DEFECT, 5),
    Plot(kept_for_less, P.NOT_AS_DESCRIBED, 7),
    Plot(sent_again, P.DAMAGED, 5),
    Plot(sent_again, P.MISSING_ITEM, 5),
    Plot(broken_but_kept, P.DAMAGED, 6),
    Plot(part_missing, P.MISSING_ITEM, 6, quantity=2),
    Plot(wrong_one, P.WRONG_ITEM, 7),
    Plot(lost, P.LOST, 8, UNDERWAY),
    Plot(rude, P.SERVICE_ATTITUDE, 6),
    Plot(question, P.OTHER, 6),
    Plot(offer_lapsed, P.NOT_AS_DESCRIBED, 3),
    Plot(offer_lapsed, P.DAMAGED, 2),
)
