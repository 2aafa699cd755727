"""What is bought and sent: orders, their parcels, and the many of them that nobody complains of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count
from random import Random
from typing import Final

from consumers.sample.catalogue import CARRIERS, ERP, PRODUCTS, SMALL, Product, Shop, carrier
from consumers.sample.hours import at_work, days, hours, takes
from consumers.sample.message import Message
from domain.case.commands import LineMoney
from domain.kernel import Actor
from domain.money import Money, apportion
from domain.order import ShipmentOutcome
from domain.order.commands import (
    CorrectShipment,
    OrderCommand,
    OrderedLine,
    RecordDelivery,
    RecordOrder,
    RecordShipment,
    RecordShipmentOutcome,
)

CURRENCY: Final = "CNY"


def money(minor: int) -> Money:
    """An amount of 分 as the outside writes it."""
    return Money(amount=f"{minor // 100}.{minor % 100:02d}", currency=CURRENCY)


class Numbers:
    """Gives the orders and complaints of one wave of the sample their numbers.

    salt: two digits that differ from one sample to the next, so that two may share a log.
    wave: from 1 on, the shops of that wave have it in their names.
    """

    def __init__(self, salt: int, wave: int) -> None:
        self._salt = salt
        self._wave = wave
        self._orders = count(1)
        self._cases = count(1)

    def shop(self, shop: Shop) -> str:
        """The shop's own name in ids."""
        return f"{shop.name}·{self._wave}" if self._wave else shop.name

    def order(self, shop: Shop, at: datetime) -> str:
        number = f"{at:%y%m%d}{self._salt:02d}{next(self._orders):06d}"
        return f"{shop.platform.value}:{self.shop(shop)}:{number}"

    def case(self, shop: Shop, at: datetime) -> str:
        number = f"{shop.prefix}{at:%y%m%d}{self._salt:02d}{next(self._cases):04d}"
        return f"{shop.platform.value}:{self.shop(shop)}:{number}"


@dataclass(frozen=True)
class Bought:
    """An order as the shop took it. lines: name, product, quantity. Amounts in 分."""

    order_id: str
    shop: Shop
    placed_at: datetime
    lines: tuple[tuple[str, Product, int], ...]
    discount: int = 0
    coupon: int = 0
    freight: int = 0
    revision: int = 0

    @cached_property
    def _paid(self) -> dict[str, int]:
        gross = [product.price * quantity for _, product, quantity in self.lines]
        discounts = apportion(self.discount, gross)
        rest = [whole - off for whole, off in zip(gross, discounts, strict=True)]
        coupons = apportion(self.coupon, rest)
        return {
            line: whole - off
            for (line, _, _), whole, off in zip(self.lines, rest, coupons, strict=True)
        }

    def paid(self, line: str = "1") -> int:
        """What the buyer paid for the line."""
        return self._paid[line]

    def amount(self, line: str = "1", percent: int = 100) -> LineMoney:
        """So much of what was paid for the line."""
        return LineMoney(line=line, money=money(max(1, self.paid(line) * percent // 100)))

    def rest(self, line: str = "1", percent: int = 0) -> LineMoney:
        """What is left of it after so much."""
        left = self.paid(line) - self.amount(line, percent).money.minor
        return LineMoney(line=line, money=money(left))

    def units(self) -> dict[str, int]:
        return {line: quantity for line, _, quantity in self.lines}

    def product(self, line: str = "1") -> Product:
        return next(product for name, product, _ in self.lines if name == line)

    def record(self) -> RecordOrder:
        return RecordOrder(
            order_id=self.order_id,
            currency=CURRENCY,
            lines=tuple(
                OrderedLine(
                    line=line,
                    product=product.code,
                    category=product.category,
                    supplier=product.supplier,
                    batch=f"{product.code}-{self.placed_at:%y%m}",
                    quantity=quantity,
                    price=money(product.price * quantity),
                )
                for line, product, quantity in self.lines
            ),
            discount=money(self.discount),
            platform_coupon=money(self.coupon),
            freight=money(self.freight),
            revision=self.revision,
        )


def buy(
    rng: Random,
    numbers: Numbers,
    shop: Shop,
    at: datetime,
    products: Sequence[Product],
    quantity: int | None = None,
) -> Bought:
    """An order of these products, each a line, with the discounts that shops give."""
    lines = tuple(
        (str(i), product, quantity or rng.choices((1, 2, 3), (70, 22, 8))[0])
        for i, product in enumerate(products, 1)
    )
    total = sum(product.price * bought for _, product, bought in lines)
    off = rng.random()
    return Bought(
        order_id=numbers.order(shop, at),
        shop=shop,
        placed_at=at,
        lines=lines,
        discount=total // 1000 * 50 if off < 0.3 else 0,
        coupon=500 if 0.2 < off < 0.4 and total > 3000 else 0,
        freight=0 if total >= 5900 else 600,
    )


def parcel_of(rng: Random) -> tuple[str, Actor]:
    """A tracking number, and the carrier that tells about it."""
    name, prefix = rng.choice(CARRIERS)
    return f"{prefix}{rng.randrange(10**11, 10**12)}", carrier(name)


def ships_itself(product: Product) -> bool:
    return product.supplier == "岚野行装备"


# --------------------------------------------------- orders without a case


def quiet_orders(
    rng: Random,
    numbers: Numbers,
    shops: Sequence[Shop],
    wanted: int,
    since: datetime,
    until: datetime,
) -> Iterator[list[Message]]:
    """What is told of each of `wanted` orders that nobody complains of, placed from `since` to
    `until`: late, twice, out of order and corrected now and then."""
    span = (until - since).total_seconds()
    for _ in range(wanted):
        shop = rng.choice(shops)
        at = since + timedelta(seconds=rng.random() * span)
        yield list(_told(rng, buy(rng, numbers, shop, at, some_products(rng, shop))))
    shop = next(shop for shop in shops if "家居" in shop.categories)
    small = [product for product in PRODUCTS if product.supplier == SMALL]
    for i in range(18):
        at = since + timedelta(seconds=(0.02 + 0.045 * i) * span)
        yield list(_told(rng, buy(rng, numbers, shop, at, small, 1)))


def some_products(rng: Random, shop: Shop) -> list[Product]:
    """One to three different products of the shop, as buyers choose them."""
    offered = [p for p in PRODUCTS if p.category in shop.categories and p.weight]
    weights = [product.weight for product in offered]
    chosen = rng.choices(offered, weights, k=rng.choices((1, 2, 3), (68, 24, 8))[0])
    return list(dict.fromkeys(chosen))


def _told(rng: Random, order: Bought) -> Iterator[Message]:
    number = order.order_id.rpartition(":")[2]
    shop = order.order_id.split(":")[1]
    names = (f"{shop}-{number}-{n}" for n in count(1))
    parcel, by = parcel_of(rng)
    shipped = at_work(order.placed_at + hours(takes(rng, 14, 0.6)))
    delivered = shipped + hours(takes(rng, 60, 0.35))

    def tell(command: OrderCommand, at: datetime, actor: Actor, lag: timedelta) -> Message:
        return Message(at + lag, next(names), command, actor, at)

    soon = timedelta(seconds=rng.randrange(5, 900))
    late = hours(rng.uniform(20, 90)) if rng.random() < 0.03 else soon
    yield tell(order.record(), order.placed_at, ERP, late)
    if rng.random() < 0.01:
        fewer_lines = replace(order, lines=tuple((n, p, 1) for n, p, _ in order.lines), revision=1)
        yield tell(fewer_lines.record(), order.placed_at + hours(1), ERP, late)
        order = fewer_lines
    units = order.units()
    sent = RecordShipment(
        order_id=order.order_id,
        shipment_id=parcel,
        units=units,
        supplier_ships=ships_itself(order.product()),
    )
    end = rng.random()
    if end < 0.012:
        outcome = RecordShipmentOutcome(
            order_id=order.order_id, shipment_id=parcel, outcome=ShipmentOutcome.CANCELLED
        )
        yield tell(outcome, order.placed_at + hours(3), ERP, soon)
        return
    late = hours(rng.uniform(30, 120)) if rng.random() < 0.04 else soon
    yield tell(sent, shipped, by, late)
    if rng.random() < 0.03:
        yield tell(sent, shipped, by, late + hours(2))
    if rng.random() < 0.02:
        fewer = {line: max(1, quantity - 1) for line, quantity in units.items()}
        corrected = CorrectShipment(
            order_id=order.order_id, shipment_id=parcel, revision=1, units=fewer
        )
        yield tell(corrected, shipped + hours(5), ERP, soon)
    if end < 0.022:
        how = ShipmentOutcome.INTERCEPTED if end < 0.017 else ShipmentOutcome.LOST
        lost = RecordShipmentOutcome(order_id=order.order_id, shipment_id=parcel, outcome=how)
        yield tell(lost, shipped + days(2.5), by, soon)
        if end < 0.019:
            return
        found = RecordShipmentOutcome(
            order_id=order.order_id,
            shipment_id=parcel,
            outcome=ShipmentOutcome.UNDERWAY,
            revision=1,
        )
        delivered += days(3)
        yield tell(found, shipped + days(4), by, soon)
    got = RecordDelivery(order_id=order.order_id, shipment_id=parcel, signed=end < 0.97)
    yield tell(got, delivered, by, soon)
    if end > 0.98:
        signed = RecordDelivery(
            order_id=order.order_id, shipment_id=parcel, signed=True, revision=1
        )
        yield tell(signed, delivered + hours(9), by, soon)
