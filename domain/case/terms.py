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
from domain.policy import WindowPolicy
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
    terms = _Terms(order, world, now)
    # Lists, not generators: every line's policy has a say, and is named.
    in_time = [terms.in_window(line, problem, at) for line, problem in claimed]
    covered = [terms.in_warranty(line, at) for line, _ in claimed]
    return FromOrder(
        category=categories.pop() if len(categories) == 1 else None,
        currency=order.currency,
        stage=stage or Stage.UNSHIPPED,
        in_window=all(in_time),
        in_warranty=all(covered),
        terms=terms.ref,
    )


def is_inside(
    case: Case, item: Item, order: Order, world: World, now: datetime
) -> tuple[bool, tuple[str, ...]]:
    """Whether the item was complained about within the after-sales window or, for a defect, the
    warranty; and the policy versions that say so."""
    terms = _Terms(order, world, now)
    at = min(item.complained_at, case.filed_at or item.complained_at)
    inside = terms.in_window(item.line, item.problem, at)
    if item.problem is ProblemType.QUALITY_DEFECT and not inside:
        inside = terms.in_warranty(item.line, at)
    return inside, terms.ref


def in_warranty(
    case: Case, numbers: Iterable[int], world: World, now: datetime
) -> tuple[bool | None, tuple[str, ...]]:
    """Whether these items were complained about within the warranty, and the policy versions
    that say so; None while the order is unknown."""
    order = None if case.order_id is None else world.order(case.order_id)
    if order is None or not order.known:
        return None, ()
    terms = _Terms(order, world, now)
    items = [case.items[number] for number in numbers if number in case.items]
    covered = [terms.in_warranty(item.line, item.complained_at) for item in items]
    return all(covered), terms.ref


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


class _Terms:
    """The buyer's terms by order line: each line's category has its own. ref: the versions of
    policies and products that had a say."""

    def __init__(self, order: Order, world: World, now: datetime) -> None:
        self._order, self._world, self._now = order, world, now
        self.ref: tuple[str, ...] = ()

    def in_window(self, line: str, problem: ProblemType, at: datetime) -> bool:
        policy, zone = self._of(line)
        without = problem in WITHOUT_REASON
        days = policy.no_reason_days if without else policy.after_sales_days
        return _within(self._order, line, at, days, zone)

    def in_warranty(self, line: str, at: datetime) -> bool:
        """By the product's own warranty, or else by the policy for its category."""
        policy, zone = self._of(line)
        known = self._order.lines.get(line)
        product = None if known is None else self._world.product(known.product)
        if product is None or product.warranty_days is None:
            return _within(self._order, line, at, policy.warranty_days, zone)
        version = f"product:{product.product}@{product.version}"
        self.ref = tuple(dict.fromkeys((*self.ref, version)))
        return _within(self._order, line, at, product.warranty_days, zone)

    def _of(self, line: str) -> tuple[WindowPolicy, ZoneInfo]:
        platform, shop, _ = self._order.order_id.split(":", 2)
        known = self._order.lines.get(line)
        policies = self._world.policies(platform, shop, known.category if known else None)
        terms, ref = policies.terms(self._order.placed_at or self._now, self._now)
        self.ref = tuple(dict.fromkeys((*self.ref, *ref)))
        return terms, policies.shop(self._now).values.tz


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
