"""Kuaishou's after-sales: what `open.seller.order.refund.detail` of its open platform gives
(`data`).

States: 10 applied, 12 refused, 20 dispute, 30 awaiting the return, 40 returned, 45 sent by the
seller, 50 being executed, 60 refunded, 70 closed. Times are in milliseconds, amounts in fen. The
detail tells of no ruling: whoever forwards it adds `ruling` in our own form (see Judgement). A
state that is not listed is recorded by its number and ends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from consumers.kafka_platform import (
    Adapter,
    AfterSale,
    Count,
    Deadline,
    Fen,
    Item,
    Milliseconds,
    Name,
    Payout,
    Return,
    Ruling,
    Told,
)
from consumers.mappings.kuaishou import DEADLINES, STATES
from domain.case.values import RulingFor, Stage
from domain.kernel import Platform, Text
from domain.request import Malformed

# --------------------------------------------------------------- the fields we read


class Express(Told):
    expressNo: Text = ""


class Judgement(Told):
    """Our own form. amount: fen that the shop owes; return_first: once the goods are back."""

    id: Name
    ruled_for: RulingFor
    at: Milliseconds
    amount: Fen = 0
    return_first: bool = False


class Detail(Told):
    """A Kuaishou after-sale after an update: `data` of `open.seller.order.refund.detail`.

    Unix times in milliseconds, amounts in fen; what else it says is passed over.
    """

    refundId: Name
    oid: Name
    skuId: Name
    sellerId: Name
    status: int
    handlingWay: int
    refundFee: Fen
    submitTime: Milliseconds
    updateTime: Milliseconds
    expireTime: Milliseconds = None
    productNum: Count = 1
    receiptStatus: int | None = None
    refundReasonDesc: Text = ""
    refundDesc: Text = ""
    buyerOpenId: Text = ""
    logisticsInfo: Express | None = None
    ruling: Judgement | None = None


# ------------------------------------------------------------------ what they mean

ENDED: Final = frozenset({60, 70})
DISPUTE, AWAITS_RETURN, RETURNED, REFUNDED = 20, 30, 40, 60
WAYS: Final = {1: Stage.DELIVERED, 3: Stage.DELIVERED, 4: Stage.DELIVERED, 5: Stage.DELIVERED}
"""By handlingWay: 1 return and refund, 3 exchange, 4 reship, 5 repair; 10, refund only, leaves
open how far the goods were, `receiptStatus` says it."""
RECEIVED: Final = {1: Stage.IN_TRANSIT, 2: Stage.DELIVERED}
"""By receiptStatus."""


def read(fields: Mapping[str, Any]) -> AfterSale:
    """The after-sale that a message tells. Raises ValidationError, or Malformed."""
    told = Detail.model_validate(fields)
    applied_at = _needed(told.submitTime, "submitTime")
    updated_at = _needed(told.updateTime, "updateTime")
    number = str(told.status)
    clock = DEADLINES.get(number)
    return AfterSale(
        platform=Platform.KUAISHOU,
        shop=told.sellerId,
        number=told.refundId,
        order=told.oid,
        items=(Item(told.skuId, told.productNum),),
        reason=told.refundReasonDesc,
        words=told.refundDesc,
        buyer=told.buyerOpenId or None,
        stage=WAYS.get(told.handlingWay) or RECEIVED.get(told.receiptStatus or 0),
        applied_at=applied_at,
        updated_at=updated_at,
        status=STATES[number][0] if number in STATES else f"状态{number}",
        ended=told.status in ENDED,
        deadline=Deadline(clock, told.expireTime)
        if clock is not None and told.expireTime is not None
        else None,
        goods_back=_goods_back(told, updated_at),
        intervened_at=updated_at if told.status == DISPUTE else None,
        ruling=_ruling(told.ruling),
        payout=Payout(told.refundFee) if told.status == REFUNDED else None,
    )


def _needed(moment: datetime | None, name: str) -> datetime:
    if moment is None:
        raise Malformed("field_missing", f"{name}: a time is needed.", name)
    return moment


def _goods_back(told: Detail, updated_at: datetime) -> Return | None:
    """When they were sent is told by the update that brings the state alone."""
    if told.status == RETURNED:
        express = told.logisticsInfo or Express()
        return Return(tracking=express.expressNo, shipped_at=updated_at)
    return Return() if told.status == AWAITS_RETURN else None


def _ruling(told: Judgement | None) -> Ruling | None:
    if told is None:
        return None
    return Ruling(
        id=told.id,
        ruled_for=told.ruled_for,
        at=_needed(told.at, "ruling.at"),
        amount=told.amount,
        after_return=told.return_first,
    )


ADAPTER: Final = Adapter(Detail, read)
