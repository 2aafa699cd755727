"""`casetrail publisher`, as a person calls it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.case.commands import LinkOrder
from infra.kafka import Cluster
from infra.kafka.publisher import Publisher
from tests.integration.kafka.test_publisher import deal, publish, submit, topics
from tests.support.cases import complain, refund_succeeded
from tests.support.forked import run_program
from tests.support.published import (
    behind,
    check_complete_and_in_order,
    eventually,
    positions,
    read_published,
)
from tests.support.store import AGENT, ask, place_order
from tests.support.workers import running

__all__ = ["topics"]

REFUNDED = "casetrail.case.refund_succeeded.v1"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def casetrail(kafka_cluster: Cluster, topics: str, database_url: str, tmp_path: Path) -> Run:
    """Runs a command on the test's topics and database."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CASETRAIL_")} | {
        "CASETRAIL_HOME": str(tmp_path / "home"),
        "CASETRAIL_DATABASE_URL": database_url,
        "CASETRAIL_KAFKA_BOOTSTRAP": ",".join(kafka_cluster.address.bootstrap),
        "CASETRAIL_KAFKA_TOPIC_PREFIX": topics,
        "CASETRAIL_LANG": "en",
    }

    def run(*words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = run_program(["publisher", *words], environment)
        assert done.returncode == status, done.stderr
        return done

    return run


def test_status_says_what_waits_and_who_publishes(
    kafka_cluster: Cluster, topics: str, database_url: str, casetrail: Run
) -> None:
    submit(database_url, deal(1, 50))
    before = json.loads(casetrail("status", "--json").stdout)
    assert before["leader"] is None
    by_name = {one["name"]: one for one in before["publications"]}
    assert by_name["case-events"]["waiting"] > 0
    assert by_name["case-events"]["oldest_seconds"] >= 0
    assert by_name["answers"]["waiting"] > 0
    assert by_name["dead-letters"] | {"moved_at": ""} == {
        "name": "dead-letters",
        "position": 0,
        "waiting": 0,
        "oldest_seconds": None,
        "moved_at": "",
        "error": None,
        "failed_at": None,
    }
    assert "records published" in casetrail("run", "--once").stdout
    with running(Publisher(database_url, kafka_cluster.address, topics)):
        eventually(lambda: json.loads(casetrail("status", "--json").stdout)["leader"] is not None)
        after = json.loads(casetrail("status", "--json").stdout)
    assert str(os.getpid()) in after["leader"]["process"]
    assert all(one["waiting"] == 0 for one in after["publications"])
    assert "Nobody publishes." in casetrail("status").stdout


def test_what_was_published_is_published_again_from_a_position_on(
    kafka_cluster: Cluster, topics: str, database_url: str, casetrail: Run
) -> None:
    submit(database_url, deal(1, 100))
    publish(kafka_cluster, topics, database_url)
    first = read_published(kafka_cluster.address, topics, "case-events")
    middle = sorted(record.value["position"] for record in first)[len(first) // 2]
    casetrail("republish", "--from", str(middle))
    publish(kafka_cluster, topics, database_url)
    records = read_published(kafka_cluster.address, topics, "case-events")
    again = [record for record in first if record.value["position"] >= middle]
    assert len(records) == len(first) + len(again)
    check_complete_and_in_order(database_url, records)

    results = len(read_published(kafka_cluster.address, topics, "command-results"))
    casetrail("republish", "--from", "1", "--of", "answers")
    publish(kafka_cluster, topics, database_url)
    assert len(read_published(kafka_cluster.address, topics, "command-results")) == 2 * results


def test_a_running_publisher_goes_back_when_told(
    kafka_cluster: Cluster, topics: str, database_url: str, casetrail: Run
) -> None:
    submit(database_url, deal(1, 100))
    publisher = Publisher(database_url, kafka_cluster.address, topics, poll=0.2)
    with running(publisher):
        eventually(lambda: not behind(database_url))
        casetrail("republish", "--from", "1")
        submit(database_url, deal(2, 20))
        eventually(lambda: not behind(database_url))
    records = read_published(kafka_cluster.address, topics, "case-events")
    check_complete_and_in_order(database_url, records)
    assert len(records) > len({record.id for record in records})


def test_what_is_published_again_is_the_same_though_more_is_known_by_then(
    kafka_cluster: Cluster, topics: str, database_url: str, casetrail: Run
) -> None:
    linked = LinkOrder(case_id="douyin:s1:AS1", order_id="douyin:s1:O1")
    told = [
        complain(1, "c1", order=1),
        refund_succeeded(1, "k1", "5.00", "r1"),
        place_order(1),
        ask(linked, "l1", by=AGENT),
        refund_succeeded(1, "k2", "6.00", "r2"),
    ]
    submit(database_url, told)
    publisher = Publisher(database_url, kafka_cluster.address, topics, poll=0.1)
    with running(publisher):
        eventually(lambda: not behind(database_url))
        casetrail("republish", "--from", "1")
        eventually(lambda: not behind(database_url))
    records = read_published(kafka_cluster.address, topics, "case-events")
    check_complete_and_in_order(database_url, records)
    said = [r.value["currency"] for r in records if r.type == REFUNDED]
    assert said == [None, "CNY"] * 2


def test_nothing_is_skipped_by_hand(
    kafka_cluster: Cluster, topics: str, database_url: str, casetrail: Run
) -> None:
    submit(database_url, deal(1, 20))
    publish(kafka_cluster, topics, database_url)
    before = positions(database_url)
    refused = casetrail("republish", "--from", str(before["case-events"] + 2), status=1)
    assert "is not published yet" in refused.stderr
    casetrail("republish", "--from", "1", "--of", "everything", status=2)
    casetrail("republish", "--from", "0", status=2)
    assert positions(database_url) == before
