"""What a proposal offers: its parts, whether they fit the items, what they would cost."""

from __future__ import annotations

from typing import Final

from domain.case.commands import PartOffer, ProposeResolution
from domain.case.rules import known_order, line_amounts, minor, policies_of, require_items
from domain.case.state import Case, Item
from domain.case.values import (
    NEEDS_RETURN,
    REFUNDS,
    Part,
    ProblemType,
    Resolution,
    Stage,
)
from domain.kernel import Context, Rejected, require
from domain.order import Order
from domain.policy import in_currency
from domain.world import World

_NOT_RECEIVED: Final = frozenset({ProblemType.LOST, ProblemType.SERVICE_ATTITUDE})
_NOTHING_TO_SWAP: Final = _NOT_RECEIVED | {ProblemType.MISSING_ITEM, ProblemType.DELAYED}
_KEPT_AS_IT_IS: Final = frozenset(
    {
        ProblemType.NO_REASON,
        ProblemType.CHANGED_MIND,
        ProblemType.SIZE_FIT,
        ProblemType.SERVICE_ATTITUDE,
    }
)

IMPLAUSIBLE: Final[dict[Resolution, frozenset[ProblemType]]] = {
    Resolution.REFUND_MISSING_PART: frozenset(ProblemType)
    - {
        ProblemType.MISSING_ITEM,
        ProblemType.WRONG_ITEM,
        ProblemType.LOST,
        ProblemType.RETURN_DISPUTE,
        ProblemType.OTHER,
    },
    Resolution.RETURN_AND_REFUND: _NOT_RECEIVED,
    Resolution.EXCHANGE: _NOTHING_TO_SWAP,
    Resolution.RESHIP: _KEPT_AS_IT_IS,
    Resolution.REPAIR: _NOTHING_TO_SWAP | _KEPT_AS_IT_IS | {ProblemType.WRONG_ITEM},
}
"""Problem types that a resolution cannot solve; one that isn't named here fits all."""

_WHOLE: Final = frozenset({Resolution.REFUND_FULL, Resolution.RETURN_AND_REFUND})
"""After these the buyer is owed nothing more for the item, goodwill apart."""


def parts_of(command: ProposeResolution, case: Case, world: World) -> tuple[Part, ...]:
    """The offered parts with their amounts in minor units.

    Rejected: decline_is_no_part, unknown_item, item_named_twice, resolution_implausible,
    nothing_to_return, amount_missing, amount_not_allowed, unknown_order, unknown_line,
    line_named_twice, wrong_currency, amount_zero, line_not_of_items, parts_conflict.
    """
    parts = tuple(_part(offer, case, world, f"parts.{i}") for i, offer in enumerate(command.parts))
    for number in {number for part in parts for number in part.items}:
        resolutions = [part.resolution for part in parts if number in part.items]
        others = [r for r in resolutions if r is not Resolution.COMPENSATION_ONLY]
        require(
            len(others) == 1 or not _WHOLE & set(others),
            "parts_conflict",
            f"Item {number} is paid back as a whole: no other part goes with that.",
            "parts",
        )
    return parts


def goodwill_of(
    command: ProposeResolution, parts: tuple[Part, ...], case: Case, world: World, context: Context
) -> int:
    """The offered goodwill in minor units; it comes on top of what is owed.

    Rejected: goodwill_missing, unknown_order, wrong_currency, cap_not_stated,
    goodwill_exceeds_cap.
    """
    offered = command.goodwill
    only = any(part.resolution is Resolution.COMPENSATION_ONLY for part in parts)
    if offered is None or offered.minor == 0:
        require(not only, "goodwill_missing", "A compensation says how much.", "goodwill")
        return 0
    order = known_order(case, world)
    amount = minor(offered, order.currency or "", "goodwill")
    ladder = policies_of(case, world).ladder(context.now).values
    cap = in_currency(ladder.goodwill_cap, order.currency)
    if cap is None:
        raise Rejected(
            "cap_not_stated",
            f"The policy's cap is in {ladder.goodwill_cap.currency}: publish one in"
            f" {order.currency} first.",
            "goodwill",
        )
    require(
        order.goodwill_total + amount <= cap,
        "goodwill_exceeds_cap",
        f"An order gets at most {ladder.goodwill_cap.amount} of goodwill in all.",
        "goodwill",
    )
    return amount


# -------------------------------------------------------------------- a part


def _part(offer: PartOffer, case: Case, world: World, field: str) -> Part:
    resolution = offer.resolution
    require(
        resolution is not Resolution.DECLINE,
        "decline_is_no_part",
        "To say no, decline the complaint, with a ground.",
        f"{field}.resolution",
    )
    require_items(case, offer.items, f"{field}.items")
    items = [case.items[number] for number in offer.items]
    for item in items:
        _require_plausible(resolution, item, case, world, f"{field}.resolution")
    if resolution not in REFUNDS:
        require(
            not offer.amounts,
            "amount_not_allowed",
            f"{resolution.value} pays nothing back; goodwill stands apart.",
            f"{field}.amounts",
        )
        return Part(resolution=resolution, items=offer.items)
    require(
        bool(offer.amounts),
        "amount_missing",
        "A refund says how much, by order line.",
        f"{field}.amounts",
    )
    lines = line_amounts(offer.amounts, known_order(case, world), f"{field}.amounts")
    own = {item.line for item in items}
    for i, line in enumerate(lines):
        require(
            line.line in own,
            "line_not_of_items",
            f"The line {line.line} belongs to none of the part's items.",
            f"{field}.amounts.{i}.line",
        )
    return Part(
        resolution=resolution,
        items=offer.items,
        amount=sum(line.amount for line in lines),
        lines=lines,
    )


def _require_plausible(
    resolution: Resolution, item: Item, case: Case, world: World, field: str
) -> None:
    require(
        item.problem not in IMPLAUSIBLE.get(resolution, frozenset()),
        "resolution_implausible",
        f"{resolution.value} does not solve {item.problem.value} (item {item.number}).",
        field,
    )
    order: Order | None = None if case.order_id is None else world.order(case.order_id)
    require(
        resolution not in NEEDS_RETURN
        or order is None
        or not order.shipments
        or order.stage(item.line) is not Stage.UNSHIPPED,
        "nothing_to_return",
        f"Item {item.number} has not been shipped: there is nothing to send back.",
        field,
    )
