"""The broker stopped at once under the intake."""

from __future__ import annotations

from functools import partial

import pytest

from infra.kafka import Cluster, open_admin
from tests.integration.kafka.test_intake_database import has_more
from tests.integration.kafka.test_intake_kill import is_caught_up
from tests.integration.kafka.test_publisher_kill import own_cluster
from tests.support.kafka import create_topics, open_intake
from tests.support.taken import check_all_taken, eventually, load
from tests.support.workers import running

__all__ = ["own_cluster"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_a_broker_it_waits_and_comes_back_by_itself(
    own_cluster: Cluster, database_url: str
) -> None:
    address, prefix = own_cluster.address, "away"
    with open_admin(address) as admin:
        create_topics(admin, prefix)
    with (
        load(address, prefix) as sent,
        open_intake(database_url, address, prefix) as (intake, _),
        running(intake) as (thread,),
    ):
        for _ in range(3):
            eventually(partial(has_more, intake, intake.records))
            own_cluster.kill(1)
            assert thread.is_alive()
            own_cluster.start(1)
        sent.goes_on()
        sent.stop.set()
        eventually(lambda: is_caught_up(own_cluster, prefix, database_url))
    check_all_taken(address, prefix, database_url, sent.acknowledged)
