"""The intake killed at each step of a slice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from infra.kafka import Cluster
from tests.integration.kafka.test_intake import answers_of, dealings, log_of, other_url, topics
from tests.support.kafka import Sent, open_intake, send

__all__ = ["other_url", "topics"]

STEPS = ("read", "translated", "written", "committed", "told the group")


def start(url: str, cluster: Cluster, prefix: str, *more: str) -> subprocess.Popen[str]:
    bootstrap = ",".join(cluster.address.bootstrap)
    command = [sys.executable, "-m", "tests.support.intake_child", url, bootstrap, prefix, "one"]
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True)


def test_killed_at_any_step_every_record_takes_effect_exactly_once(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    sent: list[Sent] = []
    for nth, step in enumerate(STEPS):
        some = dealings(range(12 * nth, 12 * nth + 12))
        send(kafka_cluster.address, topics, some)
        sent += some
        process = start(database_url, kafka_cluster, topics, step, "1")
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == -signal.SIGKILL, step
    with open_intake(database_url, kafka_cluster.address, topics, member="one") as (intake, _):
        intake.catch_up()
        assert intake.records < len(sent)
    with open_intake(other_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
        assert intake.records == len(sent)
    assert answers_of(database_url) == answers_of(other_url)
    assert log_of(database_url) == log_of(other_url)


def test_a_stopped_intake_ends_its_slice_and_goes(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    send(kafka_cluster.address, topics, dealings(range(30)))
    with start(database_url, kafka_cluster, topics) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert time.monotonic() - asked < 10
