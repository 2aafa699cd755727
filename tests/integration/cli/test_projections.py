"""`casetrail projections`: what is parked, building anew, and how far all of it is."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Generator
from datetime import UTC, datetime

import pytest

from domain.sla.events import ClockName
from projections import PROJECTIONS, queue
from tests.integration.cli.program import CASETRAIL, Program
from tests.integration.engine.given import T0, World, case_id, clock, filed, open_world
from tests.integration.engine.test_engine import some_events


@pytest.fixture
def world(program: Program) -> Generator[World]:
    with open_world(program.url) as opened:
        yield opened


def test_a_parked_case_is_shown_tried_again_skipped_and_followed(
    program: Program, world: World
) -> None:
    assert program.run("projections", "parked")[0] == "Nothing is parked.\n"
    world.given(filed("A"), filed("P"))
    bad = world.spoil(f"case:{case_id('P')}")
    world.given(clock("P", ClockName.FIRST_RESPONSE, T0)).project()

    found = program.json("projections", "parked")["parked"]
    assert {(one["read_model"], one["stream"], one["position"]) for one in found} == {
        (name, f"case:{case_id('P')}", bad) for name in ("queue", "sla_clocks", "shipped_units")
    }
    assert case_id("P") in program.run("projections", "parked", lang="zh")[0]
    assert "1 streams are parked" in program.run("queue")[1]
    out, err = program.run("queue", "--as-of", datetime.now(UTC).isoformat())
    assert case_id("P") in out
    assert "1 cases are shown only up to an event that could not be projected" in err
    (left,) = program.json("projections", "retry", "queue", status=1)["parked"]
    assert left["attempts"] == 2
    said = program.run(
        "projections", "skip", "queue", "1", "--by", "ann", "--reason", "x", status=1
    )
    assert "Nothing is parked at position 1" in said[1]
    words = ("--by", "ann", "--reason", "typing error")
    assert program.json("projections", "skip", "queue", str(bad), *words) == {"parked": []}
    program.run("projections", "skip", "nonsense", "1", "--by", "a", "--reason", "b", status=1)


def test_a_read_model_is_rebuilt_verified_and_its_old_table_dropped(
    program: Program, world: World
) -> None:
    world.given(*(one for n in range(20) for one in some_events(n))).project()
    table = queue.PROJECTION.table
    out, _ = program.run("projections", "rebuild", "queue")
    assert out.startswith(f"Readers see {table}_g2 now; the swap took ")
    standing = {
        one["name"]: one["standing"] for one in program.json("projections", "status")["projections"]
    }
    assert (standing[table], standing[f"{table}_g2"]) == ("kept", "live")
    assert program.json("projections", "verify", "queue")["count"] == 0
    assert program.json("projections", "drop-old", "queue") == {"dropped": [table]}
    world.rows(f"update {table}_g2 set severity = 2 where case_id = '{case_id('C1')}'")
    out, _ = program.run("projections", "verify", "queue", status=1)
    assert f"{table}_g2 differs from a rebuild" in out
    assert [line.partition(":")[0] for line in out.splitlines()[1:]] == [
        "only live",
        "only rebuilt",
    ]


def test_a_rebuild_that_parks_something_says_so_and_ends_with_a_status(
    program: Program, world: World
) -> None:
    world.given(filed("A"))
    world.spoil(f"case:{case_id('A')}")
    world.project()
    _, err = program.run("projections", "rebuild", "queue", status=1)
    assert "1 streams are parked" in err


def test_a_read_model_that_stands_still_gives_status_an_exit_status(
    program: Program, world: World
) -> None:
    world.project()
    assert len(program.json("projections", "status")["projections"]) == len(PROJECTIONS)
    world.rows(f"alter table {queue.PROJECTION.table} rename to gone")
    world.given(filed("A"))
    program.run("queue")
    out, _ = program.run("projections", "status", status=1)
    assert "UndefinedTable" in out


def test_status_can_be_watched(program: Program, world: World) -> None:
    world.given(filed("A")).project()
    near, far = pty.openpty()
    with subprocess.Popen(
        [CASETRAIL, "projections", "status", "--watch", "--lang", "en"],
        stdout=far,
        stderr=far,
        env=program.environment | {"TERM": "xterm", "COLUMNS": "120"},
    ) as process:
        os.close(far)
        seen = b""
        while b"Read models" not in seen:
            seen += os.read(near, 4096)
        process.terminate()
    os.close(near)


def test_a_view_waits_for_the_position_that_an_answer_gave(program: Program, world: World) -> None:
    world.given(filed("A"))
    assert case_id("A") in program.run("queue", "--after", "1")[0]
