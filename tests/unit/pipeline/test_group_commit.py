"""Who shares a commit with whom, who leads, and who hears of a fault."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import Cursor

from domain.request import Request
from infra.pipeline import Answer, Outcome, Unavailable
from infra.pipeline.group import BATCH, BESIDE_SMALL, SMALL, GroupCommit, Slice
from tests.support.store import set_budget


def request(message_id: str) -> Request:
    return set_budget("1", message_id)


def answer(asked: Request) -> Answer:
    return Answer(asked.source, asked.message_id, True, None, "", "", "", False, None)


def nothing_more(cursor: Cursor[Any], outcome: Outcome) -> None:
    """Further statements that are none."""


class Writer:
    """Answers every request; records the batches; waits at a gate until the test opens it."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.fault: Callable[[list[Slice]], None] = lambda _: None

    def settle(self, slices: list[Slice]) -> None:
        self.entered.release()
        assert self.gate.wait(10)
        self.batches.append([r.message_id for part in slices for r in part.requests])
        self.fault(slices)
        for part in slices:
            part.ticket.answers.extend(answer(asked) for asked in part.requests)


@pytest.fixture
def writer() -> Writer:
    return Writer()


def in_thread(group: GroupCommit, requests: list[Request]) -> threading.Thread:
    thread = threading.Thread(target=group.submit, args=(requests, None))
    thread.start()
    return thread


def _queued(group: GroupCommit, count: int) -> None:
    waiting: Any = group
    while len(waiting._small) + len(waiting._loads) < count:
        threading.Event().wait(0.001)


def test_whoever_comes_during_a_commit_shares_the_next(writer: Writer) -> None:
    group = GroupCommit(writer.settle)
    threads = [in_thread(group, [request("first")])]
    writer.entered.acquire()
    for n in range(5):
        threads.append(in_thread(group, [request(f"m{n}")]))
        _queued(group, n + 1)
    writer.gate.set()
    for thread in threads:
        thread.join(10)
    assert writer.batches == [["first"], ["m0", "m1", "m2", "m3", "m4"]]


def test_every_caller_gets_its_own_answers_in_its_own_order(writer: Writer) -> None:
    writer.gate.set()
    group = GroupCommit(writer.settle)

    def call(caller: int) -> bool:
        asked = [request(f"{caller}-{n}") for n in range(1 + caller % 50)]
        given = group.submit(asked, None)
        return [a.message_id for a in given] == [r.message_id for r in asked]

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(call, range(300)))


def test_a_load_is_cut_and_a_click_goes_between_its_parts(writer: Writer) -> None:
    group = GroupCommit(writer.settle)
    load = in_thread(group, [request(f"l{n}") for n in range(2 * BATCH)])
    writer.entered.acquire()
    click = in_thread(group, [request("click")])
    _queued(group, 1)
    writer.gate.set()
    load.join(10)
    click.join(10)
    sizes = [len(batch) for batch in writer.batches]
    assert sizes == [BATCH, 1, BESIDE_SMALL, BATCH - BESIDE_SMALL]
    assert writer.batches[1] == ["click"]


def test_a_small_call_is_never_cut(writer: Writer) -> None:
    group = GroupCommit(writer.settle)
    threads = [in_thread(group, [request("first")])]
    writer.entered.acquire()
    for caller in range(20):
        threads.append(in_thread(group, [request(f"{caller}-{n}") for n in range(SMALL)]))
        _queued(group, caller + 1)
    writer.gate.set()
    for thread in threads:
        thread.join(10)
    whole = BATCH // SMALL * SMALL
    assert [len(batch) for batch in writer.batches] == [1, whole, 20 * SMALL - whole]


def test_a_fault_reaches_everybody_in_the_batch_and_nobody_else(writer: Writer) -> None:
    writer.gate.set()
    group = GroupCommit(writer.settle)

    def fail(slices: list[Slice]) -> None:
        raise Unavailable("away")

    writer.fault = fail
    with pytest.raises(Unavailable, match="away"):
        group.submit([request("m1")], None)
    writer.fault = lambda _: None
    assert len(group.submit([request("m2")], None)) == 1


def test_a_leader_that_is_interrupted_leaves_the_others_a_leader(writer: Writer) -> None:
    group = GroupCommit(writer.settle)
    raised: list[BaseException] = []

    def interrupt(slices: list[Slice]) -> None:
        writer.fault = lambda _: None
        raise KeyboardInterrupt

    def lead() -> None:
        try:
            group.submit([request("first")], None)
        except KeyboardInterrupt as e:
            raised.append(e)

    writer.fault = interrupt
    leader = threading.Thread(target=lead)
    leader.start()
    writer.entered.acquire()
    others = [in_thread(group, [request(f"m{n}")]) for n in range(3)]
    _queued(group, 3)
    writer.gate.set()
    for thread in (leader, *others):
        thread.join(10)
        assert not thread.is_alive()
    assert len(raised) == 1
    assert sorted(m for batch in writer.batches[1:] for m in batch) == ["m0", "m1", "m2"]


@pytest.mark.parametrize("comes", ["before the others", "after the others"])
def test_one_that_is_interrupted_while_it_waits_holds_up_nobody(writer: Writer, comes: str) -> None:
    group = GroupCommit(writer.settle)
    main = threading.main_thread().ident
    assert main is not None
    threads = [in_thread(group, [request("first")])]
    writer.entered.acquire()

    def others() -> None:
        for n in range(3):
            threads.append(in_thread(group, [request(f"m{n}")]))

    def interrupt() -> None:
        _queued(group, 1 if comes == "before the others" else 4)
        signal.pthread_kill(main, signal.SIGINT)

    if comes == "after the others":
        others()
        _queued(group, 3)
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        group.submit([request("interrupted")], None)
    if comes == "before the others":
        others()
        _queued(group, 4)
    writer.gate.set()
    for thread in (*threads, interrupter):
        thread.join(10)
        assert not thread.is_alive()
    told = [message for batch in writer.batches for message in batch]
    assert sorted(told) == ["first", "interrupted", "m0", "m1", "m2"]


def test_nothing_asked_is_nothing_answered_unless_statements_go_along(writer: Writer) -> None:
    writer.gate.set()
    group = GroupCommit(writer.settle)
    assert group.submit([], None) == []
    assert writer.batches == []
    assert group.submit([], nothing_more) == []
    assert writer.batches == [[]]


def test_further_statements_go_with_the_last_part_only(writer: Writer) -> None:
    writer.gate.set()
    group = GroupCommit(writer.settle)
    along: list[bool] = []
    writer.fault = lambda slices: along.extend(part.also is not None for part in slices)
    group.submit([request(f"m{n}") for n in range(BATCH + 1)], nothing_more)
    assert along == [False, True]


def test_a_call_that_takes_statements_along_is_not_cut_to_make_way_for_small_ones(
    writer: Writer,
) -> None:
    group = GroupCommit(writer.settle)
    first = in_thread(group, [request("small")])
    assert writer.entered.acquire(timeout=10)
    load = [request(f"load-{n}") for n in range(BATCH)]
    threads = [
        first,
        threading.Thread(target=group.submit, args=(load, nothing_more)),
    ]
    threads[1].start()
    _queued(group, 1)
    writer.gate.set()
    for thread in threads:
        thread.join(10)
    assert [len(batch) for batch in writer.batches] == [1, BATCH]
