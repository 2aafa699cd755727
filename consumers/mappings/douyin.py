"""`douyin`: the after-sales export of Douyin's back office (抖店 售后工作台).

Kinds (售后类型) come as words or as the platform's numbers: 0 return and refund, 1 refund only of
shipped goods, 2 refund only of unshipped ones, 3 exchange, 7 reship, 8 repair. A state (售后状态)
that is not listed below is recorded as the platform's word and ends nothing: platforms change
their words at short notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from consumers.mapping import FileMapping, Row
from consumers.mappings.after_sale import AfterSale, requests_of, stage_of
from domain.case.values import Stage
from domain.kernel import Platform
from domain.request import Request
from domain.sla.events import ClockName

STAGES: Final = {
    **dict.fromkeys(("退货退款", "0"), Stage.DELIVERED),
    **dict.fromkeys(("未发货仅退款", "仅退款(未发货)", "仅退款（未发货）", "2"), Stage.UNSHIPPED),
    **dict.fromkeys(("换货", "3", "补寄", "7", "维修", "8"), Stage.DELIVERED),
}
"""`已发货仅退款` (1) leaves open whether the goods have arrived."""

DEADLINES: Final = {
    "待商家处理": ClockName.FIRST_SOLUTION,
    "待商家收货": ClockName.INSPECTION,
    "退款中": ClockName.EXECUTION,
    "换货待商家发货": ClockName.EXECUTION,
    "补寄待商家发货": ClockName.EXECUTION,
}
"""For which of the shop's clocks the state's deadline (status_deadline) is meant."""

REFUNDED: Final = frozenset({"退款成功", "同意退款，退款成功", "同意退款,退款成功"})
CLOSED: Final = REFUNDED | {
    "售后成功",
    "售后关闭",
    "买家撤销",
    "售后已取消",
    "换货成功",
    "补寄成功",
}
NOT_INTERVENED: Final = frozenset({"", "-", "无", "未介入", "0"})


def requests(row: Row) -> Iterable[Request]:
    """The requests of one after-sale."""
    status = row.need("售后状态")
    return requests_of(
        AfterSale(
            row=row,
            platform=Platform.DOUYIN,
            number=row.id("售后编号"),
            stage=stage_of(row, STAGES),
            status=status,
            closed=status in CLOSED,
            deadline=DEADLINES.get(status),
            refunded=status in REFUNDED,
            intervened=row.text("平台介入状态") not in NOT_INTERVENED,
            awaits_return=status == "待买家退货",
        )
    )


MAPPING: Final = FileMapping(
    name="douyin",
    about="The after-sales export of Douyin's back office (抖店).",
    required=(
        ("售后编号", "售后单号", "售后单编号"),
        ("订单编号", "订单号", "主订单编号"),
        ("商品单号", "子订单编号", "商品单编号"),
        ("售后类型",),
        ("售后状态",),
        ("申请时间", "售后申请时间"),
        ("退款金额", "退款金额(元)", "售后金额(元)"),
    ),
    optional=(
        ("店铺ID", "店铺编号"),
        ("店铺名称",),
        ("申请件数", "售后数量", "商品数量"),
        ("售后原因", "申请原因"),
        ("售后说明", "问题描述", "买家留言"),
        ("货物状态", "收货状态"),
        ("买家昵称", "用户昵称"),
        ("截止时间", "售后截止时间", "状态截止时间", "逾期时间"),
        ("平台介入状态", "仲裁状态"),
        ("介入时间", "平台介入时间"),
        ("退货物流公司",),
        ("退货物流单号",),
        ("退货发货时间", "买家发货时间"),
        ("商家收货时间", "退货签收时间"),
        ("退款时间", "退款成功时间"),
        ("完结时间", "售后完结时间"),
        ("更新时间", "最近更新时间"),
    ),
    requests=requests,
    needs_shop=True,
)
