"""`casetrail queue`, `breaches`, `suppliers` and `projections` as people and programs see them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len, set_cell_size

from domain.case import events as ev
from domain.case.values import Level, Priority, ProblemType
from domain.sla.events import ClockName
from domain.supplier.events import SupplierRegistered
from infra.cli.app import run
from projections import queue
from tests.databases import Database
from tests.integration.engine.given import (
    World,
    clock,
    days,
    filed,
    hours,
    on_case,
    open_world,
    ordered,
    shipped,
)
from tests.integration.engine.test_queue import refund
from tests.integration.engine.test_suppliers import complaint, liable

Show = Callable[..., str]
ROOT = Path(__file__).resolve().parents[2]
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def world(database: Database) -> Generator[World]:
    with open_world(database.url) as opened:
        yield opened


@pytest.fixture
def show(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Show:
    """Run a command that must succeed, 100 columns wide; what it printed."""
    monkeypatch.setenv("CASETRAIL_DATABASE_URL", database.url)
    monkeypatch.setenv("CASETRAIL_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")

    def shown(*words: str, status: int = 0) -> str:
        assert run(words) == status
        captured = capsys.readouterr()
        return captured.out if status == 0 else captured.err

    return shown


@pytest.fixture
def now(world: World) -> datetime:
    """A moment at which some cases stand as the tests below say."""
    now = datetime.now(UTC).replace(microsecond=0)
    world.given(
        filed("late", now - days(3), severity=Level.HIGH, problems=(ProblemType.DAMAGED,)),
        clock("late", ClockName.FIRST_SOLUTION, now - days(2), now - days(3)),
        filed("soon", now - hours(20), problems=(ProblemType.NO_REASON, ProblemType.OTHER)),
        clock("soon", ClockName.FIRST_RESPONSE, now + hours(4), now - hours(20)),
        *refund("soon", outcome="owed", at=now - hours(20)),
        filed("idle", now - hours(1), shop="旗舰店"),
        filed("failed", now - hours(2), problems=(ProblemType.NOT_AS_DESCRIBED,)),
        on_case("failed", ev.PriorityRaised(priority=Priority.URGENT, as_remedy=False), now),
        *refund("failed", outcome="failed", at=now - hours(1)),
        on_case("soon", ev.CaseAssigned(assignee="小王"), now),
        ordered("O1", supplier="义乌好货", quantity=10),
        shipped("O1", units=10),
        *complaint("bad", "O1", buyer="b", units=2),
        liable("bad", supplier="义乌好货"),
        (
            "supplier:new",
            SupplierRegistered(appraisal_hours=None, defect_ppm=20_000, ships=False),
            now,
        ),
    )
    return now


def queued(shown: str) -> list[str]:
    return [row["case_id"].rpartition(":")[2] for row in json.loads(shown)["queue"]]


def test_the_queue_shows_order_turn_due_and_reasons_in_both_languages(
    show: Show, now: datetime
) -> None:
    due = (now + hours(4)).astimezone(SHANGHAI).strftime("%m-%d %H:%M")
    english = show("queue", "--lang", "en")
    for words in ("Live queue", "douyin:s1:soon", due, "by slack", "5.00 CNY", "payout failed"):
        assert words in english
    chinese = show("queue", "--lang", "zh")
    for words in ("待办队列", "douyin:旗舰店:idle", due, "七天无理由 +1", "核对付款", "退款失败"):
        assert words in chinese
    assert queued(show("queue", "--json")) == ["failed", "soon", "late", "bad", "idle"]


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_are_aligned_and_lose_nothing_in_any_terminal(
    show: Show, monkeypatch: pytest.MonkeyPatch, language: str, columns: int
) -> None:
    shown: dict[int, dict[str, str]] = {}
    for width in (columns, 1000):
        monkeypatch.setenv("COLUMNS", str(width))
        shown[width] = {
            command: show(command, "--lang", language)
            for command in ("queue", "breaches", "suppliers")
        }
    for command, text in shown[columns].items():
        assert max(cell_len(line) for line in text.splitlines()) <= columns
        assert "…" not in text
        said = re.sub(r"[\s─·]", "", text)
        wide = shown[1000][command].splitlines()
        told = [line for line, below in pairwise([*wide, ""]) if not below.startswith("─")]
        for words in " ".join(told).split():
            assert re.sub(r"[─·]", "", words) in said or words == "0"
    header, _, *rows = shown[columns]["queue"].splitlines()[1:]
    title = {"en": "Due", "zh": "到期"}[language]
    start = cell_len(header[: header.index(title)])
    for row in (row for row in rows if not row.startswith("   ")):
        # What stands before the column ends with a blank, however wide its letters are.
        before = set_cell_size(row, start)
        assert before.endswith(" ")
        assert row.startswith(before.rstrip())
        due = row[len(before) :].split()
        assert not due or re.match(r"\d\d-\d\d|[a-z无按退均]", due[0])


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--shop", "旗舰店"], ["idle"]),
        (["--platform", "douyin", "--limit", "2"], ["failed", "soon"]),
        (["--platform", "taobao"], []),
        (["--problem", "no_reason"], ["soon"]),
        (["--priority", "urgent"], ["failed"]),
        (["--turn", "buyer"], []),
        (["--action", "check_payout"], ["failed"]),
        (["--assignee", "小王"], ["soon"]),
        (["--assignee", "-", "--priority", "normal"], ["late", "bad", "idle"]),
        (["--text", "DOUYIN:旗舰"], ["idle"]),
        (["--text", "s1:o1"], ["bad"]),
        (["--text", "%"], []),
        (["--text", "'; drop table queue_v1; --"], []),
    ],
)
def test_the_queue_can_be_filtered(show: Show, words: list[str], names: list[str]) -> None:
    assert queued(show("queue", "--json", *words)) == names


def test_the_queue_can_be_filtered_by_what_is_overdue_and_due_next(
    show: Show, now: datetime
) -> None:
    def before(moment: datetime) -> list[str]:
        return queued(show("queue", "--json", "--due-before", moment.isoformat()))

    assert before(now - days(2)) == []
    assert before(now - days(1)) == ["late"], "what is overdue stays so"
    assert before(now + hours(4)) == ["late"], "a due time itself is not before it"
    assert before(now + hours(4.1)) == ["soon", "late"]


def test_as_of_shows_the_queue_and_the_breaches_of_a_past_moment(show: Show, now: datetime) -> None:
    then = (now - days(2.5)).isoformat()
    assert queued(show("queue", "--json", "--as-of", then)) == ["late", "bad"]
    at = (now - days(2) + timedelta(minutes=1)).astimezone(SHANGHAI).isoformat()
    shown = json.loads(show("breaches", "--json", "--as-of", at))
    (breach,) = shown["breaches"]
    assert datetime.fromisoformat(breach["breached_at"]) == now - days(2)
    assert (breach["clock"], breach["late"], breach["detected_at"]) == ("first_solution", 60, None)
    before = (now - days(2) - timedelta(minutes=1)).isoformat()
    assert json.loads(show("breaches", "--json", "--as-of", before))["breaches"] == []


@pytest.mark.usefixtures("now")
def test_breaches_and_attainment_are_shown_together(show: Show) -> None:
    shown = show("breaches", "--lang", "en")
    for words in (
        "SLA breaches",
        "douyin:s1:late",
        "first solution",
        "not yet",
        "2d00h",
        "no data",
    ):
        assert words in shown
    assert "无数据" in show("breaches", "--lang", "zh")
    (only,) = json.loads(show("breaches", "--json", "--clock", "first_solution"))["attainment"]
    assert (only["met"], only["breached"], only["attainment"]) == (0, 1, "0.0000")


@pytest.mark.usefixtures("now")
def test_a_supplier_without_data_shows_no_data_and_never_a_rate(show: Show) -> None:
    shown = {
        line.split()[0]: line.split() for line in show("suppliers", "--lang", "en").splitlines()[3:]
    }
    assert shown["义乌好货"][1:3] == ["10", "2"]
    assert "200,000" in shown["义乌好货"]
    assert shown["new"][-3:] == ["no", "data", "20,000"]
    assert "%" not in " ".join(shown["new"])
    one = json.loads(show("suppliers", "--json", "--supplier", "义乌好货"))
    assert [(c["product"], c["units"], c["test_defects"]) for c in one["cohorts"]] == [
        ("P1", 10, 1)
    ]
    assert one["suppliers"][0]["ppm"] == "200000.0"


def test_the_status_names_every_read_model_and_its_lag(show: Show, world: World) -> None:
    assert json.loads(show("projections", "status", "--json")) == {"projections": []}
    show("queue")
    world.given(filed("A"))
    found = json.loads(show("projections", "status", "--json"))["projections"]
    assert len(found) == 5
    assert {(one["position"], one["behind"], one["error"]) for one in found} == {(0, 1, None)}
    assert queue.PROJECTION.table in show("projections", "status", "--lang", "zh")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["queue", "--as-of", "2026-01-01T10:00"], "with a zone"),
        (["breaches", "--as-of", "yesterday"], "with a zone"),
        (["queue", "--as-of", "2026-01-01T10:00Z", "--watch"], "cannot be watched"),
        (["queue", "--problem", "nonsense"], "none of: quality_defect"),
        (["queue", "--platform", "nonsense"], "none of: douyin"),
        (["queue", "--turn", "nobody"], "none of: shop"),
        (["queue", "--action", "nonsense"], "none of: check_payout"),
        (["queue", "--priority", "low"], "none of: normal, high, urgent"),
        (["queue", "--due-before", "tomorrow"], "with a zone"),
        (["queue", "--text", " "], "finds nothing"),
        (["queue", "--assignee", "\udcff"], "not in UTF-8"),
        (["breaches", "--clock", "nonsense"], "none of: first_response"),
    ],
)
def test_a_wrong_question_is_a_clear_error(show: Show, words: list[str], told: str) -> None:
    assert told in show(*words, "--lang", "en", status=1)


def test_a_watched_queue_follows_the_log_until_ctrl_c(database: Database, world: World) -> None:
    program = Path(sys.executable).with_name("casetrail")
    command: list[str | Path] = [program, "queue", "--watch", "--json"]
    env = {**os.environ, "CASETRAIL_DATABASE_URL": database.url}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert queued(process.stdout.readline()) == []
        world.given(filed("A"))
        assert any(queued(line) == ["A"] for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_an_empty_log_shows_empty_tables(show: Show) -> None:
    assert "none" in show("queue", "--lang", "en")
    assert show("breaches", "--lang", "zh").count("无") == 2
    shown = show("up", "--once", "--lang", "en")
    assert [words in shown for words in ("Live queue", "SLA breaches", "Suppliers")] == [True] * 3


def test_the_page_about_the_views_says_what_their_comments_say(show: Show) -> None:
    page: Any = (ROOT / "docs" / "views.md").read_text(encoding="utf-8")
    assert show("projections", "describe") == page, "casetrail projections describe > docs/views.md"
