"""How a case changes by the events of its confirmation, its end and its corrections."""

from __future__ import annotations

from typing import assert_never

from domain.case import events as ev
from domain.case.entries import take_back
from domain.case.parts import change
from domain.case.state import Case, Classification, Divergence, Exemption, Status
from domain.case.values import Outcome
from domain.kernel import Stamp

_DECIDED = frozenset({Exemption.REQUESTED, Exemption.GRANTED, Exemption.DENIED})
"""What the platform was asked or said stands beside our own later judgement."""


def evolve_closing(case: Case, event: ev.ClosingEvent, stamp: Stamp) -> Case:
    """The case after an event of its confirmation, its end or its corrections."""
    match event:
        case ev.SolutionConfirmed():
            return case.with_(confirmed_at=stamp.occurred_at)
        case ev.RoundOpened():
            return case.with_(
                round=event.round,
                round_since=stamp.occurred_at,
                confirmed_at=None,
                buyer_spoke_last=True,
            )
        case ev.EvaluationInvited():
            return case.with_(invited=True)
        case ev.CaseEvaluated():
            if case.evaluated_at is not None and stamp.occurred_at < case.evaluated_at:
                return case
            return case.with_(evaluation=event.rating, evaluated_at=stamp.occurred_at)
        case ev.FollowUpOpened():
            return case.with_(follow_up=True)
        case ev.FollowUpDone():
            return case.with_(follow_up=False)
        case ev.CaseClassified():
            found = Classification(event.problem, event.root_cause, event.tags)
            return case.with_(classification=found)
        case ev.ImprovementNoted():
            return case
        case ev.CaseClosed():
            return case.with_(
                status=Status.CLOSED,
                outcome=event.outcome,
                totals=event.totals,
                ended_at=stamp.occurred_at,
                ended_rounds={**case.ended_rounds, case.round: stamp.occurred_at},
            )
        case ev.CaseWithdrawn():
            return case.with_(
                status=Status.WITHDRAWN,
                outcome=Outcome.WITHDRAWN,
                ended_at=stamp.occurred_at,
                ended_rounds={**case.ended_rounds, case.round: stamp.occurred_at},
            )
        case ev.CaseReopened():
            # The round that follows at once is already this one's: its clocks bear its number.
            return case.with_(
                status=Status.OPEN,
                round=case.round + 1,
                outcome=None,
                totals=None,
                ended_at=None,
            )
        case ev.RemedyTold():
            return case.with_(remedy_told_at=stamp.occurred_at)
        case ev.ForgivenessRecorded():
            return case.with_(forgiven_at=stamp.occurred_at)
        case ev.ExemptionJudged():
            judged = Exemption.ELIGIBLE if event.eligible else Exemption.NOT_ELIGIBLE
            return case.with_(
                exemption=case.exemption if case.exemption in _DECIDED else judged,
                exemption_eligible=event.eligible,
                exemption_grounds=event.grounds,
            )
        case ev.ExemptionSuspended():
            return case.with_(exemption=Exemption.SUSPENDED)
        case ev.ExemptionRequested():
            return case.with_(exemption=Exemption.REQUESTED)
        case ev.ExemptionDecided():
            decided = Exemption.GRANTED if event.granted else Exemption.DENIED
            return case.with_(exemption=decided)
        case ev.ExemptionTagObserved():
            return case.with_(exemption_tag=event.exempt)
        case ev.DivergenceFound():
            found_ = Divergence(
                event.divergence_id,
                event.divergence,
                event.next_action,
                event.about,
                stamp.occurred_at,
            )
            return case.with_(divergences={**case.divergences, event.divergence_id: found_})
        case ev.DivergenceSettled():
            return case.with_(
                divergences=change(case.divergences, event.divergence_id, settled=True)
            )
        case ev.EntryCorrected():
            return take_back(case, event.supersedes)
        case ev.BackdatingConfirmed():
            return case.with_(confirmed_entries=case.confirmed_entries | {event.entry})
        case _:
            assert_never(event)
