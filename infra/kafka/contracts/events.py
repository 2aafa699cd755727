"""The public form of what happens to cases: one type for each event of a case, nothing personal.

A public type is made from the stored event: the same fields, without `private`, without whoever
it was, and without words that a person wrote. Where the two must part – the stored form changes
and readers shall not notice, or a field says too much – a class and a function stand in PARTED.
Readers let pass what they don't know: see `schemas.py` for what may change.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import Any, ClassVar, Final, get_args

from annotated_types import Le
from pydantic import AwareDatetime, BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from domain.case import events as ev
from domain.case.values import DivergenceKind
from domain.kernel import EVENTS, ActorKind, Event, Role
from domain.sla import events as sla

import_module("domain.decider")  # registers every event

LARGEST_AMOUNT: Final = 10**15
"""By its bound a field is known for an amount: see domain.money.Minor."""


class PublicModel(BaseModel):
    """Base of what is published. VERSION: major.minor; only the minor one changes while old
    readers can read it."""

    model_config = ConfigDict(frozen=True)
    VERSION: ClassVar[str] = "1.0"


class PublicActor(PublicModel):
    """What kind of actor it was, never who."""

    kind: ActorKind
    role: Role


@cache
def public_actor(kind: ActorKind, role: Role) -> PublicActor:
    return PublicActor(kind=kind, role=role)


class CaseEvent(PublicModel):
    """What every event of a case says."""

    case_id: str
    platform: str
    shop: str
    version: int
    position: int
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    actor: PublicActor


class PricedCaseEvent(CaseEvent):
    """An event with amounts. currency: null while the order is unknown."""

    currency: str | None


class CaseAssigned(CaseEvent):
    """Somebody of the staff took the case on, or nobody has it any more."""

    assigned: bool


class BreachRetracted(CaseEvent):
    """What the clock waited for had occurred in time and was only learnt late.

    occurred_at: when it had occurred. due_at: names the retracted breach.
    """

    key: str
    due_at: AwareDatetime
    confirmed_by_person: bool


class ReturnShipped(CaseEvent):
    """The buyer sent the goods back. With the parcel's number anybody could ask the carrier for
    the address."""

    return_id: str
    tracked: bool
    proof_of_posting: bool


class DivergenceFound(CaseEvent):
    """A fact contradicts what the case holds. The platform's own words for its state of the
    after-sale, where they are what contradicts, stay with us."""

    divergence_id: int
    divergence: DivergenceKind
    next_action: str
    about: str


Fields = Callable[[Any], dict[str, Any]]

PARTED: Final[Mapping[type[Event], tuple[type[CaseEvent], Fields]]] = {
    ev.CaseAssigned: (CaseAssigned, lambda e: {"assigned": e.assignee is not None}),
    sla.BreachRetracted: (
        BreachRetracted,
        lambda e: {
            "key": e.key,
            "due_at": e.due_at,
            "confirmed_by_person": e.confirmed_by is not None,
        },
    ),
    ev.ReturnShipped: (
        ReturnShipped,
        lambda e: {
            "return_id": e.return_id,
            "tracked": e.tracking is not None,
            "proof_of_posting": e.proof_of_posting,
        },
    ),
    ev.DivergenceFound: (
        DivergenceFound,
        lambda e: {
            "divergence_id": e.divergence_id,
            "divergence": e.divergence,
            "next_action": e.next_action,
            "about": "" if e.divergence is DivergenceKind.PLATFORM_ENDED else e.about,
        },
    ),
}

LEFT_OUT: Final[Mapping[type[Event], frozenset[str]]] = {
    # A pseudonym tells one buyer from another; a hash of few inputs can be guessed.
    ev.ComplaintFiled: frozenset({"buyer"}),
    ev.AutoRefundDecided: frozenset({"inputs_hash"}),
    ev.PlatformRuled: frozenset({"content"}),
    # What somebody wrote may name anybody.
    ev.RefundFailed: frozenset({"reason"}),
    ev.RefundReversed: frozenset({"reason"}),
    ev.GoodwillGranted: frozenset({"skip_reason"}),
    ev.LiabilityRescinded: frozenset({"reason"}),
    ev.PlatformStatusObserved: frozenset({"status"}),
    ev.CaseClassified: frozenset({"tags"}),
    ev.ImprovementNoted: frozenset({"text"}),
    ev.CaseReopened: frozenset({"reason"}),
    ev.EntryCorrected: frozenset({"reason"}),
    ev.ClaimOverridden: frozenset({"agent", "reason"}),
    # Never who of the staff it was.
    ev.CaseClaimed: frozenset({"agent"}),
    ev.ClaimReleased: frozenset({"agent"}),
    ev.ClaimLapsed: frozenset({"agent"}),
    ev.ClaimHandedOver: frozenset({"agent", "to"}),
}


@dataclass(frozen=True)
class PublicType:
    """How one event is published. name: what `ce_type` says, with the major version."""

    name: str
    model: type[CaseEvent]
    fields: Fields

    @cached_property
    def has_amounts(self) -> bool:
        return issubclass(self.model, PricedCaseEvent)

    @cached_property
    def data_schema(self) -> str:
        return schema_id(self.name, self.model)


def type_name(stem: str, model: type[PublicModel]) -> str:
    """E.g. ``casetrail.case.closed.v1``."""
    return f"casetrail.{stem}.v{model.VERSION.partition('.')[0]}"


def schema_id(name: str, model: type[PublicModel]) -> str:
    """The `$id` of a type's schema, which `ce_dataschema` names."""
    return f"urn:casetrail:schema:{name.rpartition('.v')[0]}:{model.VERSION}"


def _public_type(cls: type[Event]) -> PublicType:
    stem = cls.TOPIC.rpartition(".v")[0]
    if cls in PARTED:
        model, fields = PARTED[cls]
        return PublicType(type_name(stem, model), model, fields)
    kept = {
        name: field
        for name, field in cls.model_fields.items()
        if name != "private" and name not in LEFT_OUT.get(cls, ())
    }
    base = PricedCaseEvent if any(map(_is_amount, kept.values())) else CaseEvent
    more: dict[str, Any] = {
        name: (field.annotation, ...)
        for name, field in kept.items()
        if name not in base.model_fields
    }
    model = _model(cls.__name__, base, _words(cls), more)
    names = tuple(more)
    return PublicType(
        type_name(stem, model), model, lambda e: {name: getattr(e, name) for name in names}
    )


def _model(name: str, base: type[CaseEvent], doc: str, fields: dict[str, Any]) -> type[CaseEvent]:
    return create_model(name, __base__=base, __doc__=doc, __module__=__name__, **fields)


def _is_amount(field: FieldInfo) -> bool:
    return any(isinstance(m, Le) and m.le == LARGEST_AMOUNT for m in field.metadata) or any(
        _is_amount(inner)
        for model in _models_in(field.annotation)
        for inner in model.model_fields.values()
    )


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _words(cls: type[Event]) -> str:
    """The first sentence of the event's own words, unless that explains a field."""
    first = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    sentence = first.partition(". ")[0].rstrip(".")
    if not re.match("[A-Z]", sentence) or "`private`" in sentence or "__doc__" not in vars(cls):
        sentence = cls.TOPIC.split(".")[1].replace("_", " ").capitalize()
    return f"{sentence}."


CASE_EVENTS: Final[Mapping[type[Event], PublicType]] = {
    cls: _public_type(cls) for topic, cls in sorted(EVENTS.items()) if topic.startswith("case.")
}
"""Every event that a case can have, in its current version, and how it is published."""
