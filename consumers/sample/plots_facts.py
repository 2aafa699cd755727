"""Facts that contradict what we hold: stored all the same, and a person is told what to do."""

from __future__ import annotations

from typing import Final

from consumers.sample.catalogue import PAYMENT
from consumers.sample.ending import Story
from consumers.sample.hours import days, hours
from consumers.sample.plot import Plot
from consumers.sample.plots_trade import PHOTO
from domain.case import commands as cmd
from domain.case.values import Outcome, Party, ProblemType, Resolution, Stage


def paid_twice(s: Story) -> None:
    """Paid and closed; then the platform pays as well: more than was ever paid for the line."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()))
    s.refund(f"{offer}-1")
    s.confirm()
    s.close()
    s.now += hours(s.rng.uniform(10, 40))
    s.paid(s.key("pt"), s.order.amount(percent=60), by=Party.PLATFORM)
    s.shop_takes(200)
    s.settle_all(2)


def uninvited(s: Story) -> None:
    """Kept for less, closed; then the goods come back all the same."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    part = s.order.amount(percent=30)
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, part))
    s.refund(f"{offer}-1", part)
    s.confirm()
    s.close()
    s.now += days(s.rng.uniform(1, 4))
    s.received("r9")


def not_asked_for(s: Story) -> None:
    """A payout that nobody asked for: somebody paid by hand, past the desk."""
    s.complain(s.claim(s.problem), proofs=PHOTO)
    s.respond(40)
    part = s.order.amount(percent=40)
    offer = s.agree(s.part(Resolution.REFUND_PARTIAL, part))
    s.shop_takes(60)
    s.paid("线下转账-1", part)
    s.shop_takes(90)
    s.settle_all(1)
    s.contact(f"方案{offer}的款项财务已线下打给您，请查收。")
    s.done()


def posted_too_late(s: Story) -> None:
    """The return had lapsed, the case was closed; then the parcel arrives."""
    s.complain(s.claim(s.problem))
    s.respond(40)
    s.agree(s.part(Resolution.RETURN_AND_REFUND, s.order.amount()))
    s.shop_takes(40)
    back = s.agree_return()
    s.silence(7.3)
    s.tell(cmd.LapseReturn(case_id=s.case_id, return_id=back), s.desk)
    s.close(Outcome.LAPSED)
    s.now += days(s.rng.uniform(0.5, 3))
    s.posted(back, proof=True)
    s.now += days(2)
    s.received(back)


def other_amount(s: Story) -> None:
    """The bank paid another amount than was asked for; it says so a day late."""
    s.complain(s.claim(s.problem))
    s.respond(30)
    offer = s.agree(s.part(Resolution.REFUND_FULL, s.order.amount()))
    s.shop_takes(60)
    key = s.request(f"{offer}-1")
    s.tell(cmd.RecordRefundUnknown(case_id=s.case_id, action_key=key), PAYMENT)
    s.others_take(1, 4)
    s.paid(key, s.order.amount(percent=90), late=24)
    s.shop_takes(60)
    s.settle_all(1)
    s.refund(f"{offer}-1", s.order.rest(percent=90))
    s.done()


P = ProblemType
PLOTS: Final = (
    Plot(paid_twice, P.DELAYED, 2, Stage.UNSHIPPED),
    Plot(uninvited, P.NOT_AS_DESCRIBED, 2),
    Plot(not_asked_for, P.DAMAGED, 2),
    Plot(posted_too_late, P.NO_REASON, 2),
    Plot(other_amount, P.CHANGED_MIND, 2, Stage.UNSHIPPED),
)
