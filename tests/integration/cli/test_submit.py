"""Submitting files: counts, repeats, refusals, and what bad input leaves behind: nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from domain.kernel import COMMANDS
from tests.integration.cli.program import (
    LONG_AGO,
    Program,
    complaint,
    contact,
    message,
    on_case,
    order,
    proposal,
    refused,
    write,
)


def test_the_same_file_again_changes_nothing(program: Program, tmp_path: Path) -> None:
    file = write(tmp_path / "in.jsonl", [order("O1"), complaint("A1", "O1"), contact("A1", "c1")])
    first = program.json("submit", file)
    assert (first["lines"], first["accepted"], first["refused"]) == (3, 3, 0)
    assert first["refused_file"] is None
    log = program.log()
    again = program.json("submit", file)
    assert (again["accepted"], again["repeated"], again["refused"]) == (0, 3, 0)
    assert program.log() == log


def test_what_a_rule_refuses_is_told_line_by_line_and_changes_nothing(
    program: Program, tmp_path: Path
) -> None:
    good = [
        order("O1"),
        complaint("A1", "O1"),
        proposal("A1", "p1", "40.00"),
        on_case("case.accept_proposal", "A1", "accept", proposal_id="p1"),
        order("O2"),
        complaint("A2", "O2"),
        on_case("case.withdraw", "A2", "withdraw", by="buyer"),
    ]
    assert program.json("submit", write(tmp_path / "good.jsonl", good))["refused"] == 0
    log = program.log()
    money = {"amount": "40.00", "currency": "CNY"}
    bad = [
        (contact("A9", "b1"), "unknown_case", "case_id"),
        (
            on_case("case.accept_proposal", "A1", "b2", proposal_id="p9"),
            "unknown_proposal",
            "proposal_id",
        ),
        (on_case("case.close", "A1", "b3"), "not_classified", "case_id"),
        (proposal("A2", "b4", "1.00"), "case_ended", "case_id"),
        (proposal("A1", "p2", "100.01"), "refund_exceeds_paid", None),
        (proposal("A1", "p3", "1.00", "USD"), "wrong_currency", None),
        (
            on_case(
                "case.request_refund",
                "A1",
                "b5",
                action_key="k1",
                obligation_id="nothing",
                amounts=[{"line": "L1", "money": money}],
            ),
            "payout_without_ground",
            None,
        ),
        ({**complaint("A1", "O1", text="变了"), "id": "complaint-A1"}, "message_id_reused", "id"),
        (complaint("A5", "O1", at="2099-01-01T00:00:00Z"), "time_in_future", "occurred_at"),
    ]
    file = write(tmp_path / "bad.jsonl", [told for told, _, _ in bad])
    counts = program.json("submit", file, status=1)
    assert (counts["lines"], counts["refused"]) == (len(bad), len(bad))
    found = refused(file)
    assert [entry["line"] for entry in found] == list(range(1, len(bad) + 1))
    assert [entry["code"] for entry in found] == [code for _, code, _ in bad]
    for entry, (told, _, field) in zip(found, bad, strict=True):
        assert field is None or entry["field"] == field, entry
        assert entry["reason"]
        assert json.loads(entry["original"]) == told
    assert program.log() == log


def test_a_second_case_cannot_refund_what_the_first_did(program: Program, tmp_path: Path) -> None:
    first = [
        order("O1"),
        complaint("A1", "O1"),
        proposal("A1", "p1", "80.00"),
        on_case("case.accept_proposal", "A1", "accept", proposal_id="p1"),
    ]
    program.json("submit", write(tmp_path / "first.jsonl", first))
    obligation = program.json("case", "show", "douyin:s1:A1")["state"]["obligations"]
    pay = on_case(
        "case.request_refund", "A1", "pay", action_key="k1", obligation_id=next(iter(obligation))
    )
    money = {"line": "L1", "money": {"amount": "80.00", "currency": "CNY"}}
    paid = message(
        "case.record_refund_succeeded",
        "paid",
        {"case_id": "douyin:s1:A1", "action_key": "k1", "amounts": [money]},
        at=LONG_AGO.replace("01-02", "01-03"),
    )
    end = on_case("case.withdraw", "A1", "end")
    second = [pay, paid, end, complaint("A2", "O1"), proposal("A2", "p1", "20.01")]
    file = write(tmp_path / "second.jsonl", second)
    program.json("submit", file, status=1)
    assert [(entry["line"], entry["code"]) for entry in refused(file)] == [
        (5, "refund_exceeds_paid")
    ]


def test_broken_lines_between_good_ones_do_not_stop_these(program: Program, tmp_path: Path) -> None:
    lines: list[Mapping[str, Any] | bytes] = [order("O1"), b"{", complaint("A1", "O1")]
    file = write(tmp_path / "in.jsonl", [*lines, b"x" * 10_000_000, contact("A1", "c1")])
    counts = program.json("submit", file, status=1)
    assert (counts["lines"], counts["accepted"], counts["refused"]) == (5, 3, 2)
    assert [(entry["line"], entry["code"]) for entry in refused(file)] == [
        (2, "broken_json"),
        (4, "message_too_large"),
    ]
    assert file.with_name("in.jsonl.refused.jsonl").stat().st_size < 10_000


def test_what_was_refused_is_sent_as_new_only_when_asked(program: Program, tmp_path: Path) -> None:
    late = write(tmp_path / "late.jsonl", [contact("A1", "c1"), contact("A1", "c2")])
    program.json("submit", late, status=1)
    program.json("submit", write(tmp_path / "in.jsonl", [order("O1"), complaint("A1", "O1")]))
    assert program.json("submit", late, status=1)["codes"] == {"unknown_case": 2}
    before = program.count()
    counts = program.json("submit", late, "--retry-refused")
    assert (counts["accepted"], counts["refused"]) == (2, 0)
    assert not late.with_name("late.jsonl.refused.jsonl").exists()
    assert program.count() > before
    log = program.log()
    assert program.json("submit", late, "--retry-refused")["repeated"] == 2
    assert program.log() == log


def test_a_run_says_in_words_what_came_of_it(program: Program, tmp_path: Path) -> None:
    file = write(tmp_path / "in.jsonl", [order("O1"), contact("A9", "c1"), b"{"])
    elsewhere = tmp_path / "elsewhere.jsonl"
    out, _ = program.run("submit", file, "--refused", elsewhere, status=1, lang="zh")
    assert "已拒绝" in out
    assert "没有这张售后单。" in out
    assert len(elsewhere.read_text(encoding="utf-8").splitlines()) == 2
    out, err = program.run("submit", tmp_path / "none.jsonl", status=1)
    assert (out, err.count("\n")) == ("", 1)
    assert "does not exist" in err
    _, err = program.run("submit", tmp_path, status=1, lang="zh")
    assert "不是文件" in err


def test_the_schemas_fit_the_messages(program: Program) -> None:
    schema = json.loads(program.run("schema")[0])
    Draft202012Validator.check_schema(schema)
    valid: Any = Draft202012Validator(schema)
    valid.validate(complaint("A1", "O1"))
    valid.validate(order("O1"))
    undated = {k: v for k, v in complaint("A1", "O1").items() if k != "occurred_at"}
    assert not valid.is_valid(undated)
    assert not valid.is_valid({**order("O1"), "type": "case.nonsense"})
    one = json.loads(program.run("schema", "case.add_note")[0])
    assert one["properties"]["type"] == {"const": "case.add_note"}
    listed, _ = program.run("schema", "--list")
    assert all(name in listed for name in COMMANDS)
    listed, _ = program.run("schema", "--list", lang="zh")
    assert "case.file_complaint" in listed
    assert "用户反馈/售后申请" in listed
    _, err = program.run("schema", "case.nonsense", status=1)
    assert "no message type case.nonsense" in err
