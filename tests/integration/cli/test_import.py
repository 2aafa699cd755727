"""Importing what back offices export: GB18030, XLSX, and files that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copyfile

import pytest

from tests.integration.cli.program import Program, refused

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture
def douyin(tmp_path: Path) -> Path:
    return Path(copyfile(DATA / "douyin_aftersales.csv", tmp_path / "douyin.csv"))


def test_a_douyin_export_becomes_cases_and_facts_once(program: Program, douyin: Path) -> None:
    out, err = program.run("import", douyin, "--mapping", "douyin", lang="zh")
    assert "已接受" in out
    assert "Asia/Shanghai" in err
    log = program.log()
    again = program.json("import", douyin, "--mapping", "douyin")
    assert (again["lines"], again["repeated"]) == (10, 10)
    assert program.log() == log
    shown = program.json("case", "show", "douyin:xh1:7180006")["state"]
    assert shown["platform_status"] == "平台处理中"
    assert shown["intervened"] is True
    assert list(shown["returns"]) == ["R7180006"]
    assert [one["kind"] for one in shown["divergences"].values()] == []


def test_a_kuaishou_workbook_needs_its_shop_named(program: Program, tmp_path: Path) -> None:
    file = Path(copyfile(DATA / "kuaishou_aftersales.xlsx", tmp_path / "kuaishou.xlsx"))
    _, err = program.run("import", file, "--mapping", "kuaishou", status=1)
    assert "--shop" in err
    assert program.count() == 0
    counts = program.json("import", file, "--mapping", "kuaishou", "--shop", "ks1")
    assert (counts["lines"], counts["accepted"]) == (8, 8)
    state = program.json("case", "show", "kuaishou:ks1:KS24110002")["state"]
    assert state["filed_at"] == "2025-11-05T12:15:00Z"
    assert state["clocks"]["first_solution#1"]["due_at"] == "2025-11-07T12:15:00Z"


def test_a_bad_row_is_refused_with_its_column_and_the_others_go_on(
    program: Program, douyin: Path
) -> None:
    text = douyin.read_bytes().decode("gb18030")
    text = text.replace("2025-11-05 21:40:02,2025-11-07", "昨天,2025-11-07", 1)
    text = text.replace("¥129.00", "-¥129.00", 1)
    douyin.write_bytes(text.encode("gb18030"))
    counts = program.json("import", douyin, "--mapping", "douyin", status=1)
    assert (counts["accepted"], counts["refused"]) == (8, 2)
    found = refused(douyin)
    assert [(one["line"], one["field"], one["code"]) for one in found] == [
        (2, "退款金额", "money_negative"),
        (3, "申请时间", "time_unreadable"),
    ]
    assert found[0]["original"]["退款金额（元）"] == "-¥129.00"


def test_what_cannot_be_imported_says_why_and_changes_nothing(
    program: Program, douyin: Path, tmp_path: Path
) -> None:
    empty, other, fake = tmp_path / "empty.csv", tmp_path / "other.csv", tmp_path / "fake.xlsx"
    empty.touch()
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    fake.write_bytes(b"PK\x03\x04 and so on")
    for words, why in (
        ((douyin, "--mapping", "taobao"), "no mapping taobao; there are: douyin, kuaishou"),
        ((tmp_path / "none.csv", "--mapping", "douyin"), "does not exist"),
        ((tmp_path, "--mapping", "douyin"), "is not a file"),
        ((empty, "--mapping", "douyin"), "is empty"),
        ((other, "--mapping", "douyin"), "has no column 售后编号, 订单编号"),
        ((fake, "--mapping", "douyin"), "is not an XLSX workbook"),
        ((douyin, "--mapping", "douyin", "--encoding", "utf-8"), "cannot be read"),
        ((douyin, "--mapping", "douyin", "--encoding", "klingon"), "is not one of"),
        ((douyin, "--mapping", "douyin", "--zone", "Mars/Base"), "is not a time zone"),
        ((douyin, "--mapping", "douyin", "--shop", "a b"), "cannot be the name of a shop"),
        ((douyin, "--mapping", "douyin", "--refused", douyin), "is the file itself"),
    ):
        out, err = program.run("import", *words, status=1)
        assert out == ""
        assert why in err.splitlines()[-1]
    assert program.count() == 0


def test_what_was_refused_lies_where_it_was_asked_for(program: Program, douyin: Path) -> None:
    elsewhere = douyin.with_name("elsewhere.jsonl")
    elsewhere.write_text("old", encoding="utf-8")
    out, _ = program.run("import", douyin, "--mapping", "douyin", "--refused", elsewhere, "--json")
    assert json.loads(out)["refused"] == 0
    assert elsewhere.read_text(encoding="utf-8") == ""
    assert not douyin.with_name("douyin.csv.refused.jsonl").exists()
