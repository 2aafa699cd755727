"""Amounts, times, numbers and names as people and back offices write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from consumers.written import (
    clean,
    mend,
    name_id,
    read_amount,
    read_count,
    read_id,
    read_time,
    round_amount,
)
from domain.request import Malformed

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("written", "minor"),
    [
        ("¥1,299.00", 129900),
        ("￥39.5", 3950),
        ("89元", 8900),
        ("CNY 12.30", 1230),
        ("rmb 5", 500),
        ("１２．３０", 1230),
        ("0", 0),
        ("1,234,567.89", 123456789),
        ("100人民币", 10000),
    ],
)
def test_an_amount_is_read_as_it_is_written(written: str, minor: int) -> None:
    assert read_amount(written, "CNY", "退款金额").minor == minor


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("-5", "money_negative"),
        ("¥-5.00", "money_negative"),
        ("-¥5.00", "money_negative"),
        ("(5.00)", "money_negative"),
        ("12.345", "money_over_precise"),
        ("$12.00", "wrong_currency"),
        ("USD 12", "wrong_currency"),
        ("1.299,00", "amount_unreadable"),
        ("1,29", "amount_unreadable"),
        ("NaN", "amount_unreadable"),
        ("Infinity", "amount_unreadable"),
        ("1e3", "amount_unreadable"),
        ("免单", "amount_unreadable"),
        ("9999999999999", "money_too_large"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused_under_its_column(
    written: str, code: str
) -> None:
    with pytest.raises(Malformed) as refusal:
        read_amount(written, "CNY", "退款金额")
    assert refusal.value.code == code
    assert refusal.value.field == "退款金额"


def test_an_amount_that_was_a_binary_fraction_is_rounded_to_cents() -> None:
    assert round_amount("199.9900055", "USD", "total").amount == "199.99"
    assert round_amount("244.8999939", "USD", "total").amount == "244.90"
    assert round_amount("0.125", "USD", "total").amount == "0.13"
    with pytest.raises(Malformed, match="not an amount"):
        round_amount("nan", "USD", "total")


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-02 03:04:05",
        "2026/1/2 3:04:05",
        "2026年1月2日 03:04:05",
        "2026.01.02 03:04:05",
        "２０２６-01-02 03:04:05",
        "2026-01-02T03:04:05.123",
        "2026-01-01T19:04:05Z",
        "2026-01-01T20:04:05+01:00",
        "2026-01-01T13:34:05-0530",
    ],
)
def test_a_local_time_is_of_the_zone_unless_it_names_an_offset(written: str) -> None:
    assert read_time(written, SHANGHAI, "申请时间") == datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)


def test_an_american_date_puts_the_month_first() -> None:
    read = read_time("4/1/2016 21:05", SHANGHAI, "ordered_at", "mdy")
    assert read == datetime(2016, 4, 1, 13, 5, tzinfo=UTC)


def test_a_time_that_the_clocks_skipped_is_refused() -> None:
    with pytest.raises(Malformed) as refusal:
        read_time("2026-03-29 02:30:00", BERLIN, "申请时间")
    assert refusal.value.code == "time_in_gap"


def test_a_time_that_the_clocks_showed_twice_is_the_first() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert read_time("2026-10-25 02:30:00", BERLIN, "申请时间") == first


@pytest.mark.parametrize(
    "written",
    ["2026-01-02", "", "yesterday", "2026-13-02 00:00:00", "2026-02-30 00:00:00", "45678"],
)
def test_what_is_no_date_and_time_is_refused(written: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_time(written, SHANGHAI, "申请时间")
    assert refusal.value.code == "time_unreadable"


def test_a_count_is_a_positive_whole_number() -> None:
    assert read_count("３", "件数") == 3
    for written in ("0", "-1", "1.5", "100001", "两件"):
        with pytest.raises(Malformed) as refusal:
            read_count(written, "件数")
        assert refusal.value.code == "count_unreadable"


def test_a_long_number_that_a_spreadsheet_shortened_is_refused() -> None:
    for written in ("6.917E+18", "1.23456789012346E+18", "1e+20"):
        with pytest.raises(Malformed) as refusal:
            read_id(written, "订单编号")
        assert refusal.value.code == "number_lost_digits"
    assert read_id("6917000000000000101", "订单编号") == "6917000000000000101"
    with pytest.raises(Malformed):
        read_id("a b", "订单编号")


def test_a_cell_loses_what_a_spreadsheet_put_around_it() -> None:
    assert clean("6917000000000000101\t") == "6917000000000000101"
    assert clean("'0012") == "0012"
    assert clean('="0012"') == "0012"
    assert clean("  ") == ""


def test_a_name_of_several_words_becomes_one_id() -> None:
    assert name_id("Health and Beauty ", "department") == "Health-and-Beauty"
    assert name_id("a: b", "department") == "a-b"


def test_text_once_taken_for_latin_1_is_put_right() -> None:
    assert mend("MÃ©xico") == "México"
    assert mend("HaitÃ\xad") == "Haití"
    assert mend("Turquía") == "Turquía"
    assert mend("中国") == "中国"
    assert mend("Canada") == "Canada"
