"""The sample in the running system, as `make run` sends it through Kafka."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.acceptance.test_up import CASETRAIL, ENVIRONMENT, casetrail


@pytest.fixture
def home() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="ct-") as folder:
        yield Path(folder)


def events(home: Path) -> int:
    status = json.loads("\n".join(casetrail("db", "status", "--json", "--home", home)))
    count: int = status["events"]
    return count


def test_two_first_runs_at_once_send_one_sample_and_a_third_changes_nothing(home: Path) -> None:
    command: list[str | Path] = [CASETRAIL, "up", "--sample", "--once", "--home", home]
    command += ["--lang", "en"]
    pipe = subprocess.PIPE
    runs = [
        subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT)
        for _ in range(2)
    ]
    for run in runs:
        shown, said = run.communicate(timeout=300)
        assert run.returncode == 0, said
        assert ", 0 of them refused" in said
        assert "douyin:" in shown
    made = (home / "sample.jsonl").read_bytes()
    recorded = events(home)
    assert recorded > 10_000
    third = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=ENVIRONMENT, check=True
    )
    assert ", 0 of them refused" in third.stderr
    assert events(home) == recorded
    assert (home / "sample.jsonl").read_bytes() == made
    assert sorted(path.name for path in home.glob("sample*")) == ["sample.jsonl"]
