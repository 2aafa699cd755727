"""Puts requests to the real decider, as the pipeline would, and keeps all that comes of them."""

from __future__ import annotations

from datetime import datetime

from hypothesis.stateful import RuleBasedStateMachine

from domain import decider
from domain.agent import Agent
from domain.case import commands as cmd
from domain.case.events import DivergenceFound
from domain.case.state import Case, Lease, Refund, Status
from domain.kernel import (
    Actor,
    Command,
    Context,
    Emit,
    Event,
    Rejected,
    Role,
    Stamp,
    State,
    case_stream,
    order_stream,
)
from domain.order import Order
from domain.sla.events import ClockBreached
from domain.world import NotLoaded, World
from tests.unit.model.commands_at_random import CASES, ORDER
from tests.unit.model.independent import CaseModel, MoneyModel, Recorded
from tests.unit.support import SERVICE, T0

MALFORMED = frozenset({"shares_not_100", "wrong_currency"})
"""Why a fact may be refused: it says what no case could be told. Never a case's state."""


class Recorder(RuleBasedStateMachine):
    """Streams in memory, the live states beside them, and the models that see each event.

    touched: the cases that the last request changed; nothing else needs to be checked again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = T0
        self.requests = 0
        self.log: list[Recorded] = []
        self.live: dict[str, State] = {}
        self.snapshots: dict[str, list[State]] = {}
        self.touched: set[str] = set()
        self.facts: list[tuple[Command, datetime, str]] = []
        self.money = MoneyModel(ORDER, {"1": 1750, "2": 1750}, 300)
        self.models = {case_id: CaseModel(case_id) for case_id in CASES}

    # ------------------------------------------------------------ one request

    def put(
        self,
        command: Command,
        occurred_at: datetime,
        by: Actor = SERVICE,
        token: int | None = None,
    ) -> None:
        self.touched = set()
        lease = self.case(self.resolved(command)).live_lease(self.now)
        over = self.money.over()
        ended = {case.case_id: case.status for case in self.cases()}
        emits, refusal = self.decided(command, occurred_at, by, token)
        if refusal is None and isinstance(command, cmd.CaseCommandBase):
            self._check_fence(command, lease, by, token)
        if refusal is not None:
            assert refusal.message
            assert not command.IS_FACT or refusal.code in MALFORMED, (
                f"a fact was refused: {refusal.code} ({refusal})"
            )
        for emit in emits:
            self._record(emit, occurred_at, by)
        if command.IS_FACT and refusal is None:
            again, _ = self.decided(command, occurred_at, by, token)
            assert again == [], f"a fact told twice: {again}"
            if emits and isinstance(command, cmd.CaseCommandBase):
                self.facts.append((command, occurred_at, self.resolved(command)))
        if self.money.is_plain and self.money.over() > over:
            kinds = [e.event.divergence for e in emits if isinstance(e.event, DivergenceFound)]
            known = [d for case in self.cases() for d in case.open_divergences]
            assert "over_refunded" in [*kinds, *(d.kind for d in known)], "an over-refund untold"
        for case in self.cases():
            before = ended.get(case.case_id)
            if before in (Status.CLOSED, Status.WITHDRAWN) and not case.is_open:
                assert case.status is before, "only reopening takes an end back"

    @staticmethod
    def _check_fence(command: Command, lease: Lease | None, by: Actor, token: int | None) -> None:
        """What was accepted beside a claim was a fact, a complaint, the clock's, or under it."""
        spoken = (cmd.FileComplaint, cmd.CheckClocks, cmd.EndLapsedClaim)
        if command.IS_FACT or isinstance(command, spoken):
            return
        assert token is None or (lease is not None and token == lease.token), "a stale token"
        if lease is not None and isinstance(command, cmd.ClaimCase):
            raise AssertionError("two holders")
        if lease is not None and by.role is Role.AGENT:
            assert (by.id, token) == (lease.agent, lease.token), "an agent without the claim"

    def decided(
        self, command: Command, occurred_at: datetime, by: Actor, token: int | None = None
    ) -> tuple[list[Emit], Rejected | None]:
        self.requests += 1
        context = Context(self.now, occurred_at, by, f"m{self.requests}", claim_token=token)
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

    def case(self, case_id: str) -> Case:
        state = self.live.get(case_stream(case_id))
        assert state is None or isinstance(state, Case)
        return state or Case(case_id)

    def cases(self) -> list[Case]:
        states = [self.live.get(case_stream(case_id)) for case_id in CASES]
        return [state for state in states if isinstance(state, Case)]

    def touched_cases(self) -> list[Case]:
        """The cases that the last request changed: nothing else needs to be checked again."""
        return [case for case in self.cases() if case.case_id in self.touched]

    def open_cases(self) -> list[Case]:
        return [case for case in self.cases() if case.is_open]

    def filed_cases(self) -> list[Case]:
        return [case for case in self.cases() if case.is_filed]

    def agents(self) -> list[Agent]:
        return [state for state in self.live.values() if isinstance(state, Agent)]

    def payouts(self) -> list[tuple[Case, Refund]]:
        return [(case, refund) for case in self.cases() for refund in case.refunds.values()]

    def order(self) -> Order:
        order = self.live[order_stream(ORDER)]
        assert isinstance(order, Order)
        return order

    def resolved(self, command: Command) -> str:
        """The case that the command is about, once what joined another is followed there."""
        case_id: str = getattr(command, "case_id", "")
        while joined := self.case(case_id).joined:
            case_id = joined
        return case_id

    def recorded(self, case_id: str) -> list[tuple[Event, Stamp]]:
        return [
            (event, stamp) for stream, event, stamp in self.log if stream == case_stream(case_id)
        ]

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
