"""Publishers killed and stopped at random moments under load, thirty rounds: nothing is missing,
nothing is out of order by key, whatever comes twice is the same; and of the live queue nothing old
is left."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from random import Random

from domain.case.commands import ReopenCase, WithdrawCase
from domain.request import Request
from infra.engine import Engine
from infra.kafka import Cluster
from tests.integration.kafka.conftest import admin, kafka_cache, kafka_cluster, prefix
from tests.integration.kafka.test_publisher import deal, submit, topics
from tests.integration.kafka.test_publisher_kill import check_all
from tests.support.cases import case_id
from tests.support.published import child
from tests.support.queue_topic import check_queue_topic
from tests.support.store import ask
from tests.support.workers import running

__all__ = ["admin", "kafka_cache", "kafka_cluster", "prefix", "topics"]

ROUNDS = 30
SESSION_SECONDS = 2.0
STEPS = tuple(of + step for of in ("", "queue ") for step in ("read", "sent", "moved"))


@contextmanager
def load(url: str) -> Generator[None]:
    """Submits without end, in small batches; cases end and are opened again."""
    stop = threading.Event()

    def run() -> None:
        seed = 10**6
        while not stop.is_set():
            seed += 1
            submit(url, [*deal(seed, 10), *_endings(seed)])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def _endings(seed: int) -> list[Request]:
    case = case_id(seed % 4)
    if seed % 3:
        return [ask(ReopenCase(case_id=case, reason="again"), f"reopened-{seed}")]
    return [ask(WithdrawCase(case_id=case), f"withdrawn-{seed}")]


def test_thirty_rounds_of_kills_and_stops(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    random = Random()
    repeated = 0
    for number in range(ROUNDS):
        submit(database_url, deal(number, 60))
        with load(database_url), running(Engine(database_url)), ExitStack() as stack:
            children = [
                stack.enter_context(
                    child(
                        database_url,
                        kafka_cluster,
                        topics,
                        random.choice(STEPS),
                        str(random.randrange(1, 4)),
                        str(int(random.choice([signal.SIGKILL, signal.SIGSTOP]))),
                        session_seconds=SESSION_SECONDS,
                    )
                )
                for _ in range(2)
            ]
            time.sleep(random.uniform(0, 2 * SESSION_SECONDS))
            for process in random.sample(children, 2):
                # A stopped one goes on as a leader that is one no longer, or is killed as it is.
                chosen = random.choice([signal.SIGCONT, signal.SIGKILL])
                with suppress(ProcessLookupError):
                    process.send_signal(chosen)
                time.sleep(random.uniform(0, 1))
        Engine(database_url).catch_up()
        repeated = check_all(kafka_cluster, topics, database_url)
        check_queue_topic(kafka_cluster, topics, database_url)
    assert repeated > 0, "some were killed between sending and moving"
