"""What the platforms themselves tell in the sample: after-sales of orders that nobody complained
of otherwise, in Douyin's and Kuaishou's own form, and what the shops did about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from consumers.kafka_sending import Outgoing, record_of
from consumers.sample import words
from consumers.sample.catalogue import PRODUCTS, SHOPS, desk
from consumers.sample.forms import RULED, Told, Update, douyin, kuaishou
from consumers.sample.hours import days, hours
from consumers.sample.story import some_buyer
from domain.case import commands as cmd
from domain.case.values import Channel, ContactKind, Direction, Outcome, ProblemType, RootCause
from domain.kernel import Platform, Private
from domain.order.commands import RecordDelivery, RecordOrder
from domain.request import Request

SEED: Final = 20260802
EACH: Final = 3
"""After-sales of each kind on each platform."""

PREFIX: Final = "SP"
"""Of their numbers, by which the sample's are told from a platform's own."""

REASONS: Final = (
    ("质量问题", ProblemType.QUALITY_DEFECT, RootCause.PRODUCT),
    ("商品与描述不符", ProblemType.NOT_AS_DESCRIBED, RootCause.DESCRIPTION),
    ("商品破损", ProblemType.DAMAGED, RootCause.PACKAGING),
    ("不想要了", ProblemType.CHANGED_MIND, RootCause.BUYER),
)


@dataclass(frozen=True)
class Life:
    """applied: so many hours ago, between these. steps: hours after the application, and the
    update then. answered: hours after it at which the shop wrote. ended: closed so many hours
    after the last update, with that outcome."""

    applied: tuple[float, float]
    steps: tuple[tuple[float, Update], ...]
    answered: tuple[float, ...] = ()
    ended: Outcome | None = None


DISPUTED: Final = (
    (0.0, Update.APPLIED),
    (8.0, Update.REFUSED),
    (10.0, Update.CALLED_IN),
)
LIVES: Final = (
    Life((0.5, 20), ((0, Update.APPLIED),)),
    Life((72, 480), ((0, Update.APPLIED), (5, Update.PAID)), (1,), Outcome.SOLVED),
    Life((8, 20), ((0, Update.APPLIED), (3, Update.AWAITS_RETURN)), (0.5,)),
    Life(
        (30, 44),
        ((0, Update.APPLIED), (3, Update.AWAITS_RETURN), (20, Update.SENT_BACK)),
        (0.5, 21),
    ),
    Life(
        (120, 480),
        (*DISPUTED, (30, Update.RULED_FOR_BUYER), (40, Update.RULED_AND_PAID)),
        (2, 20, 39),
        Outcome.RULED_FOR_BUYER,
    ),
    Life(
        (120, 480),
        (*DISPUTED, (34, Update.RULED_FOR_SHOP)),
        (2, 20, 33),
        Outcome.RULED_FOR_SHOP,
    ),
    Life((14, 20), (*DISPUTED,), (2,)),
    Life((6, 18), ((0, Update.APPLIED), (4, Update.NOT_PAID)), (1,)),
)


@dataclass(frozen=True)
class Candidate:
    """An order that can be complained of: one line, delivered."""

    platform: Platform
    shop: str
    order: RecordOrder
    delivered_at: datetime

    @property
    def number(self) -> str:
        return self.order.order_id.rpartition(":")[2]

    def fits(self, platform: Platform, applied_at: datetime) -> bool:
        """Delivered some time before, and within the days that a buyer has."""
        waited = applied_at - self.delivered_at
        return self.platform is platform and hours(1) < waited < days(6)


def told_by_platforms(sample: Iterable[Request], source: str) -> list[list[Outgoing]]:
    """The platforms' records about orders of the sample, and then the shops' commands: two
    rounds, to be sent after the sample's own. The same for the same sample. source: of the
    commands."""
    requests = list(sample)
    orders = _candidates(requests)
    until = max((r.occurred_at for r in requests if r.occurred_at is not None), default=None)
    if until is None:
        return []
    told: list[tuple[datetime, Outgoing]] = []
    done: list[Outgoing] = []
    chance = Random(SEED)
    for platform, form in ((Platform.DOUYIN, douyin), (Platform.KUAISHOU, kuaishou)):
        for life in LIVES * EACH:
            applied_at = until - hours(chance.uniform(*life.applied))
            fit = [o for o in orders if o.fits(platform, applied_at)]
            if fit:
                orders.remove(order := chance.choice(fit))
                after_sale = _AfterSale(order, applied_at, life, chance)
                told += after_sale.updates(form)
                done += [record_of(request, source) for request in after_sale.dealings(source)]
    return [[one for _, one in sorted(told, key=lambda pair: pair[0])], done]


class _AfterSale:
    """One of them, from the application on."""

    def __init__(self, order: Candidate, applied_at: datetime, life: Life, chance: Random) -> None:
        self._order = order
        self._applied_at = applied_at.replace(microsecond=0)
        self._life = life
        self._reason, self._problem, self._cause = chance.choice(REASONS)
        self._number = f"{PREFIX}{order.number}"
        product = next(p for p in PRODUCTS if p.code == order.order.lines[0].product)
        said = [
            text
            for text, about in words.COMPLAINTS[self._problem]
            if product.category in (about or product.category)
        ]
        self._words = chance.choice(said).format(name=product.name)
        self._buyer = some_buyer(chance).reference
        self._tracking = f"SY{chance.randrange(10**11, 10**12)}"
        shop = next(shop for shop in SHOPS if shop.name == order.shop)
        self._desk = desk(chance.choice(shop.agents))
        self._answers = [chance.choice(words.REPLIES), *words.PROGRESS]

    def _at(self, after: float) -> datetime:
        return self._applied_at + hours(after)

    def updates(self, form: Callable[[Told], Outgoing]) -> Iterator[tuple[datetime, Outgoing]]:
        """What the platform tells, and when."""
        steps = self._life.steps
        line = self._order.order.lines[0]
        called_in = next((at for at, update in steps if update is Update.CALLED_IN), None)
        ruled = next((at for at, update in steps if update in RULED), None)
        back = any(update is Update.AWAITS_RETURN for _, update in steps)
        for after, update in steps:
            told = Told(
                update=update,
                at=self._at(after),
                shop=self._order.shop,
                number=self._number,
                order=self._order.number,
                line=line.line,
                quantity=line.quantity,
                amount=line.price.minor,
                reason=self._reason,
                words=self._words,
                buyer=self._buyer,
                tracking=self._tracking,
                with_return=back,
                applied_at=self._applied_at,
                called_in_at=None
                if called_in is None or after < called_in
                else self._at(called_in),
                ruled_at=None if ruled is None or after < ruled else self._at(ruled),
            )
            yield told.at, form(told)

    def dealings(self, source: str) -> Iterator[Request]:
        """What the shop's desk tells: its messages, and how the case ended."""
        case_id = f"{self._order.platform}:{self._order.shop}:{self._number}"
        told: list[tuple[cmd.CaseCommandBase, datetime]] = []
        for after, text in zip(self._life.answered, self._answers, strict=False):
            message = cmd.RecordContact(
                case_id=case_id,
                direction=Direction.TO_BUYER,
                contact=ContactKind.MESSAGE,
                channel=Channel.IM,
                private=Private(text=text.format(name="", agent="")),
            )
            told.append((message, self._at(after)))
        if self._life.ended is not None:
            at = self._at(self._life.steps[-1][0] + 1)
            classified = cmd.Classify(
                case_id=case_id, problem=self._problem, root_cause=self._cause
            )
            # The platform ended it first, and somebody had to finish it here.
            told.append((cmd.SettleDivergence(case_id=case_id, divergence_id=1), at))
            told.append((classified, at))
            told.append((cmd.CloseCase(case_id=case_id, outcome=self._life.ended), at))
        for number, (command, at) in enumerate(told, 1):
            yield Request(
                source=source,
                message_id=f"{self._order.shop}-{self._number}-{number:02d}",
                command=command,
                actor=self._desk,
                occurred_at=at,
                correlation_id=self._number,
            )


def _candidates(requests: Sequence[Request]) -> list[Candidate]:
    """Of orders that were told of once, and once of their delivery."""
    complained = {
        getattr(request.command, "order_id", None)
        for request in requests
        if isinstance(request.command, cmd.FileComplaint)
    }
    orders: dict[str, RecordOrder] = {}
    delivered: dict[str, datetime] = {}
    times: Counter[str] = Counter()
    for request in requests:
        match request.command:
            case RecordOrder() as order:
                orders[order.order_id] = order
                times[order.order_id] += 1
            case RecordDelivery(signed=True) as got if request.occurred_at is not None:
                delivered[got.order_id] = request.occurred_at
            case _:
                pass
    found: list[Candidate] = []
    for order_id, order in orders.items():
        platform, shop, _ = order_id.split(":")
        off = sum(part.minor for part in (order.discount, order.platform_coupon) if part)
        plain = len(order.lines) == 1 and not off
        if plain and times[order_id] == 1 and order_id in delivered and order_id not in complained:
            found.append(Candidate(Platform(platform), shop, order, delivered[order_id]))
    return found
