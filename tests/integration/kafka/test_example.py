"""The example for ops services does what its page says, as a service of its own would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from infra.kafka import Cluster
from infra.kafka.publisher import Publisher
from tests.integration.kafka.test_publisher import topics
from tests.support.kafka import open_intake
from tests.support.workers import running

__all__ = ["topics"]

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "ops_service.py"
SAID = r"""filed: accepted at \d+
again: accepted repeat True
refused: unknown_case - .+
not taken: field_missing - A field .+ data\.reason dead letter 1
1 casetrail\.case\.complaint_filed\.v1 .+
(\d+ casetrail\.case\.\w+\.v1 .+
)+"""


def test_the_example_sends_awaits_and_follows(
    kafka_cluster: Cluster, topics: str, database_url: str, tmp_path: Path
) -> None:
    address = kafka_cluster.address
    publisher = Publisher(database_url, address, topics)
    with (
        open_intake(database_url, address, topics) as (intake, _),
        running(intake),
        running(publisher),
    ):
        done = subprocess.run(
            [sys.executable, str(EXAMPLE), address.bootstrap[0], topics],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
        )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(SAID, done.stdout), done.stdout
    numbers = [int(line.split()[0]) for line in done.stdout.splitlines()[4:]]
    assert numbers == list(range(1, len(numbers) + 1))
