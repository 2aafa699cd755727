"""What is registered before the first case: suppliers, products, policies, a budget."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from consumers.sample.catalogue import ERP, PRODUCTS, SHOPS, SUPPLIERS, person
from consumers.sample.message import BEIJING, Message
from consumers.sample.orders import Numbers, money
from domain.budget import SetBudget
from domain.case.values import ProblemType
from domain.kernel import Actor, Command, Platform, Role
from domain.policy import (
    LadderDocument,
    PolicyKind,
    PublishPolicy,
    RefundAutomationDocument,
    SlaTarget,
    SlaTargetsDocument,
    WindowDocument,
)
from domain.product import RegisterProduct
from domain.sla.events import ClockName
from domain.supplier import RegisterSupplier

HEAD = person("周总监", Role.ADMIN)


def registered(tag: str, at: datetime) -> Iterator[Message]:
    """The catalogue: every supplier, every product. tag: of the sample, for the ids."""
    for supplier in SUPPLIERS:
        told = RegisterSupplier(
            supplier=supplier.name,
            appraisal_hours=supplier.appraisal_hours,
            defect_ppm=supplier.ppm,
            ships=supplier.ships,
        )
        yield Message(at, f"{tag}-supplier-{supplier.name}", told, ERP)
    for product in PRODUCTS:
        known = RegisterProduct(
            product=product.code,
            name=product.name,
            category=product.category,
            supplier=product.supplier,
            warranty_days=product.warranty_days,
        )
        yield Message(at, f"{tag}-product-{product.code}", known, ERP)


def published(tag: str, numbers: Numbers, at: datetime, anchor: datetime) -> Iterator[Message]:
    """Policies of the platforms and shops: they hold from when they are submitted."""

    def tell(name: str, command: Command, by: Actor = HEAD) -> Message:
        return Message(at, f"{tag}-{name}", command, by)

    dresses, appliances, camping = (numbers.shop(SHOPS[i]) for i in range(3))
    sla = SlaTargetsDocument(
        kind=PolicyKind.SLA_TARGETS,
        targets=(
            SlaTarget(clock=ClockName.FIRST_RESPONSE, minutes=12 * 60),
            SlaTarget(
                clock=ClockName.FIRST_RESPONSE,
                minutes=8 * 60,
                problem=ProblemType.WRONG_ITEM,
            ),
            SlaTarget(clock=ClockName.EXECUTION, minutes=36 * 60),
        ),
    )
    yield tell(
        f"sla-{dresses}",
        PublishPolicy(platform=Platform.DOUYIN, shop=dresses, document=sla),
    )
    window = WindowDocument(
        kind=PolicyKind.WINDOW, after_sales_days=15, no_reason_days=15, warranty_days=730
    )
    yield tell(
        f"window-{appliances}",
        PublishPolicy(
            platform=Platform.DOUYIN, shop=appliances, category="小家电", document=window
        ),
    )
    ladder = LadderDocument(kind=PolicyKind.LADDER, goodwill_cap=money(15000))
    yield tell(
        f"ladder-{camping}",
        PublishPolicy(platform=Platform.KUAISHOU, shop=camping, document=ladder),
    )
    automation = RefundAutomationDocument(
        kind=PolicyKind.REFUND_AUTOMATION, daily_budget=money(2_000_000)
    )
    for shop in SHOPS:
        name = numbers.shop(shop)
        yield tell(
            f"refunds-{name}",
            PublishPolicy(platform=shop.platform, shop=name, document=automation),
        )
    day = f"{anchor.astimezone(BEIJING):%Y-%m-%d}"
    budget = SetBudget(platform=Platform.KUAISHOU, shop=camping, day=day, limit=money(3_000_000))
    yield tell(f"budget-{camping}", budget, person(SHOPS[2].supervisor, Role.SUPERVISOR))
