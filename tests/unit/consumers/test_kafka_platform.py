"""What Douyin's and Kuaishou's after-sales ask for, whatever the order of their messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers import kafka_platform_douyin
from consumers.kafka_platform_kuaishou import ENDED
from consumers.kafka_topics import PLATFORM_TOPIC
from consumers.mappings.kuaishou import DEADLINES, STATES
from consumers.sample import Message
from domain.case import commands as cmd
from domain.case.state import Case
from domain.case.values import Liable, Party, ProblemType, RefundStatus, RulingFor, Stage
from domain.kernel import Actor, ActorKind, Role
from domain.order.commands import RecordOrder
from domain.request import Malformed, Request
from tests.support.platforms import (
    APPLIED,
    CASE,
    LINE,
    NUMBER,
    ORDER,
    PAID,
    SHOP,
    Told,
    douyin,
    douyins_life,
    kuaishou,
    kuaishous_life,
    told,
)
from tests.unit.consumers.test_sample import Log

LATER = APPLIED + timedelta(days=30)
FACTS = {
    "case.record_platform_deadline": "deadline",
    "case.record_intervention": "intervention",
    "case.record_ruling": "ruling",
    "case.agree_return_address": "return_agreed",
    "case.record_return_shipped": "return_shipped",
    "case.record_refund_succeeded": "paid",
    "case.record_refund_failed": "failed",
}


def asked(platform: str, fields: dict[str, Any]) -> list[Request]:
    return list(PLATFORM_TOPIC.translate(told(platform, NUMBER, fields)))


def facts(platform: str, fields: dict[str, Any]) -> list[str]:
    """What is told beside the complaint, which comes first, and the state, which comes last."""
    requests = asked(platform, fields)
    assert isinstance(requests[0].command, cmd.FileComplaint)
    assert isinstance(requests[-1].command, cmd.RecordPlatformStatus)
    return [FACTS[request.command.TYPE] for request in requests[1:-1]]


def only(kind: type[Any], requests: Iterable[Request]) -> Any:
    (found,) = [request.command for request in requests if isinstance(request.command, kind)]
    return found


def status(platform: str, fields: dict[str, Any]) -> tuple[str, bool]:
    found = only(cmd.RecordPlatformStatus, asked(platform, fields))
    return found.status, found.ended


# ------------------------------------------------------------------------- Douyin


def test_douyins_application_is_a_complaint_with_its_order_line_and_deadline() -> None:
    complaint, deadline, state = asked("douyin", douyin(6, 0))
    filed = complaint.command
    assert isinstance(filed, cmd.FileComplaint)
    assert (filed.case_id, filed.order_id) == (CASE, f"douyin:{SHOP}:{ORDER}")
    assert [(i.line, i.quantity, i.problem) for i in filed.items] == [
        (LINE, 1, ProblemType.QUALITY_DEFECT)
    ]
    assert filed.stage is Stage.DELIVERED
    assert filed.private is not None
    assert filed.private.text == "质量问题 用了一次就不亮了"
    assert complaint.occurred_at == APPLIED
    due = deadline.command
    assert isinstance(due, cmd.RecordPlatformDeadline)
    assert (due.clock, due.due_at) == ("first_solution", APPLIED + timedelta(hours=48))
    assert state.actor.role == "platform"
    assert state.source == "kafka:/douyin"
    assert state.origin == "platform-aftersales/None/7"


@pytest.mark.parametrize(
    ("state", "words", "ended", "beside"),
    [
        (6, "待商家处理", False, ["deadline"]),
        (7, "待买家退货", False, ["return_agreed"]),
        (8, "待商家发货", False, ["deadline"]),
        (11, "待商家收货", False, ["deadline"]),
        (12, "售后成功", True, []),
        (13, "待买家收货", False, []),
        (14, "换货成功", True, []),
        (27, "商家拒绝申请", False, []),
        (28, "售后关闭", True, []),
        (29, "商家拒绝退货", False, []),
        (51, "订单取消成功", True, []),
        (53, "售后完结", True, []),
        (99, "状态99", False, []),
    ],
)
def test_each_state_of_douyin_is_told_in_its_words_and_with_what_it_means(
    state: int, words: str, ended: bool, beside: list[str]
) -> None:
    assert status("douyin", douyin(state, 1)) == (words, ended)
    assert facts("douyin", douyin(state, 1)) == beside


@pytest.mark.parametrize(
    ("kind", "got_pkg", "stage"),
    [
        (0, 1, Stage.DELIVERED),
        (1, 0, Stage.IN_TRANSIT),
        (1, 1, Stage.DELIVERED),
        (1, None, None),
        (2, 0, Stage.UNSHIPPED),
        (3, 1, Stage.DELIVERED),
        (7, 1, Stage.DELIVERED),
        (8, 1, Stage.DELIVERED),
        (6, 1, None),
    ],
)
def test_douyins_type_says_how_far_the_goods_were(
    kind: int, got_pkg: int | None, stage: Stage | None
) -> None:
    fields = douyin(6, 0, kind=kind, info={"got_pkg": got_pkg})
    assert only(cmd.FileComplaint, asked("douyin", fields)).stage is stage


def test_douyins_refund_is_what_was_really_paid() -> None:
    part = douyin(12, 2, info={"refund_status": 3, "real_refund_amount": 5_005})
    paid = only(cmd.RecordRefundSucceeded, asked("douyin", part))
    assert (paid.action_key, paid.by) == (NUMBER, Party.PLATFORM)
    assert [(a.line, a.money.amount) for a in paid.amounts] == [(LINE, "50.05")]
    whole = douyin(12, 2, info={"refund_status": 3})
    paid = only(cmd.RecordRefundSucceeded, asked("douyin", whole))
    assert paid.amounts[0].money.minor == PAID


def test_a_refund_over_several_lines_is_split_by_what_was_paid_for_them() -> None:
    fields = douyin(12, 2, info={"refund_status": 3, "real_refund_amount": 10_000})
    lines = [{"sku_order_id": n, "item_quantity": n, "pay_amount": n * 100} for n in (1, 2)]
    fields["order_info"]["sku_order_infos"] = lines
    paid = only(cmd.RecordRefundSucceeded, asked("douyin", fields))
    assert [(a.line, a.money.minor) for a in paid.amounts] == [("1", 3_333), ("2", 6_667)]
    filed = only(cmd.FileComplaint, asked("douyin", fields))
    assert [(item.line, item.quantity) for item in filed.items] == [("1", 1), ("2", 2)]


def test_douyins_refund_that_failed_is_told_with_its_reason() -> None:
    fields = douyin(12, 2, info={"refund_status": 4, "refund_fail_reason": "账户余额不足"})
    failed = only(cmd.RecordRefundFailed, asked("douyin", fields))
    assert (failed.action_key, failed.reason) == (NUMBER, "账户余额不足")


@pytest.mark.parametrize("state", [1, 4, 5, 255])
def test_while_douyin_arbitrates_it_has_been_called_in(state: int) -> None:
    arbitration = {"arbitrate_status": state, "arbitrate_create_time": 1_793_500_000}
    fields = douyin(27, 9, arbitration=arbitration)
    assert facts("douyin", fields) == ["intervention"]
    (called,) = [r for r in asked("douyin", fields) if r.command.TYPE == "case.record_intervention"]
    assert called.occurred_at == datetime.fromtimestamp(1_793_500_000, UTC)


@pytest.mark.parametrize(
    ("state", "blame", "ruled_for", "shares"),
    [
        (2, 1, RulingFor.BUYER, [(Liable.MERCHANT, 100)]),
        (2, 3, RulingFor.BUYER, [(Liable.MERCHANT, 50), (Liable.BUYER, 50)]),
        (2, 4, RulingFor.BUYER, [(Liable.PLATFORM, 100)]),
        (2, 5, RulingFor.BUYER, []),
        (3, 2, RulingFor.SHOP, [(Liable.BUYER, 100)]),
        (3, 0, RulingFor.SHOP, []),
    ],
)
def test_douyins_ruling_says_for_whom_and_who_is_to_blame(
    state: int, blame: int, ruled_for: RulingFor, shares: list[tuple[Liable, int]]
) -> None:
    arbitration = {"arbitrate_status": state, "arbitrate_blame": blame, "arbitrate_id": "77"}
    ruled = only(cmd.RecordRuling, asked("douyin", douyin(27, 9, arbitration=arbitration)))
    assert (ruled.ruling_id, ruled.ruled_for) == ("77", ruled_for)
    found = [(s.party, s.percent) for item in ruled.liability for s in item.shares]
    assert found == shares
    owed = [amount.money.minor for amount in ruled.amounts]
    buyers = ruled_for is RulingFor.BUYER
    assert (owed, ruled.after_return) == ([PAID] if buyers else [], buyers)


def test_without_goods_to_send_back_a_ruling_is_owed_at_once() -> None:
    fields = douyin(27, 9, kind=1, arbitration={"arbitrate_status": 2})
    assert not only(cmd.RecordRuling, asked("douyin", fields)).after_return


# ----------------------------------------------------------------------- Kuaishou


@pytest.mark.parametrize(
    ("state", "words", "ended", "beside"),
    [
        (10, "待商家处理", False, ["deadline"]),
        (12, "商家已拒绝", False, []),
        (20, "平台介入", False, ["intervention"]),
        (30, "待买家退货", False, ["return_agreed"]),
        (40, "待商家收货", False, ["deadline", "return_agreed", "return_shipped"]),
        (45, "商家已发货", False, []),
        (50, "退款执行中", False, ["deadline"]),
        (60, "退款成功", True, ["paid"]),
        (70, "售后关闭", True, []),
        (99, "状态99", False, []),
    ],
)
def test_each_state_of_kuaishou_is_told_in_its_words_and_with_what_it_means(
    state: int, words: str, ended: bool, beside: list[str]
) -> None:
    assert status("kuaishou", kuaishou(state, 1)) == (words, ended)
    assert facts("kuaishou", kuaishou(state, 1)) == beside


def test_kuaishous_application_is_a_complaint_of_its_seller_with_the_buyers_words() -> None:
    complaint = asked("kuaishou", kuaishou(10, 0))[0]
    filed = complaint.command
    assert isinstance(filed, cmd.FileComplaint)
    assert filed.case_id == f"kuaishou:{SHOP}:{NUMBER}"
    assert filed.items[0].problem is ProblemType.NOT_AS_DESCRIBED
    assert filed.private is not None
    assert (filed.private.text, filed.private.buyer) == ("商品与描述不符 颜色不对", "f18d21a0")
    assert complaint.occurred_at == APPLIED


@pytest.mark.parametrize(
    ("way", "receipt", "stage"),
    [(1, 1, Stage.DELIVERED), (10, 1, Stage.IN_TRANSIT), (10, 2, Stage.DELIVERED), (10, 0, None)],
)
def test_kuaishous_way_and_receipt_say_how_far_the_goods_were(
    way: int, receipt: int, stage: Stage | None
) -> None:
    fields = kuaishou(10, 0, handlingWay=way, receiptStatus=receipt)
    assert only(cmd.FileComplaint, asked("kuaishou", fields)).stage is stage


def test_kuaishous_ruling_comes_in_our_own_form() -> None:
    ruled = only(cmd.RecordRuling, asked("kuaishou", kuaishous_life()[3]))
    assert (ruled.ruling_id, ruled.ruled_for, ruled.after_return) == ("D9", RulingFor.BUYER, True)
    assert ruled.amounts[0].money.minor == PAID


# --------------------------------------------------------------------- bad records


def without(fields: dict[str, Any], path: str) -> dict[str, Any]:
    *above, name = path.split(".")
    at = fields
    for step in above:
        at = at[step]
    del at[name]
    return fields


def put(fields: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *above, name = path.split(".")
    at = fields
    for step in above:
        at = at[step]
    at[name] = value
    return fields


INFO = "process_info.after_sale_info"
WRONG_OF_DOUYIN: list[tuple[str, Any, str]] = [
    (f"{INFO}.apply_time", 0, "field_missing"),
    (f"{INFO}.update_time", 1_793_500_000_000, "field_invalid"),
    (f"{INFO}.status_deadline", "soon", "field_invalid"),
    (f"{INFO}.refund_total_amount", -1, "field_invalid"),
    (f"{INFO}.after_sale_id", "a b", "field_invalid"),
    ("order_info.sku_order_infos", [], "field_invalid"),
]
WRONG_OF_KUAISHOU: list[tuple[str, Any, str, str]] = [
    ("submitTime", 1_793_500_000, "field_invalid", "submitTime"),
    ("submitTime", 0, "field_missing", "submitTime"),
    ("refundFee", "12.50", "field_invalid", "refundFee"),
    ("productNum", 0, "field_invalid", "productNum"),
    ("ruling", {"id": "1", "ruled_for": "nobody", "at": 1}, "value_unknown", "ruling.ruled_for"),
]


@pytest.mark.parametrize(
    ("record", "code", "field"),
    [
        (Told(b"1", None), "tombstone", ""),
        (Told(b"1", b"{"), "broken_json", ""),
        (Told(b"1", b"[]"), "broken_json", ""),
        (Told(b"1", b" " * 1024 * 1025), "message_too_large", ""),
        (Told(b"1", b"{}"), "field_missing", "platform"),
        (Told(b"1", b'{"platform": "amazon"}'), "value_unknown", "platform"),
        (Told(b"1", b'{"platform": "taobao"}'), "value_unknown", "platform"),
        (
            Told(b"1", b'{"platform": "douyin"}', (("platform", b"kuaishou"),)),
            "value_unknown",
            "platform",
        ),
        (replace(told("douyin", NUMBER, douyin(6, 0)), key=None), "key_missing", "key"),
        (told("douyin", "another", douyin(6, 0)), "wrong_key", "key"),
        *(
            (told("douyin", NUMBER, without(douyin(6, 0), path)), "field_missing", path)
            for path in (
                "shop_id",
                "order_info",
                "order_info.shop_order_id",
                f"{INFO}.after_sale_id",
                f"{INFO}.after_sale_status",
                f"{INFO}.update_time",
            )
        ),
        *(
            (told("douyin", NUMBER, put(douyin(6, 0), path, value)), code, path)
            for path, value, code in WRONG_OF_DOUYIN
        ),
        *(
            (told("kuaishou", NUMBER, without(kuaishou(10, 0), name)), "field_missing", name)
            for name in ("refundId", "oid", "skuId", "sellerId", "status", "updateTime")
        ),
        *(
            (told("kuaishou", NUMBER, put(kuaishou(10, 0), name, value)), code, field)
            for name, value, code, field in WRONG_OF_KUAISHOU
        ),
    ],
)
def test_a_record_that_breaks_the_contract_says_which_field(
    record: Told, code: str, field: str
) -> None:
    with pytest.raises(Malformed) as refused:
        PLATFORM_TOPIC.translate(record)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_the_header_may_name_the_platform() -> None:
    value = json.dumps(kuaishou(10, 0)).encode()
    sent = Told(NUMBER.encode(), value, (("platform", b"kuaishou"), ("trace", b"x")))
    assert PLATFORM_TOPIC.translate(sent)


def test_what_a_platform_adds_is_passed_over() -> None:
    more = put(douyin(6, 0), "process_info.after_sale_info.new_field", {"deep": [1]})
    assert [r.message_id for r in asked("douyin", more)] == [
        r.message_id for r in asked("douyin", douyin(6, 0))
    ]


@pytest.mark.parametrize("platform", ["douyin", "kuaishou"])
def test_null_is_nothing(platform: str) -> None:
    if platform == "douyin":
        fields = douyin(27, 1)
        for name in ("status_deadline", "reason_remark", "real_refund_amount", "got_pkg"):
            put(fields, f"{INFO}.{name}", None)
        put(fields, "process_info.arbitrate_info", None)
    else:
        fields = kuaishou(12, 1, expireTime=None, refundDesc=None, buyerOpenId=None, ruling=None)
    filed = only(cmd.FileComplaint, asked(platform, fields))
    assert facts(platform, fields) == []
    assert filed.private is not None
    assert filed.private.text
    missing = put(douyin(6, 0), "shop_id", None)
    with pytest.raises(Malformed, match="shop_id"):
        asked("douyin", missing)


def test_the_page_about_platforms_says_what_each_state_means() -> None:
    page = (Path(__file__).parents[3] / "docs" / "platforms.md").read_text(encoding="utf-8")
    _, of_douyin, of_kuaishou = re.split(r"^## (?:Douyin|Kuaishou).*$", page, flags=re.MULTILINE)
    rows = {
        (number, words, clock, bool(ended))
        for part in (of_douyin, of_kuaishou)
        for number, words, clock, ended in re.findall(
            r"^\| (\d+) \| (\S+)[^|]*\| (\w*) ?\| (\w*) ?\|$", part, re.MULTILINE
        )
    }
    douyins = {
        (str(number), state.words, state.clock or "", state.ended)
        for number, state in kafka_platform_douyin.STATES.items()
    }
    kuaishous = {
        (number, words[0], DEADLINES.get(number) or "", int(number) in ENDED)
        for number, words in STATES.items()
    }
    assert rows == douyins | kuaishous


# ------------------------------------------------------------- again, and in any order

LIVES = {"douyin": douyins_life(), "kuaishou": kuaishous_life()}


def messages(platform: str, told_: Iterable[dict[str, Any]]) -> list[Message]:
    """As the pipeline takes them: each id once."""
    found: dict[str, Message] = {}
    for fields in told_:
        for request in asked(platform, fields):
            assert request.occurred_at is not None
            again = Message(
                told_at=LATER,
                id=request.message_id,
                command=request.command,
                actor=request.actor,
                occurred_at=request.occurred_at,
            )
            first = found.setdefault(request.message_id, again)
            assert (first.command, first.occurred_at) == (again.command, again.occurred_at)
    return list(found.values())


def case_of(log: Log) -> Case:
    (found,) = log.cases
    return found


@pytest.mark.parametrize("platform", LIVES)
def test_an_after_sale_goes_through_to_its_ruling_and_refund(platform: str) -> None:
    log = Log(messages(platform, LIVES[platform]), LATER)
    case = case_of(log)
    assert log.refused == []
    assert case.platform_ended
    assert [ruling.ruled_for for ruling in case.rulings] == [RulingFor.BUYER]
    (refund,) = case.refunds.values()
    assert (refund.amount, refund.status) == (PAID, RefundStatus.SUCCEEDED)
    assert case.returns[f"R{NUMBER}"].tracking
    assert not case.intervened


def test_a_complaint_that_its_order_contradicts_is_refused_and_the_facts_stay() -> None:
    money = {"amount": "1.00", "currency": "CNY"}
    line = {"line": "other", "product": "p", "category": "c", "quantity": 1, "price": money}
    order = RecordOrder.model_validate(
        {"order_id": f"douyin:{SHOP}:{ORDER}", "currency": "CNY", "lines": [line]}
    )
    erp = Actor(kind=ActorKind.SYSTEM, id="erp", role=Role.SERVICE)
    placed = Message(APPLIED, "order", order, erp, APPLIED)
    log = Log([placed, *messages("douyin", [douyin(6, 0)])], LATER)
    assert [code for _, code, _ in log.refused] == ["unknown_line"]
    case = log.states[f"case:{CASE}"]
    assert isinstance(case, Case)
    assert case.platform_status == "待商家处理"
    assert [found.next_action for found in case.open_divergences] == ["file_complaint"]


def outcome(log: Log) -> tuple[Any, ...]:
    case = case_of(log)
    (order,) = log.orders
    return (
        case.platform_status,
        case.platform_ended,
        case.platform_status_at,
        case.intervened,
        {key: (refund.amount, refund.status) for key, refund in case.refunds.items()},
        {(ruling.ruling_id, ruling.ruled_for) for ruling in case.rulings},
        {key: (entry.lines, entry.status) for key, entry in order.refunds.items()},
    )


@pytest.mark.parametrize("platform", LIVES)
@settings(max_examples=60)
@given(data=st.data())
def test_messages_in_any_order_and_told_again_come_to_the_same_state_and_refunds(
    platform: str, data: st.DataObject
) -> None:
    life = LIVES[platform]
    shuffled = data.draw(st.permutations(life))
    again = data.draw(st.lists(st.sampled_from(life), max_size=4))
    in_order = Log(messages(platform, life), LATER)
    found = Log(messages(platform, [*shuffled, *again]), LATER)
    assert outcome(found) == outcome(in_order)
    # Facts are never refused; an address that comes late may be.
    assert {code for _, code, _ in found.refused} <= {"return_agreed_already", "case_ended"}
