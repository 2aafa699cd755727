"""JSON Lines: each line is a request or has its own error, and the next lines go on."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from consumers import Messages, Piece, Unusable

NOTE: dict[str, Any] = {
    "type": "case.add_note",
    "id": "m1",
    "actor": {"kind": "person", "id": "li", "role": "agent"},
    "data": {"case_id": "douyin:s1:AS1", "private": {"text": "你好"}},
}
FACT: dict[str, Any] = {
    **NOTE,
    "type": "case.record_evaluation",
    "occurred_at": "2026-01-02T03:04:05+08:00",
    "data": {"case_id": "douyin:s1:AS1", "rating": "positive"},
}


def refund(amount: Any, currency: str = "CNY") -> dict[str, Any]:
    amounts = [{"line": "L1", "money": {"amount": amount, "currency": currency}}]
    data = {"case_id": "douyin:s1:AS1", "action_key": "k", "obligation_id": "o", "amounts": amounts}
    return {**NOTE, "type": "case.request_refund", "data": data}


def read(folder: Path, *lines: bytes) -> list[Piece]:
    file = folder / "in.jsonl"
    file.write_bytes(b"\n".join(lines))
    return list(Messages(file).pieces())


def line(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def test_each_line_becomes_a_request_that_names_its_place(tmp_path: Path) -> None:
    first, second = read(tmp_path, line({**NOTE, "claim_token": 7}), b"", line(FACT))
    assert first.requests[0].message_id == "m1"
    assert first.requests[0].origin == "in.jsonl:1"
    assert [piece.requests[0].claim_token for piece in (first, second)] == [7, None]
    assert second.line == 3
    assert second.requests[0].command.TYPE == "case.record_evaluation"


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        (b'{"type": "case.add_note"', "broken_json", ""),
        (b"[1, 2]", "broken_json", ""),
        (b"[" * 100_000, "broken_json", ""),
        (line({**NOTE, "type": "case.nonsense"}), "unknown_type", "type"),
        (line({**NOTE, "nonsense": 1}), "field_unknown", "nonsense"),
        (line({**NOTE, "claim_token": 0}), "field_invalid", "claim_token"),
        (line({**NOTE, "claim_token": "1"}), "field_invalid", "claim_token"),
        (line({k: v for k, v in NOTE.items() if k != "actor"}), "field_missing", "actor"),
        (line({**NOTE, "data": {**NOTE["data"], "x": 1}}), "field_unknown", "data.x"),
        (
            line({**NOTE, "data": {"case_id": "AS1", "private": {}}}),
            "field_invalid",
            "data.case_id",
        ),
        (
            line({**FACT, "data": {**FACT["data"], "rating": "grim"}}),
            "value_unknown",
            "data.rating",
        ),
        (line({**FACT, "occurred_at": None}), "field_missing", "occurred_at"),
        (line({**FACT, "occurred_at": "2026-01-02T03:04:05"}), "time_without_zone", "occurred_at"),
        (line(refund("-1")), "money_negative", "data.amounts.0.money.amount"),
        (line(refund("1.234")), "money_over_precise", "data.amounts.0.money"),
        (line(refund(1.5)), "money_not_exact", "data.amounts.0.money.amount"),
        (line(refund("NaN")), "money_not_finite", "data.amounts.0.money.amount"),
        (line(refund("1", "yuan")), "field_invalid", "data.amounts.0.money.currency"),
        (line(refund("1")).replace(b'"1"', b"NaN"), "broken_json", ""),
        (line(NOTE).replace("你好".encode(), b"\\u0000"), "field_invalid", "data.private.text"),
        (line(NOTE).replace("你好".encode(), b"\\ud800"), "broken_json", ""),
        (line(NOTE).replace("你好".encode(), "你好".encode("gb18030")), "wrong_encoding", ""),
    ],
)
def test_a_bad_line_has_its_clear_error_and_the_next_goes_on(
    tmp_path: Path, message: bytes, code: str, field: str
) -> None:
    bad, good = read(tmp_path, message, line(NOTE))
    assert bad.problem is not None
    assert (bad.problem.code, bad.problem.field) == (code, field)
    assert bad.problem.message
    assert bad.requests == ()
    assert good.problem is None


def test_a_line_of_ten_megabytes_is_refused_without_being_held(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    with file.open("wb") as out:
        out.write(b'{"type": "' + b"x" * 10_000_000 + b'"}\n' + line(NOTE) + b"\n")
    tracemalloc.start()
    huge, good = Messages(file).pieces()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert huge.problem is not None
    assert huge.problem.code == "message_too_large"
    assert len(huge.original) < 2_000
    assert (good.problem, good.line) == (None, 2)
    assert peak < 6_000_000


def test_a_byte_order_mark_and_windows_line_ends_are_taken(tmp_path: Path) -> None:
    pieces = read(tmp_path, b"\xef\xbb\xbf" + line(NOTE) + b"\r", line(FACT) + b"\r")
    assert [piece.problem for piece in pieces] == [None, None]


def test_what_is_no_file_of_messages_is_refused_whole(tmp_path: Path) -> None:
    def why(path: Path) -> str:
        with pytest.raises(Unusable) as refusal:
            list(Messages(path).pieces())
        return refusal.value.code

    empty, blank, utf16 = tmp_path / "empty", tmp_path / "blank", tmp_path / "utf16"
    empty.touch()
    blank.write_bytes(b"\n \n")
    utf16.write_text(json.dumps(NOTE), encoding="utf-16")
    assert why(tmp_path / "none") == "file_not_found"
    assert why(tmp_path) == "not_a_file"
    assert why(empty) == "empty_file"
    assert why(blank) == "empty_file"
    assert why(utf16) == "wrong_encoding"
