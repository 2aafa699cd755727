"""Requests about cases and their orders, as tests and benchmarks give them."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from domain.case.commands import (
    AcceptProposal,
    AddNote,
    DecideAutoRefund,
    FileComplaint,
    ProposeResolution,
    RecordContact,
    RecordRefundFailed,
    RecordRefundSucceeded,
    RequestRefund,
)
from domain.kernel import Actor, ActorKind, Role
from domain.request import Request
from tests.support.store import (
    AGENT,
    ERP,
    LONG_AGO,
    ask,
    publish_window,
    set_budget,
    words,
    yuan,
)

BANK = Actor(kind=ActorKind.SYSTEM, id="bank", role=Role.SERVICE)


def case_id(number: int) -> str:
    return f"douyin:s1:AS{number}"


def complain(
    case: int,
    message_id: str,
    *,
    order: int,
    problem: str = "damaged",
    at: datetime = LONG_AGO + timedelta(days=3),
) -> Request:
    command = FileComplaint.model_validate(
        {
            "case_id": case_id(case),
            "order_id": f"douyin:s1:O{order}",
            "channel": "im",
            "stage": "delivered",
            "items": [{"line": "1", "quantity": 1, "problem": problem}],
        }
    )
    return ask(command, message_id, by=AGENT, occurred_at=at)


def propose(case: int, proposal: str, amount: str, message_id: str) -> Request:
    command = ProposeResolution.model_validate(
        {
            "case_id": case_id(case),
            "proposal_id": proposal,
            "parts": [
                {
                    "resolution": "refund_partial",
                    "items": [1],
                    "amounts": [{"line": "1", "money": yuan(amount)}],
                }
            ],
        }
    )
    return ask(command, message_id, by=AGENT)


def accept(case: int, proposal: str, message_id: str) -> Request:
    command = AcceptProposal(case_id=case_id(case), proposal_id=proposal)
    return ask(command, message_id, by=AGENT)


def request_refund(case: int, obligation: str, key: str, message_id: str) -> Request:
    command = RequestRefund(case_id=case_id(case), action_key=key, obligation_id=obligation)
    return ask(command, message_id, by=AGENT)


def refund_succeeded(case: int, key: str, amount: str, message_id: str) -> Request:
    command = RecordRefundSucceeded.model_validate(
        {
            "case_id": case_id(case),
            "action_key": key,
            "amounts": [{"line": "1", "money": yuan(amount)}],
        }
    )
    return ask(command, message_id, by=BANK, occurred_at=LONG_AGO + timedelta(days=4))


def refund_failed(case: int, key: str, message_id: str) -> Request:
    command = RecordRefundFailed.model_validate(
        {"case_id": case_id(case), "action_key": key, "reason": "account closed"}
    )
    return ask(command, message_id, by=BANK, occurred_at=LONG_AGO + timedelta(days=4))


def decide_refund(case: int, key: str, amount: str, message_id: str) -> Request:
    command = DecideAutoRefund.model_validate(
        {
            "case_id": case_id(case),
            "action_key": key,
            "amounts": [{"line": "1", "money": yuan(amount)}],
            "evidence_supports": True,
            "risk_flag": False,
            "buyer_history": {"cases": 1, "refunds": 0, "rejections": 0},
        }
    )
    return ask(command, message_id, by=ERP)


def contact(case: int, message_id: str, **more: Any) -> Request:
    """The buyer is written to: the shop's clocks go on."""
    command = RecordContact.model_validate(
        {
            "case_id": case_id(case),
            "direction": "to_buyer",
            "contact": "message",
            "channel": "im",
        }
    )
    return ask(command, message_id, by=AGENT, **more)


def note(case: int, message_id: str, text: str = "rang the buyer") -> Request:
    return ask(AddNote(case_id=case_id(case), private=words(text)), message_id, by=AGENT)


def random_requests(seed: int, count: int, *, cases: int = 4, orders: int = 2) -> list[Request]:
    """Requests of one worker among several that fight over few cases, orders and budgets; the
    same seed gives the same requests."""
    random = Random(seed)
    found: list[Request] = []
    for index in range(count):
        case = random.randrange(cases)
        key = f"k{random.randrange(6)}"
        amount = f"{random.randrange(1, 30)}.00"
        message_id = f"w{seed}-{index}"
        choices: list[Any] = [
            lambda c=case, m=message_id: complain(c, m, order=c % orders),
            lambda c=case, k=key, a=amount, m=message_id: propose(c, k, a, m),
            lambda c=case, k=key, m=message_id: accept(c, k, m),
            lambda c=case, k=key, m=message_id: request_refund(c, f"{k}-1", k, m),
            lambda c=case, k=key, a=amount, m=message_id: refund_succeeded(c, k, a, m),
            lambda c=case, k=key, m=message_id: refund_failed(c, k, m),
            lambda c=case, k=key, a=amount, m=message_id: decide_refund(c, k, a, m),
            lambda c=case, m=message_id: note(c, m),
            lambda a=amount, m=message_id: set_budget(a, m),
            lambda r=random, m=message_id: publish_window(7 + r.randrange(20), m),
        ]
        found.append(random.choice(choices)())
    return found
