"""What Douyin's and Kuaishou's after-sales exports have in common: one row, one after-sale.

A row becomes a complaint (once), then facts: the platform's own state, its deadline, the parcel
sent back, the intervention, and the refund that the platform carried out. Each has an id of its
own made of the after-sale's number and of what it says, so that a later export of the same
after-sale adds only what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consumers.mapping import Row
from domain.case.commands import (
    AgreeReturnAddress,
    CaseCommandBase,
    FileComplaint,
    LineMoney,
    RecordIntervention,
    RecordPlatformDeadline,
    RecordPlatformStatus,
    RecordRefundSucceeded,
    RecordReturnReceived,
    RecordReturnShipped,
)
from domain.case.values import Channel, ItemClaim, Party, ProblemType, Stage
from domain.kernel import Actor, ActorKind, Platform, Private, Role
from domain.request import Malformed, Request
from domain.sla.events import ClockName

CURRENCY: Final = "CNY"

REASONS: Final[tuple[tuple[ProblemType, tuple[str, ...]], ...]] = (
    (ProblemType.NO_REASON, ("七天无理由", "7天无理由", "无理由")),
    (ProblemType.SERVICE_ATTITUDE, ("服务态度", "态度")),
    (ProblemType.LOST, ("丢件", "丢失", "未收到货", "签收但未收到", "快递无跟踪")),
    (ProblemType.DELAYED, ("未按约定时间发货", "延迟", "一直未送到", "物流太慢", "未发货")),
    (ProblemType.WRONG_ITEM, ("发错", "错发", "不是我买的")),
    (ProblemType.MISSING_ITEM, ("少件", "漏发", "少发", "缺件", "空包")),
    (ProblemType.DAMAGED, ("破损", "压坏", "漏液", "污渍")),
    (ProblemType.SIZE_FIT, ("尺码", "大小不合适", "尺寸不合", "不合身")),
    (ProblemType.NOT_AS_DESCRIBED, ("与描述不符", "描述不符", "与商品不符", "假货", "图片不符")),
    (ProblemType.QUALITY_DEFECT, ("质量", "瑕疵", "做工", "故障", "变质", "过敏")),
    (ProblemType.RETURN_DISPUTE, ("退货问题", "换货问题", "退换货", "拒收")),
    (ProblemType.CHANGED_MIND, ("不想要", "多拍", "拍错", "不喜欢", "效果不好", "地址写错")),
)
"""The platforms' reasons by words that they contain, the first that fits; else `other`. The
reason itself stays in the complaint's words."""


@dataclass(frozen=True)
class AfterSale:
    """One after-sale as a platform's export tells it.

    closed: the platform regards it as ended. deadline: which of our clocks the platform's own
    deadline is for, None if it is nobody's of ours. refunded: the status says the money is paid.
    awaits_return: the buyer was told where to send the goods.
    """

    row: Row
    platform: Platform
    number: str
    stage: Stage | None
    status: str
    closed: bool
    deadline: ClockName | None
    refunded: bool
    intervened: bool
    awaits_return: bool

    @property
    def case_id(self) -> str:
        return f"{self.platform}:{self.shop}:{self.number}"

    @property
    def shop(self) -> str:
        row = self.row
        for column in ("店铺ID", "店铺名称"):
            if row.text(column):
                return row.name(column)
        if not row.setting.shop:
            raise Malformed("field_missing", "The row names no shop.", "店铺ID")
        return row.setting.shop

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.SYSTEM, id=self.platform.value, role=Role.PLATFORM)

    def ask(self, what: str, command: CaseCommandBase, at: datetime) -> Request:
        """A request of this after-sale. Its id has its time: what the platform dates anew is
        another telling, and whoever decides knows whether it says anything new."""
        dated = "" if what == "complaint" else f"/{at:%Y%m%d%H%M%S}"
        return self.row.ask(f"{self.case_id}/{what}{dated}", command, self.actor, at)


def requests_of(sale: AfterSale) -> Iterator[Request]:
    """The complaint, then the facts in the order in which they can have happened."""
    row = sale.row
    applied_at = row.time("申请时间")
    changed_at = row.time_or_none("更新时间") or row.time_or_none("完结时间") or applied_at
    yield sale.ask("complaint", _complaint(sale), applied_at)
    if sale.deadline is not None and (due_at := row.time_or_none("截止时间")) is not None:
        deadline = RecordPlatformDeadline.model_validate(
            {"case_id": sale.case_id, "clock": sale.deadline.value, "due_at": due_at}
        )
        yield sale.ask(f"deadline/{deadline.clock}/{due_at:%Y%m%d%H%M%S}", deadline, changed_at)
    yield from _return(sale, changed_at)
    if sale.intervened:
        intervention = RecordIntervention(case_id=sale.case_id, called_by=Party.BUYER)
        yield sale.ask("intervention", intervention, row.time_or_none("介入时间") or changed_at)
    if sale.refunded:
        refunded_at = row.time_or_none("退款时间") or row.time("完结时间")
        yield sale.ask("refund", _refund(sale), refunded_at)
    status = RecordPlatformStatus(case_id=sale.case_id, status=sale.status, ended=sale.closed)
    yield sale.ask(f"status/{sale.status}", status, changed_at)


def _complaint(sale: AfterSale) -> FileComplaint:
    row = sale.row
    reason = row.text("售后原因")
    words = " ".join(filter(None, (reason, row.text("售后说明"))))
    item = ItemClaim(
        line=row.id("商品单号"), quantity=row.count("申请件数", 1), problem=problem_of(reason)
    )
    return FileComplaint(
        case_id=sale.case_id,
        order_id=f"{sale.platform}:{sale.shop}:{row.id('订单编号')}",
        channel=Channel.PLATFORM,
        stage=sale.stage,
        items=(item,),
        private=Private(text=words or None, buyer=row.text("买家昵称") or None),
    )


def _return(sale: AfterSale, changed_at: datetime) -> Iterator[Request]:
    """The address, agreed on in the back office before the buyer could post; the parcel."""
    row, case_id = sale.row, sale.case_id
    return_id = f"R{sale.number}"
    tracking = row.text("退货物流单号")
    if not (tracking or sale.awaits_return):
        return
    agreed = AgreeReturnAddress(
        case_id=case_id, return_id=return_id, items=(1,), packaging_asked_for=False
    )
    if not tracking:
        yield sale.ask("return_agreed", agreed, changed_at)
        return
    shipped_at = row.time("退货发货时间")
    yield sale.ask("return_agreed", agreed, shipped_at)
    shipped = RecordReturnShipped(
        case_id=case_id,
        return_id=return_id,
        carrier=row.text("退货物流公司") or None,
        tracking=tracking,
        proof_of_posting=True,
    )
    yield sale.ask("return_shipped", shipped, shipped_at)
    if (received_at := row.time_or_none("商家收货时间")) is not None:
        received = RecordReturnReceived(case_id=case_id, return_id=return_id)
        yield sale.ask("return_received", received, received_at)


def _refund(sale: AfterSale) -> RecordRefundSucceeded:
    amount = LineMoney(line=sale.row.id("商品单号"), money=sale.row.amount("退款金额", CURRENCY))
    return RecordRefundSucceeded(
        case_id=sale.case_id, action_key=sale.number, amounts=(amount,), by=Party.PLATFORM
    )


def problem_of(reason: str) -> ProblemType:
    """The problem type that a platform's reason means."""
    for problem, words in REASONS:
        if any(word in reason for word in words):
            return problem
    return ProblemType.OTHER


def stage_of(row: Row, stages: Mapping[str, Stage]) -> Stage | None:
    """How far the goods were: by the goods' own column if there is one, else by the kind of
    after-sale; None leaves it to what is known of the order."""
    for word, stage in GOODS.items():
        if word in row.text("货物状态"):
            return stage
    kind = row.need("售后类型")
    return next((stage for word, stage in stages.items() if word == kind), None)


GOODS: Final = {
    "未发货": Stage.UNSHIPPED,
    "未收到": Stage.IN_TRANSIT,
    "运输中": Stage.IN_TRANSIT,
    "已收到": Stage.DELIVERED,
    "已签收": Stage.DELIVERED,
}
