"""Cases in which somebody says no: declines, disputed returns, the platform, the supplier."""

from __future__ import annotations

from typing import Final

from consumers.sample import words
from consumers.sample.catalogue import BODY, PORTAL
from consumers.sample.dealings import AUTO, RULING
from consumers.sample.ending import Story
from consumers.sample.hours import hours
from consumers.sample.plot import Plot
from consumers.sample.plots_trade import PHOTO, VIDEO
from domain.case import commands as cmd
from domain.case.commands import ItemShares
from domain.case.values import (
    Basis,
    DeclineAnswer,
    DeclineGround,
    EvidenceKind,
    InspectionFinding,
    Level,
    Liable,
    Outcome,
    Party,
    ProblemType,
    Resolution,
    RootCause,
    RulingFor,
    Rung,
    Settlement,
    Verdict,
)
from domain.kernel import Private

# ------------------------------------------------------------------ declines


def outside_by_rule(s: Story) -> None:
    """Too late to send it back without a reason: the rules say so, the buyer accepts."""
    s.complain(s.claim(s.problem), severity=Level.LOW)
    s.shop_takes(20)
    s.verify()
    s.auto_refund()
    s.buyer_takes(9)
    s.answer(AUTO, DeclineAnswer.ACCEPTED)
    s.close(cause=RootCause.BUYER)


def outside_by_hand(s: Story) -> None:
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    s.verify()
    s.shop_takes(50)
    said_no = s.decline(DeclineGround.OUTSIDE_WINDOW)
    s.buyer_takes(9)
    s.answer(said_no, DeclineAnswer.ACCEPTED)
    s.close(Outcome.DECLINED, RootCause.BUYER)


def no_proof_at_first(s: Story) -> None:
    """Declined without proof; the buyer supplements, and is believed."""
    s.complain(s.claim(s.problem))
    s.respond(40)
    s.shop_takes(90)
    said_no = s.decline(DeclineGround.NO_EVIDENCE)
    s.buyer_takes(7)
    s.proof(EvidenceKind.VIDEO)
    s.answer(said_no, DeclineAnswer.SUPPLEMENTED)
    s.shop_takes(60)
    s.verify()
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=50)), minutes=20)
    s.refund(f"{offer}-1", s.order.amount(percent=50))
    s.done()


def nothing_found(s: Story) -> None:
    """No defect in the buyer's own video; silence closes it declined."""
    s.complain(s.claim(s.problem), proofs=VIDEO)
    s.respond(50)
    s.shop_takes(120)
    report = s.proof(EvidenceKind.REPORT, Party.SHOP)
    s.decline(DeclineGround.NO_DEFECT_FOUND, (report,))
    s.silence(7.1)
    s.close(cause=RootCause.BUYER)


def again_about_the_same(s: Story) -> None:
    """Solved once; the same line is complained about anew, as a duplicate."""
    half = s.order.amount(percent=50)
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, half))
    s.refund(f"{offer}-1", half)
    s.confirm()
    s.close()
    s.buyer_takes(40)
    s.another_case()
    s.complain(s.claim(s.problem), proofs=PHOTO, text="还是{name}那个事，再退我一次吧。")
    s.respond(40)
    s.shop_takes(60)
    said_no = s.decline(DeclineGround.DUPLICATE)
    s.buyer_takes(9)
    s.answer(said_no, DeclineAnswer.ACCEPTED)
    s.close(cause=RootCause.BUYER)


# ---------------------------------------------------------- disputed returns


def worn(s: Story, finding: InspectionFinding) -> str:
    """Agreed and sent back, but what comes is not what was agreed; the return's id."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(45)
    s.agree(s.part(Resolution.RETURN_AND_REFUND, s.order.amount()))
    s.shop_takes(40)
    back = s.agree_return()
    s.buyer_takes(26)
    s.posted(back)
    s.others_take(30, 80)
    s.received(back)
    s.shop_takes(400)
    s.inspect(back, finding)
    return back


def deducted(s: Story) -> None:
    back = worn(s, s.rng.choice((InspectionFinding.DAMAGED, InspectionFinding.INCOMPLETE)))
    s.shop_takes(40)
    s.contact("验货发现配件不全并有使用痕迹，和您商量扣除部分费用后退款。")
    s.buyer_takes(5)
    s.hears(s.rng.choice(words.BUYER_AGREES))
    off = s.order.amount(percent=20).money
    agreed = cmd.AgreeDeduction(case_id=s.case_id, return_id=back, obligation_id="f1-2", amount=off)
    s.tell(agreed, s.desk)
    s.refund("f1-2", s.order.rest(percent=20))
    s.done()


def sent_back(s: Story) -> None:
    """Worn and washed: sent back to the buyer, who calls the platform; it rules for the shop."""
    back = worn(s, InspectionFinding.UNFIT)
    s.shop_takes(50)
    s.contact("退回商品已下水洗涤，影响二次销售，按规则退回给您。")
    s.tell(cmd.SendReturnBack(case_id=s.case_id, return_id=back), s.desk)
    s.buyer_takes(10)
    s.hears(words.BUYER_ANGRY[0])
    _called_in(s, Party.BUYER)
    s.others_take(30, 90)
    ruled = cmd.RecordRuling(case_id=s.case_id, ruling_id="c1", ruled_for=RulingFor.SHOP)
    s.tell(ruled, s.platform)
    s.close(cause=RootCause.BUYER)


def empty_parcel(s: Story) -> None:
    """An empty parcel came back: declined as unfit for resale, and accepted."""
    back = worn(s, InspectionFinding.EMPTY)
    s.shop_takes(50)
    film = s.proof(EvidenceKind.VIDEO, Party.WAREHOUSE)
    s.tell(cmd.HoldEvidence(case_id=s.case_id, evidence_id=film, hold=True), s.supervisor)
    said_no = s.decline(DeclineGround.UNFIT_FOR_RESALE, (film,))
    s.tell(cmd.SendReturnBack(case_id=s.case_id, return_id=back), s.desk)
    s.buyer_takes(12)
    s.answer(said_no, DeclineAnswer.ACCEPTED)
    s.close(Outcome.DECLINED, RootCause.BUYER)


def lost_on_the_way_back(s: Story) -> None:
    """No blame on a buyer with proof of posting; the carrier is asked to pay."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(45)
    offer = s.agree(s.part(Resolution.RETURN_AND_REFUND, s.order.amount()))
    s.shop_takes(40)
    back = s.agree_return()
    s.buyer_takes(20)
    s.posted(back, proof=True)
    s.others_take(120, 200)
    s.tell(cmd.RecordReturnLost(case_id=s.case_id, return_id=back), s.carrier)
    s.shop_takes(60)
    claim = cmd.FileCarrierClaim(case_id=s.case_id, return_id=back, amount=s.order.amount().money)
    s.tell(claim, s.desk)
    s.refund(f"{offer}-2")
    s.blame((Liable.CARRIER, 100))
    s.done()


def abuse(s: Story) -> None:
    """Declined as abuse; the buyer calls the platform, which agrees with the shop."""
    s.complain(s.claim(s.problem), proofs=PHOTO, severity=Level.MEDIUM)
    s.respond(45)
    report = s.proof(EvidenceKind.SCREENSHOT, Party.SHOP)
    s.shop_takes(80)
    said_no = s.decline(DeclineGround.ABUSE, (report,))
    s.buyer_takes(4)
    s.answer(said_no, DeclineAnswer.CALLED_PLATFORM)
    s.others_take(24, 70)
    ruled = cmd.RecordRuling(
        case_id=s.case_id,
        ruling_id="c1",
        ruled_for=RulingFor.SHOP,
        liability=(ItemShares(item=1, shares=(s.share(Liable.BUYER, 100),)),),
    )
    s.tell(ruled, s.platform)
    s.close(cause=RootCause.BUYER)


# -------------------------------------------------------------- the platform


def _called_in(s: Story, by: Party) -> None:
    s.tell(cmd.RecordIntervention(case_id=s.case_id, called_by=by), s.platform)


def ruled_for_buyer(s: Story) -> None:
    """The platform rules more than the shop had agreed to: what was agreed is superseded."""
    s.complain(s.claim(s.problem), proofs=VIDEO, severity=Level.MEDIUM)
    s.respond(60)
    s.agree(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=20)))
    s.buyer_takes(6)
    s.hears(s.rng.choice(words.BUYER_ANGRY))
    s.upset(Level.HIGH)
    _called_in(s, Party.BUYER)
    due = s.now + hours(48)
    deadline = cmd.RecordPlatformDeadline(case_id=s.case_id, clock="execution", due_at=due)
    s.tell(deadline, s.platform)
    s.proof(EvidenceKind.RECORDING, Party.SHOP)
    s.others_take(20, 44)
    supplied = (s.share(Liable.SUPPLIER, 60), s.share(Liable.MERCHANT, 40))
    ruled = cmd.RecordRuling(
        case_id=s.case_id,
        ruling_id="c1",
        ruled_for=RulingFor.BUYER,
        amounts=(s.order.amount(),),
        liability=(ItemShares(item=1, shares=supplied),),
    )
    s.tell(ruled, s.platform)
    s.shop_takes(30)
    s.tell(cmd.SettleDivergence(case_id=s.case_id, divergence_id=1), s.desk)
    s.refund(f"{RULING}.1")
    s.close()
    s.evaluate()


def split(s: Story) -> None:
    """Asked for help, called in, split: half back after the return."""
    s.complain(s.claim(s.problem), proofs=PHOTO, severity=Level.MEDIUM)
    s.respond(60)
    s.shop_takes(60)
    s.propose(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=10)))
    s.buyer_takes(5)
    s.tell(cmd.DeclineProposal(case_id=s.case_id, proposal_id="f1"), s.buyers)
    s.shop_takes(60)
    help_wanted = cmd.AskPlatformHelp(
        case_id=s.case_id, private=Private(text="双方金额分歧较大，请平台协助核实。")
    )
    s.tell(help_wanted, s.desk)
    _called_in(s, Party.SHOP)
    s.others_take(24, 60)
    half = s.order.amount(percent=50)
    ruled = cmd.RecordRuling(
        case_id=s.case_id,
        ruling_id="c1",
        ruled_for=RulingFor.SPLIT,
        amounts=(half,),
        after_return=True,
    )
    s.tell(ruled, s.platform)
    s.goods_come_back()
    s.refund(f"{RULING}.2", half)
    s.close()


# -------------------------------------------------------------- the supplier


def denied(s: Story) -> None:
    """The supplier denies; an independent appraisal decides."""
    _appraised(s)
    s.verdict(Verdict.DENIED, text="属使用不当，非质量问题。")
    s.shop_takes(300)
    ordered = cmd.OrderIndependentAppraisal(case_id=s.case_id, appraisal_id="j1", body=BODY)
    s.tell(ordered, s.supervisor)
    s.now += hours(s.rng.uniform(60, 140))
    if s.rng.random() < 0.6:
        s.verdict(Verdict.ADMITTED, independent=True, text="内部元件缺陷，与使用无关。")
    else:
        s.verdict(Verdict.DENIED, independent=True, text="外力造成，未见制造缺陷。")
        accepted = cmd.SettleAppraisal(
            case_id=s.case_id, appraisal_id="j1", how=Settlement.SHOP_ACCEPTS
        )
        s.tell(accepted, s.supervisor)
    s.done()


def silent(s: Story) -> None:
    """The supplier says nothing in time: a supervisor decides on the evidence."""
    _appraised(s)
    s.now += hours(s.rng.uniform(110, 150))
    settled = cmd.SettleAppraisal(
        case_id=s.case_id,
        appraisal_id="j1",
        how=Settlement.FINAL_CONTESTED,
        shares=(s.share(Liable.SUPPLIER, 100),),
    )
    s.tell(settled, s.supervisor)
    s.done()


def left_open(s: Story) -> None:
    """Inconclusive: the shop bears it."""
    _appraised(s)
    s.verdict(Verdict.INCONCLUSIVE, text="照片无法判断，实物未寄回。")
    s.now += hours(30)
    accepted = cmd.SettleAppraisal(
        case_id=s.case_id, appraisal_id="j1", how=Settlement.SHOP_ACCEPTS
    )
    s.tell(accepted, s.supervisor)
    s.done()


def taken_back(s: Story) -> None:
    """A finding against the supplier is rescinded: the buyer had dropped it."""
    _appraised(s)
    s.blame((Liable.SUPPLIER, 100), basis=Basis.SUPERVISOR, actor=s.supervisor)
    s.now += hours(50)
    reason = "复查视频，系买家跌落所致，撤销对供应商的定责"
    s.tell(cmd.RescindLiability(case_id=s.case_id, item=1, reason=reason), s.supervisor)
    s.done(RootCause.BUYER)


def _appraised(s: Story) -> None:
    """The buyer is paid and content; the supplier's track goes on."""
    s.complain(s.claim(s.problem), proofs=VIDEO)
    s.respond(40)
    s.verify()
    s.appraise()
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()))
    s.refund(f"{offer}-1")
    s.now += hours(s.rng.uniform(4, 30))


def whose_goods(s: Story) -> None:
    """Nobody knows the supplier: the name is asked for, and found."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    s.verify()
    s.appraise()
    s.shop_takes(600)
    named = cmd.NameSupplier(case_id=s.case_id, item=1, supplier="巧居坊日用")
    s.tell(named, s.desk)
    asked = cmd.RequestAppraisal(case_id=s.case_id, appraisal_id="j2", items=(1,))
    s.tell(asked, s.desk)
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, s.order.amount(percent=30)))
    s.refund(f"{offer}-1", s.order.amount(percent=30))
    verdict = cmd.RecordAppraisalVerdict(
        case_id=s.case_id, appraisal_id="j2", verdict=Verdict.ADMITTED
    )
    s.tell(verdict, PORTAL)
    s.goodwill(Rung.COUPON, 500)
    s.done()


P = ProblemType
PLOTS: Final = (
    Plot(outside_by_rule, P.NO_REASON, 3, after=(20, 28)),
    Plot(outside_by_hand, P.SIZE_FIT, 3, after=(20, 28)),
    Plot(no_proof_at_first, P.DAMAGED, 3),
    Plot(nothing_found, P.QUALITY_DEFECT, 4, categories=("鞋靴", "女装", "数码")),
    Plot(again_about_the_same, P.NOT_AS_DESCRIBED, 2),
    Plot(deducted, P.RETURN_DISPUTE, 4),
    Plot(sent_back, P.RETURN_DISPUTE, 4),
    Plot(empty_parcel, P.RETURN_DISPUTE, 2),
    Plot(lost_on_the_way_back, P.RETURN_DISPUTE, 3),
    Plot(abuse, P.RETURN_DISPUTE, 3),
    Plot(ruled_for_buyer, P.QUALITY_DEFECT, 4),
    Plot(ruled_for_buyer, P.NOT_AS_DESCRIBED, 3),
    Plot(split, P.NOT_AS_DESCRIBED, 3),
    Plot(denied, P.QUALITY_DEFECT, 5),
    Plot(silent, P.QUALITY_DEFECT, 4),
    Plot(left_open, P.QUALITY_DEFECT, 2),
    Plot(taken_back, P.QUALITY_DEFECT, 2),
    Plot(whose_goods, P.DAMAGED, 3, known=False),
)
