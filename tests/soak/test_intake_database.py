"""PostgreSQL stopped at once and connections cut at COMMIT under the intake, many times; workers
that join and leave."""

from __future__ import annotations

from random import Random

import pytest

from infra.kafka import Cluster
from tests.databases import fresh_database
from tests.integration.kafka.conftest import admin, kafka_cache, kafka_cluster, prefix
from tests.integration.kafka.test_intake import other_url, topics
from tests.integration.kafka.test_intake_database import (
    cut_under_load,
    own_server,
    stop_and_restart,
)
from tests.integration.kafka.test_intake_group import join_and_leave
from tests.integration.kafka.test_intake_kill import check_as_unbroken

__all__ = ["admin", "kafka_cache", "kafka_cluster", "other_url", "prefix", "topics"]

# kafka-python leaves a socket open when it is closed while it asks for metadata.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

STOPS = 20
CUTS = 40
CHANGES = 15


def test_twenty_immediate_stops_of_the_database_lose_and_double_nothing(
    kafka_cluster: Cluster, topics: str, other_url: str
) -> None:
    with own_server() as (home, server), fresh_database(server) as database:
        stop_and_restart(kafka_cluster, topics, home, server, database.url, STOPS)
        check_as_unbroken(kafka_cluster, topics, database.url, other_url)


def test_forty_connections_cut_at_commit_lose_and_double_nothing(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    cut_under_load(kafka_cluster, topics, database_url, CUTS)
    check_as_unbroken(kafka_cluster, topics, database_url, other_url)


def test_fifteen_changes_of_the_group_lose_and_double_nothing(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    random = Random()
    sizes = [2, 4, *(random.choice([1, 2, 3, 4]) for _ in range(CHANGES - 2))]
    join_and_leave(kafka_cluster, topics, database_url, sizes)
    check_as_unbroken(kafka_cluster, topics, database_url, other_url)
