"""Which policy is in force: category over shop over platform over default, at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, TypeVar

from domain.kernel import Model
from domain.policy import defaults
from domain.policy.documents import (
    EvidencePolicy,
    LadderPolicy,
    PolicyDocument,
    PolicyKind,
    ProcedurePolicy,
    RefundAutomationPolicy,
    ShopPolicy,
    SilencePolicy,
    SlaTarget,
    SlaTargetsPolicy,
    WindowPolicy,
)
from domain.policy.state import PolicyStream, Version

V = TypeVar("V", bound=Model)

PolicyRef = tuple[str, ...]
"""The exact versions that a policy was put together from, widest scope first, e.g.
``("default@1", "policy:douyin@3")``."""


class InForce(NamedTuple, Generic[V]):
    """A complete policy and what it was put together from. Unpacks: ``sla, ref = …``."""

    values: V
    ref: PolicyRef


_DEFAULT: Final = (defaults.REF,)
_WINDOW: Final = InForce(defaults.WINDOW, _DEFAULT)
_EVIDENCE: Final = InForce(defaults.EVIDENCE, _DEFAULT)
_REFUND_AUTOMATION: Final = InForce(defaults.REFUND_AUTOMATION, _DEFAULT)
_LADDER: Final = InForce(defaults.LADDER, _DEFAULT)
_SILENCE: Final = InForce(defaults.SILENCE, _DEFAULT)
_SLA_TARGETS: Final = InForce(defaults.SLA_TARGETS, _DEFAULT)
_PROCEDURE: Final = InForce(defaults.PROCEDURE, _DEFAULT)
_SHOP: Final = InForce(defaults.SHOP, _DEFAULT)


class Policies:
    """The policies of one scope. streams: widest first, as far as the scope goes.

    Each method gives the version in force at a moment: by effective_from, and of those from the
    same moment on, the one recorded last.
    """

    __slots__ = ("_streams",)

    def __init__(self, streams: Iterable[PolicyStream]) -> None:
        self._streams = tuple(stream for stream in streams if stream.version)

    def window(self, at: datetime) -> InForce[WindowPolicy]:
        return self._resolve(PolicyKind.WINDOW, _WINDOW, at) if self._streams else _WINDOW

    def evidence(self, at: datetime) -> InForce[EvidencePolicy]:
        return self._resolve(PolicyKind.EVIDENCE, _EVIDENCE, at) if self._streams else _EVIDENCE

    def refund_automation(self, at: datetime) -> InForce[RefundAutomationPolicy]:
        return self._resolve(PolicyKind.REFUND_AUTOMATION, _REFUND_AUTOMATION, at)

    def ladder(self, at: datetime) -> InForce[LadderPolicy]:
        return self._resolve(PolicyKind.LADDER, _LADDER, at) if self._streams else _LADDER

    def silence(self, at: datetime) -> InForce[SilencePolicy]:
        return self._resolve(PolicyKind.SILENCE, _SILENCE, at) if self._streams else _SILENCE

    def sla(self, at: datetime) -> InForce[SlaTargetsPolicy]:
        if not self._streams:
            return _SLA_TARGETS
        return self._resolve(PolicyKind.SLA_TARGETS, _SLA_TARGETS, at)

    def procedure(self, at: datetime) -> InForce[ProcedurePolicy]:
        return self._resolve(PolicyKind.PROCEDURE, _PROCEDURE, at) if self._streams else _PROCEDURE

    def shop(self, at: datetime) -> InForce[ShopPolicy]:
        return self._resolve(PolicyKind.SHOP, _SHOP, at) if self._streams else _SHOP

    def terms(self, order_time: datetime, now: datetime) -> InForce[WindowPolicy]:
        """The buyer's terms: the version at order time or a later kinder one, term by term.

        A version that came into force after `order_time` and until `now` counts where it is
        kinder; one that takes something away does not touch the order.
        """
        if not self._streams:
            return _WINDOW
        moments = {order_time}
        for stream in self._streams:
            for version in stream.by_kind.get(PolicyKind.WINDOW, ()):
                if order_time < version.effective_from <= now:
                    moments.add(version.effective_from)
        kindest = self.window(order_time)
        for moment in sorted(moments):
            later = self.window(moment)
            terms = _kinder(kindest.values, later.values)
            if terms != kindest.values:
                kindest = InForce(terms, tuple(dict.fromkeys((*kindest.ref, *later.ref))))
        return kindest

    def _resolve(self, kind: PolicyKind, default: InForce[V], at: datetime) -> InForce[V]:
        if not self._streams:
            return default
        versions = tuple(
            version
            for stream in self._streams
            if (version := stream.in_force(kind, at)) is not None
        )
        if not versions:
            return default
        # Versions are compared by identity, so this memo is exact and cheap.
        resolved: InForce[V] = _overlaid(kind, versions)
        return resolved


_DEFAULTS: Final[dict[PolicyKind, InForce[Any]]] = {
    PolicyKind.WINDOW: _WINDOW,
    PolicyKind.EVIDENCE: _EVIDENCE,
    PolicyKind.REFUND_AUTOMATION: _REFUND_AUTOMATION,
    PolicyKind.LADDER: _LADDER,
    PolicyKind.SILENCE: _SILENCE,
    PolicyKind.SLA_TARGETS: _SLA_TARGETS,
    PolicyKind.PROCEDURE: _PROCEDURE,
    PolicyKind.SHOP: _SHOP,
}


@lru_cache(maxsize=4096)
def _overlaid(kind: PolicyKind, versions: tuple[Version, ...]) -> InForce[Any]:
    """The default with the documents laid over it, widest first."""
    values, ref = _DEFAULTS[kind]
    for version in versions:
        values = overlay(values, version.document)
    return InForce(values, (*ref, *(version.ref for version in versions)))


def overlay(values: V, document: PolicyDocument) -> V:
    """`values` with what the document says put over it: maps and SLA targets by key, all else
    field by field."""
    cls: type[V] = type(values)
    told: dict[str, Any] = {}
    for name in cls.model_fields:
        new = getattr(document, name)
        if new is None:
            continue
        before = getattr(values, name)
        if isinstance(before, dict):
            told[name] = {**before, **new}
        elif name == "targets":
            told[name] = _targets(before, new)
        else:
            told[name] = new
    # Not model_copy: it would take over what cached properties have kept.
    complete = {name: getattr(values, name) for name in cls.model_fields}
    return cls.model_validate({**complete, **told})


def _targets(before: Iterable[SlaTarget], new: Iterable[SlaTarget]) -> tuple[SlaTarget, ...]:
    by_key = {(t.clock, t.priority, t.problem): t for t in (*before, *new)}
    return tuple(by_key.values())


def _kinder(one: WindowPolicy, other: WindowPolicy) -> WindowPolicy:
    """Of each term the kinder one."""
    return WindowPolicy(
        after_sales_days=max(one.after_sales_days, other.after_sales_days),
        warranty_days=max(one.warranty_days, other.warranty_days),
        no_reason_days=max(one.no_reason_days, other.no_reason_days),
    )
