"""`casetrail kafka`, as a person calls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from infra.guard import is_alive, server_of
from infra.kafka import TOPICS, Admin, Cluster
from infra.kafka.broker import answers
from tests.support.forked import run_program

CASETRAIL = Path(sys.executable).with_name("casetrail")
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("CASETRAIL_")
}


def casetrail(
    cluster: Cluster, prefix: str, *words: str, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a command on the run's broker, as on a cluster of one's own."""
    done = run_program(
        ["kafka", *words],
        ENVIRONMENT
        | {
            "CASETRAIL_KAFKA_BOOTSTRAP": ",".join(cluster.address.bootstrap),
            "CASETRAIL_KAFKA_TOPIC_PREFIX": prefix,
            "CASETRAIL_LANG": "en",
        },
    )
    assert done.returncode == status, done.stderr
    return done


def test_init_creates_and_a_second_confirms(kafka_cluster: Cluster, prefix: str) -> None:
    first = casetrail(kafka_cluster, prefix, "init")
    assert first.stdout.count("created") == len(TOPICS)
    second = json.loads(casetrail(kafka_cluster, prefix, "init", "--json").stdout)
    assert [(found["name"], found["created"], found["differences"]) for found in second] == [
        (topic.full_name(prefix), False, []) for topic in TOPICS
    ]


def test_init_fails_when_a_topic_is_not_as_it_should_be(
    kafka_cluster: Cluster, admin: Admin, prefix: str
) -> None:
    admin.create_topics({f"{prefix}.commands": {"num_partitions": 2, "replication_factor": 1}})
    done = casetrail(kafka_cluster, prefix, "init", status=1)
    assert "partitions is 2, should be 12" in " ".join(done.stdout.split())
    assert done.stderr.startswith(f"casetrail: Topics that are not as they should be: {prefix}.com")
    done = casetrail(kafka_cluster, prefix, "init", "--lang", "zh", status=1)
    assert "分区数 为 2，应为 12" in done.stdout


def test_a_cluster_that_is_not_there_is_one_line() -> None:
    done = subprocess.run(
        [CASETRAIL, "kafka", "status", "--lang", "en"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=ENVIRONMENT | {"CASETRAIL_KAFKA_BOOTSTRAP": "127.0.0.1:9"},
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("casetrail: Kafka at 127.0.0.1:9 cannot be used")
    assert done.stderr.count("\n") == 1


def test_up_says_where_it_is_and_stops_at_a_signal(home: Path) -> None:
    command: list[str | Path] = [CASETRAIL, "kafka", "up", "--home", home, "--lang", "en"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT) as process:
        try:
            assert process.stdout is not None
            name, _, server = process.stdout.readline().strip().partition("=")
            assert name == "CASETRAIL_KAFKA_BOOTSTRAP"
            assert answers(int(server.rpartition(":")[2]))
            pid = server_of(home / "kafka-1" / "broker-1" / "pid")
            assert pid is not None
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert said.splitlines()[-1] == "Stopped."
    assert not is_alive(pid)


def test_up_ends_when_its_broker_does_and_says_so(home: Path) -> None:
    command: list[str | Path] = [CASETRAIL, "kafka", "up", "--home", home, "--lang", "en"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            pid = server_of(home / "kafka-1" / "broker-1" / "pid")
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("casetrail: Broker 1 ended: ")
