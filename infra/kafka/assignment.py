"""Which member of the intake's group reads which partitions: of each topic, all the same share.

kafka-python's cooperative assignor counts partitions whatever their topic. With four topics and two
members it gives one of them all of the commands and the other topics to the other one, who then has
nothing to do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

Partition = tuple[str, int]
"""topic and number"""


def share_evenly(
    partitions: Mapping[str, Collection[int]],
    readers: Mapping[str, Collection[str]],
    owned: Mapping[str, Collection[Partition]],
) -> dict[str, set[Partition]]:
    """What each member should read. partitions: of each topic; readers: of each topic, one or more
    members; owned: by each member now.

    Of no topic has one reader two partitions more than another, and whoever reads a partition
    keeps it as far as that allows.
    """
    shares: dict[str, set[Partition]] = {member: set() for member in owned}
    for topic in sorted(partitions):
        members = sorted(readers[topic])
        free = {(topic, number) for number in partitions[topic]}
        kept: dict[str, list[Partition]] = {}
        for member in members:
            kept[member] = sorted(free.intersection(owned[member]))
            free.difference_update(kept[member])
        each, more = divmod(len(partitions[topic]), len(members))
        # One more for those who read most of it already, then for those who have least so far.
        ranked = sorted(
            members, key=lambda one: (-min(len(kept[one]), each + 1), len(shares[one]), one)
        )
        quotas = {member: each + (place < more) for place, member in enumerate(ranked)}
        for member, quota in quotas.items():
            free.update(kept[member][quota:])
            del kept[member][quota:]
        left = sorted(free, reverse=True)
        for member, quota in quotas.items():
            while len(kept[member]) < quota:
                kept[member].append(left.pop())
            shares[member].update(kept[member])
    return shares


def make_assignor() -> Any:
    """kafka-python's cooperative assignor (KIP-429) with our shares. The name on the wire is its
    own: whichever member leads decides for all."""
    base: Any = import_module("kafka.coordinator.assignors.cooperative_sticky")
    made: Any = import_module("kafka.protocol.consumer.metadata").ConsumerProtocolAssignment

    def assign(self: Any, cluster: Any, members: Any) -> dict[str, Any]:
        told = {one.member_id: self.parse_member_metadata(one.metadata) for one in members}
        owned = {
            member: {(place.topic, place.partition) for place in one.partitions}
            for member, one in told.items()
        }
        readers: defaultdict[str, list[str]] = defaultdict(list)
        for member, one in told.items():
            for topic in one.subscription:
                readers[topic].append(member)
        partitions = {topic: cluster.partitions_for_topic(topic) or () for topic in readers}
        assigned: dict[str, Any] = {}
        for member, share in share_evenly(partitions, readers, owned).items():
            others = set[Partition]().union(*(owned[one] for one in owned if one != member))
            # What another one reads is given up first, and then comes with the next round.
            numbers: defaultdict[str, list[int]] = defaultdict(list)
            for topic, number in sorted(share - others):
                numbers[topic].append(number)
            assigned[member] = made(self.version, list(numbers.items()), b"")
        return assigned

    return type("EvenAssignor", (base.CooperativeStickyAssignor,), {"assign": assign})
