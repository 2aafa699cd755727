"""Callers in several threads and processes on the same cases, orders, budgets and policies."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from domain.request import Request
from infra.pipeline import Answer
from tests.support.cases import random_requests
from tests.support.serial import check_one_by_one
from tests.support.store import open_store, place_order, set_budget, ship_order

PROCESSES = 3
THREADS = 4
EACH = 60

WORKER = """
import sys
from tests.integration.pipeline.test_concurrency import work
work(sys.argv[1], int(sys.argv[2]))
"""


def work(url: str, process: int) -> None:
    """One process: several threads, each submitting its requests a few at a time."""
    with open_store(url) as store, ThreadPoolExecutor(THREADS) as threads:

        def submit(seed: int) -> None:
            requests = random_requests(seed, EACH)
            for start in range(0, EACH, 1 + seed % 3):
                store.pipeline.submit(requests[start : start + 1 + seed % 3])

        seeds = range(process * THREADS, (process + 1) * THREADS)
        list(threads.map(submit, seeds))


def test_the_outcome_equals_some_one_by_one_order(database_url: str) -> None:
    with open_store(database_url) as store:
        orders = [place_order(n) for n in range(2)] + [ship_order(n) for n in range(2)]
        store.pipeline.submit(orders)
        before = store.log.head()
        run = [sys.executable, "-c", WORKER, database_url]
        processes = [subprocess.Popen([*run, str(n)]) for n in range(PROCESSES)]
        assert [process.wait(120) for process in processes] == [0] * PROCESSES
        requests = [r for seed in range(PROCESSES * THREADS) for r in random_requests(seed, EACH)]
        answers = check_one_by_one(database_url, store.log, requests, before)
    assert len(answers) == len(requests)
    accepted = sum(answer.accepted for answer in answers)
    refused = Counter(answer.code for answer in answers if not answer.accepted)
    assert accepted > len(requests) // 5, refused
    assert len(refused) >= 5, refused


def test_one_message_sent_by_many_at_once_is_done_once(database_url: str) -> None:
    with open_store(database_url) as one, open_store(database_url) as other:
        stores = [one, other]

        def send(n: int) -> Answer:
            (answer,) = stores[n % 2].pipeline.submit([set_budget("100", "the same")])
            return answer

        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(send, range(64)))
        assert {answer.position for answer in answers} == {1}
        assert sum(not answer.repeat for answer in answers) == 1
        assert one.log.head() == 1


def test_threads_of_one_process_share_commits(database_url: str) -> None:
    with open_store(database_url) as store, ThreadPoolExecutor(32) as threads:

        def send(request: Request) -> list[Answer]:
            return store.pipeline.submit([request])

        requests = [set_budget("7", f"m{n}", day=f"2026-01-{n % 28 + 1:02}") for n in range(400)]
        list(threads.map(send, requests))
        records = store.log.tail(0, 1000)
        assert len(records) == 28
        small = [set_budget(str(n), f"n{n}", day=f"{2027 + n}-01-01") for n in range(400)]
        list(threads.map(send, small))
        times = Counter(r.recorded_at for r in store.log.tail(28, 1000))
        assert max(times.values()) > 4
