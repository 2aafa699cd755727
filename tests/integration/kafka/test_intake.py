"""Commands and facts from a real broker into a real database."""

from __future__ import annotations

import psycopg
import pytest

from infra.kafka import Admin, Cluster
from tests.support.cases import complain, contact
from tests.support.kafka import as_record, create_topics, open_intake, send
from tests.support.store import place_order, ship_order

pytestmark = pytest.mark.xdist_group("kafka")


@pytest.fixture
def topics(admin: Admin, prefix: str) -> str:
    """The prefix of the test's own topics, which exist."""
    create_topics(admin, prefix)
    return prefix


def log_of(url: str) -> list[tuple[str, int, str, str]]:
    """Stream, version, topic and id of each event."""
    with psycopg.connect(url) as conn:
        return conn.execute(
            "SELECT originator_id, originator_version, topic,"
            " convert_from(state, 'UTF8')::jsonb -> 's' ->> 'id' FROM stored_events"
            " ORDER BY originator_id, originator_version"
        ).fetchall()


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
        assert intake.records == 0
        assert store.log.head() == head
