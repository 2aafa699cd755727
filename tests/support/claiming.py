"""Many agents at work on one queue, killed and replaced at random, and what the log says of it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
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


PASSED_OVER = 10
"""Times the agents: cases that may go to others while one agent waits for one. Where few cases
are left and many wait, chance alone passes somebody over so often once in 20,000 waits."""
SOON = 64
"""Claims until the oldest late case is claimed, beside those that are under way: at a share of a
quarter so many go past it once in 100 million times."""


@dataclass(frozen=True)
class Wait:
    """An agent asked for a case, until it got one, could hold no more, or left; or was killed."""

    agent: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Run:
    """What the log says, and for what the agents waited. there: agents that nobody killed."""

    history: History
    waits: Sequence[Wait]
    there: frozenset[str]


@dataclass(frozen=True)
class Size:
    """cases: a fifth of them late. agents: in all processes together. seconds: of work; kills:
    of a process, each replaced by another."""

    cases: int
    agents: int
    processes: int
    seconds: float
    kills: int


def put_to_work(url: str, size: Size, seed: int) -> Run:
    """Agents claim, act and crash; then a few go on until nothing is left."""
    chance = Random(seed)
    with open_store(url) as store, contextlib.ExitStack() as stack:
        diaries = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        late = size.cases // 5
        cases = [complaint(f"L{n}", ago=LATE) for n in range(late)]
        cases += [complaint(f"S{n}", ago=FRESH) for n in range(size.cases - late)]
        rules = procedure(breached_share=SHARE, agent_capacity=CAPACITY, lease_seconds=LEASE)
        fill(store, url, [rules, *cases])
        for worker in (Engine(url, poll=0.2), Sweeper(store.datastore, store.pipeline)):
            stack.enter_context(running(worker))
        killed = _work_and_kill(url, size, chance, diaries)
        _go_on_until_nothing_is_left(url, store, seed, diaries)
        _wait_for_the_last_leases(url)
        waits = _read(diaries, killed)
    every = _names(size.processes + size.kills, size)
    there = frozenset(name for name in every if _process_of(name) not in killed)
    return Run(read_history(url, capacity=CAPACITY), waits, there)


def _names(processes: int, size: Size) -> set[str]:
    each = size.agents // size.processes
    return {f"p{process}-{number}" for process in range(processes) for number in range(each)}


def _process_of(agent: str) -> str:
    return agent.partition("-")[0]


def _read(diaries: Path, killed: Mapping[str, datetime]) -> list[Wait]:
    waits: list[Wait] = []
    for diary in sorted(diaries.iterdir()):
        since: datetime | None = None
        for line in diary.read_text(encoding="utf-8").splitlines():
            seconds, word = line.split()
            at = datetime.fromtimestamp(float(seconds), UTC)
            if since is not None:
                waits.append(Wait(diary.name, since, at))
            since = at if word == "asks" else None
        if since is not None:
            waits.append(Wait(diary.name, since, killed[_process_of(diary.name)]))
    return waits


def _work_and_kill(url: str, size: Size, chance: Random, diaries: Path) -> dict[str, datetime]:
    """Which processes were killed, and when."""
    each = size.agents // size.processes
    started = time.monotonic()
    children: list[subprocess.Popen[bytes]] = []
    lives: list[str] = []
    killed: dict[str, datetime] = {}
    names = iter(range(10_000))

    def start() -> subprocess.Popen[bytes]:
        name = next(names)
        told = [url, f"p{name}", str(each), str(name), str(CRASHES), str(LEASE), str(diaries)]
        run = [sys.executable, "-m", "tests.support.agents_child", *told]
        lives.append(f"p{name}")
        return subprocess.Popen(run, stdin=subprocess.PIPE)

    with _ended(children):
        children += [start() for _ in range(size.processes)]
        at_work = list(lives)
        for nth in range(size.kills):
            until = started + size.seconds * (nth + 1) / (size.kills + 1)
            time.sleep(max(0.0, until - time.monotonic()))
            victim = chance.randrange(len(children))
            assert children[victim].poll() is None, "agents ended by themselves"
            killed[at_work[victim]] = datetime.now(UTC)
            _kill(children[victim])
            children[victim] = start()
            at_work[victim] = lives[-1]
        time.sleep(max(0.0, started + size.seconds - time.monotonic()))
        _wait_for_all(diaries, {f"{life}-{number}" for life in at_work for number in range(each)})
        for child in children:
            assert child.stdin is not None
            child.stdin.close()
        assert [child.wait(60) for child in children] == [0] * len(children)
    return killed


def _wait_for_all(diaries: Path, agents: set[str]) -> None:
    """Until each has asked for a case: a process takes a while to be there."""
    until = time.monotonic() + 60.0
    while not all((diaries / name).exists() and (diaries / name).stat().st_size for name in agents):
        assert time.monotonic() < until, "agents never came to work"
        time.sleep(0.1)


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


def _go_on_until_nothing_is_left(url: str, store: Store, seed: int, diaries: Path) -> None:
    """Agents who forget nothing finish what is left, however often others forgot it."""
    stop = threading.Event()
    workers = threading.Thread(target=work, args=(url, "last", 16, seed, 0, LEASE, diaries, stop))
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


def check(run: Run, size: Size) -> None:
    """What must hold of any such run."""
    history = run.history
    assert history.wrong == []
    assert history.slowest_end <= BOUND
    assert history.open == {}, "a claim was never ended"
    assert len(history.filed) == size.cases
    assert history.filed.keys() == history.over == set(history.given), "a case was forgotten"
    assert history.actions > size.cases
    assert history.facts > size.cases // 2
    asked = {wait.agent for wait in run.waits if _process_of(wait.agent) != "last"}
    assert run.there <= asked <= _names(size.processes + size.kills, size)
    assert starved(run, size) == []
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


def starved(run: Run, size: Size) -> list[str]:
    """Agents that waited while too many cases went to others, and the oldest case where too many
    went before it, in words."""
    taken = run.history.taken
    moments = [at for at, _ in taken]
    found: list[str] = []
    for wait in run.waits:
        between = taken[bisect_left(moments, wait.since) : bisect_left(moments, wait.until)]
        others = sum(agent != wait.agent for _, agent in between)
        if others > PASSED_OVER * size.agents:
            found.append(f"{wait.agent} waited while others got {others} cases")
    order, oldest = run.history.order, min(run.history.filed.items(), key=lambda case: case[1])[0]
    before = order.index(oldest) if oldest in order else len(order)
    if before > SOON + size.agents:
        found.append(f"{oldest} waited while {before} were claimed")
    return found
