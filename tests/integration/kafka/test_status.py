"""`casetrail kafka status`, as a person calls it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.kafka import TOPICS, Admin, Cluster, init_topics
from infra.kafka.lag import READ
from infra.kafka.publisher import Publisher
from infra.ops import WorkerRow, open_ops, read_workers
from infra.postgres import connect
from infra.settings import read_listen
from tests.integration.kafka.clients import damage
from tests.integration.kafka.test_cli import CASETRAIL, ENVIRONMENT
from tests.support.cases import complain
from tests.support.forked import run_program
from tests.support.intake_child import is_stopped
from tests.support.kafka import as_record, open_intake, send
from tests.support.observed import health_of, values_of
from tests.support.published import eventually, leader
from tests.support.store import place_order
from tests.support.workers import running

Status = Callable[..., str]


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    """The prefix of the test's own topics, which exist."""
    init_topics(admin, prefix)
    return prefix


@pytest.fixture
def environment(
    kafka_cluster: Cluster, topics: str, database_url: str, tmp_path: Path
) -> dict[str, str]:
    return ENVIRONMENT | {
        "CASETRAIL_HOME": str(tmp_path / "home"),
        "CASETRAIL_DATABASE_URL": database_url,
        "CASETRAIL_KAFKA_BOOTSTRAP": ",".join(kafka_cluster.address.bootstrap),
        "CASETRAIL_KAFKA_TOPIC_PREFIX": topics,
        "COLUMNS": "200",
    }


@pytest.fixture
def status(environment: dict[str, str]) -> Status:
    """What the command prints."""

    def run(*words: str, lang: str = "en", **more: str) -> str:
        done = run_program(["kafka", "status", "--lang", lang, *words], environment | more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def asked(status: Status, **more: str) -> Any:
    return json.loads(status("--json", **more))


def workers_of(url: str) -> list[WorkerRow]:
    with closing(connect(url, autocommit=True)) as conn:
        return read_workers(conn)


def lags(found: Any, prefix: str) -> dict[str, int]:
    """Records that wait, by topic."""
    return {
        topic.name: sum(
            one["waiting"] for one in found["positions"] if one["topic"] == topic.full_name(prefix)
        )
        for topic in READ
    }


def test_status_shows_servers_brokers_and_offsets(
    kafka_cluster: Cluster, topics: str, status: Status
) -> None:
    shown = asked(status)
    assert shown["bootstrap"] == list(kafka_cluster.address.bootstrap)
    assert [broker["id"] for broker in shown["brokers"]] == [1]
    names = [topic.full_name(topics) for topic in TOPICS]
    assert [topic["name"] for topic in shown["topics"]] == names
    assert shown["topics"][0]["partitions"][11] == {
        "number": 11,
        "leader": 1,
        "replicas": [1],
        "in_sync": [1],
        "start": 0,
        "end": 0,
    }
    table = status()
    assert all(name in table for name in names)


def test_status_shows_what_waits_while_nobody_reads_and_nothing_once_it_is_taken(
    kafka_cluster: Cluster, topics: str, database_url: str, status: Status
) -> None:
    told = [complain(n, f"c{n}", order=n) for n in range(7)]
    send(kafka_cluster.address, topics, map(as_record, [*told, place_order(1)]))
    before = asked(status)
    assert (before["lag"], before["group"]["members"]) == (8, [])
    assert lags(before, topics) == {
        "commands": 7,
        "shipments": 1,
        "logistics": 0,
        "platform-aftersales": 0,
    }
    waiting = [one for one in before["positions"] if one["waiting"]]
    assert all(one["oldest_seconds"] > 0 for one in waiting)
    assert {one["position"] for one in before["positions"]} == {None}

    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
    after = asked(status)
    assert after["lag"] == 0
    assert sum(one["position"] for one in after["positions"]) == 8
    assert all(one["end"] == one["position"] for one in after["positions"])

    send(kafka_cluster.address, topics, [as_record(place_order(1))])
    (late,) = [one for one in asked(status)["positions"] if one["waiting"]]
    shown = status()
    assert f"{late['partition']}@{late['position']}+1" in shown
    assert f"Nobody reads ({topics}.intake)." in shown


def test_status_shows_all_the_rest_when_what_waits_first_is_damaged(
    kafka_cluster: Cluster, topics: str, status: Status
) -> None:
    for number in (1, 2):
        order = replace(as_record(place_order(number)), partition=0)
        send(kafka_cluster.address, topics, [order])
        if number == 1:
            damage(kafka_cluster, f"{topics}.shipments", 0, b"actor")
    send(kafka_cluster.address, topics, [as_record(complain(1, "c1", order=1))])
    found = asked(status)
    assert found["lag"] == 3
    ages = {
        one["topic"]: (one["waiting"], one["oldest_seconds"])
        for one in found["positions"]
        if one["waiting"]
    }
    assert ages[f"{topics}.shipments"] == (2, None)
    assert ages[f"{topics}.commands"][1] > 0
    assert found["publisher"] is not None


def test_status_shows_who_reads_which_partitions(
    kafka_cluster: Cluster, topics: str, database_url: str, status: Status
) -> None:
    with (
        open_intake(database_url, kafka_cluster.address, topics, member="a") as (one, _),
        open_intake(database_url, kafka_cluster.address, topics, member="b") as (two, _),
        running(one, two),
    ):

        def is_shown() -> bool:
            read = {"a": one.places(), "b": two.places()}
            if not all(read.values()) or sum(map(len, read.values())) != sum(
                topic.partitions for topic in READ
            ):
                return False
            found = asked(status)
            shown = {
                member["name"]: {
                    (p["topic"], p["partition"])
                    for p in found["positions"]
                    if p["owner"] == member["name"]
                }
                for member in found["group"]["members"]
            }
            return shown == read

        eventually(is_shown)  # a member may hear of the last change later than the group's leader


def test_status_shows_last_errors_and_who_publishes(
    kafka_cluster: Cluster, topics: str, database_url: str, status: Status
) -> None:
    with open_intake(database_url, kafka_cluster.address, topics, member="a") as (intake, _):
        publisher = Publisher(database_url, kafka_cluster.address, topics)
        workers = (intake.activity, publisher.activity)
        with (
            open_ops(database_url, kafka_cluster.address, topics, workers),
            running(intake, publisher),
        ):
            eventually(lambda: leader(database_url) is not None)
            intake.activity.failed(RuntimeError("something broke"))
            eventually(lambda: "something broke" in [w.error for w in workers_of(database_url)])
            found = asked(status)
            assert f"{os.getpid()}@" in found["publisher"]["leader"]["process"]
            by_name = {one["worker"]: one for one in found["workers"]}
            assert by_name["intake"]["state"] == "failing"
            assert by_name["intake"]["member"] == "a"
            assert by_name["intake"]["process"].startswith(f"{os.getpid()}@")
            assert by_name["publisher"]["state"] == "working"
    assert {one.state for one in workers_of(database_url)} == {"ended"}
    shown = status(lang="zh")
    assert "something broke" in shown
    assert "已结束" in shown


@contextlib.contextmanager
def intake_command(environment: dict[str, str]) -> Generator[subprocess.Popen[str]]:
    """`casetrail kafka intake` as a process; killed at the end of the block."""
    command: list[str | Path] = [CASETRAIL, "kafka", "intake", "--lang", "en"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stderr=pipe, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_that_was_stopped_shows_as_silent_and_works_when_it_goes_on(
    status: Status, environment: dict[str, str], database_url: str
) -> None:
    def state() -> str:
        return " ".join(one.state for one in workers_of(database_url))

    with intake_command(environment) as process:
        eventually(lambda: state() == "working")
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(process.pid))
        eventually(lambda: state() == "silent")
        assert "silent" in status()
        process.send_signal(signal.SIGCONT)
        eventually(lambda: state() == "working")
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert state() == "ended"


def test_status_shows_what_kafka_knows_while_the_database_is_away(
    topics: str, status: Status
) -> None:
    away = "postgresql://nobody@127.0.0.1:9/nothing"
    found = asked(status, CASETRAIL_DATABASE_URL=away)
    assert (found["lag"], found["positions"], found["workers"]) == (None, [], [])
    assert "cannot be reached" in found["database_error"]
    shown = status(CASETRAIL_DATABASE_URL=away)
    assert "The database cannot be asked" in shown
    assert f"{topics}.commands" in shown


def test_up_serves_the_metrics_of_all_its_workers_where_it_says(
    environment: dict[str, str],
) -> None:
    command: list[str | Path] = [CASETRAIL, "up", "--lang", "en"]
    pipe = subprocess.PIPE
    env = environment | {"CASETRAIL_METRICS": "0"}
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env) as process:
        try:
            assert process.stderr is not None
            said = next(line for line in process.stderr if line.startswith("Metrics and health: "))
            at = read_listen(said.split("//")[1].split("/")[0])
            assert at.host == "127.0.0.1"
            eventually(lambda: health_of(at, "readyz") == (200, {}))
            shown = {dict(labels).get("worker") for _, labels in values_of(at)}
            assert {"intake", "projections", "publisher"} <= shown
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0


def test_a_place_that_is_taken_or_none_is_one_line(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for metrics in (str(taken.getsockname()[1]), "nowhere"):
            done = subprocess.run(
                [CASETRAIL, "kafka", "intake", "--lang", "en", "--metrics", metrics],
                check=False,
                capture_output=True,
                text=True,
                timeout=120,
                env=environment,
            )
            assert done.returncode == 1
            assert metrics in done.stderr.splitlines()[-1]
