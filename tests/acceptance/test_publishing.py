"""The running system tells Kafka what is submitted to it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from infra.kafka import embedded_kafka
from infra.settings import read_settings
from tests.acceptance.test_up import casetrail, running_up
from tests.integration.cli.program import complaint
from tests.support.published import eventually, read_published


def status(home: Path) -> dict[str, Any]:
    lines = casetrail("publisher", "status", "--json", "--home", home)
    found: dict[str, Any] = json.loads("\n".join(lines))
    return found


def test_what_is_submitted_is_published_by_up(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "complaints.jsonl"
    told = [complaint(f"AS{number}", f"O{number}") for number in range(3)]
    file.write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")
    with running_up(home) as process:
        casetrail("submit", file, "--home", home)
        eventually(lambda: status(home)["publications"][0]["position"] > 0)
        eventually(lambda: all(one["waiting"] == 0 for one in status(home)["publications"]))
        assert status(home)["leader"]["process"].startswith(f"{process.pid}@")
        with embedded_kafka(home, cache=read_settings().cache) as cluster:
            events = read_published(cluster.address, "casetrail", "case-events")
        assert {event.key for event in events} == {f"douyin:s1:AS{n}" for n in range(3)}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert status(home)["leader"] is None
