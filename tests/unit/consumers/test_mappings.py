"""Each mapping, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from consumers import MAPPINGS, FileMapping, Import, Piece, Row, Setting
from consumers.mappings.after_sale import problem_of
from domain.case.commands import (
    AddNote,
    CloseCase,
    FileComplaint,
    RecordContact,
    RecordPlatformDeadline,
    RecordPlatformStatus,
    RecordRefundSucceeded,
    ReopenCase,
)
from domain.case.values import Party, ProblemType, Stage
from domain.kernel import Private
from domain.order.commands import RecordOrder, RecordShipment, RecordShipmentOutcome
from domain.request import Malformed, Request

DATA = Path(__file__).resolve().parents[2] / "data"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def mapping(name: str) -> FileMapping:
    return next(known for known in MAPPINGS if known.name == name)


def ask(name: str, *rows: Mapping[str, str], shop: str = "") -> list[list[Request]]:
    """The requests of each row of one group."""
    known = mapping(name)
    setting = Setting(known.source, "test.csv", SHANGHAI, shop)
    group = [Row(number, cells, setting) for number, cells in enumerate(rows, 2)]
    for place, row in enumerate(group):
        row.group, row.place = group, place
    return [list(known.requests(row)) for row in group]


def types(requests: Sequence[Request]) -> list[str]:
    return [request.command.TYPE for request in requests]


def test_no_two_mappings_have_a_name_and_each_says_what_it_is_for() -> None:
    assert len({known.name for known in MAPPINGS}) == len(MAPPINGS)
    assert all(known.about.endswith(".") for known in MAPPINGS)


# ------------------------------------------------------------------ order_lines

LINE = {
    "order_id": "31299",
    "order_item_id": "78239",
    "ordered_at": "4/1/2016 21:05",
    "shipped_at": "4/6/2016 21:05",
    "days_scheduled": "4",
    "days_real": "5",
    "delivery_status": "Shipping on time",
    "order_status": "COMPLETE",
    "product_id": "1073",
    "product_name": "Pelican Sunstream 100 Kayak",
    "category": "Water Sports",
    "department": "Fan Shop ",
    "quantity": "2",
    "total": "175.9900055",
    "market": "LATAM",
    "country": "MÃ©xico",
    "customer_id": "6109",
}


def test_an_order_is_told_once_with_all_its_lines() -> None:
    other = {**LINE, "order_item_id": "78240", "total": "10.0"}
    first, second = ask("order_lines", LINE, other)
    assert types(first) == ["order.record_order", "order.record_shipment"]
    assert types(second) == ["order.record_shipment"]
    order = first[0].command
    assert isinstance(order, RecordOrder)
    assert [line.line for line in order.lines] == ["78239", "78240"]
    assert [line.price.minor for line in order.lines] == [17599, 1000]
    assert order.lines[0].supplier == "Fan-Shop"
    assert order.lines[0].category == "Water-Sports"
    assert first[0].occurred_at == datetime(2016, 4, 1, 13, 5, tzinfo=UTC)
    shipment = first[1].command
    assert isinstance(shipment, RecordShipment)
    assert shipment.units == {"78239": 2}
    assert first[1].occurred_at == datetime(2016, 4, 6, 13, 5, tzinfo=UTC)


def test_a_late_delivery_is_a_complaint_of_delay() -> None:
    ((*_, complaint),) = ask("order_lines", {**LINE, "delivery_status": "Late delivery"})
    command = complaint.command
    assert isinstance(command, FileComplaint)
    assert command.items[0].problem is ProblemType.DELAYED
    assert command.items[0].quantity == 2
    assert complaint.occurred_at == datetime(2016, 4, 6, 13, 5, tzinfo=UTC)
    assert isinstance(command.private, Private)
    assert command.private.address == "México, LATAM"
    assert command.private.buyer == "6109"


@pytest.mark.parametrize(
    ("status", "problem"),
    [("CANCELED", ProblemType.CHANGED_MIND), ("SUSPECTED_FRAUD", ProblemType.OTHER)],
)
def test_a_cancelled_shipment_is_called_back_and_complained_about(
    status: str, problem: ProblemType
) -> None:
    cancelled = {**LINE, "delivery_status": "Shipping canceled", "order_status": status}
    ((_, _, outcome, complaint),) = ask("order_lines", cancelled)
    assert isinstance(outcome.command, RecordShipmentOutcome)
    assert outcome.command.outcome == "cancelled"
    assert isinstance(complaint.command, FileComplaint)
    assert complaint.command.items[0].problem is problem


def test_an_unknown_delivery_status_is_refused() -> None:
    with pytest.raises(Malformed) as refusal:
        ask("order_lines", {**LINE, "delivery_status": "Beamed"})
    assert (refusal.value.code, refusal.value.field) == ("value_unknown", "delivery_status")


# ----------------------------------------------------------------- helpdesk_log


def ticket(*activities: str) -> list[list[Request]]:
    start = datetime(2012, 4, 3, 16, 55, 38)
    rows = [
        {
            "CaseID": "2",
            "ActivityID": activity,
            "CompleteTimestamp": str(start + timedelta(hours=number)),
        }
        for number, activity in enumerate(activities)
    ]
    return ask("helpdesk_log", *rows)


def test_a_ticket_is_filed_taken_in_charge_waits_and_is_closed() -> None:
    filed, taken, waiting, closed = ticket("1", "8", "9", "6")
    assert types(filed) == ["case.file_complaint"]
    assert filed[0].occurred_at == datetime(2012, 4, 3, 8, 55, 38, tzinfo=UTC)
    assert isinstance(taken[0].command, RecordContact)
    assert isinstance(waiting[0].command, AddNote)
    assert types(closed) == ["case.classify", "case.close"]
    assert isinstance(closed[1].command, CloseCase)


def test_a_ticket_taken_in_charge_after_its_closing_is_reopened() -> None:
    *_, again, closed = ticket("1", "8", "6", "8", "6")
    assert isinstance(again[0].command, ReopenCase)
    assert types(again) == ["case.reopen", "case.record_contact"]
    assert types(closed) == ["case.classify", "case.close"]


def test_a_ticket_graded_or_closed_again_and_the_rarer_steps_are_notes() -> None:
    rows = ticket("1", "1", "6", "6", "9", "3")
    assert [types(row) for row in rows[1:]] == [
        ["case.add_note"],
        ["case.classify", "case.close"],
        ["case.add_note"],
        ["case.add_note"],
        ["case.add_note"],
    ]


def test_what_precedes_the_filing_is_asked_for_all_the_same() -> None:
    assert [types(row) for row in ticket("3", "1")] == [["case.add_note"], ["case.file_complaint"]]


def test_a_row_that_stands_twice_is_one_request_told_twice() -> None:
    row = {"CaseID": "2", "ActivityID": "6", "CompleteTimestamp": "2012-04-05 17:15:52"}
    filed = {**row, "ActivityID": "1", "CompleteTimestamp": "2012-04-03 16:55:38"}
    _, first, second = ask("helpdesk_log", filed, row, row)
    assert [(r.message_id, r.command, r.occurred_at) for r in first] == [
        (r.message_id, r.command, r.occurred_at) for r in second
    ]


# ------------------------------------------------------- Douyin and Kuaishou


def by_number(name: str, file: str, **options: str) -> dict[str, list[Request]]:
    pieces: list[Piece] = list(Import(DATA / file, mapping(name), **options).pieces())
    assert [piece.problem for piece in pieces if piece.problem] == []
    return {piece.requests[0].message_id.split("/")[0]: list(piece.requests) for piece in pieces}


def test_the_douyin_export_is_read_whole() -> None:
    sales = by_number("douyin", "douyin_aftersales.csv")
    assert len(sales) == 10
    returned = sales["douyin:xh1:7180001"]
    assert types(returned) == [
        "case.file_complaint",
        "case.agree_return_address",
        "case.record_return_shipped",
        "case.record_return_received",
        "case.record_refund_succeeded",
        "case.record_platform_status",
    ]
    complaint = returned[0].command
    assert isinstance(complaint, FileComplaint)
    assert complaint.order_id == "douyin:xh1:6917000000000000101"
    assert complaint.stage is Stage.DELIVERED
    assert complaint.items[0].problem is ProblemType.NO_REASON
    assert returned[0].occurred_at == datetime(2025, 11, 3, 2, 12, 30, tzinfo=UTC)
    refund = returned[4].command
    assert isinstance(refund, RecordRefundSucceeded)
    assert refund.by is Party.PLATFORM
    assert refund.amounts[0].money.minor == 12900
    deadline = sales["douyin:xh1:7180002"][1].command
    assert isinstance(deadline, RecordPlatformDeadline)
    assert deadline.clock == "first_solution"
    assert deadline.due_at == datetime(2025, 11, 7, 13, 40, 2, tzinfo=UTC)
    assert "case.record_intervention" in types(sales["douyin:xh1:7180006"])
    assert all(key.startswith("douyin:xh2:") for key in list(sales)[-2:])


def test_the_kuaishou_export_is_read_whole() -> None:
    sales = by_number("kuaishou", "kuaishou_aftersales.xlsx", shop="ks1")
    assert len(sales) == 8
    states = {
        number.rpartition(":")[2]: (status.status, status.ended)
        for number, requests in sales.items()
        if isinstance(status := requests[-1].command, RecordPlatformStatus)
    }
    assert states["KS24110001"] == ("退款成功", True)
    assert states["KS24110002"] == ("待商家处理", False)
    assert states["KS24110006"] == ("售后关闭", True)
    assert "case.record_intervention" in types(sales["kuaishou:ks1:KS24110004"])


SALE = {
    "售后编号": "1",
    "订单编号": "O1",
    "商品单号": "L1",
    "售后类型": "未发货仅退款",
    "售后状态": "待商家处理",
    "申请时间": "2025-11-03 10:00:00",
    "退款金额": "¥10.00",
}


def test_a_later_export_of_an_after_sale_adds_only_what_is_new() -> None:
    (before,) = ask("douyin", {**SALE, "更新时间": "2025-11-03 10:00:00"}, shop="s1")
    after = {**SALE, "售后状态": "退款成功", "更新时间": "2025-11-04 10:00:00"}
    ((*now,),) = ask("douyin", {**after, "退款时间": "2025-11-04 09:59:00"}, shop="s1")
    assert now[0] == before[0]
    assert {r.message_id for r in now} & {r.message_id for r in before} == {before[0].message_id}


def test_a_state_that_nobody_knows_yet_is_the_platforms_word() -> None:
    ((*_, status),) = ask("douyin", {**SALE, "售后状态": "极速退款审核中"}, shop="s1")
    assert isinstance(status.command, RecordPlatformStatus)
    assert (status.command.status, status.command.ended) == ("极速退款审核中", False)


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        (
            {"退款金额": "-1", "售后状态": "退款成功", "退款时间": "2025-11-04 10:00:00"},
            "money_negative",
            "退款金额",
        ),
        ({"售后状态": "退款成功"}, "field_missing", "完结时间"),
        ({"退货物流单号": "SF1"}, "field_missing", "退货发货时间"),
        ({"订单编号": "6.917E+18"}, "number_lost_digits", "订单编号"),
        ({"申请时间": ""}, "field_missing", "申请时间"),
        ({"申请件数": "0"}, "count_unreadable", "申请件数"),
    ],
)
def test_a_bad_cell_is_refused_under_its_column(
    changed: dict[str, str], code: str, field: str
) -> None:
    with pytest.raises(Malformed) as refusal:
        ask("douyin", {**SALE, **changed}, shop="s1")
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_a_platforms_reason_becomes_a_problem_type() -> None:
    assert problem_of("七天无理由退货") is ProblemType.NO_REASON
    assert problem_of("商品质量问题") is ProblemType.QUALITY_DEFECT
    assert problem_of("颜色/图案/款式与描述不符") is ProblemType.NOT_AS_DESCRIBED
    assert problem_of("物流显示签收但未收到货") is ProblemType.LOST
    assert problem_of("其他") is ProblemType.OTHER
