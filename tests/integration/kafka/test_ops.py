"""Metrics and health of workers on a real broker and a real database."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest

from infra.activity import Activity, plain
from infra.engine import Engine
from infra.kafka import Admin, Cluster, init_topics
from infra.kafka.intake import IntakeAlarm
from infra.kafka.publisher import Publisher
from infra.ops import OpsError, open_ops
from infra.postgres import Server, connect, embedded_server, migrate
from infra.postgres.roles import APPLICATION, DATABASE, OWNER, prepare_database
from infra.settings import HostPort
from tests.integration.kafka.clients import damage
from tests.support.cases import complain, contact
from tests.support.kafka import Sent, as_record, open_intake, send
from tests.support.observed import health_of, value_of
from tests.support.processes import short_folder
from tests.support.published import eventually
from tests.support.store import open_store, place_order, ship_order
from tests.support.workers import running

ANY_PORT = HostPort("127.0.0.1", 0)


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    """The prefix of the test's own topics, which exist."""
    init_topics(admin, prefix)
    return prefix


@contextlib.contextmanager
def ops(
    url: str,
    cluster: Cluster,
    prefix: str,
    *activities: Activity,
    stands_after: float = 30.0,
    stuck_after: float = 90.0,
) -> Generator[HostPort]:
    with open_ops(
        url,
        cluster.address,
        prefix,
        activities,
        listen=ANY_PORT,
        look_every=0.2,
        stands_after=stands_after,
        stuck_after=stuck_after,
    ) as at:
        assert at is not None
        yield at


def story() -> list[Sent]:
    """Three accepted, one of them told again, one refused, one that nobody can read."""
    told = [place_order(1), complain(1, "c1", order=1), contact(1, "m1")]
    records = [as_record(request) for request in told]
    again = as_record(contact(1, "m1"))
    refused = as_record(contact(2, "nobody"))
    return [*records, again, refused, Sent("commands", b"k", b"no JSON", again.headers)]


def test_metrics_move_as_records_are_taken(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    records = story()
    send(kafka_cluster.address, topics, records)
    with (
        open_intake(database_url, kafka_cluster.address, topics) as (intake, _),
        ops(database_url, kafka_cluster, topics, intake.activity) as at,
    ):
        intake.activity.parts = lambda: None
        eventually(
            lambda: (
                value_of(at, "worker_lag_items", worker="intake", part="commands")
                == len(records) - 1
            )
        )
        assert value_of(at, "worker_lag_items", worker="intake", part="shipments") == 1
        assert (value_of(at, "worker_lag_seconds", worker="intake", part="commands") or 0) > 0
        assert value_of(at, "worker_items_total", worker="intake") == 0
        assert value_of(at, "worker_last_success_timestamp_seconds", worker="intake") is None
        intake.catch_up()
        eventually(lambda: value_of(at, "worker_lag_items", worker="intake", part="commands") == 0)
        eventually(lambda: value_of(at, "dead_letters_unsettled", state="open") == 1)
        assert value_of(at, "worker_lag_seconds", worker="intake", part="commands") == 0
        assert value_of(at, "worker_items_total", worker="intake") == len(records)
        assert value_of(at, "worker_batch_items_sum", worker="intake") == len(records)
        batches = value_of(at, "worker_batch_items_count", worker="intake") or 0
        assert batches == value_of(at, "worker_batch_seconds_count", worker="intake")
        assert 1 <= batches <= len(records)
        outcomes = {
            outcome: value_of(at, "commands_total", outcome=outcome)
            for outcome in ("accepted", "refused", "repeated")
        }
        assert outcomes == {"accepted": 3, "refused": 1, "repeated": 1}
        assert value_of(at, "dead_letters_total") == 1
        assert value_of(at, "worker_last_success_timestamp_seconds", worker="intake") is not None
        assert value_of(at, "database_up") == value_of(at, "kafka_up") == 1


def test_metrics_say_what_is_not_projected_and_not_published_yet(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    engine = Engine(database_url)
    engine.catch_up()
    with open_store(database_url) as store:
        store.pipeline.submit([place_order(1), complain(1, "c1", order=1), ship_order(1)])
        head = store.log.head()
    publisher = Publisher(database_url, kafka_cluster.address, topics)
    with ops(database_url, kafka_cluster, topics, engine.activity, publisher.activity) as at:
        table = engine.projections[0].table
        lag = {"worker": "projections", "part": table}
        eventually(lambda: value_of(at, "worker_lag_items", **lag) == head)
        eventually(lambda: (value_of(at, "oldest_unpublished_event_seconds") or 0) > 0)
        engine.catch_up()
        publisher.catch_up()
        eventually(lambda: value_of(at, "worker_lag_items", **lag) == 0)
        eventually(lambda: value_of(at, "oldest_unpublished_event_seconds") == 0)
        assert value_of(at, "worker_items_total", worker="publisher") == publisher.sent
        assert (value_of(at, "worker_items_total", worker="projections") or 0) >= head
        assert value_of(at, "commands_total", outcome="accepted") is None, "no intake is here"


def test_several_processes_worth_of_workers_in_one_keep_their_figures_apart(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    one, two = Activity("intake", "one"), Activity("intake", "two")
    with (
        ops(database_url, kafka_cluster, topics, one) as first,
        ops(database_url, kafka_cluster, topics, two) as second,
    ):
        one.did(7, 0.1)
        assert value_of(first, "worker_items_total", worker="intake") == 7
        assert value_of(second, "worker_items_total", worker="intake") == 0
        with (
            pytest.raises(OpsError),
            open_ops(database_url, kafka_cluster.address, topics, (one,), listen=first),
        ):
            pass


def test_only_what_is_served_is_found(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    with ops(database_url, kafka_cluster, topics) as at:
        with pytest.raises(HTTPError) as found, urlopen(f"http://{at}/", timeout=10):
            pass
        with found.value:
            assert found.value.code == 404


# ------------------------------------------------------------------- health


@contextlib.contextmanager
def own_server(home: Path) -> Generator[Server]:
    """A server that nobody else uses, with a migrated database; stopped at the end."""
    with embedded_server(home) as server:
        prepare_database(server)
        migrate(server.url(DATABASE, OWNER), app_role=APPLICATION)
        yield server


def test_not_ready_while_the_database_is_stopped_and_ready_when_it_is_back(
    kafka_cluster: Cluster, topics: str
) -> None:
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(short_folder())
        server = contextlib.ExitStack()
        url = server.enter_context(own_server(home)).url(DATABASE, APPLICATION)
        stack.callback(server.close)
        intake, _ = stack.enter_context(open_intake(url, kafka_cluster.address, topics))
        engine = Engine(url)
        publisher = Publisher(url, kafka_cluster.address, topics)
        workers = (intake.activity, engine.activity, publisher.activity)
        at = stack.enter_context(ops(url, kafka_cluster, topics, *workers))
        stack.enter_context(running(intake, engine, publisher))
        eventually(lambda: health_of(at, "readyz") == (200, {}))

        server.close()
        eventually(lambda: health_of(at, "readyz")[0] == 503)
        assert set(health_of(at, "readyz")[1]) == {"database"}
        assert health_of(at, "healthz") == (200, {}), "they wait, and that is all right"
        eventually(lambda: value_of(at, "worker_failing", worker="publisher") == 1)
        assert value_of(at, "database_up") == 0

        server.enter_context(own_server(home))
        eventually(lambda: health_of(at, "readyz") == (200, {}))
        send(kafka_cluster.address, topics, [as_record(place_order(1))])
        eventually(lambda: value_of(at, "worker_items_total", worker="intake") == 1)
        eventually(
            lambda: all(value_of(at, "worker_failing", worker=w.worker) == 0 for w in workers)
        )
        assert (value_of(at, "worker_retries_total", worker="publisher") or 0) > 0


def test_what_stands_because_a_table_is_locked_is_not_ready_until_it_moves(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    with contextlib.ExitStack() as stack:
        intake, _ = stack.enter_context(open_intake(database_url, kafka_cluster.address, topics))
        at = stack.enter_context(
            ops(database_url, kafka_cluster, topics, intake.activity, stands_after=1.0)
        )
        stack.enter_context(running(intake))
        send(kafka_cluster.address, topics, [as_record(place_order(1))])
        eventually(lambda: value_of(at, "worker_items_total", worker="intake") == 1)
        number = 1

        def stands() -> bool:
            nonlocal number
            number += 1
            send(kafka_cluster.address, topics, [as_record(place_order(number))])
            return health_of(at, "readyz")[0] == 503

        with closing(connect(database_url)) as conn:
            conn.execute("LOCK TABLE kafka_offsets IN SHARE ROW EXCLUSIVE MODE")
            eventually(stands)
            ((who, why),) = health_of(at, "readyz")[1].items()
            assert who == "intake"
            assert f"{topics}.shipments/" in why
            assert (value_of(at, "worker_standing_parts", worker="intake") or 0) > 0
        eventually(lambda: health_of(at, "readyz") == (200, {}))
        eventually(lambda: value_of(at, "worker_items_total", worker="intake") == number)


def test_a_partition_that_nobody_reads_stands_and_is_told_though_what_waits_first_is_damaged(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    address = kafka_cluster.address
    number = 1

    def send_one() -> None:
        nonlocal number
        order = as_record(place_order(number))
        send(address, topics, [replace(order, partition=0)])
        number += 1

    send_one()
    with open_intake(database_url, address, topics) as (intake, _):
        intake.catch_up()
    send_one()
    damage(kafka_cluster, f"{topics}.shipments", 0, b"actor")
    with (
        open_intake(database_url, address, topics) as (intake, _),
        pytest.raises(IntakeAlarm),
    ):
        intake.catch_up()
    with (
        open_intake(database_url, address, topics) as (idle, _),
        ops(database_url, kafka_cluster, topics, idle.activity, stands_after=1.0) as at,
    ):

        def stands() -> bool:
            send_one()
            return value_of(at, "worker_standing_parts", worker="intake") == 1

        eventually(stands)
        assert (value_of(at, "worker_lag_items", worker="intake", part="shipments") or 0) > 0


def test_a_loop_that_hangs_is_not_alive_until_it_comes_round_again(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    hangs = threading.Event()

    def step(name: str) -> None:
        if name == "written":
            hangs.wait(60)

    with contextlib.ExitStack() as stack:
        intake, _ = stack.enter_context(
            open_intake(database_url, kafka_cluster.address, topics, step=step)
        )
        at = stack.enter_context(
            ops(database_url, kafka_cluster, topics, intake.activity, stuck_after=3.0)
        )
        stack.enter_context(running(intake))
        stack.callback(hangs.set)
        eventually(lambda: health_of(at, "healthz") == (200, {}) and bool(intake.places()))
        send(kafka_cluster.address, topics, [as_record(place_order(1))])
        eventually(lambda: health_of(at, "healthz")[0] == 503)
        assert set(health_of(at, "healthz")[1]) == {"intake"}
        hangs.set()
        eventually(lambda: health_of(at, "healthz") == (200, {}))


def test_an_error_of_the_database_is_told_without_the_row_that_it_quotes(
    database_url: str,
) -> None:
    with psycopg.connect(database_url) as conn, pytest.raises(psycopg.Error) as raised:
        conn.execute(
            "INSERT INTO kafka_offsets (topic, partition, topic_id, position, leader_epoch,"
            " moved_by) VALUES ('of 13800000000', 1, gen_random_uuid(), -1, 0, gen_random_uuid())"
        )
    assert "13800000000" in str(raised.value)
    assert "13800000000" not in plain(raised.value)
    assert "kafka_offsets" in plain(raised.value)
