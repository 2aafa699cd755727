"""Whether the platform should leave a case out of the shop's experience score 体验分."""

from __future__ import annotations

from domain.case import events as ev
from domain.case.evolve import CaseEvent, evolve
from domain.case.outcome import is_against_shop, standing_rulings
from domain.case.rules import on
from domain.case.state import Case, Status
from domain.case.values import Outcome, Party, Rating, RefundBasis
from domain.kernel import Context, Emit, case_stream


def judge(case: Case) -> ev.ExemptionJudged:
    """((agreed and the shop's clocks met) or (remedy told and forgiveness recorded)), and the
    evaluation is not negative, and the platform did not rule against the shop.

    Agreed: the two sides came to terms, by word or by an automatic approval, and the case was
    not declined after all. No evaluation passes. grounds: one code for each of the six, as it
    stands.
    """
    agreed = case.outcome is not Outcome.DECLINED and any(
        agreement.basis is not RefundBasis.RULING for agreement in case.agreements.values()
    )
    met = not any(clock.party is Party.SHOP and clock.breaches for clock in case.clocks.values())
    told, forgiven = case.remedy_told_at is not None, case.forgiven_at is not None
    negative = case.evaluation is Rating.NEGATIVE
    against = any(is_against_shop(case, ruling) for ruling in standing_rulings(case))
    return ev.ExemptionJudged(
        eligible=((agreed and met) or (told and forgiven)) and not negative and not against,
        grounds=(
            "agreed" if agreed else "not_agreed",
            "clocks_met" if met else "clock_breached",
            "remedy_told" if told else "remedy_not_told",
            "forgiven" if forgiven else "not_forgiven",
            "evaluation_negative" if negative else "evaluation_not_negative",
            "ruled_against_shop" if against else "not_ruled_against_shop",
        ),
    )


def judged(case: Case, emits: list[Emit], context: Context) -> list[Emit]:
    """`emits`, with the judgement that a close, or a later fact about a closed case, leads to.
    A judgement that says the same as the last one is not repeated."""
    stream = case_stream(case.case_id)
    own = [emit for emit in emits if emit.stream == stream]
    closes = any(isinstance(emit.event, ev.CaseClosed) for emit in own)
    if not own or not (closes or case.status is Status.CLOSED):
        return emits
    after = _after(case, own, context)
    judgement = judge(after)
    last = (after.exemption_eligible, after.exemption_grounds)
    if after.status is not Status.CLOSED:
        return emits
    if not closes and last == (judgement.eligible, judgement.grounds):
        return emits
    return [*emits, on(case, judgement)]


def _after(case: Case, own: list[Emit], context: Context) -> Case:
    for emit in own:
        event: CaseEvent = emit.event  # type: ignore[assignment]  # a case's stream holds no other
        case = evolve(case, event, emit.stamp(case.version, context))
    return case
