"""Random commands and facts about three cases of one order: no invariant breaks.

DOMAIN: "Invariants". The machine puts requests through the real decider; the expectations come
from tests.unit.model.independent, which shares no code with it.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain import decider
from domain.case import commands as cmd
from domain.case.events import DivergenceFound
from domain.case.state import Case, Refund, Status
from domain.case.turn import steps, turn
from domain.case.values import Party
from domain.kernel import (
    Actor,
    Command,
    Context,
    Emit,
    Event,
    Rejected,
    Stamp,
    State,
    case_stream,
    order_stream,
)
from domain.money import Money
from domain.order import Order, OrderedLine, RecordOrder
from domain.sla.events import ClockBreached
from domain.sla.state import Clock, ClockStatus
from domain.world import NotLoaded, World
from tests.unit.model.commands_at_random import (
    CASES,
    LINES,
    ORDER,
    command_about,
    commands,
    complaints,
    money,
    next_step,
)
from tests.unit.model.independent import CaseModel, MoneyModel, Recorded
from tests.unit.model.independent_clocks import (
    first_response,
    progress_updates,
    standing_breaches,
)
from tests.unit.support import AGENT, SERVICE, SUPERVISOR, T0

MALFORMED = frozenset({"shares_not_100", "wrong_currency"})
"""Why a fact may be refused: it says what no case could be told. Never a case's state."""

LATE = st.sampled_from((0, 0, 0, 20, 60 * 5, 60 * 30))
"""Minutes between what happened and when it was told."""


BY = st.sampled_from((SERVICE, SERVICE, SERVICE, AGENT, SUPERVISOR))


class _Drawn(Protocol):
    def draw(self, strategy: st.SearchStrategy[Any]) -> Any: ...


class CaseMachine(RuleBasedStateMachine):
    """Three cases about one order of two lines: each 2 units for 20.00, 5.00 off, 3.00 freight."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.requests = 0
        self.log: list[Recorded] = []
        self.live: dict[str, State] = {}
        self.snapshots: dict[str, list[State]] = {}
        self.touched: set[str] = set()
        self.facts: list[tuple[Command, datetime, str]] = []
        self.money = MoneyModel(ORDER, {"1": 1750, "2": 1750}, 300)
        self.models = {case_id: CaseModel(case_id) for case_id in CASES}

    # ------------------------------------------------------------- the world

    @initialize(first=complaints())
    def an_order_is_placed_and_somebody_complains(self, first: Command) -> None:
        lines = tuple(
            OrderedLine(
                line=line,
                product=f"p{line}",
                category="shoes",
                supplier="acme",
                quantity=2,
                price=Money(amount="20.00", currency="CNY"),
            )
            for line in LINES
        )
        order = RecordOrder(
            order_id=ORDER,
            currency="CNY",
            lines=lines,
            discount=Money(amount="5.00", currency="CNY"),
            freight=Money(amount="3.00", currency="CNY"),
        )
        self._put(order, self.now - timedelta(days=3))
        self._put(first, self.now)

    @rule(minutes=st.sampled_from((1, 30, 60 * 7, 60 * 24, 60 * 24 * 4, 60 * 24 * 9)))
    def time_passes(self, minutes: int) -> None:
        self.touched = set()
        self.now += timedelta(minutes=minutes)

    @rule(
        command=commands(),
        late=LATE,
        by=BY,
    )
    def anything_is_asked(self, command: Command, late: int, by: Actor) -> None:
        self._put(command, self.now - timedelta(minutes=late), by)

    @precondition(lambda self: bool(self._filed()))
    @rule(data=st.data(), late=LATE, by=BY)
    def something_is_asked_about_a_case(self, data: _Drawn, late: int, by: Actor) -> None:
        case = data.draw(st.sampled_from(self._filed()))
        self._put(data.draw(command_about(case)), self.now - timedelta(minutes=late), by)

    @precondition(lambda self: bool(self._filed()))
    @rule(data=st.data(), late=LATE, by=BY)
    def the_buyer_is_told_something(self, data: _Drawn, late: int, by: Actor) -> None:
        case = data.draw(st.sampled_from(self._filed()))
        message = {"direction": "to_buyer", "contact": "message", "channel": "im"}
        contact = cmd.RecordContact.model_validate({"case_id": case.case_id, **message})
        self._put(contact, self.now - timedelta(minutes=late), by)

    @precondition(lambda self: bool(self._filed()))
    @rule(data=st.data(), confirmed=st.booleans())
    def an_entry_is_taken_back_or_vouched_for(self, data: _Drawn, confirmed: bool) -> None:
        case = data.draw(st.sampled_from(self._filed()))
        version = data.draw(st.sampled_from(sorted(case.entries) or [1]))
        ids = {"case_id": case.case_id, "version": version}
        if confirmed:
            proof = {"evidence_id": "e1", "kind": "photo", "sha256": "0" * 64}
            attach = {"case_id": case.case_id, "proof": proof, "submitter": "shop"}
            self._put(cmd.AttachEvidence.model_validate(attach), self.now, SUPERVISOR)
            self._put(cmd.ConfirmBackdating(**ids, evidence=("e1",)), self.now, SUPERVISOR)
        else:
            self._put(cmd.CorrectEntry(**ids, reason="mistaken"), self.now, SUPERVISOR)

    @rule(command=complaints())
    def somebody_complains(self, command: Command) -> None:
        self._put(command, self.now)

    @precondition(lambda self: bool(self._open()))
    @rule(data=st.data())
    def the_next_sensible_step_is_taken(self, data: _Drawn) -> None:
        case = data.draw(st.sampled_from(self._open()))
        self._step(case, data)

    @precondition(lambda self: bool(self._open()))
    @rule(data=st.data())
    def a_case_goes_its_way_for_a_while(self, data: _Drawn) -> None:
        """So that deep states are reached often: several sensible steps in a row."""
        case_id = data.draw(st.sampled_from(self._open())).case_id
        for _ in range(data.draw(st.integers(2, 8))):
            case = self._case(case_id)
            if case.payouts_in_flight:
                self._answer(case, case.payouts_in_flight[0], data)
            elif case.is_open:
                self._step(case, data)

    def _step(self, case: Case, data: _Drawn) -> None:
        for step in steps(case):
            command = next_step(case, step.action, step.about, len(self.log), data.draw)
            if command is not None:
                self._put(command, self.now)
                return

    @precondition(lambda self: bool(self._filed()))
    @rule(data=st.data(), late=LATE, by=BY)
    def a_case_is_withdrawn_or_reopened(self, data: _Drawn, late: int, by: Actor) -> None:
        case = data.draw(st.sampled_from(self._filed()))
        if case.is_open and data.draw(st.sampled_from((True, True, False))):
            return
        withdrawn = cmd.WithdrawCase(case_id=case.case_id, by=Party.BUYER)
        reopened = cmd.ReopenCase(case_id=case.case_id, reason="again")
        self._put(withdrawn if case.is_open else reopened, self.now - timedelta(minutes=late), by)

    @precondition(lambda self: bool(self._payouts()))
    @rule(data=st.data())
    def the_payment_service_answers(self, data: _Drawn) -> None:
        case, refund = data.draw(st.sampled_from(self._payouts()))
        self._answer(case, refund, data)

    def _answer(self, case: Case, refund: Refund, data: _Drawn) -> None:
        case_id, key = case.case_id, refund.action_key
        amounts = tuple(
            cmd.LineMoney(line=p.line, money=Money(amount=f"{p.amount / 100:.2f}", currency="CNY"))
            for p in refund.lines
        )
        answers: list[Command] = [
            cmd.RecordRefundFailed(case_id=case_id, action_key=key, reason="bank"),
            cmd.RecordRefundUnknown(case_id=case_id, action_key=key),
            cmd.RecordRefundReversed(case_id=case_id, action_key=key, reason="bounced"),
        ]
        if amounts:
            paid = cmd.RecordRefundSucceeded(case_id=case_id, action_key=key, amounts=amounts)
            answers += [paid] * 3
        late = timedelta(minutes=data.draw(LATE))
        self._put(data.draw(st.sampled_from(answers)), self.now - late)

    @rule(case_id=st.sampled_from(CASES), line=st.sampled_from(LINES), amount=money(), late=LATE)
    def the_platform_refunds_by_itself(
        self, case_id: str, line: str, amount: Money, late: int
    ) -> None:
        paid = cmd.RecordRefundSucceeded.model_validate(
            {
                "case_id": case_id,
                "action_key": f"platform-{case_id[-1]}-{self.requests}",
                "amounts": ({"line": line, "money": amount},),
                "by": "platform",
            }
        )
        self._put(paid, self.now - timedelta(minutes=late))

    @precondition(lambda self: bool(self.facts))
    @rule(data=st.data())
    def a_fact_is_told_again(self, data: _Drawn) -> None:
        command, occurred_at, about = data.draw(st.sampled_from(self.facts))
        if self._resolved(command) == about:
            emits, _ = self._decided(command, occurred_at, SERVICE)
            assert not emits, f"a fact told twice: {emits}"

    # ------------------------------------------------------------ one request

    def _put(self, command: Command, occurred_at: datetime, by: Actor = SERVICE) -> None:
        self.touched = set()
        over = self.money.over()
        ended = {case.case_id: case.status for case in self._cases()}
        emits, refusal = self._decided(command, occurred_at, by)
        if refusal is not None:
            assert refusal.message
            assert not command.IS_FACT or refusal.code in MALFORMED, (
                f"a fact was refused: {refusal.code} ({refusal})"
            )
        for emit in emits:
            self._record(emit, occurred_at, by)
        if command.IS_FACT and refusal is None:
            again, _ = self._decided(command, occurred_at, by)
            assert again == [], f"a fact told twice: {again}"
            if emits and isinstance(command, cmd.CaseCommandBase):
                self.facts.append((command, occurred_at, self._resolved(command)))
        if self.money.is_plain and self.money.over() > over:
            kinds = [e.event.divergence for e in emits if isinstance(e.event, DivergenceFound)]
            known = [d for case in self._cases() for d in case.open_divergences]
            assert "over_refunded" in [*kinds, *(d.kind for d in known)], "an over-refund untold"
        for case in self._cases():
            before = ended.get(case.case_id)
            if before in (Status.CLOSED, Status.WITHDRAWN) and not case.is_open:
                assert case.status is before, "only reopening takes an end back"

    def _decided(
        self, command: Command, occurred_at: datetime, by: Actor
    ) -> tuple[list[Emit], Rejected | None]:
        self.requests += 1
        context = Context(self.now, occurred_at, by, f"m{self.requests}")
        states = dict(self.live)
        while True:
            try:
                return decider.decide(command, World(states), context), None
            except NotLoaded as missing:
                states[missing.stream] = decider.initial(missing.stream)
            except Rejected as refusal:
                return [], refusal

    def _record(self, emit: Emit, occurred_at: datetime, by: Actor) -> None:
        before = self.live.get(emit.stream, decider.initial(emit.stream))
        occurred = emit.occurred_at or occurred_at
        stamp = Stamp(before.version + 1, occurred, self.now, emit.actor or by)
        after = decider.evolve(before, emit.event, stamp)
        self.live[emit.stream] = after
        self.snapshots.setdefault(emit.stream, []).append(after)
        self.log.append((emit.stream, emit.event, stamp))
        if emit.stream.startswith("case:"):
            case_id = emit.stream.removeprefix("case:")
            self.touched.add(case_id)
            self.money.see(case_id, emit.event, stamp)
            if case_id in self.models:
                self.models[case_id].see(emit.event, stamp)
        if isinstance(emit.event, ClockBreached):
            assert stamp.occurred_at == emit.event.due_at, "a breach happens at the due time"

    # -------------------------------------------------------------- look-ups

    def _case(self, case_id: str) -> Case:
        state = self.live.get(case_stream(case_id))
        assert state is None or isinstance(state, Case)
        return state or Case(case_id)

    def _cases(self) -> list[Case]:
        states = [self.live.get(case_stream(case_id)) for case_id in CASES]
        return [state for state in states if isinstance(state, Case)]

    def _touched(self) -> list[Case]:
        """The cases that the last request changed: nothing else needs to be checked again."""
        return [case for case in self._cases() if case.case_id in self.touched]

    def _open(self) -> list[Case]:
        return [case for case in self._cases() if case.is_open]

    def _filed(self) -> list[Case]:
        return [case for case in self._cases() if case.is_filed]

    def _payouts(self) -> list[tuple[Case, Refund]]:
        return [(case, refund) for case in self._cases() for refund in case.refunds.values()]

    def _order(self) -> Order:
        order = self.live[order_stream(ORDER)]
        assert isinstance(order, Order)
        return order

    def _resolved(self, command: Command) -> str:
        """The case that the command is about, once what joined another is followed there."""
        case_id: str = getattr(command, "case_id", "")
        while joined := self._case(case_id).joined:
            case_id = joined
        return case_id

    def _recorded(self, case_id: str) -> list[tuple[Event, Stamp]]:
        return [
            (event, stamp) for stream, event, stamp in self.log if stream == case_stream(case_id)
        ]

    # ------------------------------------------------------------ invariants

    @invariant()
    def the_ledger_says_what_the_cases_say(self) -> None:
        if self.live:
            allowed = self.money.allowed()
            held = {
                entry.action_key: {part.line: part.amount for part in entry.lines}
                for entry in self._order().refunds.values()
                if entry.booked
            }
            for key in held.keys() | allowed.keys():
                assert held.get(key, {}) in allowed.get(key, [{}]), (key, held, allowed)

    @invariant()
    def more_than_was_paid_shows_in_the_order(self) -> None:
        if self.live and self.money.is_plain:
            assert sum(self._order().over_refunded().values()) == self.money.over()

    @invariant()
    def an_item_has_at_most_one_open_case_and_the_order_knows_it(self) -> None:
        if self.live:
            known = [case for case in self._open() if case.order_id == ORDER]
            about = {case.case_id: {i.line for i in case.items.values()} for case in known}
            lines = Counter(line for own in about.values() for line in own)
            assert all(count == 1 for count in lines.values()), "two open cases about one line"
            told = {c.case_id: c.lines for c in self._order().cases.values() if c.open}
            assert told.keys() == about.keys()
            for case_id, own in about.items():
                assert own <= set(told[case_id])

    @invariant()
    def what_ended_has_an_outcome(self) -> None:
        for case in self._touched():
            assert (case.status in (Status.CLOSED, Status.WITHDRAWN)) == (case.outcome is not None)
            assert (case.status is Status.JOINED) == (case.joined is not None)

    @invariant()
    def accepting_one_proposal_ends_the_others(self) -> None:
        for case in self._touched():
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
        for case in self._touched():
            for item in case.items.values():
                if item.liability is not None:
                    assert sum(share.percent for share in item.liability.shares) == 100

    @invariant()
    def the_first_response_is_breached_exactly_when_nobody_answered_in_time(self) -> None:
        for case in self._touched():
            own = self._recorded(case.case_id)
            standing = standing_breaches(own).get("first_response#1")
            expected = first_response(own, self.now)
            if standing is not None and expected is not None:
                assert expected.allows(standing), (standing, expected)

    @invariant()
    def each_missed_period_without_an_update_is_one_breach(self) -> None:
        for case in self._touched():
            own = self._recorded(case.case_id)
            standing = standing_breaches(own)
            for key, expected in (progress_updates(own, self.now) or {}).items():
                assert expected.allows(standing[key]), (key, standing[key], expected)

    @invariant()
    def the_clocks_hold_the_standing_breaches(self) -> None:
        for case in self._touched():
            standing = standing_breaches(self._recorded(case.case_id))
            assert {key: sorted(due) for key, due in standing.items()} == {
                clock.key: sorted(clock.breaches) for clock in case.clocks.values()
            }

    @invariant()
    def updates_are_due_unless_it_is_the_buyers_turn(self) -> None:
        for case in self._touched():
            if not case.is_open:
                continue
            whose = turn(case)
            for clock in case.clocks.values():
                if clock.is_live and clock.clock == "progress_update":
                    paused = clock.status is ClockStatus.PAUSED
                    assert paused == (whose is not None and whose.party == "buyer")

    @invariant()
    def an_ended_case_has_no_running_clock_of_the_buyers_track(self) -> None:
        for case in self._touched():
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
        for case in self._touched():
            if case.status is Status.CLOSED:
                model = self.models[case.case_id]
                standing = standing_breaches(self._recorded(case.case_id))
                breached = any(standing[key] for key in model.breaches)
                assert model.judged == model.is_exempt(breached)
                assert case.exemption_eligible == model.judged

    def teardown(self) -> None:
        """fold(events) = state, and a replay at every version is the state that was; a replay to
        a past moment, which leaves out what had not happened yet, never fails."""
        for stream, snapshots in self.snapshots.items():
            recorded: list[tuple[Event, Stamp]] = [
                (event, stamp) for where, event, stamp in self.log if where == stream
            ]
            assert decider.fold(stream, recorded) == self.live[stream]
            state = decider.initial(stream)
            for version, (event, stamp) in enumerate(recorded, start=1):
                state = decider.evolve(state, event, stamp)
                assert state == snapshots[version - 1]
                assert state.version == version
            for moment in sorted({stamp.occurred_at for _, stamp in recorded})[::5]:
                decider.fold(stream, [e for e in recorded if e[1].occurred_at <= moment])
