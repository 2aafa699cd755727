"""The rules that views apply at reading time: time zones and how the queue is ordered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.case.values import ProblemType
from domain.kernel import Kind
from domain.policy import PolicyStream, ProcedureDocument, ShopDocument, defaults
from projections.projection import Look, Projection

VERSION = 2 + 100 * defaults.VERSION
"""The defaults are rows as well: changing them builds the table anew."""


@dataclass(frozen=True, slots=True)
class RulesRow:
    """What one published document says; None where it leaves that to a wider scope.

    scope: platform[:shop[:category]], or "" for the defaults.
    """

    scope: str
    kind: str
    number: int
    effective_from: datetime
    zone: str | None = None
    deadline_hours: int | None = None
    breached_share: int | None = None
    handling_minutes: Mapping[ProblemType, int] | None = None
    safety_types: tuple[str, ...] | None = None


def rows(policy: PolicyStream, _look: Look) -> Iterator[RulesRow]:
    """One row for each version of each document that these views look at."""
    for versions in policy.by_kind.values():
        for version in versions:
            document = version.document
            match document:
                case ShopDocument():
                    yield RulesRow(
                        policy.name,
                        document.kind.value,
                        version.number,
                        version.effective_from,
                        zone=document.zone,
                    )
                case ProcedureDocument():
                    yield RulesRow(
                        policy.name,
                        document.kind.value,
                        version.number,
                        version.effective_from,
                        deadline_hours=document.platform_deadline_hours,
                        breached_share=document.breached_share,
                        handling_minutes=document.handling_minutes,
                        safety_types=document.safety_types,
                    )
                case _:
                    pass  # no view looks at the other kinds


_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
SEED = (
    RulesRow("", "shop", 0, _ALWAYS, zone=defaults.SHOP.zone),
    RulesRow(
        "",
        "procedure",
        0,
        _ALWAYS,
        deadline_hours=defaults.PROCEDURE.platform_deadline_hours,
        breached_share=defaults.PROCEDURE.breached_share,
        handling_minutes=defaults.PROCEDURE.handling_minutes,
        safety_types=tuple(defaults.PROCEDURE.safety_types),
    ),
)

PROJECTION = Projection("shop_rules", VERSION, frozenset({Kind.POLICY}), rows, seed=SEED)
