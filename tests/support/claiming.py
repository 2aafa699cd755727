"""Many agents at work on one queue, killed and replaced at random, and what the log says of it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from infra.claims import Claims, Sweeper, Unclaimed
from infra.claims.sweeper import BOUND
from infra.engine import Engine
from tests.support.agents_child import work
from tests.support.claim_history import History, read_history
from tests.support.queue import complaint, fill, procedure, rows
from tests.support.store import Store, open_store
from tests.support.workers import running

LATE, FRESH = timedelta(days=2), timedelta(hours=1)
SHARE, CAPACITY, LEASE = 25, 3, 2
"""Percent of claims for late cases; cases that an agent may hold; seconds."""
CRASHES = 10
"""Of a hundred claims, those whose agent just forgets the case."""


@dataclass(frozen=True)
class Size:
    """cases: a fifth of them late. agents: in all processes together. seconds: of work; kills:
    of a process, each replaced by another."""

    cases: int
    agents: int
    processes: int
    seconds: float
    kills: int


def put_to_work(url: str, size: Size, seed: int) -> History:
    """Agents claim, act and crash; then a few go on until nothing is left. The log's history."""
    chance = Random(seed)
    with open_store(url) as store, contextlib.ExitStack() as stack:
        late = size.cases // 5
        cases = [complaint(f"L{n}", ago=LATE) for n in range(late)]
        cases += [complaint(f"S{n}", ago=FRESH) for n in range(size.cases - late)]
        rules = procedure(breached_share=SHARE, agent_capacity=CAPACITY, lease_seconds=LEASE)
        fill(store, url, [rules, *cases])
        for worker in (Engine(url, poll=0.2), Sweeper(store.datastore, store.pipeline)):
            stack.enter_context(running(worker))
        _work_and_kill(url, size, chance)
        _go_on_until_nothing_is_left(url, store, seed)
        _wait_for_the_last_leases(url)
    return read_history(url, capacity=CAPACITY)


def _work_and_kill(url: str, size: Size, chance: Random) -> None:
    each = size.agents // size.processes
    started = time.monotonic()
    children: list[subprocess.Popen[bytes]] = []
    names = iter(range(10_000))

    def start() -> subprocess.Popen[bytes]:
        name = next(names)
        told = [url, f"p{name}", str(each), str(name), str(CRASHES), str(LEASE)]
        run = [sys.executable, "-m", "tests.support.agents_child", *told]
        return subprocess.Popen(run, stdin=subprocess.PIPE)

    with _ended(children):
        children += [start() for _ in range(size.processes)]
        for nth in range(size.kills):
            until = started + size.seconds * (nth + 1) / (size.kills + 1)
            time.sleep(max(0.0, until - time.monotonic()))
            victim = chance.randrange(len(children))
            assert children[victim].poll() is None, "agents ended by themselves"
            _kill(children[victim])
            children[victim] = start()
        time.sleep(max(0.0, started + size.seconds - time.monotonic()))
        for child in children:
            assert child.stdin is not None
            child.stdin.close()
        assert [child.wait(60) for child in children] == [0] * len(children)


@contextlib.contextmanager
def _ended(children: list[subprocess.Popen[bytes]]) -> Generator[None]:
    try:
        yield
    finally:
        for child in children:
            if child.poll() is None:
                _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.kill()
    child.wait()
    child.stdin.close()


def _go_on_until_nothing_is_left(url: str, store: Store, seed: int) -> None:
    """Agents who forget nothing finish what is left, however often others forgot it."""
    stop = threading.Event()
    workers = threading.Thread(target=work, args=(url, "last", 16, seed, 0, LEASE, stop))
    workers.start()
    try:
        claims = Claims(store.datastore, store.pipeline)
        while _open_cases(url):
            assert workers.is_alive()
            time.sleep(0.5)
    finally:
        stop.set()
        workers.join()
    Engine(url).catch_up()
    found = claims.claim_next("nobody")
    assert isinstance(found, Unclaimed)
    assert found.code == "no_case_fits"


def _open_cases(url: str) -> int:
    (found,) = rows(url, "select count(*) as open from open_cases")
    return int(found["open"])


def _wait_for_the_last_leases(url: str) -> None:
    until = time.monotonic() + LEASE + BOUND
    while rows(url, "select 1 from leases"):
        assert time.monotonic() < until, "a lease was never freed"
        time.sleep(0.2)


def check(history: History, size: Size) -> None:
    """What must hold of any such history."""
    assert history.wrong == []
    assert history.slowest_end <= BOUND
    assert history.open == {}, "a claim was never ended"
    assert len(history.filed) == size.cases
    assert history.filed == history.over == set(history.given), "a case was forgotten"
    assert history.actions > size.cases
    assert history.facts > size.cases // 2
    assert len(history.agents) >= size.agents
    soon = history.order[: size.cases // 4]
    late = sum(":L" in stream for stream in soon)
    assert late / len(soon) > SHARE / 100 / 4, "late cases starve while others can be saved"
    ended = set(history.ended)
    assert {
        "case.claim_lapsed.v1",
        "case.claim_released.v1",
        "case.claim_handed_over.v1",
        "case.claim_overridden.v1",
    } <= ended
