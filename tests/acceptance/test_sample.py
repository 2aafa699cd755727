"""The sample in the running system, as `make run` sends it through Kafka."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from tests.acceptance.test_up import CASETRAIL, ENVIRONMENT, casetrail, running_up
from tests.support.processes import within


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
    platforms = json.loads("\n".join(casetrail("queue", "--text", ":SP", "--json", "--home", home)))
    told = {row["case_id"].partition(":")[0] for row in platforms["queue"]}
    assert told == {"douyin", "kuaishou"}, "what platforms tell in their own form has come in"
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


def test_a_run_that_was_interrupted_while_it_sent_is_gone_on_with(home: Path) -> None:
    with running_up(home, "--sample") as process:
        assert within(60.0, lambda: events(home) > 0)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert said.splitlines()[-1] == "Stopped."
    some = events(home)
    done = casetrail("up", "--sample", "--once", "--home", home, "--lang", "en")
    assert any("douyin:" in line for line in done)
    whole = events(home)
    assert some < whole
    casetrail("up", "--sample", "--once", "--home", home, "--lang", "en")
    assert events(home) == whole
