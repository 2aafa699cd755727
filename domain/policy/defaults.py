"""The policies that hold where nobody published another: the only place where numbers stand.

Source: DOMAIN.md of the project, "The domain: after-sales cases for abnormal shipments"; a
number that it marks ※, or that it leaves open, is a default of ours that a merchant will want
to set, and is marked ※ here too. Decisions name these as `default@<VERSION>`: raise VERSION with
any change of a number that decisions were made under.
"""

from __future__ import annotations

from typing import Final

from domain.case.values import EvidenceKind, Level, ProblemType, Rung, Stage
from domain.money import Money
from domain.policy.documents import (
    EvidencePolicy,
    LadderPolicy,
    LadderRung,
    ProcedurePolicy,
    RefundAutomationPolicy,
    ShopPolicy,
    SilencePolicy,
    SlaCalendar,
    SlaTarget,
    SlaTargetsPolicy,
    WindowPolicy,
)
from domain.policy.rules import (
    Decision,
    EvidenceVerdict,
    HardGround,
    InterceptState,
    RefundRule,
    ReturnInspection,
)
from domain.sla.events import ClockName

VERSION: Final = 1
REF: Final = f"default@{VERSION}"

_HOUR = 60
_DAY = 24 * _HOUR


def _yuan(amount: str) -> Money:
    return Money(amount=amount, currency="CNY")


# "at least 7 days, from the day after signed delivery in the shop's zone"; warranty ※: the law's
# usual year; no_reason: 七天无理由.
WINDOW: Final = WindowPolicy(after_sales_days=7, warranty_days=365, no_reason_days=7)

_PICTURE = (EvidenceKind.PHOTO, EvidenceKind.VIDEO)
_SAID = (EvidenceKind.SCREENSHOT, EvidenceKind.RECORDING)

# ※ "proof (product photos, order information, logistics information)"; what the order's and the
# carrier's own facts show needs no proof of the buyer's.
EVIDENCE: Final = EvidencePolicy(
    required={
        ProblemType.QUALITY_DEFECT: (_PICTURE,),
        ProblemType.NOT_AS_DESCRIBED: (_PICTURE,),
        ProblemType.SIZE_FIT: (_PICTURE,),
        ProblemType.DAMAGED: (_PICTURE,),
        ProblemType.MISSING_ITEM: (_PICTURE,),
        ProblemType.WRONG_ITEM: (_PICTURE,),
        ProblemType.DELAYED: (),
        ProblemType.LOST: (),
        ProblemType.RETURN_DISPUTE: (_PICTURE,),
        ProblemType.SERVICE_ATTITUDE: (_SAID,),
        ProblemType.NO_REASON: (),
        ProblemType.CHANGED_MIND: (),
        ProblemType.OTHER: (),
    }
)

# "reject > person > approve … rejection only on hard grounds". Amounts and counts ※.
REFUND_AUTOMATION: Final = RefundAutomationPolicy(
    enabled=True,
    daily_budget=_yuan("2000.00"),
    max_amount=_yuan("200.00"),
    rules=(
        RefundRule(
            name="reject_nothing_left", then=Decision.REJECT, ground=HardGround.NOTHING_LEFT
        ),
        RefundRule(name="reject_duplicate", then=Decision.REJECT, ground=HardGround.DUPLICATE),
        RefundRule(
            name="reject_outside_window",
            then=Decision.REJECT,
            ground=HardGround.OUTSIDE_WINDOW,
            problems=(ProblemType.NO_REASON, ProblemType.CHANGED_MIND),
        ),
        RefundRule(name="person_risk", then=Decision.PERSON, risk_flag=True),
        RefundRule(name="person_severe", then=Decision.PERSON, severities=(Level.HIGH,)),
        RefundRule(name="person_other_cases", then=Decision.PERSON, other_cases_at_least=1),
        RefundRule(
            name="person_evidence",
            then=Decision.PERSON,
            evidence=(EvidenceVerdict.INSUFFICIENT, EvidenceVerdict.CONTRADICTORY),
        ),
        RefundRule(name="person_many_refunds", then=Decision.PERSON, buyer_refunds_at_least=5),
        RefundRule(
            name="person_rejected_before", then=Decision.PERSON, buyer_rejections_at_least=2
        ),
        RefundRule(name="approve_unshipped", then=Decision.APPROVE, stages=(Stage.UNSHIPPED,)),
        RefundRule(
            name="approve_intercepted",
            then=Decision.APPROVE,
            stages=(Stage.IN_TRANSIT,),
            intercepts=(InterceptState.INTERCEPTED, InterceptState.RETURNED),
        ),
        RefundRule(
            name="approve_returned",
            then=Decision.APPROVE,
            stages=(Stage.DELIVERED,),
            inspections=(ReturnInspection.PASSED,),
        ),
        RefundRule(
            name="approve_small_and_proven",
            then=Decision.APPROVE,
            stages=(Stage.DELIVERED,),
            inspections=(ReturnInspection.NOT_NEEDED,),
            problems=(
                ProblemType.QUALITY_DEFECT,
                ProblemType.NOT_AS_DESCRIBED,
                ProblemType.DAMAGED,
                ProblemType.MISSING_ITEM,
                ProblemType.WRONG_ITEM,
            ),
            evidence=(EvidenceVerdict.SUFFICIENT,),
            amount_at_most=_yuan("50.00"),
        ),
    ),
)

# "coupon → member perk → red packet → gift: virtual first, then cash". Amounts ※.
LADDER: Final = LadderPolicy(
    rungs=(
        LadderRung(
            rung=Rung.COUPON,
            caps={
                Level.LOW: _yuan("5.00"),
                Level.MEDIUM: _yuan("10.00"),
                Level.HIGH: _yuan("20.00"),
            },
        ),
        LadderRung(
            rung=Rung.MEMBER_PERK,
            caps={
                Level.LOW: _yuan("10.00"),
                Level.MEDIUM: _yuan("15.00"),
                Level.HIGH: _yuan("30.00"),
            },
        ),
        LadderRung(
            rung=Rung.RED_PACKET, caps={Level.MEDIUM: _yuan("20.00"), Level.HIGH: _yuan("50.00")}
        ),
        LadderRung(rung=Rung.GIFT, caps={Level.HIGH: _yuan("80.00")}),
    ),
    goodwill_cap=_yuan("100.00"),
    return_freight_cap=_yuan("30.00"),
)

# "silence confirms 7 days ※ after the last delivery"; "silent for 7 days ※ closes it declined";
# "more than 15 min ※ back"; "one reminder before" ※ a day.
SILENCE: Final = SilencePolicy(
    confirm_days=7, decline_days=7, reminder_hours=24, backdating_minutes=15
)

# The table "SLA clocks". delegated_follow_up has no target: as agreed.
SLA_TARGETS: Final = SlaTargetsPolicy(
    targets=(
        SlaTarget(clock=ClockName.FIRST_RESPONSE, minutes=24 * _HOUR),
        SlaTarget(clock=ClockName.FIRST_SOLUTION, minutes=24 * _HOUR),
        SlaTarget(clock=ClockName.EXECUTION, minutes=48 * _HOUR),
        SlaTarget(clock=ClockName.INSPECTION, minutes=48 * _HOUR),  # ※
        SlaTarget(clock=ClockName.REPAIR, minutes=15 * _DAY),  # ※
        SlaTarget(clock=ClockName.PROGRESS_UPDATE, minutes=24 * _HOUR),
        SlaTarget(clock=ClockName.APPRAISAL, minutes=72 * _HOUR),  # ※ where the contract is silent
        SlaTarget(clock=ClockName.ANSWER, minutes=3 * _DAY),  # ※
        SlaTarget(clock=ClockName.RETURN_SHIPMENT, minutes=7 * _DAY),
        SlaTarget(clock=ClockName.RETURN_TRANSIT, minutes=10 * _DAY),
    ),
    warning_points=(50, 80),
    calendar=SlaCalendar.ROUND_THE_CLOCK,
    prior_contact_minutes=60,  # ※
)

# "fit for resale by the category's checklist (tags, unwashed, unused)"; "within 24 h ※"; "a share
# of claims ※"; expected handling times ※; how long a claim holds ※ and how many one agent has ※.
PROCEDURE: Final = ProcedurePolicy(
    resale_checklist=("tags", "unwashed", "unused"),
    safety_types=(),
    handling_minutes={
        ProblemType.QUALITY_DEFECT: 30,
        ProblemType.NOT_AS_DESCRIBED: 30,
        ProblemType.SIZE_FIT: 15,
        ProblemType.DAMAGED: 20,
        ProblemType.MISSING_ITEM: 20,
        ProblemType.WRONG_ITEM: 20,
        ProblemType.DELAYED: 10,
        ProblemType.LOST: 20,
        ProblemType.RETURN_DISPUTE: 45,
        ProblemType.SERVICE_ATTITUDE: 30,
        ProblemType.NO_REASON: 10,
        ProblemType.CHANGED_MIND: 10,
        ProblemType.OTHER: 30,
    },
    breached_share=20,
    platform_deadline_hours=24,
    lease_seconds=15 * 60,
    agent_capacity=10,
)

# "a supplier category (quality, not as described; missing, wrong or damaged where the supplier
# ships)", "liability of at least 50 %", "30 days after shipping". The zone ※.
SHOP: Final = ShopPolicy(
    zone="Asia/Shanghai",
    supplier_types=(ProblemType.QUALITY_DEFECT, ProblemType.NOT_AS_DESCRIBED),
    supplier_types_if_ships=(
        ProblemType.MISSING_ITEM,
        ProblemType.WRONG_ITEM,
        ProblemType.DAMAGED,
    ),
    liable_percent=50,
    maturity_days=30,
)
