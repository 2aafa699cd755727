"""Workers that run by themselves beside the others, and need no Kafka."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.settings import HostPort
from tests.integration.cli.program import Program, complaint, message, write
from tests.support.observed import health_of, value_of
from tests.support.published import eventually
from tests.support.queue import rows

BOSS = {"kind": "person", "id": "wang", "role": "supervisor"}


@pytest.fixture
def told(program: Program, tmp_path: Path) -> Program:
    """A case, claims of which last for a second."""
    short = {"kind": "procedure", "lease_seconds": 1}
    messages = [
        message("policy.publish", "short", {"platform": "douyin", "document": short}, by=BOSS),
        complaint("A", "O1", "2026-01-02T03:04:05+08:00"),
    ]
    program.run("submit", write(tmp_path / "told.jsonl", messages))
    return program


@contextmanager
def observed(program: Program, *words: str) -> Generator[tuple[subprocess.Popen[str], HostPort]]:
    """A worker and where its metrics are; killed at the end of the block."""
    with program.start(*words, "--metrics", "0") as process:
        try:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "/metrics" in line)
            at = line.strip().partition("http://")[2].removesuffix("/metrics")
            host, _, port = at.partition(":")
            yield process, HostPort(host, int(port))
        finally:
            process.kill()


def ends(process: subprocess.Popen[str]) -> str:
    """What it says once it is told to stop."""
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return out


def test_the_read_models_are_kept_by_a_worker_of_their_own(told: Program, tmp_path: Path) -> None:
    events = told.count()
    assert f"Events projected: {events}." in told.run("projections", "run", "--once")[0]
    (case,) = rows(told.url, "select case_id from open_cases")
    assert case == {"case_id": "douyin:s1:A"}
    with observed(told, "projections", "run") as (process, at):
        second = write(
            tmp_path / "second.jsonl", [complaint("B", "O2", "2026-01-02T05:04:05+08:00")]
        )
        told.run("submit", second)
        eventually(lambda: len(rows(told.url, "select case_id from open_cases")) == 2)
        eventually(lambda: health_of(at, "readyz") == (200, {}))
        assert value_of(at, "database_up") == 1
        assert value_of(at, "kafka_up") is None
        assert "Events projected: " in ends(process)


def test_what_lapses_is_ended_by_a_worker_of_its_own(told: Program) -> None:
    def held() -> int:
        return len(rows(told.url, "select 1 from leases"))

    def is_over() -> bool:
        return bool(rows(told.url, "select 1 from leases where until < clock_timestamp()"))

    told.run("queue", "claim", "--agent", "li", "--case", "douyin:s1:A")
    eventually(is_over)
    assert "Lapsed claims ended: 1." in told.run("queue", "sweep", "--once")[0]
    assert held() == 0
    with observed(told, "queue", "sweep") as (process, at):
        told.run("queue", "claim", "--agent", "chen", "--case", "douyin:s1:A")
        eventually(lambda: held() == 0)
        eventually(lambda: health_of(at, "readyz") == (200, {}))
        assert "Lapsed claims ended: 1." in ends(process)


def test_workers_say_what_they_did_in_chinese(told: Program) -> None:
    assert "个事件" in told.run("projections", "run", "--once", lang="zh")[0]
    assert "到期" in told.run("queue", "sweep", "--once", lang="zh")[0]
