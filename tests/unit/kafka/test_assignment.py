"""The intake's members share every topic evenly, and change hands no more than that asks for."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka.protocol.consumer.metadata import (  # type: ignore[import-untyped]
    ConsumerProtocolSubscription,
)

from infra.kafka.assignment import Partition, make_assignor, share_evenly

TOPICS = ("commands", "logistics", "shipments")
MEMBERS = ("a", "b", "c", "d", "e")

Owned = dict[str, set[Partition]]


@st.composite
def groups(draw: st.DrawFn) -> tuple[dict[str, range], Owned]:
    """Topics with their partitions, and what members say they own: of some no longer there, and of
    some two at once, as after a member was away."""
    partitions = {topic: range(draw(st.integers(1, 13))) for topic in TOPICS}
    some = [(topic, number) for topic in TOPICS for number in range(15)]
    members = draw(st.lists(st.sampled_from(MEMBERS), min_size=1, unique=True))
    return partitions, {one: draw(st.sets(st.sampled_from(some))) for one in members}


def shared(partitions: Mapping[str, range], owned: Owned) -> Owned:
    return share_evenly(partitions, {topic: list(owned) for topic in partitions}, owned)


def places(partitions: Mapping[str, range]) -> list[Partition]:
    return sorted((topic, number) for topic, some in partitions.items() for number in some)


@given(groups())
def test_every_partition_has_one_reader_and_every_topic_is_shared_evenly(
    group: tuple[dict[str, range], Owned],
) -> None:
    partitions, owned = group
    found = shared(partitions, owned)
    assert sorted(place for share in found.values() for place in share) == places(partitions)
    for topic in partitions:
        counts = [sum(place[0] == topic for place in share) for share in found.values()]
        assert max(counts) - min(counts) <= 1


@given(groups())
def test_who_shares_evenly_already_goes_on_as_before(
    group: tuple[dict[str, range], Owned],
) -> None:
    found = shared(*group)
    assert shared(group[0], found) == found


@given(groups())
def test_when_one_joins_or_leaves_nothing_moves_between_the_others(
    group: tuple[dict[str, range], Owned],
) -> None:
    partitions, owned = group
    before = shared(partitions, owned)
    joined = shared(partitions, before | {"new": set[Partition]()})
    assert all(joined[member] <= before[member] for member in before)
    left = shared(partitions, {member: joined[member] for member in before})
    assert all(left[member] >= joined[member] for member in before)


def test_a_topic_is_shared_by_those_who_read_it() -> None:
    found = share_evenly(
        {"commands": range(4), "shipments": range(4)},
        {"commands": ["a", "b"], "shipments": ["b"]},
        {"a": (), "b": ()},
    )
    assert {topic for topic, _ in found["a"]} == {"commands"}
    assert sum(topic == "shipments" for topic, _ in found["b"]) == 4


@given(groups())
def test_what_another_one_reads_is_given_up_before_it_is_given_on(
    group: tuple[dict[str, range], Owned],
) -> None:
    partitions, before = group
    owned = shared(partitions, before) | {"new": set[Partition]()}
    rounds = [assigned(partitions, owned)]
    for member, share in rounds[0].items():
        assert not any(share & owned[other] for other in owned if other != member)
    rounds.append(assigned(partitions, rounds[0]))
    assert rounds[1] == shared(partitions, owned)


def assigned(partitions: Mapping[str, range], owned: Owned) -> Owned:
    """What kafka-python is told to tell the members."""
    asked: list[Any] = []
    for member, share in owned.items():
        topics = sorted({topic for topic, _ in share})
        said = [
            ConsumerProtocolSubscription.TopicPartition(
                topic=topic, partitions=[number for of, number in share if of == topic]
            )
            for topic in topics
        ]
        told = ConsumerProtocolSubscription(
            version=1, topics=list(TOPICS), user_data=b"", owned_partitions=said
        )
        asked.append(SimpleNamespace(member_id=member, metadata=told))
    cluster = SimpleNamespace(partitions_for_topic=partitions.get)
    found = make_assignor()().assign(cluster, asked)
    return {
        member: {
            (topic, number) for topic, numbers in one.assigned_partitions for number in numbers
        }
        for member, one in found.items()
    }
