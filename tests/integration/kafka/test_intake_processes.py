"""`casetrail kafka intake --processes`: one worker, several processes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from infra.kafka import Admin, Cluster
from infra.kafka.lag import intake_group
from infra.postgres import connect
from tests.integration.kafka.test_cli import CASETRAIL, ENVIRONMENT
from tests.support.kafka import as_record, create_topics, send
from tests.support.processes import within
from tests.support.store import place_order

SECONDS = 120.0


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    create_topics(admin, prefix)
    return prefix


@pytest.fixture
def environment(
    kafka_cluster: Cluster, topics: str, database_url: str, home: Path
) -> dict[str, str]:
    return ENVIRONMENT | {
        "CASETRAIL_HOME": str(home),
        "CASETRAIL_LANG": "en",
        "CASETRAIL_DATABASE_URL": database_url,
        "CASETRAIL_KAFKA_BOOTSTRAP": ",".join(kafka_cluster.address.bootstrap),
        "CASETRAIL_KAFKA_TOPIC_PREFIX": topics,
    }


@contextmanager
def two_processes(
    environment: dict[str, str], admin: Admin
) -> Generator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A worker of two processes that share the partitions, and these two."""
    prefix = environment["CASETRAIL_KAFKA_TOPIC_PREFIX"]
    command: list[str | Path] = [CASETRAIL, "kafka", "intake", "--processes", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as worker:
        try:
            assert within(SECONDS, lambda: _sharing(admin, prefix) == 2)
            children = psutil.Process(worker.pid).children(recursive=True)
            yield worker, [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        finally:
            worker.kill()


def _sharing(admin: Admin, prefix: str) -> int:
    """How many members of the group have partitions."""
    return sum(bool(member.partitions) for member in intake_group(admin, prefix).members)


def _orders(url: str) -> int:
    with closing(connect(url)) as conn:
        row = conn.execute("SELECT count(*) FROM stored_events WHERE kind = 2").fetchone()
    assert row is not None
    return int(row[0])


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() for process in processes)


def test_they_share_the_partitions_and_take_each_record_once(
    environment: dict[str, str],
    admin: Admin,
    kafka_cluster: Cluster,
    topics: str,
    database_url: str,
) -> None:
    with two_processes(environment, admin) as (worker, children):
        assert len(children) == 2
        send(kafka_cluster.address, topics, [as_record(place_order(n)) for n in range(200)])
        assert within(SECONDS, lambda: _orders(database_url) == 200)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SECONDS) == 0
    assert gone(children)
    assert _orders(database_url) == 200


def test_when_one_is_killed_the_others_are_stopped_and_the_worker_fails(
    environment: dict[str, str], admin: Admin
) -> None:
    with two_processes(environment, admin) as (worker, children):
        children[0].kill()
        _, said = worker.communicate(timeout=SECONDS)
        assert worker.returncode == 1
    assert said.splitlines()[-1] == (
        "casetrail: One of the processes failed; the others were stopped."
    )
    assert gone(children)


def test_they_end_with_the_worker_that_is_killed(environment: dict[str, str], admin: Admin) -> None:
    with two_processes(environment, admin) as (worker, children):
        os.kill(worker.pid, signal.SIGKILL)
        assert within(SECONDS, lambda: gone(children))
