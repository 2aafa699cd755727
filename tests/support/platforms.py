"""After-sales as Douyin and Kuaishou tell them, in their own fields."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

APPLIED = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
SHOP, NUMBER, ORDER, LINE = "8801", "146112233445566778", "6935112233445566", "6935112233445567"
CASE = f"douyin:{SHOP}:{NUMBER}"
PAID = 12_900
"""Fen."""


@dataclass(frozen=True)
class Told:
    """A record of the topic. It can be sent, and read."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    topic: str = "platform-aftersales"
    partition: Any = None
    offset: int = 7


def told(platform: str, number: str, fields: dict[str, Any]) -> Told:
    """As it is sent: the platform named by a field."""
    value = json.dumps({"platform": platform, **fields}, ensure_ascii=False).encode()
    return Told(number.encode(), value)


def douyin(
    state: int,
    hours: float,
    *,
    kind: int = 0,
    info: dict[str, Any] | None = None,
    arbitration: dict[str, Any] | None = None,
    sent_back: dict[str, Any] | None = None,
    number: str = NUMBER,
) -> dict[str, Any]:
    """`afterSale/Detail`'s data with the shop beside it, updated so many hours after it was
    applied for."""
    updated = APPLIED + timedelta(hours=hours)
    fields: dict[str, Any] = {
        "shop_id": int(SHOP),
        "process_info": {
            "after_sale_info": {
                "after_sale_id": int(number),
                "after_sale_status": state,
                "after_sale_status_desc": "…",
                "after_sale_type": kind,
                "refund_status": 1,
                "refund_total_amount": PAID,
                "refund_post_amount": 0,
                "real_refund_amount": 0,
                "apply_time": int(APPLIED.timestamp()),
                "update_time": int(updated.timestamp()),
                "status_deadline": int((updated + timedelta(hours=48)).timestamp()),
                "reason": "质量问题",
                "reason_remark": "用了一次就不亮了",
                "after_sale_apply_count": 1,
                "got_pkg": 1,
                "evidence": ["https://example.invalid/1.jpg"],
                **(info or {}),
            },
            "arbitrate_info": {"arbitrate_status": 0, **(arbitration or {})},
            "logistics_info": {"return": sent_back, "exchange": None, "order": []},
            "after_sale_shop_remarks": None,
        },
        "order_info": {
            "shop_order_id": int(ORDER),
            "sku_order_infos": [
                {
                    "sku_order_id": int(LINE),
                    "item_quantity": 1,
                    "pay_amount": PAID,
                    "product_name": "台灯",
                }
            ],
        },
    }
    return deepcopy(fields)


def douyins_life(number: str = NUMBER) -> list[dict[str, Any]]:
    """An application that the shop refuses, the platform called in, its ruling for the buyer, the
    goods sent back, the refund."""
    asked = {"arbitrate_id": "77001", "arbitrate_create_time": int(APPLIED.timestamp()) + 9 * 3600}
    under_way = {**asked, "arbitrate_status": 1}
    ruled = {
        **asked,
        "arbitrate_status": 2,
        "arbitrate_blame": 1,
        "arbitrate_update_time": int(APPLIED.timestamp()) + 30 * 3600,
    }
    parcel = {
        "tracking_no": "SF1234567890123",
        "company_name": "顺丰速运",
        "company_code": "shunfeng",
        "logistics_time": int(APPLIED.timestamp()) + 40 * 3600,
    }
    paid = {"refund_status": 3, "real_refund_amount": PAID}
    return [
        douyin(6, 0, number=number),
        douyin(27, 8, number=number),
        douyin(27, 9, arbitration=under_way, number=number),
        douyin(7, 30, arbitration=ruled, number=number),
        douyin(11, 40, arbitration=ruled, sent_back=parcel, number=number),
        douyin(12, 100, info=paid, arbitration=ruled, sent_back=parcel, number=number),
    ]


def kuaishou(state: int, hours: float, number: str = NUMBER, **more: Any) -> dict[str, Any]:
    """`open.seller.order.refund.detail`'s data."""
    updated = APPLIED + timedelta(hours=hours)
    return {
        "refundId": int(number),
        "oid": int(ORDER),
        "skuId": int(LINE),
        "sellerId": int(SHOP),
        "status": state,
        "handlingWay": 1,
        "refundFee": PAID,
        "refundReason": 12,
        "refundReasonDesc": "商品与描述不符",
        "refundDesc": "颜色不对",
        "negotiateStatus": 1,
        "productNum": 1,
        "receiptStatus": 2,
        "buyerOpenId": "f18d21a0",
        "submitTime": int(APPLIED.timestamp() * 1000),
        "createTime": int(APPLIED.timestamp() * 1000),
        "updateTime": int(updated.timestamp() * 1000) + 120,
        "expireTime": int((updated + timedelta(hours=48)).timestamp() * 1000),
        "endTime": 0,
        "logisticsInfo": None,
        **more,
    }


def kuaishous_life(number: str = NUMBER) -> list[dict[str, Any]]:
    """As Douyin's: refused, disputed, ruled for the buyer, sent back, paid."""
    ruled = {
        "ruling": {
            "id": "D9",
            "ruled_for": "buyer",
            "at": int((APPLIED + timedelta(hours=30)).timestamp() * 1000),
            "amount": PAID,
            "return_first": True,
        }
    }
    sent = {"logisticsInfo": {"expressNo": "YT88001", "expressCode": 4}}
    return [
        kuaishou(10, 0, number),
        kuaishou(12, 8, number),
        kuaishou(20, 9, number),
        kuaishou(30, 30, number, **ruled),
        kuaishou(40, 40, number, **ruled, **sent),
        kuaishou(50, 90, number, **ruled, **sent),
        kuaishou(60, 100, number, **ruled, **sent),
    ]
