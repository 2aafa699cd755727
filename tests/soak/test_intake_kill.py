"""The intake killed thirty times, at each step and at random moments, and stopped and replaced:
every command takes effect exactly once, and no offset is ahead of effects or behind them."""

from __future__ import annotations

import signal
import time
from random import Random

import pytest

from infra.kafka import Cluster
from tests.integration.kafka.conftest import admin, kafka_cache, kafka_cluster, prefix
from tests.integration.kafka.test_intake import other_url, topics
from tests.integration.kafka.test_intake_kill import STEPS, check_as_unbroken, stop_and_take_over
from tests.support.intake_child import intake_process
from tests.support.kafka import open_intake
from tests.support.taken import check_all_taken, check_taken, load

__all__ = ["admin", "kafka_cache", "kafka_cluster", "other_url", "prefix", "topics"]

# kafka-python leaves a socket open when it is closed while it asks for metadata.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

ROUNDS = 30
TAKE_OVERS = 10


def test_thirty_kills_at_each_step_and_at_random_moments(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    address = kafka_cluster.address
    random = Random()
    taken = 0
    with load(address, topics) as sent:
        for number in range(ROUNDS):
            nth = str(random.randrange(1, 6))
            # At a step twice, then at whatever moment.
            at = (STEPS[number % len(STEPS)], nth, str(int(signal.SIGKILL)))
            by_itself = number % 3 < 2
            with intake_process(
                database_url, address, topics, *(at if by_itself else ())
            ) as process:
                if not by_itself:
                    time.sleep(random.uniform(0, 4))
                    process.kill()
                assert process.wait(90) == -signal.SIGKILL
            found = check_taken(address, topics, database_url).taken
            assert found >= taken
            taken = found
    assert taken > 0
    with open_intake(database_url, address, topics, member="one") as (intake, _):
        intake.catch_up()
    check_all_taken(address, topics, database_url, sent.acknowledged)
    check_as_unbroken(kafka_cluster, topics, database_url, other_url)


def test_stopped_past_its_session_at_each_step_and_replaced(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    random = Random()
    for number in range(TAKE_OVERS):
        step = STEPS[number % len(STEPS)]
        nth = random.randrange(1, 4)
        stop_and_take_over(kafka_cluster, topics, database_url, step, nth=nth, first=1000 * number)
    check_as_unbroken(kafka_cluster, topics, database_url, other_url)
