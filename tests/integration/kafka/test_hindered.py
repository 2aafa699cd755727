"""A database that is there and takes nothing for a while: everybody waits, and nothing moves."""

from __future__ import annotations

import pytest

from infra.kafka import Admin, Cluster, init_topics
from tests.databases import Database
from tests.integration.kafka.test_intake_database import taken_of
from tests.support.cases import complain, contact
from tests.support.hindered import HINDRANCES, hindered
from tests.support.kafka import as_record, open_intake, send
from tests.support.taken import eventually, letters_of, offsets_of
from tests.support.workers import running

# kafka-python leaves a socket open when it is closed while it asks for metadata.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    """The prefix of the test's own topics, which exist."""
    init_topics(admin, prefix)
    return prefix


def messages_of(url: str) -> list[str]:
    """Of the first case's contacts, in the order in which they were taken."""
    return [id_ for id_ in taken_of(url, 1) if id_.startswith("m")]


@pytest.mark.parametrize("by", HINDRANCES)
def test_what_the_database_refuses_to_everybody_makes_no_letter_and_waits_in_its_order(
    by: str, kafka_cluster: Cluster, topics: str, database: Database
) -> None:
    address, url = kafka_cluster.address, database.url
    send(address, topics, [as_record(complain(1, "c1", order=1))])
    with open_intake(url, address, topics) as (intake, _), running(intake):
        eventually(lambda: intake.records == 1)
        before = offsets_of(url)
        with hindered(database, by):
            send(address, topics, [as_record(contact(1, f"m{n}")) for n in range(20)])
            eventually(lambda: intake.activity.snapshot().failing)
            send(address, topics, [as_record(contact(1, f"m{n}")) for n in range(20, 23)])
            assert offsets_of(url) == before
        eventually(lambda: intake.records == 24)
        assert not intake.activity.snapshot().failing
    assert letters_of(url) == []
    assert messages_of(url) == [f"m{n}" for n in range(23)]
