"""One case replayed: as it is, as it was, its history, what changed."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain import decider
from infra.event_store import EventLog, LogDatastore
from infra.postgres import Server
from infra.vault import Vault, read_master_key
from tests.databases import fresh_database
from tests.integration.cli.program import (
    ERP,
    LONG_AGO,
    Program,
    complaint,
    contact,
    message,
    on_case,
    order,
    proposal,
    write,
)

CASE = "douyin:s1:A1"

pytestmark = pytest.mark.xdist_group("case_cli")


@pytest.fixture(scope="module")
def story(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    """The case of `tell`, for tests that change nothing of it."""
    folder = tmp_path_factory.mktemp("story")
    with fresh_database(postgres_server) as database:
        yield tell(Program(database.url, folder / "home"), folder)


def tell(program: Program, folder: Path) -> Program:
    """A case with a late fact, an alias and an agreement."""
    late = {"case_id": CASE, "status": "待商家处理"}
    policy = {
        "platform": "douyin",
        "shop": "s1",
        "document": {
            "kind": "sla_targets",
            "targets": [{"clock": "first_response", "minutes": 60}],
        },
    }
    admin = {"kind": "person", "id": "zhao", "role": "admin"}
    told = [
        order("O1"),
        complaint("A1", "O1"),
        message("case.record_platform_status", "late", late, at=LONG_AGO, by=ERP),
        contact("A1", "c1"),
        proposal("A1", "p1", "40.00"),
        on_case("case.add_alias", "A1", "alias", alias="douyin:s1:OTHER"),
        message("policy.publish", "policy", policy, by=admin),
        on_case("case.accept_proposal", "A1", "accept", proposal_id="p1"),
    ]
    counts = program.json("submit", write(folder / "in.jsonl", told))
    assert counts["refused"] == 0
    return program


def test_a_case_at_each_version_is_the_fold_of_its_events_so_far(story: Program) -> None:
    datastore = LogDatastore(story.url)
    log = EventLog(datastore)
    records = log.load(f"case:{CASE}")
    log.close()
    for version in (1, 4, len(records)):
        shown = story.json("case", "show", CASE, "--version", str(version))
        state = decider.fold(f"case:{CASE}", ((r.event, r.stamp) for r in records[:version]))
        assert shown["version"] == state.version == version
        assert shown["state"]["status"] == "open"
    assert shown["state"]["obligations"]
    assert shown["turn"]["action"] == "pay"


def test_what_was_known_then_is_told_apart_from_what_had_happened(story: Program) -> None:
    history = story.json("case", "history", CASE)
    filed = history[0]
    assert filed["event"] == "case.complaint_filed.v1"
    assert filed["occurred_at"] == "2026-01-01T19:04:05Z"
    assert filed["recorded_at"] > filed["occurred_at"]
    assert filed["actor"]["id"] == "li"
    assert filed["private"] == {"text": "碎了", "buyer": "buyer-O1", "contact": "13800000000"}
    assert filed["message_id"] == "complaint-A1"
    assert filed["origin"] == "in.jsonl:2"
    # All that had happened on that day, as known today: the late fact included.
    then = story.json("case", "show", CASE, "--at", "2026-01-02T12:00:00+08:00")
    assert then["state"]["platform_status"] == "待商家处理"
    assert not then["state"]["proposals"]
    # On that day itself nothing was known yet.
    known = ("--known-at", "2026-01-02T12:00:00+08:00")
    _, err = story.run("case", "show", CASE, "--at", "2026-01-02T12:00:00+08:00", *known, status=1)
    assert "nothing was known" in err
    # A local time of a zone says the same.
    local = ("--at", "2026-01-02 12:00:00", "--zone", "Asia/Shanghai")
    assert story.json("case", "show", CASE, *local)["state"] == then["state"]


def test_times_are_shown_in_the_shops_zone_unless_another_is_asked_for(
    program: Program, tmp_path: Path
) -> None:
    tell(program, tmp_path)
    shown, _ = program.run("case", "history", CASE)
    assert "Times are of Asia/Shanghai." in shown
    assert "2026-01-02 03:04:05" in shown
    moved = {
        "platform": "douyin",
        "shop": "s1",
        "document": {"kind": "shop", "zone": "Europe/Berlin"},
    }
    admin = {"kind": "person", "id": "zhao", "role": "admin"}
    told = [message("policy.publish", "moved", moved, by=admin)]
    assert program.json("submit", write(tmp_path / "moved.jsonl", told))["refused"] == 0
    for command in (("show",), ("history",), ("diff", "--from", "0", "--to", "2")):
        shown, _ = program.run("case", command[0], CASE, *command[1:])
        assert "Times are of Europe/Berlin." in shown
    shown, _ = program.run("case", "history", CASE)
    assert "2026-01-01 20:04:05" in shown
    shown, _ = program.run("case", "history", CASE, "--zone", "UTC")
    assert "2026-01-01 19:04:05" in shown


def test_a_history_says_on_what_ground_and_answers_as_then(story: Program, tmp_path: Path) -> None:
    before = story.json("case", "history", CASE)
    clock = next(entry for entry in before if entry["event"] == "case.clock_started.v1")
    assert clock["data"]["policy"] == ["default@1"]
    assert clock["data"]["target_minutes"] == 1440
    later = {
        "platform": "douyin",
        "document": {"kind": "sla_targets", "targets": [{"clock": "first_response", "minutes": 5}]},
    }
    admin = {"kind": "person", "id": "zhao", "role": "admin"}
    told = [message("policy.publish", "later", later, by=admin)]
    assert story.json("submit", write(tmp_path / "policy.jsonl", told))["refused"] == 0
    assert story.json("case", "history", CASE) == before


def test_a_difference_names_what_changed_and_the_events_between(story: Program) -> None:
    history = story.json("case", "history", CASE)
    proposed = next(e for e in history if e["event"] == "case.resolution_proposed.v1")["version"]
    found = story.json("case", "diff", CASE, "--from", str(proposed - 1), "--to", str(proposed))
    assert [event["event"] for event in found["events"]] == ["case.resolution_proposed.v1"]
    changed = {change["field"]: (change["before"], change["after"]) for change in found["changes"]}
    assert changed["proposals.p1.refund_total"] == (None, 4000)
    whole = story.json("case", "diff", CASE, "--from", "0", "--to", "1")
    assert {"field": "status", "before": "unfiled", "after": "open"} in whole["changes"]


def test_an_alias_leads_to_the_case(story: Program) -> None:
    shown = story.json("case", "show", "douyin:s1:OTHER")
    assert (shown["case_id"], shown["asked"]) == (CASE, "douyin:s1:OTHER")
    out, _ = story.run("case", "history", "douyin:s1:OTHER", lang="zh")
    assert "douyin:s1:OTHER 并入 douyin:s1:A1" in out


def test_an_unknown_number_time_or_version_is_a_clear_error(story: Program) -> None:
    for words, why in (
        (("show", "AS123"), "is not a case number"),
        (("show", "douyin:s1:NONE"), "There is no case"),
        (("show", CASE, "--version", "999"), "has no version 999; its last is"),
        (("diff", CASE, "--from", "1", "--to", "999"), "has no version 999"),
        (("diff", CASE, "--from", "3", "--to", "2"), "comes after"),
        (("show", CASE, "--at", "2025-01-01T00:00:00Z"), "nothing was known"),
        (("show", CASE, "--at", "2025-01-01 00:00:00"), "lacks its zone"),
        (("show", CASE, "--at", "soon", "--zone", "UTC"), "is not a time"),
        (("show", CASE, "--at", "2099-01-01T00:00:00Z"), "has not come yet"),
        (("show", CASE, "--at", "2026-01-02 00:00:00", "--zone", "Mars"), "is not a time zone"),
        (("show", CASE, "--version", "1", "--at", "2026-01-02T00:00:00Z"), "either --version"),
    ):
        out, err = story.run("case", *words, status=1)
        assert out == ""
        assert why in err
        assert err.count("\n") == 1


def test_a_case_is_told_in_words_of_both_languages(story: Program) -> None:
    chinese, _ = story.run("case", "show", CASE, lang="zh")
    assert "处理中" in chinese
    assert "下一步: 商家 – 退款" in chinese
    assert "40.00 CNY" in chinese
    assert "碎了" in chinese
    english, _ = story.run("case", "history", CASE)
    assert "Solution proposed  li (agent)" in english
    assert "on the ground of default@1" in english
    assert "known since" in english
    changed, _ = story.run("case", "diff", CASE, "--from", "1", "--to", "12", lang="zh")
    assert "→" in changed


def test_forgotten_personal_data_is_shown_as_erased(program: Program, tmp_path: Path) -> None:
    story = tell(program, tmp_path)
    datastore = LogDatastore(story.url)
    vault = Vault(datastore, read_master_key(story.home / "master.key"))
    with psycopg.connect(story.url) as conn:
        subjects = conn.execute("SELECT DISTINCT subject FROM subject_keys").fetchall()
    for (subject,) in subjects:
        vault.forget(subject)
    datastore.close()
    private: list[Any] = story.json("case", "show", CASE)["private"]
    assert private[0] == {"version": 1, "erased": True}
    out, _ = story.run("case", "history", CASE, lang="zh")
    assert "［个人信息已删除］" in out
    assert "碎了" not in json.dumps(story.json("case", "history", CASE), ensure_ascii=False)
