"""What is committed is published to a real broker: all of it, in order, and nothing personal."""

from __future__ import annotations

import gc
import json
import logging
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import psycopg
import pytest

from consumers.sample import generate
from domain.kernel import ActorKind
from domain.request import Request, parse_request
from infra.kafka import Admin, Cluster, KafkaError, init_topics
from infra.kafka.publisher import Publisher
from tests.databases import Database
from tests.support.cases import complain, contact, note, propose, random_requests
from tests.support.kafka import as_record, open_intake, send
from tests.support.published import (
    Published,
    behind,
    check_answered,
    check_complete_and_in_order,
    check_contract,
    eventually,
    positions,
    read_published,
)
from tests.support.store import open_store, place_order
from tests.support.workers import running

forgets_sockets = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""kafka-python leaves the socket of an attempt that failed, or was given up, to the collector."""

OUT = ("case-events", "command-results", "dead-letters")


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    """The prefix of the test's own topics, which exist."""
    init_topics(admin, prefix)
    return prefix


@pytest.fixture
def collected() -> Generator[None]:
    """What kafka-python forgot is found by the end of the test; what it logs would keep it."""
    logger = logging.getLogger("kafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)
    for _ in range(5):
        gc.collect()


def submit(url: str, requests: list[Request]) -> None:
    """As if they had come from Kafka."""
    with open_store(url) as store:
        store.pipeline.submit([replace(request, source="kafka:test") for request in requests])


def deal(seed: int, count: int) -> list[Request]:
    return [place_order(0), place_order(1), *random_requests(seed, count)]


def publish(cluster: Cluster, prefix: str, url: str) -> Publisher:
    publisher = Publisher(url, cluster.address, prefix, page=50)
    publisher.catch_up()
    return publisher


def test_everything_committed_is_published_once_in_order_by_key(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    submit(database_url, deal(1, 400))
    sent = publish(kafka_cluster, topics, database_url).sent
    submit(database_url, deal(2, 100))
    sent += publish(kafka_cluster, topics, database_url).sent
    assert publish(kafka_cluster, topics, database_url).sent == 0
    events = read_published(kafka_cluster.address, topics, "case-events")
    results = read_published(kafka_cluster.address, topics, "command-results")
    assert len(events) + len(results) == sent
    check_complete_and_in_order(database_url, events, once=True)
    check_answered(database_url, results)
    for record in (*events, *results):
        check_contract(record)


def test_a_running_publisher_tells_what_is_committed_meanwhile(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    publisher = Publisher(database_url, kafka_cluster.address, topics, poll=30)
    with running(publisher):
        for seed in range(4):
            submit(database_url, deal(seed, 20))
            # Long before it would look by itself: the writer says so.
            eventually(lambda: not behind(database_url), 20)
    publish(kafka_cluster, topics, database_url)
    events = read_published(kafka_cluster.address, topics, "case-events")
    check_complete_and_in_order(database_url, events, once=True)


def test_amounts_stand_beside_their_currency(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    submit(
        database_url, [place_order(1), complain(1, "c1", order=1), propose(1, "p1", "5.00", "m1")]
    )
    publish(kafka_cluster, topics, database_url)
    # By a publisher that has not seen the complaint.
    submit(database_url, [propose(1, "p2", "7.50", "m2")])
    publish(kafka_cluster, topics, database_url)
    priced = [
        record
        for record in read_published(kafka_cluster.address, topics, "case-events")
        if record.type == "casetrail.case.resolution_proposed.v1"
    ]
    said = [(record.value["refund_total"], record.value["currency"]) for record in priced]
    assert said == [(500, "CNY"), (750, "CNY")]


# ------------------------------------------------------------------------ results


def results_of(cluster: Cluster, prefix: str) -> list[Published]:
    return read_published(cluster.address, prefix, "command-results")


def take(cluster: Cluster, prefix: str, url: str) -> None:
    with open_intake(url, cluster.address, prefix) as (intake, _):
        intake.catch_up()


def test_each_command_record_gets_a_result(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    filed = complain(1, "c1", order=1)
    twice = contact(1, "m1")
    once_more = replace(twice, correlation_id="second")
    unknown = contact(99, "m2")
    broken = replace(as_record(contact(1, "m3")), value=b"{")
    other = as_record(note(1, "m1"))  # the id of the contact, with another content
    nameless = replace(broken, headers=[h for h in broken.headers if h[0] != "ce_id"])
    dated = as_record(complain(2, "m4", order=2))
    timeless = replace(dated, headers=[h for h in dated.headers if h[0] != "ce_time"])
    plain = as_record(contact(1, "m5"))
    named = replace(plain, value=(plain.value or b"").replace(b"{", b'{"Wang": 1, ', 1))
    first = [*map(as_record, (place_order(1), filed, twice, once_more, unknown)), broken]
    first += [timeless, named]
    send(kafka_cluster.address, topics, [*first, other, nameless])
    take(kafka_cluster, topics, database_url)
    # Of another slice, too, and by its own correlation id.
    send(kafka_cluster.address, topics, [as_record(replace(twice, correlation_id="third"))])
    take(kafka_cluster, topics, database_url)
    publish(kafka_cluster, topics, database_url)

    results = results_of(kafka_cluster, topics)
    told = {(r.key, r.value["outcome"], r.value["repeat"], r.value["code"]) for r in results}
    assert told == {
        ("c1", "accepted", False, ""),
        ("m1", "accepted", False, ""),
        ("second", "accepted", True, ""),
        ("third", "accepted", True, ""),
        ("m2", "refused", False, "unknown_case"),
        ("m3", "not_taken", False, "broken_json"),
        ("m4", "not_taken", False, "header_missing"),
        ("m5", "not_taken", False, "field_unknown"),
        ("m1", "not_taken", False, "message_id_reused"),
    }
    assert len(results) == len(told)
    assert len({r.id for r in results}) == len(results)
    position = {r.key: r.value["position"] for r in results if r.value["outcome"] == "accepted"}
    assert position["second"] == position["third"] == position["m1"] > position["c1"]
    refused = next(r for r in results if r.key == "m2")
    assert refused.value["message"]
    why = {r.key: (r.value["message"], r.value["field"]) for r in results}
    assert why["m3"] == ("The value is not JSON.", "")
    assert why["m4"] == ("A header that is needed is missing.", "ce_time")
    assert why["m5"] == ("A field is not known.", ""), "the name is the sender's"
    notices = read_published(kafka_cluster.address, topics, "dead-letters")
    assert [n.value["number"] for n in notices] != []
    assert {n.headers["__connect.errors.exception.class.name"] for n in notices} == {
        "broken_json",
        "field_unknown",
        "header_missing",
        "message_id_reused",
    }
    assert {n.key for n in notices} <= {f"{topics}.commands/{n}" for n in range(12)}
    for record in (*results, *notices):
        check_contract(record)


def test_what_is_only_read_again_is_not_answered_again(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    send(kafka_cluster.address, topics, [as_record(complain(1, "c1", order=1))])
    take(kafka_cluster, topics, database_url)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE kafka_offsets SET position = 0")
    take(kafka_cluster, topics, database_url)
    publish(kafka_cluster, topics, database_url)
    assert len(results_of(kafka_cluster, topics)) == 1


def test_requests_that_came_by_another_way_have_no_result(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    with open_store(database_url) as store:
        store.pipeline.submit([complain(n, f"c{n}", order=n) for n in range(30)])
    publish(kafka_cluster, topics, database_url)
    assert results_of(kafka_cluster, topics) == []
    assert positions(database_url)["answers"] == 30


# --------------------------------------------------------------- what may not be there


def test_nothing_personal_is_published(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    anchor = datetime(2026, 11, 20, 4, tzinfo=UTC)
    requests = [
        parse_request(message.line(), "kafka:sample") for message in generate(anchor, quiet=20)
    ]
    with open_store(database_url) as store:
        store.pipeline.submit(requests)
    publish(kafka_cluster, topics, database_url)
    records = [
        record for topic in OUT for record in read_published(kafka_cluster.address, topics, topic)
    ]
    assert {record.type for record in records} > {"casetrail.case.note_added.v1"}
    everything = b"\n".join(record.raw for record in records)
    words = {word for request in requests for word in personal_words(request)}
    assert len(words) > 100
    assert [word for word in words if word.encode() in everything] == []
    said = {text for record in records for text in texts_in(record.value)}
    people = {r.actor.id for r in requests if r.actor.kind is ActorKind.PERSON}
    assert people
    assert people.isdisjoint(said)


def personal_words(request: Request) -> Iterator[str]:
    """What only the encrypted part of an event may hold, and words that people wrote."""
    fields: dict[str, Any] = json.loads(request.command.model_dump_json(exclude_none=True))
    for name in ("reason", "text", "skip_reason", "status", "tracking"):
        if isinstance(fields.get(name), str):
            yield fields[name]
    private: dict[str, str] = fields.get("private", {})
    for text in private.values():
        if len(text) > 3:
            yield text


def texts_in(value: Any) -> Iterator[str]:
    inner: Any = ()
    match value:
        case str():
            yield value
        case dict():
            inner = value.values()  # pyright: ignore[reportUnknownVariableType]
        case list():
            inner = value  # pyright: ignore[reportUnknownVariableType]
        case _:
            pass
    for part in inner:
        yield from texts_in(part)


# ------------------------------------------------------------------- large and broken


def test_an_event_as_large_as_a_command_may_be_is_published(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    fields = complain(1, "c1", order=1).command.model_dump(mode="json")
    fields["evidence"] = [
        {"evidence_id": f"{n:064x}", "kind": "photo", "sha256": f"{n * 7919:064x}"}
        for n in range(5_500)
    ]
    filed = complain(1, "c1", order=1)
    command = type(filed.command).model_validate(fields)
    assert 900_000 < len(command.model_dump_json()) < 1024 * 1024
    submit(database_url, [replace(filed, command=command)])
    publish(kafka_cluster, topics, database_url)
    events = read_published(kafka_cluster.address, topics, "case-events")
    check_complete_and_in_order(database_url, events, once=True)


@forgets_sockets
def test_an_event_that_cannot_be_published_stops_events_behind_it_only_and_says_so(
    kafka_cluster: Cluster, topics: str, database_url: str, collected: None
) -> None:
    submit(database_url, [complain(1, "c1", order=1)])
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO stored_events SELECT max(notification_id) + 1, 1, max(recorded_at), 1,"
            " 'case:douyin:s1:X', 'case.unheard_of.v1', '{}' FROM stored_events"
        )
    submit(database_url, [complain(2, "c2", order=2)])
    before = len(read_published(kafka_cluster.address, topics, "case-events"))
    publisher = Publisher(database_url, kafka_cluster.address, topics)
    assert before == 0
    with pytest.raises(KafkaError, match="unheard_of"):
        publisher.catch_up()
    found = read_published(kafka_cluster.address, topics, "case-events")
    assert {record.key for record in found} == {"douyin:s1:AS1"}
    assert {record.key for record in results_of(kafka_cluster, topics)} == {"c1", "c2"}
    said: list[str] = []
    waiting = Publisher(
        database_url,
        kafka_cluster.address,
        topics,
        poll=0.1,
        say=lambda text, **values: said.append(text.format(**values)),
    )
    with running(waiting):
        eventually(lambda: bool(said))
    assert len(said) == 1
    assert "unheard_of" in said[0]
    assert behind(database_url) > 1


@forgets_sockets
def test_what_cannot_be_published_is_said_once_and_seen_while_all_else_flows_on(
    kafka_cluster: Cluster, topics: str, database: Database, collected: None
) -> None:
    url = database.url
    submit(url, [complain(1, "c1", order=1)])
    with psycopg.connect(url) as conn:
        conn.execute(
            "INSERT INTO stored_events SELECT max(notification_id) + 1, 1, max(recorded_at), 1,"
            " 'case:douyin:s1:X', 'case.unheard_of.v1', '{}' FROM stored_events"
        )
    said: list[str] = []
    publisher = Publisher(
        url,
        kafka_cluster.address,
        topics,
        poll=0.1,
        say=lambda text, **values: said.append(text.format(**values)),
    )
    with running(publisher):
        eventually(lambda: publisher.activity.snapshot().failing)
        for number in range(2, 12):
            submit(url, [complain(number, f"c{number}", order=number)])
            eventually(lambda n=number: positions(url)["answers"] == n)  # type: ignore[misc]
            assert publisher.activity.snapshot().failing
            assert {name for name, error in errors_of(url).items() if error} == {"case-events"}
            assert "unheard_of" in str(errors_of(url)["case-events"])
        (only,) = said
        assert "unheard_of" in only
        # Somebody sees to it: only the server's superuser can.
        with psycopg.connect(database.admin_url) as conn:
            conn.execute("ALTER TABLE stored_events DISABLE TRIGGER USER")
            conn.execute("UPDATE stored_events SET kind = 2 WHERE topic = 'case.unheard_of.v1'")
            conn.execute("ALTER TABLE stored_events ENABLE ALWAYS TRIGGER immutable")
        eventually(lambda: not behind(url))
        eventually(lambda: not publisher.activity.snapshot().failing)
    assert said == [only, "The publisher goes on."]
    assert set(errors_of(url).values()) == {None}


def errors_of(url: str) -> dict[str, str | None]:
    with psycopg.connect(url) as conn:
        return dict(conn.execute("SELECT name, error FROM publications").fetchall())


def error_of(url: str) -> str | None:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT max(error) FROM publications").fetchone()
    return None if row is None else row[0]


@forgets_sockets
def test_a_topic_that_is_missing_is_waited_for(
    kafka_cluster: Cluster, admin: Admin, prefix: str, database_url: str, collected: None
) -> None:
    submit(database_url, [complain(1, "c1", order=1)])
    publisher = Publisher(database_url, kafka_cluster.address, prefix, poll=0.1)
    with running(publisher):
        eventually(lambda: error_of(database_url) is not None)
        assert positions(database_url)["case-events"] == 0
        init_topics(admin, prefix)
        eventually(lambda: not behind(database_url))
        eventually(lambda: error_of(database_url) is None)
    events = read_published(kafka_cluster.address, prefix, "case-events")
    check_complete_and_in_order(database_url, events, once=True)


@forgets_sockets
def test_a_record_that_the_broker_refuses_stops_nothing_for_good(
    kafka_cluster: Cluster, admin: Admin, topics: str, database_url: str, collected: None
) -> None:
    small, enough = ("100", "1048576")
    limit(admin, f"{topics}.case-events", small)
    numbers = iter(range(1000))

    def is_refused() -> bool:
        """A limit holds some time after it was set."""
        number = next(numbers)
        submit(database_url, [complain(number, f"c{number}", order=number)])
        return error_of(database_url) is not None

    publisher = Publisher(database_url, kafka_cluster.address, topics, poll=0.1)
    with running(publisher):
        eventually(is_refused)
        limit(admin, f"{topics}.case-events", enough)
        # The producer that it was refused to would never send again.
        eventually(lambda: not behind(database_url))
    events = read_published(kafka_cluster.address, topics, "case-events")
    check_complete_and_in_order(database_url, events)


def limit(admin: Admin, topic: str, size: str) -> None:
    """How many bytes a batch of the topic may have."""
    kafka_admin: Any = import_module("kafka.admin")
    kind = kafka_admin.ConfigResourceType.TOPIC
    resource = kafka_admin.ConfigResource(kind, topic, {"max.message.bytes": size})
    client: Any = admin
    client.alter_configs([resource])
