"""How a case goes on beside the talk and how it ends: liability, confirmation, registration."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from consumers.sample import words
from consumers.sample.catalogue import LAB, PORTAL, TIMER
from consumers.sample.dealings import Dealings
from consumers.sample.hours import at_work, awake, hours
from domain.case import commands as cmd
from domain.case.values import (
    Basis,
    ContactKind,
    ImprovementArea,
    Liable,
    Outcome,
    ProblemType,
    Rating,
    RootCause,
    Share,
    Verdict,
)
from domain.kernel import Actor, Private

CAUSES: Final = {
    ProblemType.QUALITY_DEFECT: RootCause.PRODUCT,
    ProblemType.NOT_AS_DESCRIBED: RootCause.DESCRIPTION,
    ProblemType.SIZE_FIT: RootCause.DESCRIPTION,
    ProblemType.DAMAGED: RootCause.PACKAGING,
    ProblemType.MISSING_ITEM: RootCause.PICKING,
    ProblemType.WRONG_ITEM: RootCause.PICKING,
    ProblemType.DELAYED: RootCause.STOCK,
    ProblemType.LOST: RootCause.CARRIER,
    ProblemType.RETURN_DISPUTE: RootCause.SERVICE,
    ProblemType.SERVICE_ATTITUDE: RootCause.SERVICE,
    ProblemType.NO_REASON: RootCause.BUYER,
    ProblemType.CHANGED_MIND: RootCause.BUYER,
    ProblemType.OTHER: RootCause.OTHER,
}


class Story(Dealings):
    """A thread with all that shop, buyer, supplier and platform do in it."""

    # ------------------------------------------------------------- liability

    def appraise(self, *, needs_goods: bool = False) -> str:
        """Ask the supplier for its verdict; the appraisal's id."""
        asked = cmd.RequestAppraisal(
            case_id=self.case_id, appraisal_id="j1", items=(1,), needs_goods=needs_goods
        )
        self.tell(asked, self.desk)
        return "j1"

    def verdict(
        self,
        verdict: Verdict,
        *,
        independent: bool = False,
        text: str = "",
        at: datetime | None = None,
    ) -> None:
        """at: beside the buyer's track, which never waits for it."""
        given = cmd.RecordAppraisalVerdict(
            case_id=self.case_id,
            appraisal_id="j1",
            verdict=verdict,
            independent=independent,
            private=Private(text=text or None),
        )
        self.tell(given, LAB if independent else PORTAL, at=at, needed=at is None)

    def admitted(self) -> None:
        """The supplier admits the defect some hours later."""
        later = self.now + hours(self.rng.uniform(5, 60))
        said = "核对批次与照片，确认为我方生产问题，承担责任。"
        self.verdict(Verdict.ADMITTED, text=said, at=later)

    def blame(
        self,
        *shares: tuple[Liable, int],
        basis: Basis = Basis.MUTUAL,
        final: bool = True,
        actor: Actor | None = None,
    ) -> None:
        """Who is liable for the first item, in percent; the supplier is the line's."""
        told = tuple(self.share(party, percent) for party, percent in shares)
        found = cmd.FindLiability.model_validate(
            {
                "case_id": self.case_id,
                "item": 1,
                "shares": told,
                "basis": basis,
                "final": final,
            }
        )
        self.tell(found, actor or self.desk)

    def share(self, party: Liable, percent: int) -> Share:
        supplier = self.order.product().supplier if party is Liable.SUPPLIER else None
        if supplier is None:
            return Share(party=party, percent=percent)
        return Share(party=party, percent=percent, supplier=supplier)

    def settle_all(self, count: int) -> None:
        """A person has looked at the case's first divergences."""
        for number in range(1, count + 1):
            settled = cmd.SettleDivergence(case_id=self.case_id, divergence_id=number)
            self.tell(settled, self.desk)

    # --------------------------------------------------------------- the end

    def confirm(self, buyer_hours: float = 20) -> None:
        """The buyer says that it is solved, or is silent for a week."""
        if self.rng.random() < 0.5:
            self.buyer_takes(buyer_hours)
            self.tell(cmd.ConfirmSolution(case_id=self.case_id), self.buyers)
        else:
            self.confirm_by_silence()

    def confirm_by_silence(self) -> None:
        self.silence(7.05)
        confirmed = cmd.ConfirmSolution(case_id=self.case_id, by_silence=True)
        self.tell(confirmed, TIMER)

    def close(
        self, outcome: Outcome | None = None, cause: RootCause | None = None, minutes: float = 60
    ) -> None:
        """Register and close; the buyer may evaluate, the platform may exempt."""
        self.shop_takes(minutes)
        tags = tuple(self.rng.sample(words.TAGS, self.rng.randrange(0, 3)))
        classified = cmd.Classify(
            case_id=self.case_id,
            problem=self.problem,
            root_cause=cause or CAUSES[self.problem],
            tags=tags,
        )
        self.tell(classified, self.desk)
        if self.rng.random() < 0.1:
            area = self.rng.choice(list(ImprovementArea))
            noted = cmd.NoteImprovement(
                case_id=self.case_id, area=area, text=words.IMPROVEMENTS[area]
            )
            self.tell(noted, self.desk)
        closing: dict[str, Any] = {"case_id": self.case_id, "outcome": outcome}
        closed = {name: value for name, value in closing.items() if value is not None}
        self.tell(cmd.CloseCase.model_validate(closed), self.desk)
        self.parted()

    def withdraw(self) -> None:
        """The buyer takes the complaint back."""
        self.tell(cmd.WithdrawCase(case_id=self.case_id), self.buyers)
        self.parted()

    def evaluate(self, rating: Rating | None = None) -> None:
        """The buyer is asked for an evaluation and gives one, often good, often none."""
        self.tell(cmd.InviteEvaluation(case_id=self.case_id), self.desk)
        if rating is None and self.rng.random() < 0.5:
            return
        given = rating or self.rng.choices(list(Rating), (70, 20, 10))[0]
        self.now = awake(self.now + hours(self.rng.uniform(2, 60)))
        told = cmd.RecordEvaluation(case_id=self.case_id, rating=given)
        self.tell(told, self.buyers, late=self.rng.choice((0.0, 0.0, 26.0)))
        if given is Rating.NEGATIVE:
            self.now = at_work(self.now + hours(self.rng.uniform(4, 30)))
            self.contact("看到您的差评，想再了解一下哪里没处理好，我们改进。")
            self.tell(cmd.FinishFollowUp(case_id=self.case_id), self.desk)
            self.parted()

    def done(self, cause: RootCause | None = None) -> None:
        """Confirmed, closed, evaluated."""
        self.confirm()
        self.close(cause=cause)
        if self.rng.random() < 0.6:
            self.evaluate()

    def apologise(self) -> None:
        self.shop_takes(20)
        self.contact(self.rng.choice(words.APOLOGIES), ContactKind.APOLOGY)

    def wait_until(self, days: float) -> None:
        until = self.now + timedelta(days=days)
        self.tell(cmd.AgreeWait(case_id=self.case_id, until=until), self.desk)
