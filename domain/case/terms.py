"""What the order says about a complaint: the buyer's terms, the stage, category and currency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.case.state import Case, Item
from domain.case.values import ItemClaim, ProblemType, Stage
from domain.kernel import require
from domain.order import Order
from domain.policy import InForce, Policies, WindowPolicy
from domain.world import World

WITHOUT_REASON = frozenset({ProblemType.NO_REASON, ProblemType.CHANGED_MIND})


@dataclass(frozen=True, slots=True)
class FromOrder:
    """What holds for a complaint. All None and () while the order is unknown, the stage apart.

    in_window, in_warranty: of all its items. terms: the policy versions behind the two.
    """

    category: str | None = None
    currency: str | None = None
    stage: Stage | None = None
    in_window: bool | None = None
    in_warranty: bool | None = None
    terms: tuple[str, ...] = ()


def from_order(
    order: Order,
    claims: Iterable[tuple[str, ProblemType]],
    at: datetime,
    world: World,
    now: datetime,
) -> FromOrder:
    """What the order says about claims (line and problem type) complained about at `at`."""
    claimed = tuple(claims)
    stage = _stage({order.stage(line, at) for line, _ in claimed} if order.shipments else set())
    if not order.known:
        return FromOrder(stage=stage)
    categories = {order.lines[line].category for line, _ in claimed if line in order.lines}
    category = categories.pop() if len(categories) == 1 else None
    platform, shop, _ = order.order_id.split(":", 2)
    policies = world.policies(platform, shop, category)
    terms, zone = _terms(order, policies, now), policies.shop(now).values.tz
    return FromOrder(
        category=category,
        currency=order.currency,
        stage=stage or Stage.UNSHIPPED,
        in_window=all(
            _within(order, line, at, _window_days(problem, terms.values), zone)
            for line, problem in claimed
        ),
        in_warranty=all(
            _within(order, line, at, terms.values.warranty_days, zone) for line, _ in claimed
        ),
        terms=terms.ref,
    )


def is_inside(
    case: Case, item: Item, order: Order, policies: Policies, now: datetime
) -> tuple[bool, tuple[str, ...]]:
    """Whether the item was complained about within the after-sales window or, for a defect, the
    warranty; and the policy versions that say so."""
    terms, zone = _terms(order, policies, now), policies.shop(now).values.tz
    at = min(item.complained_at, case.filed_at or item.complained_at)
    days = _window_days(item.problem, terms.values)
    inside = _within(order, item.line, at, days, zone)
    if item.problem is ProblemType.QUALITY_DEFECT and not inside:
        inside = _within(order, item.line, at, terms.values.warranty_days, zone)
    return inside, terms.ref


def in_warranty(
    case: Case, numbers: Iterable[int], world: World, now: datetime
) -> tuple[bool | None, tuple[str, ...]]:
    """Whether these items were complained about within the warranty, and the policy versions
    that say so; None while the order is unknown."""
    order = None if case.order_id is None else world.order(case.order_id)
    if order is None or not order.known:
        return None, ()
    platform, shop, _ = case.case_id.split(":", 2)
    policies = world.policies(platform, shop, case.category)
    terms, zone = _terms(order, policies, now), policies.shop(now).values.tz
    items = [case.items[number] for number in numbers if number in case.items]
    inside = all(
        _within(order, item.line, item.complained_at, terms.values.warranty_days, zone)
        for item in items
    )
    return inside, terms.ref


def require_lines(order: Order, claims: Iterable[ItemClaim], field: str = "items") -> None:
    """Refuse lines that a known order doesn't have, and more units than were bought."""
    if not order.known:
        return
    for i, claim in enumerate(claims):
        line = order.lines.get(claim.line)
        require(
            line is not None,
            "unknown_line",
            f"The order has no line {claim.line}.",
            f"{field}.{i}.line",
        )
        require_bought(order, claim.line, claim.quantity, f"{field}.{i}.quantity")


def require_bought(order: Order, line: str, quantity: int, field: str) -> None:
    """Refuse more units than were bought of the line; nothing is known of an unknown line."""
    bought = order.lines.get(line)
    require(
        bought is None or quantity <= bought.quantity,
        "quantity_exceeds_bought",
        f"Only {bought.quantity if bought else 0} of the line {line} were bought, not {quantity}.",
        field,
    )


def _terms(order: Order, policies: Policies, now: datetime) -> InForce[WindowPolicy]:
    return policies.terms(order.placed_at or now, now)


def _window_days(problem: ProblemType, terms: WindowPolicy) -> int:
    return terms.no_reason_days if problem in WITHOUT_REASON else terms.after_sales_days


def _within(order: Order, line: str, at: datetime, days: int, zone: ZoneInfo) -> bool:
    """Within `days` from the day after signed delivery, in the shop's zone. What was not
    delivered by `at` is inside; 0 days: nothing that was delivered is."""
    delivered = order.delivered_at(line)
    if delivered is None or delivered > at:
        return True
    last_day = delivered.astimezone(zone).date() + timedelta(days=days)
    return days > 0 and at.astimezone(zone).date() <= last_day


def _stage(stages: set[Stage]) -> Stage | None:
    """The one stage of all lines; goods partly here and partly there count as in transit."""
    if len(stages) == 1:
        return next(iter(stages))
    return Stage.IN_TRANSIT if stages else None
