"""What the sender of a record is told that cannot be decided: whether it waits."""

from __future__ import annotations

from consumers.kafka_topics import KAFKA_TOPICS
from domain import decider
from domain.kernel import Command, Context, Emit
from domain.world import World
from infra.kafka import Admin, Cluster, init_topics
from infra.kafka.intake_letters import DeadLetters
from infra.kafka.publisher import Publisher
from tests.databases import Database
from tests.integration.kafka.test_intake_database import broken_event
from tests.integration.pipeline.test_answers import Domain
from tests.support.cases import complain, contact
from tests.support.kafka import as_record, open_intake, send
from tests.support.published import read_published
from tests.support.taken import letters_of


def failing(command: Command, world: World, context: Context) -> list[Emit]:
    """A fault of ours, in one decision."""
    if context.request_id == "thrown":
        raise ZeroDivisionError
    return decider.decide(command, world, context)


def test_a_result_tells_by_its_code_whether_the_record_waits_and_gets_another_one_later(
    kafka_cluster: Cluster, admin: Admin, prefix: str, database: Database
) -> None:
    init_topics(admin, prefix)
    address, url = kafka_cluster.address, database.url
    publisher = Publisher(url, address, prefix)

    def told() -> dict[str, list[str]]:
        publisher.catch_up()
        found: dict[str, list[str]] = {}
        for record in read_published(address, prefix, "command-results"):
            found.setdefault(record.value["message_id"], []).append(record.value["code"])
        return found

    send(address, prefix, [as_record(complain(n, f"c{n}", order=n)) for n in (1, 2)])
    with open_intake(url, address, prefix) as (intake, _):
        intake.catch_up()
    some = [as_record(contact(1, "first")), as_record(contact(1, "second"))]
    send(address, prefix, [*some, as_record(contact(2, "thrown"))])
    with (
        broken_event(database),
        open_intake(url, address, prefix, domain=Domain(decide=failing)) as (intake, _),
    ):
        intake.catch_up()
        send(address, prefix, [as_record(contact(1, "third"))])
        intake.catch_up()
    states = {(code, state) for _, code, _, state in letters_of(url)}
    assert states == {("quarantined", "parked"), ("quarantined", "open"), ("parked", "parked")}
    waits = {id_: ["parked"] for id_ in ("first", "second", "third")}
    assert told() == {"c1": [""], "c2": [""], "thrown": ["quarantined"], **waits}
    with open_intake(url, address, prefix) as (_, store):
        letters = DeadLetters(store.datastore, store.vault)
        for letter in letters.list():
            assert letters.retry(letter.number, store.pipeline, KAFKA_TOPICS, "li").accepted
    assert {id_: sorted(codes) for id_, codes in told().items()} == {
        **{id_: [""] for id_ in ("c1", "c2")},
        **{id_: ["", "parked"] for id_ in ("first", "second", "third")},
        "thrown": ["", "quarantined"],
    }
