"""Random commands and facts about three cases of one order.

They go through the real decider; what must hold stands in tests.unit.model.invariants, and what it
is compared with in tests.unit.model.independent, which shares no code with the deciders.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from domain.case import commands as cmd
from domain.case.state import Case, Refund
from domain.case.turn import steps
from domain.case.values import Party
from domain.kernel import Actor, ActorKind, Command, Role
from domain.money import Money
from domain.order import OrderedLine, RecordOrder
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
from tests.unit.model.invariants import Invariants
from tests.unit.support import AGENT, SERVICE, SUPERVISOR

LATE = st.sampled_from((0, 0, 0, 20, 60 * 5, 60 * 30))
"""Minutes between what happened and when it was told."""


OTHER_AGENT = Actor(kind=ActorKind.PERSON, id="chen", role=Role.AGENT)
BY = st.sampled_from((SERVICE, SERVICE, SERVICE, AGENT, SUPERVISOR))


class _Drawn(Protocol):
    def draw(self, strategy: st.SearchStrategy[Any]) -> Any: ...


class CaseMachine(Invariants):
    """Three cases about one order of two lines: each 2 units for 20.00, 5.00 off, 3.00 freight."""

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
        self.put(order, self.now - timedelta(days=3))
        self.put(first, self.now)

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
        self.put(command, self.now - timedelta(minutes=late), by)

    @precondition(lambda self: bool(self.filed_cases()))
    @rule(data=st.data(), late=LATE, by=BY)
    def something_is_asked_about_a_case(self, data: _Drawn, late: int, by: Actor) -> None:
        case = data.draw(st.sampled_from(self.filed_cases()))
        self.put(data.draw(command_about(case)), self.now - timedelta(minutes=late), by)

    @precondition(lambda self: bool(self.filed_cases()))
    @rule(data=st.data(), late=LATE, by=BY)
    def the_buyer_is_told_something(self, data: _Drawn, late: int, by: Actor) -> None:
        case = data.draw(st.sampled_from(self.filed_cases()))
        message = {"direction": "to_buyer", "contact": "message", "channel": "im"}
        contact = cmd.RecordContact.model_validate({"case_id": case.case_id, **message})
        self.put(contact, self.now - timedelta(minutes=late), by)

    @precondition(lambda self: bool(self.filed_cases()))
    @rule(data=st.data(), confirmed=st.booleans())
    def an_entry_is_taken_back_or_vouched_for(self, data: _Drawn, confirmed: bool) -> None:
        case = data.draw(st.sampled_from(self.filed_cases()))
        version = data.draw(st.sampled_from(sorted(case.entries) or [1]))
        ids = {"case_id": case.case_id, "version": version}
        if confirmed:
            proof = {"evidence_id": "e1", "kind": "photo", "sha256": "0" * 64}
            attach = {"case_id": case.case_id, "proof": proof, "submitter": "shop"}
            self.put(cmd.AttachEvidence.model_validate(attach), self.now, SUPERVISOR)
            self.put(cmd.ConfirmBackdating(**ids, evidence=("e1",)), self.now, SUPERVISOR)
        else:
            self.put(cmd.CorrectEntry(**ids, reason="mistaken"), self.now, SUPERVISOR)

    @precondition(lambda self: bool(self.open_cases()))
    @rule(data=st.data(), by=st.sampled_from((AGENT, OTHER_AGENT)))
    def an_agent_claims_a_case(self, data: _Drawn, by: Actor) -> None:
        case = data.draw(st.sampled_from(self.open_cases()))
        self.put(cmd.ClaimCase(case_id=case.case_id, agent=by.id), self.now, by)

    @precondition(lambda self: any(case.lease for case in self.cases()))
    @rule(data=st.data(), by=st.sampled_from((AGENT, AGENT, OTHER_AGENT, SUPERVISOR)))
    def something_is_asked_under_a_claim(self, data: _Drawn, by: Actor) -> None:
        case = data.draw(st.sampled_from([case for case in self.cases() if case.lease]))
        token = data.draw(
            st.sampled_from((case.leases, case.leases, case.leases - 1 or None, None))
        )
        self.put(data.draw(command_about(case)), self.now, by, token)

    @rule(command=complaints())
    def somebody_complains(self, command: Command) -> None:
        self.put(command, self.now)

    @precondition(lambda self: bool(self.open_cases()))
    @rule(data=st.data())
    def the_next_sensible_step_is_taken(self, data: _Drawn) -> None:
        case = data.draw(st.sampled_from(self.open_cases()))
        self._step(case, data)

    @precondition(lambda self: bool(self.open_cases()))
    @rule(data=st.data())
    def a_case_goes_its_way_for_a_while(self, data: _Drawn) -> None:
        """So that deep states are reached often: several sensible steps in a row."""
        case_id = data.draw(st.sampled_from(self.open_cases())).case_id
        for _ in range(data.draw(st.integers(2, 8))):
            case = self.case(case_id)
            if case.payouts_in_flight:
                self._answer(case, case.payouts_in_flight[0], data)
            elif case.is_open:
                self._step(case, data)

    def _step(self, case: Case, data: _Drawn) -> None:
        for step in steps(case):
            command = next_step(case, step.action, step.about, len(self.log), data.draw)
            if command is not None:
                self.put(command, self.now)
                return

    @precondition(lambda self: bool(self.filed_cases()))
    @rule(data=st.data(), late=LATE, by=BY)
    def a_case_is_withdrawn_or_reopened(self, data: _Drawn, late: int, by: Actor) -> None:
        case = data.draw(st.sampled_from(self.filed_cases()))
        if case.is_open and data.draw(st.sampled_from((True, True, False))):
            return
        withdrawn = cmd.WithdrawCase(case_id=case.case_id, by=Party.BUYER)
        reopened = cmd.ReopenCase(case_id=case.case_id, reason="again")
        self.put(withdrawn if case.is_open else reopened, self.now - timedelta(minutes=late), by)

    @precondition(lambda self: bool(self.open_cases()))
    @rule(data=st.data(), confirms=st.booleans())
    def somebody_tries_to_finish(self, data: _Drawn, confirms: bool) -> None:
        case_id = data.draw(st.sampled_from(self.open_cases())).case_id
        found = {"problem": "damaged", "root_cause": "packaging"}
        self.put(cmd.Classify.model_validate({"case_id": case_id, **found}), self.now)
        if confirms:
            self.put(cmd.ConfirmSolution(case_id=case_id), self.now)
        self.put(cmd.CloseCase(case_id=case_id), self.now)

    @precondition(lambda self: bool(self.open_cases()))
    @rule(data=st.data(), goodwill=st.booleans())
    def money_is_asked_for_under_a_key_in_use(self, data: _Drawn, goodwill: bool) -> None:
        case = data.draw(st.sampled_from(self.open_cases()))
        order = self.order()
        key = data.draw(st.sampled_from(("k1", "k2", *order.refunds, *order.goodwill)))
        money = {"case_id": case.case_id, "action_key": key}
        if goodwill:
            coupon = {"rung": "coupon", "amount": {"amount": "1.00", "currency": "CNY"}}
            self.put(cmd.GrantGoodwill.model_validate(money | coupon), self.now)
        owed = [o.obligation_id for o in case.open_obligations if o.duty == "refund"]
        if owed and not goodwill:
            about = data.draw(st.sampled_from(owed))
            self.put(cmd.RequestRefund(**money, obligation_id=about), self.now)

    @precondition(lambda self: bool(self.filed_cases()))
    @rule(data=st.data(), number=st.sampled_from((*CASES, "douyin:s1:AL1", None)))
    def a_case_turns_out_to_be_about(self, data: _Drawn, number: str | None) -> None:
        """The order that is known, or the same as another number."""
        case_id = data.draw(st.sampled_from(self.filed_cases())).case_id
        if number is None:
            self.put(cmd.LinkOrder(case_id=case_id, order_id=ORDER), self.now)
        else:
            self.put(cmd.AddAlias(case_id=case_id, alias=number), self.now)

    @precondition(lambda self: bool(self.payouts()))
    @rule(data=st.data())
    def the_payment_service_answers(self, data: _Drawn) -> None:
        case, refund = data.draw(st.sampled_from(self.payouts()))
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
        self.put(data.draw(st.sampled_from(answers)), self.now - late)

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
        self.put(paid, self.now - timedelta(minutes=late))

    @precondition(lambda self: bool(self.facts))
    @rule(data=st.data())
    def a_fact_is_told_again(self, data: _Drawn) -> None:
        command, occurred_at, about = data.draw(st.sampled_from(self.facts))
        if self.resolved(command) == about:
            emits, _ = self.decided(command, occurred_at, SERVICE)
            assert not emits, f"a fact told twice: {emits}"
