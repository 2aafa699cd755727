"""After-sales of the sample in the platforms' own field names and states."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final

from consumers.kafka_sending import Outgoing
from domain.kernel import Platform

SOON: Final = timedelta(hours=48)
"""Until a platform's deadline."""


class Update(Enum):
    """What has just happened to an after-sale."""

    APPLIED = auto()
    REFUSED = auto()
    CALLED_IN = auto()
    AWAITS_RETURN = auto()
    SENT_BACK = auto()
    NOT_PAID = auto()
    PAID = auto()
    RULED_FOR_BUYER = auto()
    RULED_FOR_SHOP = auto()
    RULED_AND_PAID = auto()


@dataclass(frozen=True)
class Told:
    """An after-sale after an update. amount: fen asked for. called_in, ruled_at: when it was."""

    update: Update
    at: datetime
    shop: str
    number: str
    order: str
    line: str
    quantity: int
    amount: int
    reason: str
    words: str
    buyer: str
    tracking: str
    with_return: bool
    applied_at: datetime
    called_in_at: datetime | None
    ruled_at: datetime | None


DOUYIN: Final = {
    Update.APPLIED: 6,
    Update.REFUSED: 27,
    Update.CALLED_IN: 27,
    Update.AWAITS_RETURN: 7,
    Update.SENT_BACK: 11,
    Update.NOT_PAID: 6,
    Update.PAID: 12,
    Update.RULED_FOR_BUYER: 6,
    Update.RULED_FOR_SHOP: 28,
    Update.RULED_AND_PAID: 12,
}
KUAISHOU: Final = {
    Update.APPLIED: 10,
    Update.REFUSED: 12,
    Update.CALLED_IN: 20,
    Update.AWAITS_RETURN: 30,
    Update.SENT_BACK: 40,
    Update.NOT_PAID: 50,
    Update.PAID: 60,
    Update.RULED_FOR_BUYER: 50,
    Update.RULED_FOR_SHOP: 70,
    Update.RULED_AND_PAID: 60,
}
PAID: Final = (Update.PAID, Update.RULED_AND_PAID)
FOR_BUYER: Final = (Update.RULED_FOR_BUYER, Update.RULED_AND_PAID)
RULED: Final = (*FOR_BUYER, Update.RULED_FOR_SHOP)


def douyin(told: Told) -> Outgoing:
    """`data` of `afterSale/Detail` with the shop beside it."""
    info: dict[str, Any] = {
        "after_sale_id": told.number,
        "after_sale_status": DOUYIN[told.update],
        "after_sale_type": 0 if told.with_return else 1,
        "apply_time": _seconds(told.applied_at),
        "update_time": _seconds(told.at),
        "status_deadline": _seconds(told.at + SOON),
        "reason": told.reason,
        "reason_remark": told.words,
        "after_sale_apply_count": told.quantity,
        "got_pkg": 1,
        "refund_status": 3 if told.update in PAID else 4 if told.update is Update.NOT_PAID else 1,
        "refund_total_amount": told.amount,
        "real_refund_amount": told.amount if told.update in PAID else 0,
    }
    if told.update is Update.NOT_PAID:
        info["refund_fail_reason"] = "商家账户余额不足"
    arbitration: dict[str, Any] = {"arbitrate_status": 0}
    if told.called_in_at is not None:
        arbitration = {
            "arbitrate_id": f"ARB{told.number}",
            "arbitrate_status": 1,
            "arbitrate_create_time": _seconds(told.called_in_at),
        }
    if told.ruled_at is not None:
        arbitration |= {
            "arbitrate_status": 2 if told.update in FOR_BUYER else 3,
            "arbitrate_update_time": _seconds(told.ruled_at),
            "arbitrate_blame": 1 if told.update in FOR_BUYER else 2,
        }
    sent_back = {
        "tracking_no": told.tracking,
        "company_name": "速燕快递",
        "logistics_time": _seconds(told.at),
    }
    line = {
        "sku_order_id": told.line,
        "item_quantity": told.quantity,
        "pay_amount": told.amount,
    }
    back = sent_back if told.update is Update.SENT_BACK else None
    return _record(
        Platform.DOUYIN,
        told,
        {
            "shop_id": told.shop,
            "process_info": {
                "after_sale_info": info,
                "arbitrate_info": arbitration,
                "logistics_info": {"return": back, "exchange": None},
            },
            "order_info": {"shop_order_id": told.order, "sku_order_infos": [line]},
        },
    )


def kuaishou(told: Told) -> Outgoing:
    """`data` of `open.seller.order.refund.detail`, with the ruling that a forwarder adds."""
    fields: dict[str, Any] = {
        "refundId": told.number,
        "oid": told.order,
        "skuId": told.line,
        "sellerId": told.shop,
        "status": KUAISHOU[told.update],
        "handlingWay": 1 if told.with_return else 10,
        "refundFee": told.amount,
        "submitTime": _seconds(told.applied_at) * 1000,
        "updateTime": _seconds(told.at) * 1000,
        "expireTime": _seconds(told.at + SOON) * 1000,
        "productNum": told.quantity,
        "receiptStatus": 2,
        "refundReasonDesc": told.reason,
        "refundDesc": told.words,
        "buyerOpenId": told.buyer,
        "logisticsInfo": {"expressNo": told.tracking} if told.update is Update.SENT_BACK else None,
    }
    if told.ruled_at is not None:
        buyers = told.update in FOR_BUYER
        fields["ruling"] = {
            "id": f"RUL{told.number}",
            "ruled_for": "buyer" if buyers else "shop",
            "at": _seconds(told.ruled_at) * 1000,
            "amount": told.amount if buyers else 0,
        }
    return _record(Platform.KUAISHOU, told, fields)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _record(platform: Platform, told: Told, fields: dict[str, Any]) -> Outgoing:
    value = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    headers = (("platform", platform.value.encode()), ("content-type", b"application/json"))
    return Outgoing("platform-aftersales", told.number.encode(), value, headers)
