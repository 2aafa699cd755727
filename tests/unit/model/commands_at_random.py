"""Hypothesis strategies that make any command or fact of a case, from small pools of names.

They are derived from the commands' own fields, so a new command is drawn without a line here.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import reject
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from domain.case import commands as cmd
from domain.case.commands import CaseCommandBase, FileComplaint
from domain.case.offers import IMPLAUSIBLE
from domain.case.state import Case
from domain.case.turn import Action
from domain.case.values import (
    EvidenceKind,
    EvidenceRef,
    ItemClaim,
    ProblemType,
    Resolution,
    Rung,
    Share,
)
from domain.kernel import COMMANDS, Command, Private
from domain.money import Money

ORDER = "douyin:s1:O1"
UNSEEN = "douyin:s1:O9"
CASES = ("douyin:s1:AS1", "douyin:s1:AS2", "douyin:s1:AS3")
LINES = ("1", "2")

_POOLS: dict[str, tuple[object, ...]] = {
    "case_id": CASES,
    "alias": ("douyin:s1:AS1", "douyin:s1:AL1"),
    "order_id": (ORDER, ORDER, UNSEEN),
    "line": LINES,
    "proposal_id": ("p1", "p2", "p3"),
    "counters": ("p1", "p2"),
    "decline_id": ("d1", "d2"),
    "return_id": ("r1", "r2"),
    "action_key": ("k1", "k2", "k3", "k4"),
    "shipment_id": ("sh1", "sh2", "x1"),
    "appraisal_id": ("a1", "a2"),
    "ruling_id": ("u1", "u2"),
    "handover_id": ("h1",),
    "evidence_id": ("e1", "e2"),
    "supplier": ("acme", "bolt"),
    "item": (1, 1, 1, 2, 3),
    "divergence_id": (1, 2, 3),
    "version": (2, 3, 5, 8),
    "quantity": (1, 1, 2, 3, 9),
    "agent": ("li", "chen"),
    "to": ("li", "chen"),
}
_WORDS = ("x",)

Draw = Callable[[st.SearchStrategy[Any]], Any]


def money() -> st.SearchStrategy[Money]:
    """From a fen to more than was paid."""
    amounts = ("0.01", "0.01", "1.00", "3.00", "3.00", "7.50", "20.00", "45.00")
    return st.builds(Money, amount=st.sampled_from(amounts), currency=st.just("CNY"))


@st.composite
def commands(draw: Draw) -> Command:
    """Any command or fact of a case, sensible or not. Mostly with a key of the case's own; now and
    then one that another case uses, too."""
    command: Any = draw(command_of(draw(st.sampled_from(_CLASSES))))
    own = draw(st.sampled_from((True, True, True, True, False)))
    if own and getattr(command, "action_key", None) is not None:
        key = f"{command.action_key}-{command.case_id[-1]}"
        return command.model_copy(update={"action_key": key})  # type: ignore[no-any-return]
    return command  # type: ignore[no-any-return]


@st.composite
def complaints(draw: Draw) -> Command:
    """A complaint, mostly about the order that is known."""
    orders = st.sampled_from((ORDER, ORDER, ORDER, UNSEEN, None))
    complaint: Command = draw(command_of(FileComplaint, order_id=orders))
    return complaint


@st.composite
def command_about(draw: Draw, case: Case) -> Command:
    """Any command or fact of a case, about what the case has, or something new."""
    command: Command = draw(command_of(draw(st.sampled_from(_CLASSES)), **_parts_of(case)))
    return command


_CLASSES = tuple(cls for cls in COMMANDS.values() if issubclass(cls, CaseCommandBase))


def _parts_of(case: Case) -> dict[str, st.SearchStrategy[Any]]:
    """By field, names of the case's own parts, or new ones."""
    parts: dict[str, Iterable[object]] = {
        "proposal_id": case.proposals,
        "counters": [None, *case.proposals],
        "obligation_id": case.obligations,
        "decline_id": case.declines,
        "return_id": case.returns,
        "action_key": [*case.refunds, *case.goodwill],
        "appraisal_id": case.appraisals,
        "handover_id": case.handovers,
        "evidence_id": case.evidence,
        "shipment_id": case.replacements,
        "version": case.entries,
        "divergence_id": case.divergences,
        "item": case.items,
    }
    drawn: dict[str, st.SearchStrategy[Any]] = {"case_id": st.just(case.case_id)}
    for name, own in parts.items():
        known, new = list(own), _POOLS.get(name, _WORDS)
        if known:
            drawn[name] = st.sampled_from([*known, *known, *known, *new])
    if case.items:
        numbers = sorted(case.items)
        drawn["items"] = st.sampled_from([*((n,) for n in numbers), tuple(numbers)])
    if case.evidence:
        drawn["evidence"] = st.sampled_from([(name,) for name in case.evidence])
    return drawn


def command_of(cls: type[BaseModel], **drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any instance of the class; `drawn` says what some fields are drawn from."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, info in cls.model_fields.items():
        ours = name in drawn and not (name in ("items", "evidence") and cls is FileComplaint)
        fields[name] = drawn[name] if ours else _field(name, info.annotation)
    return st.builds(_built, st.just(cls), st.fixed_dictionaries(fields))


def _built(cls: type[BaseModel], fields: dict[str, Any]) -> BaseModel:
    try:
        return cls(**fields)
    except ValidationError:
        reject()  # e.g. evidence that must not be empty


def _field(name: str, annotation: Any) -> st.SearchStrategy[Any]:
    if name == "evidence" and annotation is not bool:
        return _evidence(annotation)
    if name == "shares":
        return st.lists(shares(), min_size=1, max_size=1).map(tuple)
    if get_origin(_plain(annotation)) is dict:
        return st.just({})
    if get_origin(_plain(annotation)) is tuple:
        return _tuple_of(annotation)
    if _is_optional(annotation):
        inner = next(arg for arg in get_args(annotation) if arg is not type(None))
        return st.none() | _field(name, inner)
    if name in _POOLS:
        return st.sampled_from(_POOLS[name])
    return _value(annotation)


def _evidence(annotation: Any) -> st.SearchStrategy[Any]:
    (inner, *_) = get_args(_plain(annotation))
    if inner is EvidenceRef:
        return st.lists(_proof(), max_size=1).map(tuple)
    return st.lists(st.sampled_from(("e1", "e2")), max_size=2, unique=True).map(tuple)


def _proof() -> st.SearchStrategy[EvidenceRef]:
    return st.builds(
        EvidenceRef,
        evidence_id=st.sampled_from(("e1", "e2")),
        kind=st.sampled_from(EvidenceKind),
        sha256=st.just("0" * 64),
    )


def shares() -> st.SearchStrategy[Share]:
    return st.sampled_from(
        (
            Share.model_validate({"party": "supplier", "percent": 100, "supplier": "acme"}),
            Share.model_validate({"party": "merchant", "percent": 100}),
            Share.model_validate({"party": "carrier", "percent": 60}),
        )
    )


def _tuple_of(annotation: Any) -> st.SearchStrategy[Any]:
    inner = _plain(get_args(_plain(annotation))[0])
    if inner is int:
        return st.sampled_from(((1,), (1,), (2,), (1, 2), (1, 1)))
    if isinstance(inner, type) and issubclass(inner, ItemClaim):
        element: st.SearchStrategy[Any] = st.builds(
            ItemClaim,
            line=st.sampled_from(LINES),
            quantity=st.sampled_from((1, 1, 2)),
            problem=st.sampled_from(ProblemType),
        )
    else:
        element = _value(inner)
    return st.lists(element, min_size=1, max_size=2).map(tuple)


def _value(annotation: Any) -> st.SearchStrategy[Any]:
    plain = _plain(annotation)
    if plain is EvidenceRef:
        return _proof()
    if plain is Money:
        return money()
    if plain is bool:
        return st.booleans()
    if plain is Private:
        return st.just(Private(text="…"))
    if plain is datetime or getattr(annotation, "__name__", "") == "AwareDatetime":
        return st.just(datetime.fromisoformat("2026-03-09T00:00:00+00:00"))
    if get_origin(plain) is Literal:
        return st.sampled_from(get_args(plain))
    if isinstance(plain, type) and issubclass(plain, Enum):
        return st.sampled_from(plain)
    if plain is int:
        return st.integers(0, 3)
    if plain is str:
        return st.sampled_from(_WORDS)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return command_of(plain)
    raise NotImplementedError(f"no strategy for {annotation!r}")


def _plain(annotation: Any) -> Any:
    """The type under Annotated."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _is_optional(annotation: Any) -> bool:
    return get_origin(_plain(annotation)) in (Union, types.UnionType) and type(None) in get_args(
        _plain(annotation)
    )


# ------------------------------------------------------------ sensible steps


def next_step(case: Case, action: Action, about: str, n: int, draw: Draw) -> Command | None:
    """A command that takes this step of the case, if one is known here. n: for new names."""
    case_id = case.case_id
    match action:
        case Action.CONTACT_BUYER:
            contact = {"direction": "to_buyer", "contact": "message", "channel": "im"}
            return cmd.RecordContact.model_validate({"case_id": case_id, **contact})
        case Action.PROPOSE | Action.VERIFY:
            if case.order_id is None and draw(st.booleans()):
                return cmd.LinkOrder(case_id=case_id, order_id=ORDER)
            return _proposal(case, n, draw)
        case Action.ANSWER_PROPOSAL | Action.ANSWER_COUNTER:
            accepted = draw(st.sampled_from((True, True, False)))
            return (cmd.AcceptProposal if accepted else cmd.DeclineProposal)(
                case_id=case_id, proposal_id=about
            )
        case Action.ANSWER_DECLINE:
            answer = draw(st.sampled_from(("supplemented", "accepted", "called_platform")))
            return cmd.AnswerDecline.model_validate(
                {"case_id": case_id, "decline_id": about, "answer": answer}
            )
        case Action.RULE:
            return _ruling(case, n, draw)
        case Action.PAY:
            return cmd.RequestRefund(case_id=case_id, action_key=f"y{n}", obligation_id=about)
        case Action.CHECK_PAYOUT if case.refunds[about].status == "failed":
            owed = case.refunds[about].obligation_id
            if owed is None:
                return None
            return cmd.RequestRefund(case_id=case_id, action_key=about, obligation_id=owed)
        case Action.AGREE_RETURN_ADDRESS:
            items = case.obligations[about].items
            return cmd.AgreeReturnAddress(
                case_id=case_id, return_id=f"b{n}", items=items, packaging_asked_for=True
            )
        case Action.SHIP_RETURN:
            return cmd.RecordReturnShipped(case_id=case_id, return_id=about)
        case Action.DELIVER_RETURN:
            return cmd.RecordReturnReceived(case_id=case_id, return_id=about)
        case Action.INSPECT:
            return _inspection(case, about, draw)
        case Action.DECIDE_RETURN:
            return _decision(case, about, n)
        case Action.DISPATCH:
            return cmd.RecordReplacementDispatched(
                case_id=case_id, obligation_id=about, shipment_id=f"s{n}"
            )
        case Action.DELIVER:
            sent = [r.shipment_id for r in case.replacements.values() if r.obligation_id == about]
            return cmd.RecordReplacementDelivered(case_id=case_id, shipment_id=sent[-1])
        case Action.REPAIR:
            return _repair(case, about)
        case Action.GRANT_GOODWILL:
            return cmd.GrantGoodwill(
                case_id=case_id,
                action_key=f"w{n}",
                rung=Rung.COUPON,
                amount=Money(amount="2.00", currency="CNY"),
                obligation_id=about,
            )
        case Action.SETTLE_DIVERGENCE if draw(st.booleans()):
            return cmd.SettleDivergence(case_id=case_id, divergence_id=int(about))
        case Action.CONFIRM:
            solved = draw(st.sampled_from((True, True, True, False)))
            return (cmd.ConfirmSolution if solved else cmd.ReportNotSolved)(case_id=case_id)
        case Action.CLASSIFY:
            found = {"problem": "damaged", "root_cause": "packaging"}
            return cmd.Classify.model_validate({"case_id": case_id, **found})
        case Action.CLOSE:
            return cmd.CloseCase(case_id=case_id)
        case _:
            return None


def _proposal(case: Case, n: int, draw: Draw) -> Command:
    item = case.items[draw(st.sampled_from(sorted(case.items)))]
    if draw(st.sampled_from((True, *(False,) * 5))):
        return _decline(case, n, draw)
    known = case.order_id == ORDER
    resolutions = ["reship", "repair", *(["refund_partial"] * 3 + ["return_and_refund"]) * known]
    fitting = [r for r in resolutions if item.problem not in IMPLAUSIBLE.get(Resolution(r), ())]
    resolution = draw(st.sampled_from(fitting or ["exchange"]))
    part: dict[str, object] = {"items": (item.number,), "resolution": resolution}
    if "refund" in resolution:
        amount = draw(st.sampled_from(("1.00", "3.00", "9.00", "17.50", "19.00")))
        part["amounts"] = ({"line": item.line, "money": {"amount": amount, "currency": "CNY"}},)
    proposal: dict[str, object] = {"proposal_id": f"q{n}", "parts": (part,)}
    if known and draw(st.sampled_from((True, False, False, False))):
        proposal["goodwill"] = {"amount": "2.00", "currency": "CNY"}
    return cmd.ProposeResolution.model_validate({"case_id": case.case_id} | proposal)


def _decline(case: Case, n: int, draw: Draw) -> Command:
    ground = draw(st.sampled_from(("no_evidence", "no_defect_found", "duplicate")))
    decline: dict[str, object] = {"decline_id": f"n{n}", "ground": ground}
    decline |= {"items": tuple(case.items), "evidence": tuple(case.evidence)}
    return cmd.DeclineComplaint.model_validate({"case_id": case.case_id} | decline)


def _ruling(case: Case, n: int, draw: Draw) -> Command:
    item = case.items[draw(st.sampled_from(sorted(case.items)))]
    ruling: dict[str, object] = {
        "ruling_id": f"g{n}",
        "ruled_for": draw(st.sampled_from(("buyer", "shop", "split"))),
        "items": (item.number,),
    }
    if ruling["ruled_for"] != "shop":
        ruling["amounts"] = ({"line": item.line, "money": draw(money())},)
    return cmd.RecordRuling.model_validate({"case_id": case.case_id} | ruling)


def _inspection(case: Case, return_id: str, draw: Draw) -> Command | None:
    good = draw(st.booleans())
    units = tuple(
        {
            "item": number,
            "quantity": case.items[number].units,
            "finding": "accepted" if good else "damaged",
            "complete": True,
            "resalable": good,
            "packaging_intact": True,
        }
        for number in case.returns[return_id].items
        if number in case.items
    )
    if not units:
        return None
    return cmd.InspectReturn.model_validate(
        {"case_id": case.case_id, "return_id": return_id, "units": units}
    )


def _repair(case: Case, obligation_id: str) -> Command:
    repair = case.repairs.get(obligation_id)
    step = repair.step.value if repair is not None and repair.ordered else ""
    next_: dict[str, type[Command]] = {
        "": cmd.OrderRepair,
        "ordered": cmd.RecordRepairItemReceived,
        "received": cmd.CompleteRepair,
    }
    command = next_.get(step, cmd.RecordRepairSentBack)
    return command.model_validate({"case_id": case.case_id, "obligation_id": obligation_id})


def _decision(case: Case, obligation_id: str, n: int) -> Command | None:
    """What came back is not acceptable: the buyer gets less for it, or gets it back."""
    items = set(case.obligations[obligation_id].items)
    back = next((b.return_id for b in case.returns.values() if items & set(b.items)), None)
    if back is None:
        return None
    if n % 2:
        return cmd.SendReturnBack(case_id=case.case_id, return_id=back)
    return cmd.AgreeDeduction(
        case_id=case.case_id,
        return_id=back,
        obligation_id=obligation_id,
        amount=Money(amount="1.00", currency="CNY"),
    )
