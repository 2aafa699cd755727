"""`kuaishou`: the after-sales export of Kuaishou's back office (快手小店 售后列表).

A state (售后状态) comes as the platform's number or as its words: 10 applied, 12 refused,
20 dispute, 30 awaiting the return, 40 returned, 45 sent by the seller, 50 being executed,
60 refunded, 70 closed. Another one is recorded as the platform's word and ends nothing.
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

STATES: Final = {
    "10": ("待商家处理", "买家已申请", "待处理"),
    "12": ("商家已拒绝", "卖家已拒绝"),
    "20": ("平台介入", "协商纠纷", "平台介入中"),
    "30": ("待买家退货",),
    "40": ("待商家收货", "买家已退货"),
    "45": ("商家已发货", "卖家已发货"),
    "50": ("退款执行中", "退款中"),
    "60": ("退款成功",),
    "70": ("售后关闭", "已关闭"),
}
NUMBERS: Final = {word: number for number, words in STATES.items() for word in (number, *words)}

DEADLINES: Final = {
    "10": ClockName.FIRST_SOLUTION,
    "40": ClockName.INSPECTION,
    "50": ClockName.EXECUTION,
}
STAGES: Final = {
    **dict.fromkeys(("退货退款", "换货", "维修", "补寄"), Stage.DELIVERED),
    **dict.fromkeys(("未发货退款", "仅退款(未发货)", "仅退款（未发货）"), Stage.UNSHIPPED),
}


def requests(row: Row) -> Iterable[Request]:
    """The requests of one after-sale."""
    told = row.need("售后状态")
    number = NUMBERS.get(told)
    return requests_of(
        AfterSale(
            row=row,
            platform=Platform.KUAISHOU,
            number=row.id("售后单号"),
            stage=stage_of(row, STAGES),
            status=STATES[number][0] if number else told,
            closed=number in ("60", "70"),
            deadline=DEADLINES.get(number or ""),
            refunded=number == "60",
            intervened=number == "20",
            awaits_return=number == "30",
        )
    )


MAPPING: Final = FileMapping(
    name="kuaishou",
    about="The after-sales export of Kuaishou's back office (快手小店).",
    required=(
        ("售后单号", "退款单号", "售后编号"),
        ("订单编号", "订单号"),
        ("商品单号", "商品ID", "商品编号"),
        ("售后类型", "退款类型"),
        ("售后状态", "退款状态"),
        ("申请时间", "退款申请时间"),
        ("退款金额", "退款金额(元)", "申请退款金额(元)"),
    ),
    optional=(
        ("店铺ID",),
        ("店铺名称",),
        ("申请件数", "商品数量", "退款数量"),
        ("售后原因", "退款原因"),
        ("售后说明", "退款描述", "退款说明"),
        ("货物状态", "收货状态"),
        ("买家昵称", "快手昵称"),
        ("截止时间", "处理截止时间"),
        ("介入时间",),
        ("退货物流公司", "退货快递公司"),
        ("退货物流单号", "退货快递单号"),
        ("退货发货时间",),
        ("商家收货时间", "退货签收时间"),
        ("退款时间", "退款成功时间"),
        ("完结时间",),
        ("更新时间", "最后更新时间"),
    ),
    requests=requests,
    needs_shop=True,
)
