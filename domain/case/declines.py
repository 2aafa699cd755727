"""The shop says no, on a ground that holds and with evidence; and the buyer's answer."""

from __future__ import annotations

from typing import assert_never

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.agreements import ended, require_no_payout
from domain.case.rules import (
    known_order,
    on,
    policies_of,
    require_evidence,
    require_items,
    require_open,
)
from domain.case.state import Case, Item, Obligation
from domain.case.terms import is_inside
from domain.case.values import (
    DeclineAnswer,
    DeclineGround,
    InspectionFinding,
    ObligationEnd,
    Party,
    ProposalEnd,
    RefundBasis,
)
from domain.kernel import Context, Emit, require
from domain.world import World


def decline_complaint(
    command: cmd.DeclineComplaint, case: Case, world: World, context: Context
) -> list[Emit]:
    """Decline some items. Open offers about them end; what was agreed ends only where an
    inspected return shows that the goods are not as agreed.

    Rejected: case_ended, decline_id_reused, unknown_item, item_named_twice, unknown_evidence,
    already_declined, already_agreed, payout_in_flight, and by ground: unknown_order,
    inside_window, evidence_missing, no_bad_return, evidence_complete, no_other_case.
    """
    require_open(case)
    known = case.declines.get(command.decline_id)
    if known is not None:
        require(
            (known.ground, known.items) == (command.ground, command.items),
            "decline_id_reused",
            f"{command.decline_id} names another decline.",
            "decline_id",
        )
        return []
    require_items(case, command.items)
    require_evidence(case, command.evidence)
    declined = set(command.items)
    for decline in case.declines.values():
        require(
            decline.answer is not None or not declined & set(decline.items),
            "already_declined",
            f"{decline.decline_id} waits for the buyer's answer.",
            "items",
        )
    items = [case.items[number] for number in command.items]
    policy = _require_ground(command, items, case, world, context)
    ending = _agreed(case, declined)
    emits = [on(case, ended(obligation, ObligationEnd.SUPERSEDED)) for obligation in ending]
    emits.append(
        on(
            case,
            ev.ComplaintDeclined(
                decline_id=command.decline_id,
                ground=command.ground,
                items=command.items,
                evidence=command.evidence,
                rule=f"decline.{command.ground.value}",
                policy=policy,
                private=command.private,
            ),
        )
    )
    for proposal in case.open_proposals:
        if proposal.items & declined:
            ours = proposal.by is Party.SHOP
            how = ProposalEnd.WITHDRAWN if ours else ProposalEnd.DECLINED
            emits.append(on(case, ev.ProposalEnded(proposal_id=proposal.proposal_id, how=how)))
    return emits


def answer_decline(command: cmd.AnswerDecline, case: Case) -> list[Emit]:
    """The buyer supplements, accepts or calls the platform.

    Rejected: case_ended, unknown_decline, decline_answered.
    """
    require_open(case)
    decline = case.declines.get(command.decline_id)
    require(
        decline is not None,
        "unknown_decline",
        f"Nothing was declined as {command.decline_id}.",
        "decline_id",
    )
    if decline is None or decline.answer is command.answer:
        return []
    require(
        decline.answer is None,
        "decline_answered",
        f"{command.decline_id} has been answered.",
        "decline_id",
    )
    answered = ev.DeclineAnswered(
        decline_id=command.decline_id, answer=command.answer, private=command.private
    )
    emits = [on(case, answered)]
    if command.answer is DeclineAnswer.CALLED_PLATFORM and not case.intervened:
        emits.append(on(case, ev.PlatformIntervened(called_by=Party.BUYER)))
    return emits


def _require_ground(
    command: cmd.DeclineComplaint, items: list[Item], case: Case, world: World, context: Context
) -> tuple[str, ...]:
    """The ground holds for every declined item. Returns the policy versions that had a say."""
    policies = policies_of(case, world)
    procedure = policies.procedure(context.now).ref
    match command.ground:
        case DeclineGround.OUTSIDE_WINDOW:
            order = known_order(case, world)
            terms: tuple[str, ...] = ()
            for item in items:
                inside, terms = is_inside(case, item, order, world, context.now)
                require(
                    not inside,
                    "inside_window",
                    f"Item {item.number} was complained about in time.",
                    "ground",
                )
            return terms
        case DeclineGround.NO_DEFECT_FOUND | DeclineGround.ABUSE:
            require(
                bool(command.evidence),
                "evidence_missing",
                f"The ground {command.ground.value} needs evidence.",
                "evidence",
            )
            return procedure
        case DeclineGround.UNFIT_FOR_RESALE:
            for item in items:
                require(
                    _came_back_bad(case, item.number),
                    "no_bad_return",
                    f"No inspected return shows what is wrong with item {item.number}.",
                    "ground",
                )
            return procedure
        case DeclineGround.NO_EVIDENCE:
            found = policies.evidence(context.now)
            present = {proof.kind for proof in case.evidence.values()}
            for item in items:
                require(
                    bool(found.values.missing(item.problem, present)),
                    "evidence_complete",
                    f"Item {item.number} has the proof that {item.problem.value} needs.",
                    "ground",
                )
            return found.ref
        case DeclineGround.DUPLICATE:
            order = known_order(case, world)
            for item in items:
                require(
                    any(other != case.case_id for other in order.cases_of(item.line)),
                    "no_other_case",
                    f"No other case is about the line {item.line}.",
                    "ground",
                )
            return procedure
        case _:
            assert_never(command.ground)


def _came_back_bad(case: Case, number: int) -> bool:
    return any(
        unit.item == number and unit.finding is not InspectionFinding.ACCEPTED
        for back in case.returns.values()
        for unit in back.units
    )


def _agreed(case: Case, declined: set[int]) -> list[Obligation]:
    """The unfinished obligations for the declined items; they end with the decline if the goods
    came back bad, and bind otherwise."""
    open_ = [o for o in case.open_obligations if declined & set(o.items)]
    for obligation in open_:
        agreement = case.agreements.get(obligation.agreement)
        ruled = agreement is not None and agreement.basis is RefundBasis.RULING
        bad = all(_came_back_bad(case, number) for number in obligation.items)
        require(
            not ruled and bad and set(obligation.items) <= declined,
            "already_agreed",
            f"{obligation.obligation_id} is owed by an agreement or a ruling.",
            "items",
        )
    require_no_payout(case, open_, "items")
    return open_
