"""The intake killed, stopped and replaced at each step of a slice."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import ExitStack
from functools import partial

import pytest

from infra.kafka import Cluster
from tests.integration.kafka.test_intake import other_url, topics
from tests.support.intake_child import intake_process, is_stopped
from tests.support.kafka import Sent, open_intake, send
from tests.support.taken import (
    answers_of,
    check_all_taken,
    check_taken,
    dealings,
    eventually,
    load,
    log_of,
)
from tests.support.workers import running

__all__ = ["other_url", "topics"]

# kafka-python leaves a socket open when it is closed while it asks for metadata.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

STEPS = ("read", "translated", "written", "committed", "told the group")
SESSION_MS = 2_000
POLL_LIMIT_MS = 4_000


def check_as_unbroken(cluster: Cluster, prefix: str, url: str, other: str) -> None:
    """The same answers and the same events as in an empty database, by one worker that nobody
    disturbs."""
    with open_intake(other, cluster.address, prefix) as (intake, _):
        intake.catch_up()
    check_all_taken(cluster.address, prefix, other, [])
    assert answers_of(url) == answers_of(other)
    assert log_of(url) == log_of(other)


def test_killed_at_any_step_every_record_takes_effect_exactly_once(
    kafka_cluster: Cluster, topics: str, database_url: str, other_url: str
) -> None:
    address = kafka_cluster.address
    sent: list[Sent] = []
    for nth, step in enumerate(STEPS):
        some = dealings(range(12 * nth, 12 * nth + 12))
        send(address, topics, some)
        sent += some
        at = (step, "1", str(int(signal.SIGKILL)))
        with intake_process(database_url, address, topics, *at) as process:
            assert process.wait(60) == -signal.SIGKILL, step
        check_taken(address, topics, database_url)
    with open_intake(database_url, address, topics, member="one") as (intake, _):
        intake.catch_up()
        assert intake.records < len(sent)
    assert check_all_taken(address, topics, database_url, sent).records == len(sent)
    check_as_unbroken(kafka_cluster, topics, database_url, other_url)


def stop_and_take_over(
    cluster: Cluster, prefix: str, url: str, step: str, *, nth: int = 1, first: int = 0
) -> None:
    """One reader is stopped at a step for longer than its session; another one takes everything
    over. When the first goes on, what it had in hand is refused, and it gets its share again."""
    address = cluster.address
    at = (step, str(nth), str(int(signal.SIGSTOP)))
    before_us = check_taken(address, prefix, url).taken
    with load(address, prefix, first=first) as sent, ExitStack() as stack:
        stopped = stack.enter_context(
            intake_process(url, address, prefix, *at, member="one", session_ms=SESSION_MS)
        )
        eventually(lambda: is_stopped(stopped.pid))
        second, _ = stack.enter_context(
            open_intake(url, address, prefix, member="two", session_ms=SESSION_MS)
        )
        stack.enter_context(running(second))
        eventually(lambda: len(second.places()) == 48)
        before = second.records
        sent.goes_on()
        eventually(lambda: second.records > before)
        check_taken(address, prefix, url)
        stopped.send_signal(signal.SIGCONT)
        eventually(lambda: len(second.places()) == 24)
        sent.goes_on()
        sent.stop.set()
        eventually(lambda: is_caught_up(cluster, prefix, url))
        stopped.send_signal(signal.SIGTERM)
        output, _ = stopped.communicate(timeout=30)
        assert stopped.returncode == 0
    found = check_all_taken(address, prefix, url, sent.acknowledged)
    # Each counts what it stored; nothing was counted by both.
    assert int(output) + second.records == found.records - before_us


def is_caught_up(cluster: Cluster, prefix: str, url: str) -> bool:
    found = check_taken(cluster.address, prefix, url)
    return found.taken == found.records


@pytest.mark.parametrize("step", ["translated", "written"])
def test_one_that_was_stopped_past_its_session_stores_nothing_twice_and_comes_back(
    step: str, kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    stop_and_take_over(kafka_cluster, topics, database_url, step)


def test_one_that_is_held_up_past_the_poll_limit_stores_nothing_twice_and_comes_back(
    kafka_cluster: Cluster, topics: str, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    address = kafka_cluster.address
    held_up, go_on = threading.Event(), threading.Event()

    def step(name: str) -> None:
        if name == "translated" and not held_up.is_set():
            held_up.set()
            assert go_on.wait(120)

    # Its heartbeats go on all the while: its session does not lapse.
    reader = partial(open_intake, database_url, address, topics, poll_limit_ms=POLL_LIMIT_MS)
    with load(address, topics) as sent, ExitStack() as stack:
        first, _ = stack.enter_context(reader(member="one", step=step, session_ms=SESSION_MS))
        stack.enter_context(running(first))
        stack.callback(go_on.set)
        assert held_up.wait(60)
        second, _ = stack.enter_context(reader(member="two", session_ms=SESSION_MS))
        stack.enter_context(running(second))
        eventually(lambda: len(second.places()) == 48)
        sent.goes_on()
        eventually(lambda: second.records > 0)
        assert first.records == 0
        check_taken(address, topics, database_url)
        go_on.set()
        eventually(lambda: len(first.places()) == len(second.places()) == 24)
        sent.goes_on()
        sent.stop.set()
        eventually(lambda: is_caught_up(kafka_cluster, topics, database_url))
        eventually(lambda: first.records > 0)
    assert "its slice was dropped" in caplog.text
    found = check_all_taken(address, topics, database_url, sent.acknowledged)
    assert first.records + second.records == found.records, "nothing was counted by both"


def test_a_stopped_intake_ends_its_slice_and_goes(
    kafka_cluster: Cluster, topics: str, database_url: str
) -> None:
    address = kafka_cluster.address
    with load(address, topics), intake_process(database_url, address, topics) as process:
        eventually(lambda: check_taken(address, topics, database_url).taken > 0)
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert time.monotonic() - asked < 10
    check_taken(address, topics, database_url)
