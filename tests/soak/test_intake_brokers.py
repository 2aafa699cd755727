"""Three brokers, one killed under load and started again, then two: the intake and the publisher
go on, stand still and come back; nothing that was acknowledged is lost."""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import partial

import pytest

from infra.kafka import Cluster, embedded_kafka, init_topics, open_admin
from infra.kafka.intake import Intake
from infra.kafka.publisher import Publisher
from infra.settings import read_settings
from tests.soak.test_kafka_brokers import quiet
from tests.support.kafka import open_intake
from tests.support.processes import short_folder
from tests.support.published import (
    behind,
    check_answered,
    check_complete_and_in_order,
    read_published,
)
from tests.support.taken import Load, check_all_taken, check_taken, eventually, load
from tests.support.workers import running

__all__ = ["quiet"]

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PREFIX = "soak"
SECONDS = 150.0


@pytest.fixture(scope="module")
def cluster() -> Generator[Cluster]:
    with (
        short_folder() as folder,
        embedded_kafka(folder, 3, cache=read_settings().cache) as found,
    ):
        with open_admin(found.address) as admin:
            init_topics(admin, PREFIX)
        yield found


def goes_on(sent: Load, intake: Intake, lots: int = 3) -> None:
    """More is acknowledged, and more than was then is taken."""
    aim = len(sent.acknowledged) + lots * sent.lot
    eventually(partial(has_acknowledged, sent, aim), SECONDS)
    before = intake.records
    eventually(partial(has_taken, intake, before + 1), SECONDS)


def has_acknowledged(sent: Load, count: int) -> bool:
    return len(sent.acknowledged) >= count


def has_taken(intake: Intake, count: int) -> bool:
    return intake.records >= count


def is_caught_up(cluster: Cluster, url: str) -> bool:
    found = check_taken(cluster.address, PREFIX, url)
    return found.taken == found.records


def test_one_killed_goes_on_two_killed_wait_and_all_come_back(
    cluster: Cluster, database_url: str
) -> None:
    address = cluster.address
    publisher = Publisher(database_url, address, PREFIX, poll=0.2)
    with (
        load(address, PREFIX) as sent,
        open_intake(database_url, address, PREFIX) as (intake, _),
        running(intake),
        running(publisher),
    ):
        goes_on(sent, intake)
        for number in (1, 2, 3):
            cluster.kill(number)
            goes_on(sent, intake)
            cluster.start(number)
            goes_on(sent, intake)
        cluster.kill(1)
        cluster.kill(2)
        time.sleep(3)  # what was under way is answered
        before = len(sent.acknowledged)
        time.sleep(8)
        assert len(sent.acknowledged) == before, "one of three must not acknowledge"
        cluster.start(1, 2)
        goes_on(sent, intake)
        cluster.restart(3)
        goes_on(sent, intake)
        sent.stop.set()
        eventually(partial(is_caught_up, cluster, database_url), SECONDS)
        eventually(lambda: not behind(database_url), SECONDS)
    check_all_taken(address, PREFIX, database_url, sent.acknowledged)
    publisher.catch_up()
    check_complete_and_in_order(database_url, read_published(address, PREFIX, "case-events"))
    check_answered(database_url, read_published(address, PREFIX, "command-results"))
