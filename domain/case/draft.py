"""A decision being made: its events so far, and the case and the order as they leave them."""

from __future__ import annotations

from domain.case.evolve import CaseEvent, evolve
from domain.case.parts import fact_key
from domain.case.rules import divergence, on
from domain.case.state import Case
from domain.case.values import DivergenceKind
from domain.kernel import Context, Emit, Stamp


class Draft:
    """Collects the events of one decision about one case. `case` is folded along, so that a later
    event of the decision can rest on an earlier one."""

    def __init__(self, case: Case, context: Context) -> None:
        self.case = case
        self.emits: list[Emit] = []
        self._context = context

    def add(self, *events: CaseEvent) -> None:
        """Append events of the case; they occurred when the request says."""
        for event in events:
            self.case = evolve(self.case, event, self.stamp(self.case.version))
            self.emits.append(on(self.case, event))

    def emit(self, *emits: Emit) -> None:
        """Append events of other streams."""
        self.emits.extend(emits)

    def stamp(self, version: int) -> Stamp:
        """The stamp of the event after that version."""
        context = self._context
        return Stamp(version + 1, context.occurred_at, context.now, context.actor)

    def is_told(self, event: CaseEvent) -> bool:
        """The same was told before, as of the same moment."""
        return fact_key(event, self._context.occurred_at) in self.case.told

    def diverge(self, kind: DivergenceKind, next_action: str, about: str = "") -> None:
        """Record that a fact contradicts the case. Where no complaint was filed yet, that is the
        one divergence, and `decide` records it."""
        if self.case.is_filed:
            for emit in divergence(self.case, kind, next_action, about):
                event: CaseEvent = emit.event  # type: ignore[assignment]  # of the case
                self.add(event)

    def diverge_if_ended(self, next_action: str, about: str = "") -> None:
        """Record that a fact came although the case had ended."""
        if not self.case.is_open:
            self.diverge(DivergenceKind.CASE_ENDED, next_action, about)
