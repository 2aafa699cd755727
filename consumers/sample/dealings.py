"""What is done in a case after the complaint: offers, payouts, goods."""

from __future__ import annotations

from typing import Any, Final

from consumers.sample import words
from consumers.sample.catalogue import PAYMENT, STORE
from consumers.sample.orders import money
from consumers.sample.story import Thread
from domain.case import commands as cmd
from domain.case.commands import LineMoney, PartOffer
from domain.case.values import (
    DeclineAnswer,
    DeclineGround,
    EvidenceKind,
    InspectionFinding,
    Party,
    Resolution,
    Rung,
    UnitFinding,
)
from domain.kernel import Actor, Private

AUTO: Final = "auto.1"
"""What the first automatic decision of a case owes, or is called if it says no."""

RULING: Final = "ruling"
"""How a ruling's obligations are named, with a number behind a dot."""


class Dealings(Thread):
    """A thread with what shop and buyer come to, and what it takes to carry it out."""

    _offers = 0
    _keys = 0
    _returns = 0

    # ---------------------------------------------------------------- offers

    def part(
        self, how: Resolution, *amounts: LineMoney, items: tuple[int, ...] = (1,)
    ) -> PartOffer:
        if amounts:
            return PartOffer(resolution=how, items=items, amounts=amounts)
        return PartOffer(resolution=how, items=items)

    def propose(
        self,
        *parts: PartOffer,
        by: Party = Party.SHOP,
        goodwill: int = 0,
        counters: str | None = None,
        actor: Actor | None = None,
    ) -> str:
        """An offer; its id. goodwill: 分, on top."""
        self._offers += 1
        name = f"f{self._offers}"
        fields: dict[str, Any] = {
            "case_id": self.case_id,
            "proposal_id": name,
            "by": by,
            "parts": parts,
        }
        if goodwill:
            fields["goodwill"] = money(goodwill)
        if counters:
            fields["counters"] = counters
        offer = cmd.ProposeResolution.model_validate(fields)
        default = self.desk if by is Party.SHOP else self.buyers
        self.tell(offer, actor or default)
        if by is Party.SHOP:
            self.informed(self.now)
        return name

    def accept(self, offer: str, items: tuple[int, ...] = ()) -> None:
        agreed = cmd.AcceptProposal(case_id=self.case_id, proposal_id=offer, items=items)
        self.tell(agreed, self.buyers)

    def agree(
        self, *parts: PartOffer, minutes: float = 90, buyer_hours: float = 4, goodwill: int = 0
    ) -> str:
        """The shop offers, the buyer accepts; the offer's id. Its obligations are numbered."""
        self.shop_takes(minutes)
        offer = self.propose(*parts, goodwill=goodwill)
        self.buyer_takes(buyer_hours)
        self.accept(offer)
        return offer

    def decline(self, ground: DeclineGround, evidence: tuple[str, ...] = ()) -> str:
        declined = cmd.DeclineComplaint(
            case_id=self.case_id, decline_id="d1", ground=ground, items=(1,), evidence=evidence
        )
        self.tell(declined, self.desk)
        self.informed(self.now)
        return "d1"

    def answer(self, decline: str, answer: DeclineAnswer) -> None:
        answered = cmd.AnswerDecline.model_validate(
            {"case_id": self.case_id, "decline_id": decline, "answer": answer}
        )
        self.tell(answered, self.buyers)

    # ---------------------------------------------------------------- payouts

    def key(self, kind: str = "tk") -> str:
        """A new action key of this case."""
        self._keys += 1
        return f"{kind}-{self.case_id.rpartition(':')[2]}-{self._keys}"

    def request(self, obligation: str, key: str | None = None) -> str:
        key = key or self.key()
        asked = cmd.RequestRefund(case_id=self.case_id, action_key=key, obligation_id=obligation)
        self.tell(asked, self.desk)
        return key

    def paid(
        self,
        key: str,
        *amounts: LineMoney,
        late: float = 0.0,
        by: Party = Party.SHOP,
    ) -> None:
        """The money is with the buyer. amounts: the whole first line, if left out."""
        told = cmd.RecordRefundSucceeded.model_validate(
            {
                "case_id": self.case_id,
                "action_key": key,
                "amounts": amounts or (self.order.amount(),),
                "by": by,
            }
        )
        self.tell(told, PAYMENT if by is Party.SHOP else self.platform, late=late)

    def refund(self, obligation: str, *amounts: LineMoney, minutes: float = 150) -> None:
        """Pay what an obligation owes; now and then the first try fails, or nobody knows how it
        ended for a while."""
        self.shop_takes(minutes)
        key = self.request(obligation)
        self.others_take(0.05, 1.5)
        chance = self.rng.random()
        if chance < 0.04:
            reason = self.rng.choice(words.REFUND_FAILURES)
            failed = cmd.RecordRefundFailed(case_id=self.case_id, action_key=key, reason=reason)
            self.tell(failed, PAYMENT)
            self.shop_takes(120)
            self.request(obligation, key)
            self.others_take(0.1, 3)
        elif chance < 0.08:
            self.tell(cmd.RecordRefundUnknown(case_id=self.case_id, action_key=key), PAYMENT)
            self.others_take(1, 20)
        self.paid(key, *amounts, late=self.rng.uniform(3, 30) if chance > 0.96 else 0.0)

    def auto_refund(self, *amounts: LineMoney, **known: object) -> str:
        """The shop's rules decide about a refund; its action key."""
        key = self.key("zd")
        fields: dict[str, Any] = {
            "case_id": self.case_id,
            "action_key": key,
            "amounts": amounts or (self.order.amount(),),
            "buyer_history": {"cases": 1, "refunds": 0, "rejections": 0},
            "risk_flag": False,
            **known,
        }
        self.tell(cmd.DecideAutoRefund.model_validate(fields), self.platform)
        self.informed(self.now)
        return key

    def goodwill(
        self, rung: Rung, amount: int, obligation: str | None = None, skip: str | None = None
    ) -> str:
        """Goodwill of so many 分; its action key."""
        key = self.key("bc")
        fields: dict[str, Any] = {
            "case_id": self.case_id,
            "action_key": key,
            "rung": rung,
            "amount": money(amount),
            "skip_reason": skip,
            "obligation_id": obligation,
        }
        granted = {name: value for name, value in fields.items() if value is not None}
        self.tell(cmd.GrantGoodwill.model_validate(granted), self.desk)
        return key

    # ---------------------------------------------------------------- returns

    def agree_return(self, items: tuple[int, ...] = (1,)) -> str:
        """The buyer learns where to send what; the return's id."""
        self._returns += 1
        name = f"r{self._returns}"
        agreed = cmd.AgreeReturnAddress(
            case_id=self.case_id,
            return_id=name,
            items=items,
            packaging_asked_for=True,
            private=Private(address="鹿鸣市春山区云杉街8号退货仓", contact="退货组 12000000001"),
        )
        self.tell(agreed, self.desk)
        return name

    def posted(self, back: str, *, proof: bool = False) -> None:
        posted = cmd.RecordReturnShipped(
            case_id=self.case_id,
            return_id=back,
            carrier=self.carrier.id,
            tracking=f"SY{self.rng.randrange(10**11, 10**12)}",
            proof_of_posting=proof,
        )
        self.tell(posted, self.carrier)
        self.informed(self.now)

    def received(self, back: str) -> None:
        self.tell(cmd.RecordReturnReceived(case_id=self.case_id, return_id=back), STORE)

    def inspect(
        self,
        back: str,
        finding: InspectionFinding = InspectionFinding.ACCEPTED,
    ) -> None:
        good = finding is InspectionFinding.ACCEPTED
        unit = UnitFinding(
            item=1,
            quantity=self.quantity,
            finding=finding,
            complete=good,
            resalable=good,
            packaging_intact=good,
        )
        photo = self.proof(EvidenceKind.PHOTO, Party.WAREHOUSE)
        inspected = cmd.InspectReturn(
            case_id=self.case_id, return_id=back, units=(unit,), evidence=(photo,)
        )
        self.tell(inspected, STORE)

    def goods_come_back(self) -> str:
        """Address, posting, transit, inspection, all well; the return's id."""
        self.shop_takes(40)
        back = self.agree_return()
        self.buyer_takes(22)
        self.posted(back, proof=self.rng.random() < 0.5)
        self.others_take(30, 80)
        self.received(back)
        self.shop_takes(300)
        self.inspect(back)
        return back

    def freight(self, back: str, amount: int = 1200) -> None:
        """The shop gives back the return freight."""
        paid = cmd.ReimburseReturnFreight(
            case_id=self.case_id,
            return_id=back,
            action_key=self.key("yf"),
            amount=money(amount),
        )
        self.tell(paid, self.desk)

    def replacement(self, obligation: str, *, arrives: bool = True) -> str:
        """A replacement leaves and arrives; its tracking number."""
        parcel = self.shipped(self.now, {"1": self.quantity}, replacement=True)
        sent = cmd.RecordReplacementDispatched(
            case_id=self.case_id, obligation_id=obligation, shipment_id=parcel
        )
        self.tell(sent, STORE)
        if arrives:
            self.others_take(36, 80)
            self.delivered(parcel, self.now)
            got = cmd.RecordReplacementDelivered(case_id=self.case_id, shipment_id=parcel)
            self.tell(got, self.carrier)
        return parcel
