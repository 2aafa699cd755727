"""Folded states as stored and back."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest

from domain import decider
from domain.kernel import State
from infra.event_store import EventMapper
from infra.pipeline.snapshots import Snapshots
from tests.golden import STORIES, read_lines


def snapshots(secret: bytes = b"") -> Snapshots:
    return Snapshots(lambda content: sha256(secret + content).digest())


def every_state() -> Iterator[tuple[str, State]]:
    """The state of each stream of the golden corpus after each of its events."""
    mapper, states = EventMapper(), dict[str, State]()
    for line in read_lines(STORIES):
        state = states.get(line.stream, decider.initial(line.stream))
        event, stamp = mapper.decode_for_fold(line.topic, line.version, line.state)
        states[line.stream] = decider.evolve(state, event, stamp)
        if Snapshots.takes(states[line.stream]):
            yield line.stream, states[line.stream]


def test_every_state_ever_reached_reads_back_as_it_was() -> None:
    kept = snapshots()
    kinds = set[str]()
    for stream, state in every_state():
        sealed = kept.seal(stream, state)
        opened = kept.open(stream, state.version, decider.initial(stream), sealed)
        assert opened is not None
        assert opened[0] == state
        kinds.add(stream.partition(":")[0])
    assert {"case", "order", "supplier", "product", "budget"} <= kinds


@pytest.mark.parametrize("altered", ["stream", "version", "seal", "state", "key"])
def test_a_snapshot_opens_only_as_it_was_written(altered: str) -> None:
    stream, state = next(every_state())
    sealed = snapshots().seal(stream, state)
    other_stream = stream + "0" if altered == "stream" else stream
    version = state.version + (altered == "version")
    if altered == "seal":
        sealed = bytes([sealed[0] ^ 1]) + sealed[1:]
    if altered == "state":
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    opener = snapshots(b"another" if altered == "key" else b"")
    assert opener.open(other_stream, version, decider.initial(stream), sealed) is None


def test_a_state_of_another_shape_is_not_taken() -> None:
    stream, state = next(every_state())
    other = next(s for _, s in every_state() if type(s) is not type(state))
    kept = snapshots()
    assert kept.open(stream, other.version, state, kept.seal(stream, other)) is None
