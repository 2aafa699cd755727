"""Commands and facts from a real broker into a real database."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from consumers.kafka_topics import KAFKA_TOPICS
from domain import decider
from domain.kernel import Command, Context, Emit, Event, Stamp, State
from domain.request import MAX_BYTES, Malformed
from domain.world import World
from infra.kafka import Admin, Cluster, KafkaError, open_admin
from infra.kafka.intake import Intake, IntakeAlarm
from infra.kafka.intake_letters import DeadLetters
from infra.kafka.intake_slice import Offsets
from infra.postgres import Server
from tests.databases import fresh_database
from tests.support.cases import complain, contact, note
from tests.support.kafka import Sent, as_record, create_topics, open_intake, send
from tests.support.proxy import Fault, faulty_proxy
from tests.support.store import place_order, ship_order
from tests.support.taken import (
    answers_of,
    dealings,
    eventually,
    letters_of,
    log_of,
    offsets_of,
)
from tests.support.workers import running


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    """The prefix of the test's own topics, which exist."""
    create_topics(admin, prefix)
    return prefix


@pytest.fixture
def other_url(postgres_server: Server) -> Generator[str]:
    """Another empty database."""
    with fresh_database(postgres_server) as made:
        yield made.url


def rewind(url: str) -> None:
    """Read every partition from its start again."""
    with psycopg.connect(url) as conn:
        conn.execute("UPDATE kafka_offsets SET position = 0")


def test_records_become_events_and_answers_once(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    told = [place_order(1), ship_order(1), complain(1, "c1", order=1), contact(1, "m1")]
    send(kafka_cluster.address, topics, map(as_record, told))
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        assert intake.records == 4
        head = store.log.head()
        assert head >= 4
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        assert (intake.records, store.log.head()) == (0, head)


# ------------------------------------------------------------------- bad records


def test_each_bad_record_of_a_hot_key_becomes_a_letter_and_the_others_flow(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    good = as_record(complain(1, "c1", order=1))
    kept = [header for header in good.headers if header[0] != "ce_id"]
    secret = "13800000000"
    zeros = json.dumps({"actor": {}, "data": {}, "x": "0" * MAX_BYTES}).encode()
    bad = [
        ("broken_json", replace(good, value=f"{secret}".encode() + b"{")),
        ("unknown_type", replace(good, headers=_typed(good, "case.eat.v1"))),
        ("unknown_version", replace(good, headers=_typed(good, "case.close.v9"))),
        ("wrong_topic", replace(good, headers=_typed(good, "order.record_order.v1"))),
        ("header_missing", replace(good, headers=kept)),
        ("tombstone", replace(good, value=None)),
        ("message_too_large", replace(good, value=zeros)),
    ]
    records = [good]
    for n, (_, record) in enumerate(bad):
        records += [record, as_record(contact(1, f"between-{n}"))]
    other = as_record(note(1, "between-0"))
    records.append(other)  # the id of a contact, with another content
    send(kafka_cluster.address, topics, records, compression_type="gzip")
    # A key that hashes elsewhere goes to the hot partition too.
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        codes = [code for code, _ in bad]
        found = letters_of(database_url)
        assert [row[1] for row in found] == [*codes, "message_id_reused"]
        assert [row[0] for row in found] == list(range(1, len(codes) + 2))
        assert len(answers_of(database_url)) == 1 + len(bad)
        letters = DeadLetters(store.datastore, store.vault)
        original = letters.open(1)
        assert original is not None
        assert (original.key, original.value) == (bad[0][1].key, bad[0][1].value)
        assert [tuple(header) for header in original.headers] == list(bad[0][1].headers)
        with psycopg.connect(database_url) as conn:
            row = conn.execute("SELECT string_agg(l::text, '') FROM dead_letters l").fetchone()
        assert row is not None
        assert secret not in str(row[0])
        assert letters.get(1).connect_headers()["__connect.errors.offset"] == "1"
        rewind(database_url)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
        assert letters_of(database_url) == found


def _typed(record: Sent, type_: str) -> list[tuple[str, bytes]]:
    return [(n, type_.encode() if n == "ce_type" else c) for n, c in record.headers]


def test_a_wrong_key_is_a_letter(kafka_cluster: Cluster, topics: str, database_url: str) -> None:
    good = as_record(place_order(1))
    sent = [replace(good, key=b"douyin:s1:O2"), replace(good, key=None)]
    send(kafka_cluster.address, topics, sent)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
        assert {row[1] for row in letters_of(database_url)} == {"wrong_key", "key_missing"}


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_records_compressed_with_each_codec_are_read(
    codec: str, kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    send(
        kafka_cluster.address,
        topics,
        [as_record(place_order(n)) for n in range(5)],
        compression_type=codec,
    )
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        assert store.log.head() == 5


def test_a_letter_is_tried_again_or_given_up_once(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    good = as_record(place_order(1))
    send(kafka_cluster.address, topics, [replace(good, value=b"{"), replace(good, value=None)])
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        letters = DeadLetters(store.datastore, store.vault)
        with pytest.raises(Malformed):
            letters.retry(1, store.pipeline, KAFKA_TOPICS, "li")
        letters.discard(1, "li", "a test of theirs")
        assert letters.open(1) is None
        assert [letter.number for letter in letters.list()] == [2]
        with pytest.raises(KafkaError, match="settled already"):
            letters.discard(1, "li", "again")
        assert letters.get(1).settled_by == "li"


class Unfoldable:
    """The domain, while it cannot fold one case."""

    def __init__(self) -> None:
        self.broken = True

    def decide(self, command: Command, world: World, context: Context) -> list[Emit]:
        return decider.decide(command, world, context)

    def evolve(self, state: State, event: Event, stamp: Stamp) -> State:
        if self.broken and getattr(state, "case_id", "").endswith(":AS1") and stamp.version > 1:
            raise ValueError("no")
        return decider.evolve(state, event, stamp)

    def initial(self, stream: str) -> State:
        return decider.initial(stream)


def test_what_comes_for_a_case_that_cannot_be_folded_waits_in_order_behind_it(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    first = [complain(n, f"c{n}", order=n) for n in (1, 2)]
    send(kafka_cluster.address, topics, map(as_record, first))
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
    more = [contact(n, f"m{turn}-{n}") for turn in range(3) for n in (1, 2)]
    send(kafka_cluster.address, topics, map(as_record, more[:4]))
    with open_intake(database_url, kafka_cluster.address, topics, domain=Unfoldable()) as (
        intake,
        _,
    ):
        intake.catch_up()
        assert [row[3] for row in letters_of(database_url)] == ["parked"] * 2
        assert len(answers_of(database_url)) == 4
    # It can be folded again, but what comes now waits behind what waits.
    send(kafka_cluster.address, topics, map(as_record, more[4:]))
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        assert [row[1] for row in letters_of(database_url)] == ["quarantined"] * 2 + ["parked"]
        letters = DeadLetters(store.datastore, store.vault)
        for letter in letters.list():
            assert letters.retry(letter.number, store.pipeline, KAFKA_TOPICS, "li").accepted
        assert letters.list() == []
        assert letters.parked_streams() == set()
        ids = [r.envelope.message_id for r in store.log.load("case:douyin:s1:AS1")]
        assert [i for i in dict.fromkeys(ids) if i[0] == "m"] == ["m0-1", "m1-1", "m2-1"]


# ------------------------------------------------------------------------ replay


def test_a_replay_changes_nothing_and_gives_an_empty_database_the_same_events(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    sent = dealings(range(40))
    send(kafka_cluster.address, topics, sent)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
        log, answers = log_of(database_url), answers_of(database_url)
        rewind(database_url)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
        assert intake.records == len(sent)
        assert (log_of(database_url), answers_of(database_url)) == (log, answers)
    with open_intake(other_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
        assert (log_of(other_url), answers_of(other_url)) == (log, answers)


# ---------------------------------------------------------------------- troubles


@pytest.mark.parametrize("fault", [Fault.BEFORE_COMMIT, Fault.AFTER_COMMIT])
def test_a_connection_cut_at_commit_loses_nothing_and_takes_nothing_twice(
    fault: Fault, kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    # Repeats only: no event tells whether the offset was moved.
    records = [as_record(place_order(1))] * 3
    send(kafka_cluster.address, topics, records[:1])
    with (
        faulty_proxy(database_url) as proxy,
        open_intake(proxy.url, kafka_cluster.address, topics) as (intake, store),
        running(intake),
    ):
        eventually(lambda: intake.records == 1)
        proxy.break_next = fault
        send(kafka_cluster.address, topics, records[1:])
        eventually(lambda: intake.records == 3)
        assert (proxy.faults, store.log.head()) == (1, 1)


def test_without_a_database_it_waits_and_comes_back_by_itself(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    with (
        faulty_proxy(database_url) as proxy,
        open_intake(proxy.url, kafka_cluster.address, topics) as (intake, _),
        running(intake) as (thread,),
    ):
        send(kafka_cluster.address, topics, [as_record(place_order(1))])
        eventually(lambda: intake.records == 1)
        proxy.refuses = True
        send(kafka_cluster.address, topics, [as_record(place_order(2))])
        time.sleep(2)
        assert thread.is_alive()
        assert intake.records == 1
        proxy.refuses = False
        eventually(lambda: intake.records == 2)
    assert len(log_of(database_url)) == 2


def test_a_slice_is_undone_when_another_reader_moved_the_partition(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    moved: list[str] = []

    def step(name: str) -> None:
        if name == "translated" and not moved:
            moved.append(name)
            with psycopg.connect(database_url) as conn:
                conn.execute("UPDATE kafka_offsets SET position = 1 WHERE position = 0")

    sent = [as_record(contact(1, f"m{n}")) for n in range(3)]
    send(kafka_cluster.address, topics, sent)
    with (
        open_intake(database_url, kafka_cluster.address, topics, step=step) as (intake, _),
        running(intake),
    ):
        eventually(lambda: intake.records == 2)
    assert [row[1] for row in answers_of(database_url)] == ["m1", "m2"]


def test_a_topic_made_anew_stops_it_with_an_alarm(
    kafka_cluster: Cluster, topics: str, database_url: str, admin: Admin
) -> None:
    send(kafka_cluster.address, topics, [as_record(place_order(1))])
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
    admin.delete_topics([f"{topics}.shipments"])
    time.sleep(1)
    create_topics(admin, topics)
    with (
        open_intake(database_url, kafka_cluster.address, topics) as (intake, _),
        pytest.raises(IntakeAlarm, match="made anew"),
    ):
        intake.catch_up()


def test_records_gone_before_they_were_read_stop_it_with_an_alarm(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    send(kafka_cluster.address, topics, [as_record(place_order(1))])
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
        (read,) = [place for place, at in offsets_of(database_url).items() if at]
        send(kafka_cluster.address, topics, [as_record(place_order(1))] * 3)
        delete_records(kafka_cluster, *read, before=3)
    with (
        open_intake(database_url, kafka_cluster.address, topics) as (intake, _),
        pytest.raises(IntakeAlarm, match="gone"),
    ):
        intake.catch_up()


def delete_records(cluster: Cluster, topic: str, partition: int, *, before: int) -> None:
    from kafka.structs import TopicPartition  # type: ignore[import-untyped]

    with open_admin(cluster.address) as client:
        private: Any = client
        private.delete_records({TopicPartition(topic, partition): before})


# ------------------------------------------------------------------- several workers


def test_two_workers_share_the_partitions_and_take_everything_once(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    first, second = dealings(range(40)), dealings(range(40, 80))
    address = kafka_cluster.address
    with (
        open_intake(database_url, address, topics, member="one") as (one, _),
        open_intake(database_url, address, topics, member="two") as (two, _),
        running(one),
    ):
        send(address, topics, first)
        eventually(lambda: one.records > 0)
        with running(two):
            eventually(lambda: _share(one, two))
            send(address, topics, second)
            eventually(lambda: one.records + two.records >= len(first + second))
            assert two.records > 0
    with open_intake(database_url, address, topics, member="one") as (again, _):
        again.catch_up()
        assert again.records == 0
    with open_intake(other_url, address, topics) as (alone, _):
        alone.catch_up()
    assert answers_of(database_url) == answers_of(other_url)
    assert log_of(database_url) == log_of(other_url)


def _share(one: Intake, two: Intake) -> bool:
    """Each partition has exactly one of them, and both have some."""
    mine, others = one.places(), two.places()
    return bool(mine and others) and not mine & others and len(mine | others) == 48


def test_offsets_moved_by_hand_are_where_it_goes_on(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    send(kafka_cluster.address, topics, [as_record(place_order(1))] * 3)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, store):
        intake.catch_up()
        offsets = Offsets(store.datastore)
        with store.datastore.connection() as conn:
            row = conn.execute(
                "SELECT topic, partition, topic_id FROM kafka_offsets WHERE position > 0"
            ).fetchone()
        assert row is not None
        from kafka.structs import TopicPartition

        place = TopicPartition(row["topic"], row["partition"])
        offsets.move_by_hand(place, row["topic_id"], 1)
    with open_intake(database_url, kafka_cluster.address, topics) as (intake, _):
        intake.catch_up()
        assert intake.records == 2
