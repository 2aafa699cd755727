"""Claiming on the command line: the next best case, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.program import Program, complaint, message, write

A, B = "douyin:s1:A", "douyin:s1:B"


@pytest.fixture
def queue(program: Program, tmp_path: Path) -> Program:
    """Two cases wait, A before B."""
    told = [
        complaint("A", "O1", "2026-01-02T03:04:05+08:00"),
        complaint("B", "O2", "2026-01-02T04:04:05+08:00"),
    ]
    program.run("submit", write(tmp_path / "told.jsonl", told))
    return program


def test_a_case_is_claimed_worked_on_and_given_back(queue: Program, tmp_path: Path) -> None:
    claim = queue.json("queue", "claim", "--agent", "li", "--skills", "damaged,lost")
    assert (claim["agent"], claim["token"]) == ("li", 1)
    case = claim["case_id"]
    note = {"case_id": case, "private": {"text": "called"}}
    told = [
        message("case.add_note", "without", note),
        message("case.add_note", "with", note) | {"claim_token": 1},
    ]
    queue.run("submit", write(tmp_path / "notes.jsonl", told), status=1)
    assert "claim_required" in (tmp_path / "notes.jsonl.refused.jsonl").read_text()
    (lease,) = queue.json("queue", "leases", "--agent", "li")["leases"]
    assert (lease["case_id"], lease["token"]) == (case, 1)
    (held,) = (row for row in queue.json("queue")["queue"] if row["case_id"] == case)
    assert held["holder"] == "li"
    shown, _ = queue.run("queue", lang="zh")
    assert "领取人" in shown
    assert "li →" in shown
    queue.run("queue", "release", case, "--agent", "li", "--token", "1")
    assert queue.json("queue", "leases") == {"leases": []}
    assert "领取人" not in queue.run("queue", lang="zh")[0]


def test_what_nobody_may_have_is_refused_in_the_language_asked_for(queue: Program) -> None:
    queue.run("queue", "claim", "--agent", "li", "--case", A)
    _, err = queue.run("queue", "claim", "--agent", "chen", "--case", A, status=1)
    assert "(case_held)" in err
    queue.run("queue", "claim", "--agent", "chen")
    out, err = queue.run("queue", "claim", "--agent", "zhao", status=1, lang="zh")
    assert out == ""
    assert err.endswith("被拒绝（no_case_fits）：没有合适且无人领取的售后单。\n")
    _, err = queue.run("queue", "claim", "--agent", "a b", status=1)
    assert "agent cannot be 'a b'" in err
    _, err = queue.run("queue", "--shop", "s2", "claim", "--agent", "li", status=1)
    assert "Options stand behind the command" in err
    _, err = queue.run("queue", "claim", "--agent", "li", "--skills", "magic", status=1)
    assert "magic is none of" in err


def test_a_case_is_handed_over_renewed_and_taken_by_a_supervisor(queue: Program) -> None:
    claimed, _ = queue.run("queue", "claim", "--agent", "li", "--case", A, lang="zh")
    assert claimed.startswith(f"li 已领取 {A}")
    queue.run("queue", "hand-over", A, "--agent", "li", "--token", "1", "--to", "chen")
    _, err = queue.run("queue", "renew", A, "--agent", "li", "--token", "1", status=1)
    assert "(stale_claim_token)" in err
    queue.run("queue", "renew", A, "--agent", "chen", "--token", "2")
    queue.run("queue", "override", A, "--by", "wang", "--reason", "ill", "--to", "li")
    (lease,) = queue.json("queue", "leases")["leases"]
    assert (lease["agent"], lease["token"]) == ("li", 3)
    shown, _ = queue.run("queue", "leases", lang="zh")
    assert "领取时刻" in shown
    history, _ = queue.run("case", "history", A, lang="zh")
    for words in ("领取", "转交", "领取续期", "主管收回"):
        assert words in history
