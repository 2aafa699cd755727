"""The two real data sets, imported whole, against plain counts over the files themselves.

What is expected is worked out here from the files' text alone, by the rules as documented in
consumers/mappings/{order_lines,helpdesk_log}.py and docs: nothing of the program is used.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from infra.postgres import Server
from tests.databases import fresh_database
from tests.integration.cli.program import Program

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
MOMENTS = ("2011-06-01T00:00:00+08:00", "2016-05-01T00:00:00+08:00")

pytestmark = pytest.mark.xdist_group("shared_data")

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Imported:
    """Both files in one database. counts: what the program said of each."""

    program: Program
    files: dict[str, Path]
    counts: dict[str, Any]

    def rows(self, name: str) -> Rows:
        with self.files[name].open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def imported(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Imported]:
    missing = [n for n in ("order_lines", "helpdesk_log") if not (SHARED / f"{n}.csv").exists()]
    if missing:
        pytest.skip(f"NOT TESTED: {', '.join(missing)}.csv is not in {SHARED}")
    folder = tmp_path_factory.mktemp("shared")
    files = {name: folder / f"{name}.csv" for name in ("order_lines", "helpdesk_log")}
    for name, file in files.items():
        copyfile(SHARED / f"{name}.csv", file)
    with fresh_database(postgres_server) as database:
        program = Program(database.url, folder / "home")
        counts = {
            "order_lines": program.json("import", files["order_lines"], "--mapping", "order_lines"),
            "helpdesk_log": program.json(
                "import", files["helpdesk_log"], "--mapping", "helpdesk_log", status=1
            ),
        }
        yield Imported(program, files, counts)


def topics(program: Program) -> Counter[tuple[str, str]]:
    """How many events of each kind each shop has."""
    with psycopg.connect(program.url) as conn:
        found = conn.execute(
            "SELECT split_part(originator_id, ':', 3), topic, count(*) FROM stored_events"
            " GROUP BY 1, 2"
        ).fetchall()
    return Counter({(shop, topic): number for shop, topic, number in found})


def test_each_order_line_is_accounted_for(imported: Imported) -> None:
    rows, counts = imported.rows("order_lines"), imported.counts["order_lines"]
    status = Counter(row["delivery_status"] for row in rows)
    complaints = status["Late delivery"] + status["Shipping canceled"]
    orders = len({row["order_id"] for row in rows})
    assert counts["lines"] == counts["accepted"] == len(rows)
    assert counts["requests"]["accepted"] == (
        len(rows) + orders + complaints + status["Shipping canceled"]
    )
    found = topics(imported.program)
    assert found["dataco", "order.order_recorded.v1"] == orders
    assert found["dataco", "order.order_corrected.v1"] == 0
    assert found["dataco", "order.shipment_recorded.v1"] == len(rows)
    assert found["dataco", "order.shipment_outcome_recorded.v1"] == status["Shipping canceled"]
    assert found["dataco", "case.complaint_filed.v1"] == complaints


def test_shipped_units_agree_with_a_plain_count(imported: Imported) -> None:
    expected: Counter[str] = Counter()
    for row in imported.rows("order_lines"):
        if row["delivery_status"] != "Shipping canceled":
            expected["-".join(row["department"].split())] += int(row["quantity"])
    suppliers = imported.program.json("suppliers")["suppliers"]
    assert {one["supplier"]: one["units"] for one in suppliers} == expected


def tickets(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = defaultdict(list)
    for row in rows:
        found[row["CaseID"]].append(row)
    return found


def test_each_activity_of_the_help_desk_is_accounted_for(imported: Imported) -> None:
    rows, counts = imported.rows("helpdesk_log"), imported.counts["helpdesk_log"]
    unfiled = repeated = 0
    for ticket in tickets(rows).values():
        activities = [row["ActivityID"] for row in ticket]
        first = activities.index("1") if "1" in activities else len(ticket)
        unfiled += first
        told = [tuple(row.values()) for row in ticket[first:]]
        repeated += len(told) - len(set(told))
    assert counts["lines"] == len(rows)
    assert counts["refused"] == unfiled
    assert set(counts["codes"]) == {"unknown_case"}
    assert counts["repeated"] == repeated
    assert counts["accepted"] == len(rows) - unfiled - repeated
    filed = sum(any(row["ActivityID"] == "1" for row in t) for t in tickets(rows).values())
    assert topics(imported.program)["helpdesk", "case.complaint_filed.v1"] == filed


def test_importing_both_again_changes_nothing(imported: Imported) -> None:
    program, files = imported.program, imported.files
    log = program.log()
    again = program.json("import", files["order_lines"], "--mapping", "order_lines")
    assert (again["accepted"], again["repeated"]) == (0, again["lines"])
    again = program.json("import", files["helpdesk_log"], "--mapping", "helpdesk_log", status=1)
    assert again["accepted"] == 0
    assert again["refused"] == imported.counts["helpdesk_log"]["refused"]
    assert program.log() == log


# ----------------------------------------- the queue and breaches at past times


@dataclass(frozen=True)
class Round:
    """start: filed or reopened. contacts: the shop's messages. end: closed, or None."""

    start: datetime
    contacts: tuple[datetime, ...]
    end: datetime | None


def rounds(ticket: Rows, at: datetime) -> list[Round]:
    """What had happened of a ticket by `at`: 1 files it, 8 is a contact and opens it again,
    6 closes it."""
    found: list[Round] = []
    for row in ticket:
        moment = datetime.fromisoformat(row["CompleteTimestamp"]).replace(tzinfo=SHANGHAI)
        activity = row["ActivityID"]
        if moment > at or (not found and activity != "1"):
            continue
        last = found[-1] if found else None
        if last is None:
            found.append(Round(moment, (), None))
        elif activity == "8" and last.end is not None:
            found.append(Round(moment, (moment,), None))
        elif activity == "8":
            found[-1] = Round(last.start, (*last.contacts, moment), None)
        elif activity == "6" and last.end is None:
            found[-1] = Round(last.start, last.contacts, moment)
    return found


def late_lines(rows: Rows, at: datetime) -> Iterator[tuple[str, Round]]:
    """The complaints of the order lines: nobody ever answers them."""
    for row in rows:
        shipped = datetime.strptime(row["shipped_at"], "%m/%d/%Y %H:%M").replace(tzinfo=SHANGHAI)
        late = row["delivery_status"] in ("Late delivery", "Shipping canceled")
        if late and shipped <= at:
            yield f"other:dataco:L{row['order_item_id']}", Round(shipped, (), None)


def cases_at(imported: Imported, at: datetime) -> dict[str, list[Round]]:
    found = {case_id: [one] for case_id, one in late_lines(imported.rows("order_lines"), at)}
    for number, ticket in tickets(imported.rows("helpdesk_log")).items():
        if known := rounds(ticket, at):
            found[f"other:helpdesk:T{number}"] = known
    return found


def breaches_of(one: Round, at: datetime) -> Iterator[tuple[str, datetime]]:
    """Due times that passed unmet before the round's end: a response and a solution in a day
    (no solution is ever proposed), and a message every day."""
    until = one.end or at
    answered = min([*one.contacts, until])
    if one.start + DAY < answered or (one.start + DAY <= at and not one.contacts and not one.end):
        yield "first_response", one.start + DAY
    if one.start + DAY < until or (one.start + DAY <= at and not one.end):
        yield "first_solution", one.start + DAY
    marks = sorted({one.start, *one.contacts})
    for mark, next_mark in zip(marks, [*marks[1:], until], strict=True):
        due = mark + DAY
        while due < next_mark or (due <= at and next_mark is until and not one.end):
            yield "progress_update", due
            due += DAY


def next_due(one: Round, at: datetime) -> datetime:
    """The earliest due time that has not passed yet."""
    last = max([one.start, *one.contacts])
    periods = (at - last) // DAY + 1
    dues = [last + periods * DAY, one.start + DAY]
    return min(due for due in dues if due > at)


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_breaches_at_a_past_time_are_those_worked_out_from_the_files(
    imported: Imported, moment: str
) -> None:
    at = datetime.fromisoformat(moment)
    expected = Counter(
        (case_id, clock, due.astimezone(UTC))
        for case_id, known in cases_at(imported, at).items()
        for one in known
        for clock, due in breaches_of(one, at)
    )
    told = imported.program.json("breaches", "--as-of", moment)["breaches"]
    found = Counter(
        (row["case_id"], row["clock"], datetime.fromisoformat(row["breached_at"]).astimezone(UTC))
        for row in told
    )
    assert found - expected == Counter()
    assert expected - found == Counter()


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_queue_at_a_past_time_is_that_worked_out_from_the_files(
    imported: Imported, moment: str
) -> None:
    at = datetime.fromisoformat(moment)
    waiting = {
        case_id: known for case_id, known in cases_at(imported, at).items() if known[-1].end is None
    }
    assert waiting
    told = imported.program.json("queue", "--as-of", moment)["queue"]
    assert {row["case_id"] for row in told} == set(waiting)
    # Least slack first. What a case takes is expected by its problem, so each problem apart.
    for problems in {tuple(row["problems"]) for row in told}:
        found = [row["case_id"] for row in told if tuple(row["problems"]) == problems]

        def rank(case_id: str) -> tuple[datetime, datetime, str]:
            known = waiting[case_id]
            return next_due(known[-1], at), known[0].start, case_id

        assert found == sorted(found, key=rank)
