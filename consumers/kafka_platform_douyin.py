"""Douyin's after-sales: what `afterSale/Detail` of its open platform gives (`data`), with the
shop's number `shop_id` beside it, as its messages have it.

Types (after_sale_type): 0 return and refund, 1 refund only of shipped goods, 2 of unshipped ones,
3 exchange, 7 reship, 8 repair. Times are in seconds, amounts in fen. A state that is not listed
below is recorded by its number and ends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import Field

from consumers.kafka_platform import (
    Adapter,
    AfterSale,
    Count,
    Deadline,
    Fen,
    Item,
    Name,
    Payout,
    Return,
    Ruling,
    Seconds,
    Told,
)
from domain.case.values import Liable, RulingFor, Share, Stage
from domain.kernel import Platform, Text
from domain.request import Malformed
from domain.sla.events import ClockName

# --------------------------------------------------------------- the fields we read


class Info(Told):
    after_sale_id: Name
    after_sale_status: int
    after_sale_type: int
    apply_time: Seconds
    update_time: Seconds
    status_deadline: Seconds = None
    reason: Text = ""
    reason_remark: Text = ""
    got_pkg: int | None = None
    after_sale_apply_count: int = 0
    refund_status: int = 0
    refund_total_amount: Fen = 0
    real_refund_amount: Fen = 0
    refund_fail_reason: Text = ""


class Arbitration(Told):
    arbitrate_id: str = ""
    arbitrate_status: int = 0
    arbitrate_create_time: Seconds = None
    arbitrate_update_time: Seconds = None
    arbitrate_blame: int = 0


class Parcel(Told):
    tracking_no: Text = ""
    company_name: Text = ""
    logistics_time: Seconds = None


class Logistics(Told):
    sent_back: Parcel | None = Field(default=None, alias="return")


class Process(Told):
    after_sale_info: Info
    arbitrate_info: Arbitration | None = None
    logistics_info: Logistics | None = None


class SkuOrder(Told):
    sku_order_id: Name
    item_quantity: Count = 1
    after_sale_item_count: int = 0
    pay_amount: Fen = 0


class Order(Told):
    shop_order_id: Name
    sku_order_infos: tuple[SkuOrder, ...] = Field(min_length=1)


class Detail(Told):
    """A Douyin after-sale after an update: `data` of `afterSale/Detail`, and `shop_id` beside it.

    Unix times in seconds, amounts in fen; what else it says is passed over.
    """

    shop_id: Name
    process_info: Process
    order_info: Order


# ------------------------------------------------------------------ what they mean


@dataclass(frozen=True)
class State:
    """clock: which of the shop's clocks the deadline (status_deadline) is for."""

    words: str
    ended: bool = False
    clock: ClockName | None = None


STATES: Final = {
    6: State("待商家处理", clock=ClockName.FIRST_SOLUTION),
    7: State("待买家退货"),
    8: State("待商家发货", clock=ClockName.EXECUTION),
    11: State("待商家收货", clock=ClockName.INSPECTION),
    12: State("售后成功", ended=True),
    13: State("待买家收货"),
    14: State("换货成功", ended=True),
    27: State("商家拒绝申请"),
    28: State("售后关闭", ended=True),
    29: State("商家拒绝退货"),
    51: State("订单取消成功", ended=True),
    53: State("售后完结", ended=True),
}
AWAITS_RETURN: Final = 7
STAGES: Final = {
    0: Stage.DELIVERED,
    2: Stage.UNSHIPPED,
    3: Stage.DELIVERED,
    7: Stage.DELIVERED,
    8: Stage.DELIVERED,
}
"""By the type; 1 leaves open whether the goods have arrived, `got_pkg` says it."""

RETURN_AND_REFUND: Final = 0
PAID, FAILED = 3, 4
"""Of refund_status."""

ARBITRATED: Final = frozenset({1, 2, 3, 4, 5, 255})
RULED: Final = {2: RulingFor.BUYER, 3: RulingFor.SHOP}
"""Of arbitrate_status: 1 under way, 2 granted, 3 refused, 4 the shop is to give proof, 5 the two
are to agree, 255 ended without a ruling."""

BLAMED: Final = {
    1: (Share(party=Liable.MERCHANT, percent=100),),
    2: (Share(party=Liable.BUYER, percent=100),),
    3: (Share(party=Liable.MERCHANT, percent=50), Share(party=Liable.BUYER, percent=50)),
    4: (Share(party=Liable.PLATFORM, percent=100),),
}
"""By arbitrate_blame; 5, the influencer, is nobody's of ours."""


def read(fields: Mapping[str, Any]) -> AfterSale:
    """The after-sale that a message tells. Raises ValidationError, or Malformed."""
    detail = Detail.model_validate(fields)
    info = detail.process_info.after_sale_info
    applied_at = _needed(info.apply_time, "apply_time")
    updated_at = _needed(info.update_time, "update_time")
    state = STATES.get(info.after_sale_status) or State(f"状态{info.after_sale_status}")
    arbitration = detail.process_info.arbitrate_info or Arbitration()
    intervened = arbitration.arbitrate_status in ARBITRATED
    return AfterSale(
        platform=Platform.DOUYIN,
        shop=detail.shop_id,
        number=info.after_sale_id,
        order=detail.order_info.shop_order_id,
        items=_items(detail.order_info, info),
        reason=info.reason,
        words=info.reason_remark,
        buyer=None,
        stage=_stage(info),
        applied_at=applied_at,
        updated_at=updated_at,
        status=state.words,
        ended=state.ended,
        deadline=Deadline(state.clock, info.status_deadline)
        if state.clock is not None and info.status_deadline is not None
        else None,
        goods_back=_goods_back(detail.process_info),
        intervened_at=(arbitration.arbitrate_create_time or updated_at) if intervened else None,
        ruling=_ruling(arbitration, info, updated_at),
        payout=_payout(info),
    )


def _needed(moment: datetime | None, name: str) -> datetime:
    if moment is None:
        field = f"process_info.after_sale_info.{name}"
        raise Malformed("field_missing", f"{field}: a time is needed.", field)
    return moment


def _items(order: Order, info: Info) -> tuple[Item, ...]:
    """Where an after-sale is about one line only, it says itself for how many units."""
    lines = order.sku_order_infos
    applied = info.after_sale_apply_count if len(lines) == 1 else 0
    return tuple(
        Item(
            line.sku_order_id,
            applied or line.after_sale_item_count or line.item_quantity,
            line.pay_amount,
        )
        for line in lines
    )


def _stage(info: Info) -> Stage | None:
    if info.after_sale_type == 1 and info.got_pkg is not None:
        return Stage.DELIVERED if info.got_pkg else Stage.IN_TRANSIT
    return STAGES.get(info.after_sale_type)


def _goods_back(process: Process) -> Return | None:
    parcel = process.logistics_info.sent_back if process.logistics_info else None
    if parcel is not None and parcel.tracking_no and parcel.logistics_time is not None:
        return Return(parcel.company_name, parcel.tracking_no, parcel.logistics_time)
    return Return() if process.after_sale_info.after_sale_status == AWAITS_RETURN else None


def _ruling(told: Arbitration, info: Info, updated_at: datetime) -> Ruling | None:
    ruled_for = RULED.get(told.arbitrate_status)
    if ruled_for is None:
        return None
    buyers = ruled_for is RulingFor.BUYER
    return Ruling(
        id=told.arbitrate_id or f"A{info.after_sale_id}",
        ruled_for=ruled_for,
        at=told.arbitrate_update_time or updated_at,
        amount=info.refund_total_amount if buyers else 0,
        after_return=buyers and info.after_sale_type == RETURN_AND_REFUND,
        shares=BLAMED.get(told.arbitrate_blame, ()),
    )


def _payout(info: Info) -> Payout | None:
    if info.refund_status == PAID:
        return Payout(info.real_refund_amount or info.refund_total_amount)
    if info.refund_status == FAILED:
        return Payout(0, info.refund_fail_reason or "退款失败")
    return None


ADAPTER: Final = Adapter(Detail, read)
