"""The cache of folded streams: bounded in bytes that are about the real ones."""

from __future__ import annotations

import tracemalloc

from domain import decider
from domain.kernel import State
from infra.event_store import EventMapper
from infra.pipeline.cache import BYTES_PER_ENTRY, StateCache
from tests.golden import TOPICS, Line, read_lines


def order(number: int) -> State:
    return decider.initial(f"order:douyin:s1:O{number}")


def test_what_was_used_last_stays_and_the_bytes_stay_within_the_bound() -> None:
    cache = StateCache(10 * BYTES_PER_ENTRY)
    for number in range(10):
        cache.put(f"o{number}", order(number), 0)
    assert cache.get("o0") is not None
    cache.put("o10", order(10), 0)
    assert cache.get("o1") is None, "the least recently used is given up"
    assert cache.get("o0") is not None
    assert (len(cache), cache.bytes) == (10, 10 * BYTES_PER_ENTRY)
    cache.put("o0", order(0), 4_000)
    assert cache.bytes <= cache.max_bytes
    assert len(cache) < 10


def test_a_state_put_again_counts_once_and_a_dropped_one_not_at_all() -> None:
    cache = StateCache(10**9)
    cache.put("o", order(1), 100)
    once = cache.bytes
    cache.put("o", order(1), 0)
    assert cache.bytes == once
    cache.drop("o")
    cache.drop("never there")
    assert (len(cache), cache.bytes) == (0, 0)


def test_what_is_larger_than_the_whole_cache_is_not_kept() -> None:
    cache = StateCache(500)
    cache.put("o", order(1), 0)
    assert (len(cache), cache.bytes) == (0, 0)


def test_the_estimate_is_within_a_factor_of_the_memory_that_states_take() -> None:
    lines = [line for line in read_lines(TOPICS) if line.topic == "case.complaint_filed.v1"]
    lines += [line for line in read_lines(TOPICS) if line.topic == "case.contact_recorded.v1"] * 8
    mapper, cache = EventMapper(), StateCache(10**9)
    _put(cache, mapper, lines, 0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    estimated = cache.bytes
    for number in range(1, 101):
        _put(cache, mapper, lines, number)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.4 < (cache.bytes - estimated) / taken < 2.5


def _put(cache: StateCache, mapper: EventMapper, lines: list[Line], number: int) -> None:
    stream = f"case:douyin:s1:AS{number}"
    events = [mapper.decode_for_fold(line.topic, n, line.state) for n, line in enumerate(lines, 1)]
    cache.put(stream, decider.fold(stream, events), sum(len(line.state) for line in lines))
