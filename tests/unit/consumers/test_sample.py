"""The project's own sample, decided whole in memory."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

import pytest

from consumers.sample import SEED, WAVE, Message, generate
from consumers.sample.catalogue import BAD, SMALL, SUPPLIERS, UNUSED
from domain import decider
from domain.budget import SetBudget
from domain.case.commands import CaseCommand, ClaimCommand
from domain.case.state import Case
from domain.case.turn import Action, steps, turn
from domain.case.values import Outcome, Party, ProblemType, RefundStatus
from domain.kernel import Command, Context, Rejected, Stamp, State
from domain.order import Order
from domain.order.commands import OrderCommand
from domain.policy import PublishPolicy
from domain.product import RegisterProduct
from domain.request import parse_request
from domain.supplier import RegisterSupplier
from domain.world import NotLoaded, World

ANCHOR: Final = datetime(2026, 8, 1, 7, 30, tzinfo=UTC)
"""15:30 in Beijing."""

NOT_TOLD: Final[dict[type[Command], str]] = dict.fromkeys(
    get_args(ClaimCommand), "a claim runs from when it is decided, and the sample is of the past"
)
"""Commands that the sample cannot hold -> why not."""


class Log:
    """What became of messages that were decided in order, as a pipeline would."""

    def __init__(self, messages: list[Message], now: datetime) -> None:
        self.messages = messages
        self.now = now
        self.states: dict[str, State] = {}
        self.refused: list[tuple[str, str, str]] = []
        for message in messages:
            try:
                self._decide(message)
            except Rejected as refusal:
                self.refused.append((message.id, refusal.code, str(refusal)))

    def _decide(self, message: Message) -> None:
        private = getattr(message.command, "private", None)
        context = Context(
            now=self.now,
            occurred_at=message.occurred_at or self.now,
            actor=message.actor,
            request_id=message.id,
            buyer=private.buyer if private is not None else None,
        )
        while True:
            try:
                emits = decider.decide(message.command, World(self.states), context)
                break
            except NotLoaded as missing:
                self.states[missing.stream] = decider.initial(missing.stream)
        for emit in emits:
            state = self.states.get(emit.stream) or decider.initial(emit.stream)
            stamp = Stamp(
                version=state.version + 1,
                occurred_at=emit.occurred_at or context.occurred_at,
                decided_at=self.now,
                actor=emit.actor or message.actor,
            )
            self.states[emit.stream] = decider.evolve(state, emit.event, stamp)

    @property
    def cases(self) -> list[Case]:
        return [s for s in self.states.values() if isinstance(s, Case) and s.is_filed]

    @property
    def open_cases(self) -> list[Case]:
        return [case for case in self.cases if case.is_open]

    @property
    def orders(self) -> list[Order]:
        return [state for state in self.states.values() if isinstance(state, Order)]


@pytest.fixture(scope="module")
def log() -> Log:
    return Log(list(generate(ANCHOR)), ANCHOR + timedelta(seconds=20))


def test_nothing_of_the_sample_is_refused(log: Log) -> None:
    assert log.refused == []


def test_a_few_hundred_cases_of_every_problem_and_outcome(log: Log) -> None:
    assert 250 <= len(log.cases) <= 400
    claimed = {item.claimed for case in log.cases for item in case.items.values()}
    assert claimed == set(ProblemType)
    assert {case.outcome for case in log.cases} == {None, *Outcome}


def test_every_command_and_fact_of_the_domain_is_told(log: Log) -> None:
    told = {type(message.command) for message in log.messages}
    known = {
        *get_args(CaseCommand),
        *get_args(OrderCommand),
        RegisterSupplier,
        RegisterProduct,
        PublishPolicy,
        SetBudget,
    }
    assert known - told == set(NOT_TOLD)


def test_every_line_reads_back_as_the_command_that_it_was(log: Log) -> None:
    for message in log.messages[::7]:
        read = parse_request(message.line(), "submit", f"sample:{message.id}")
        assert read == message.request("submit")


def test_the_sample_is_the_same_for_the_same_seed_and_anchor(log: Log) -> None:
    def digest(messages: Any) -> str:
        whole = hashlib.sha256()
        for message in messages:
            whole.update(message.line().encode())
        return whole.hexdigest()

    first = digest(log.messages)
    assert digest(generate(ANCHOR)) == first
    assert digest(generate(ANCHOR, seed=SEED + 1)) != first
    assert digest(generate(ANCHOR + timedelta(minutes=7))) != first


def test_it_is_told_in_order_and_nothing_after_the_anchor(log: Log) -> None:
    told = [message.told_at for message in log.messages]
    assert told == sorted(told)
    assert told[-1] <= ANCHOR
    assert all(m.occurred_at is None or m.occurred_at <= ANCHOR for m in log.messages)
    assert len({message.id for message in log.messages}) == len(log.messages)


def test_some_of_it_is_told_late_and_some_twice(log: Log) -> None:
    dated = [m for m in log.messages if m.occurred_at is not None]
    late = [m for m in dated if m.occurred_at and m.told_at - m.occurred_at > timedelta(hours=12)]
    assert len(late) > 50
    bulk = Counter(m.command.model_dump_json() for m in dated if m.command.BULK)
    assert sum(count > 1 for count in bulk.values()) > 20


@pytest.mark.parametrize(
    "anchor",
    [datetime(2027, 3, 1, 19, 0, tzinfo=UTC), datetime(2028, 2, 29, 3, 59, 59, tzinfo=UTC)],
)
def test_at_any_hour_nothing_is_refused_and_there_is_work_to_do(anchor: datetime) -> None:
    later = Log(list(generate(anchor, quiet=30)), anchor + timedelta(minutes=5))
    assert later.refused == []
    assert 60 <= len(later.open_cases) <= 130


def test_the_live_queue_holds_every_sort_of_work(log: Log) -> None:
    now, cases = log.now, log.open_cases
    actions = {step.action for case in cases for step in steps(case)}
    assert {
        Action.CONTACT_BUYER,
        Action.PROPOSE,
        Action.PAY,
        Action.CHECK_PAYOUT,
        Action.DISPATCH,
        Action.INSPECT,
        Action.SUPPORT_PLATFORM,
        Action.DECIDE_BY_HAND,
        Action.SETTLE_DIVERGENCE,
        Action.NAME_SUPPLIER,
        Action.CONFIRM,
    } <= actions
    payouts = {r.status for case in cases for r in case.refunds.values()}
    assert payouts >= {RefundStatus.UNKNOWN, RefundStatus.FAILED, RefundStatus.REVERSED}
    assert any(case.safety for case in cases)
    soon = [
        due
        for case in cases
        for due in case.platform_deadlines.values()
        if now < due < now + timedelta(hours=24)
    ]
    assert len(soon) >= 3
    waiting = {party for case in cases if (next_ := turn(case)) for party in [next_.party]}
    assert waiting >= {Party.SHOP, Party.BUYER, Party.CARRIER}


def test_some_clocks_are_fresh_some_near_due_some_breached(log: Log) -> None:
    left = [
        (clock.due_at - log.now) / timedelta(hours=1)
        for case in log.open_cases
        for clock in case.clocks.values()
        if clock.is_running and clock.party is Party.SHOP
    ]
    assert sum(hours < 0 for hours in left) >= 8
    assert sum(0 <= hours < 4 for hours in left) >= 8
    assert sum(hours > 20 for hours in left) >= 8


def test_most_clocks_are_met_and_some_are_not(log: Log) -> None:
    ended = [
        bool(clock.breaches)
        for case in log.cases
        for clock in case.clocks.values()
        if clock.party is Party.SHOP
    ]
    assert 0.03 < sum(ended) / len(ended) < 0.25
    assert any(clock.retracted for case in log.cases for clock in case.clocks.values())


def test_a_bad_supplier_a_small_one_and_one_without_data(log: Log) -> None:
    units, defects = Counter[str](), Counter[str]()
    for order in log.orders:
        for line in order.lines.values():
            units[line.supplier or ""] += order.shipped_units(line.line)
    for case in log.cases:
        for item in case.items.values():
            found = item.liability
            for share in found.shares if found and found.in_force and found.final else ():
                if share.supplier and share.percent >= 50:
                    defects[share.supplier] += item.units
    assert units.total() > 3_000
    assert units[BAD] >= 400
    assert defects[BAD] / units[BAD] > 0.03
    assert 10 <= units[SMALL] <= 25
    assert defects[SMALL] == 1
    assert units[UNUSED] == 0
    others = {s.name for s in SUPPLIERS} - {BAD, SMALL, UNUSED}
    assert all(defects[name] / units[name] < 0.02 for name in others)


def test_no_telephone_number_can_be_a_persons(log: Log) -> None:
    numbers = [
        number
        for message in log.messages
        if (private := getattr(message.command, "private", None)) is not None
        for number in re.findall(r"\b\d{11}\b", private.model_dump_json())
    ]
    assert len(numbers) > 100
    assert all(number.startswith("120") for number in numbers)


def test_more_cases_are_more_waves_of_other_shops() -> None:
    messages = list(generate(ANCHOR, cases=2 * WAVE, quiet=10))
    filed = [m for m in messages if m.command.TYPE == "case.file_complaint"]
    shops = {m.command.model_dump()["case_id"].split(":")[1] for m in filed}
    assert len(filed) > 1.6 * WAVE
    assert len(shops) == 10
    assert len({message.id for message in messages}) == len(messages)
