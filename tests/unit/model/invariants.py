"""What holds after every request, whatever was asked or told. DOMAIN: "Invariants"."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

from hypothesis.stateful import invariant

from domain import decider
from domain.case.state import Case, Status
from domain.case.turn import turn
from domain.kernel import case_stream, order_stream
from domain.sla.state import Clock, ClockStatus
from infra.pipeline.snapshots import Snapshots
from tests.unit.model.commands_at_random import ORDER
from tests.unit.model.independent_clocks import (
    first_response,
    progress_updates,
    standing_breaches,
)
from tests.unit.model.recorder import Recorder

SNAPSHOTS = Snapshots(lambda content: sha256(content).digest())


class Invariants(Recorder):
    """Checked against the independent models, or against what the states say of one another."""

    @invariant()
    def the_ledger_says_what_the_cases_say(self) -> None:
        if self.live:
            allowed = self.money.allowed()
            held = {
                entry.action_key: {part.line: part.amount for part in entry.lines}
                for entry in self.order().refunds.values()
                if entry.booked
            }
            for key in held.keys() | allowed.keys():
                assert held.get(key, {}) in allowed.get(key, [{}]), (key, held, allowed)

    @invariant()
    def more_than_was_paid_shows_in_the_order(self) -> None:
        if self.live and self.money.is_plain:
            assert sum(self.order().over_refunded().values()) == self.money.over()

    @invariant()
    def an_item_has_at_most_one_open_case_and_the_order_knows_it(self) -> None:
        if self.live:
            known = [case for case in self.open_cases() if case.order_id == ORDER]
            about = {case.case_id: {i.line for i in case.items.values()} for case in known}
            lines = Counter(line for own in about.values() for line in own)
            assert all(count == 1 for count in lines.values()), "two open cases about one line"
            told = {c.case_id: c.lines for c in self.order().cases.values() if c.open}
            assert told.keys() == about.keys()
            for case_id, own in about.items():
                assert own <= set(told[case_id])

    @invariant()
    def a_state_read_from_its_snapshot_is_the_same(self) -> None:
        for state, stream in [
            (self.order(), order_stream(ORDER)),
            *((case, case_stream(case.case_id)) for case in self.touched_cases()),
        ]:
            if state.version:
                sealed = SNAPSHOTS.seal(stream, state)
                read = SNAPSHOTS.open(stream, state.version, decider.initial(stream), sealed)
                assert read is not None
                assert read[0] == state

    @invariant()
    def cases_and_agents_agree_on_who_holds_what(self) -> None:
        by_case = {
            (case.lease.agent, case.case_id, case.lease.token, case.lease.until)
            for case in self.cases()
            if case.lease is not None
        }
        by_agent = {
            (agent.agent, case_id, held.token, held.until)
            for agent in self.agents()
            for case_id, held in agent.leases.items()
        }
        assert by_case == by_agent
        assert all(case.is_open for case in self.cases() if case.lease is not None)

    @invariant()
    def what_ended_has_an_outcome(self) -> None:
        for case in self.touched_cases():
            assert (case.status in (Status.CLOSED, Status.WITHDRAWN)) == (case.outcome is not None)
            assert (case.status is Status.JOINED) == (case.joined is not None)

    @invariant()
    def accepting_one_proposal_ends_the_others(self) -> None:
        for case in self.touched_cases():
            items = [item for proposal in case.open_proposals for item in proposal.items]
            agreed = {
                item
                for agreement in case.agreements.values()
                for item in agreement.items
                if any(p.proposed_at < agreement.reached_at for p in case.open_proposals)
                and not agreement.superseded
            }
            late = {
                item
                for proposal in case.open_proposals
                for item in proposal.items
                if all(
                    proposal.proposed_at >= a.reached_at
                    for a in case.agreements.values()
                    if item in a.items
                )
            }
            assert not (set(items) & agreed) - late

    @invariant()
    def shares_of_a_liability_sum_to_a_hundred(self) -> None:
        for case in self.touched_cases():
            for item in case.items.values():
                if item.liability is not None:
                    assert sum(share.percent for share in item.liability.shares) == 100

    @invariant()
    def the_first_response_is_breached_exactly_when_nobody_answered_in_time(self) -> None:
        for case in self.touched_cases():
            own = self.recorded(case.case_id)
            standing = standing_breaches(own).get("first_response#1")
            expected = first_response(own, self.now)
            if standing is not None and expected is not None:
                assert expected.allows(standing), (standing, expected)

    @invariant()
    def each_missed_period_without_an_update_is_one_breach(self) -> None:
        for case in self.touched_cases():
            own = self.recorded(case.case_id)
            standing = standing_breaches(own)
            for key, expected in (progress_updates(own, self.now) or {}).items():
                assert expected.allows(standing[key]), (key, standing[key], expected)

    @invariant()
    def the_clocks_hold_the_standing_breaches(self) -> None:
        for case in self.touched_cases():
            standing = standing_breaches(self.recorded(case.case_id))
            assert {key: sorted(due) for key, due in standing.items()} == {
                clock.key: sorted(clock.breaches) for clock in case.clocks.values()
            }

    @invariant()
    def updates_are_due_unless_it_is_the_buyers_turn(self) -> None:
        for case in self.touched_cases():
            if not case.is_open:
                continue
            whose = turn(case)
            for clock in case.clocks.values():
                if clock.is_live and clock.clock == "progress_update":
                    paused = clock.status is ClockStatus.PAUSED
                    assert paused == (whose is not None and whose.party == "buyer")

    @invariant()
    def an_ended_case_has_no_running_clock_of_the_buyers_track(self) -> None:
        for case in self.touched_cases():
            if case.status in (Status.CLOSED, Status.WITHDRAWN, Status.JOINED):
                live = [clock for clock in case.clocks.values() if clock.is_live]
                left = {c.clock.value for c in live if not self._is_owed_since(case, c)}
                assert left <= {"appraisal", "delegated_follow_up"}, left

    def _is_owed_since(self, case: Case, clock: Clock) -> bool:
        """Money bounced after the case's end, or a ruling came: what is owed is timed."""
        obligation = case.obligations.get(clock.about or "")
        return clock.clock == "execution" and obligation is not None and obligation.ended is None

    @invariant()
    def a_closed_case_is_judged_as_the_rule_says(self) -> None:
        for case in self.touched_cases():
            if case.status is Status.CLOSED:
                model = self.models[case.case_id]
                standing = standing_breaches(self.recorded(case.case_id))
                breached = any(standing[key] for key in model.breaches)
                assert model.judged == model.is_exempt(breached)
                assert case.exemption_eligible == model.judged
