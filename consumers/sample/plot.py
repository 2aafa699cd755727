"""How a case begins: what was bought, how far it had come, and who complains of what when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from consumers.sample.catalogue import BAD, PRODUCTS, SHOPS, Product, Shop
from consumers.sample.ending import Story
from consumers.sample.hours import at_work, days, hours
from consumers.sample.orders import Numbers, buy
from domain.case.values import ProblemType as P
from domain.case.values import Stage

ANY: Final = ("女装", "鞋靴", "小家电", "家居", "数码", "户外", "食品")

SUITS: Final[dict[P, tuple[str, ...]]] = {
    P.QUALITY_DEFECT: ("小家电", "数码", "鞋靴", "户外", "女装"),
    P.NOT_AS_DESCRIBED: ("女装", "家居", "鞋靴"),
    P.SIZE_FIT: ("女装", "鞋靴"),
    P.DAMAGED: ("家居", "食品", "小家电"),
    P.MISSING_ITEM: ("家居", "食品", "数码"),
    P.RETURN_DISPUTE: ("女装", "小家电", "户外"),
    P.NO_REASON: ("女装", "鞋靴", "家居", "户外"),
}
"""Of which categories such problems are told; any, if it isn't named here."""


@dataclass(frozen=True, slots=True)
class Plot:
    """How cases of one kind go. count: of them in each wave of the sample.

    stage: how far the goods are when the buyer complains, `after` so many days after their
    delivery. dearest: of a unit, in 分. known: the shop knows the supplier. supplier: of the goods.
    """

    run: Callable[[Story], None]
    problem: P
    count: int
    stage: Stage = Stage.DELIVERED
    after: tuple[float, float] = (0.1, 5.5)
    categories: tuple[str, ...] = ()
    dearest: int = 10**6
    quantity: int | None = 1
    lines: int = 1
    known: bool = True
    supplier: str | None = None


def begin(plot: Plot, rng: Random, numbers: Numbers, at: datetime) -> Story:
    """The story up to the complaint, which the buyer is about to make at `at`."""
    shop, product = _bought(plot, rng)
    sent, got = hours(rng.uniform(20, 70)), days(rng.uniform(*plot.after))
    match plot.stage:
        case Stage.UNSHIPPED:
            placed, shipped, delivered = at - hours(rng.uniform(1, 44)), None, None
        case Stage.IN_TRANSIT:
            shipped = at - hours(rng.uniform(30, 100))
            placed, delivered = shipped - hours(rng.uniform(5, 40)), None
        case Stage.DELIVERED:
            delivered = at - got
            shipped = delivered - sent
            placed = shipped - hours(rng.uniform(5, 40))
    products = [product]
    if plot.lines > 1:
        others = [p for p in PRODUCTS if p.category in shop.categories and p.weight]
        products += rng.sample([p for p in others if p is not product], plot.lines - 1)
    order = buy(rng, numbers, shop, placed, products, plot.quantity)
    story = Story(rng, numbers, order, at)
    story.problem = plot.problem
    story.ordered()
    if shipped is not None:
        story.parcel = story.shipped(min(at_work(shipped), at - hours(0.5)))
        if delivered is not None:
            story.delivered(story.parcel, min(max(delivered, at_work(shipped) + hours(8)), at))
    return story


def _bought(plot: Plot, rng: Random) -> tuple[Shop, Product]:
    categories = plot.categories or SUITS.get(plot.problem, ANY)
    offered = [
        (shop, product)
        for shop in SHOPS
        for product in PRODUCTS
        if product.category in shop.categories
        and product.category in categories
        and product.price <= plot.dearest
        and (product.supplier == plot.supplier if plot.supplier else product.weight > 0)
        and (product.supplier is not None) is plot.known
    ]
    faulty = plot.problem is P.QUALITY_DEFECT
    weights = [
        max(1, product.weight) * (5 if faulty and product.supplier == BAD else 1)
        for _, product in offered
    ]
    return rng.choices(offered, weights)[0]
