"""Creating the topics and looking at the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from infra.kafka.client import Admin
from infra.kafka.failure import KafkaError
from infra.kafka.topics import TOPICS, Topic

TOPIC_ALREADY_EXISTS = 36  # Kafka protocol guide, "Error Codes"
COPIES = 3


@dataclass(frozen=True)
class Difference:
    """A setting of an existing topic that is not what the table says."""

    setting: str
    found: str
    wanted: str


@dataclass(frozen=True)
class Outcome:
    """What `init` did with a topic, or found it to be."""

    name: str
    created: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Partition:
    """One partition. leader: a broker's id, or None while there is none. start, end: the first
    offset there is and the next one to come; None without a leader."""

    number: int
    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    start: int | None
    end: int | None


@dataclass(frozen=True)
class TopicStatus:
    """A topic as the cluster has it; without partitions when it does not exist."""

    name: str
    partitions: tuple[Partition, ...]


@dataclass(frozen=True)
class BrokerStatus:
    """A broker that the cluster knows. fenced: it is not taking part, or not yet."""

    id: int
    host: str
    port: int
    fenced: bool


@dataclass(frozen=True)
class ClusterStatus:
    """The cluster and our topics in it."""

    cluster_id: str
    controller: int
    brokers: tuple[BrokerStatus, ...]
    topics: tuple[TopicStatus, ...]


def init_topics(admin: Admin, prefix: str, topics: Sequence[Topic] = TOPICS) -> list[Outcome]:
    """Create the topics that are missing and compare the others with the table.

    Nothing that exists is altered. Several may do this at once. Raises KafkaError, or
    kafka-python's, when a topic cannot be created.
    """
    # Brokers that are down at the moment count: the copies are for the cluster's whole life.
    brokers = len(_brokers(admin.describe_cluster()))
    copies = min(COPIES, brokers)
    named = {topic.full_name(prefix): topic for topic in topics}
    missing = set(named) - set(_existing(admin, list(named)))
    created = _create(admin, {name: named[name] for name in sorted(missing)}, copies)
    if missing:
        admin.wait_for_topics(sorted(missing))
    existing = _existing(admin, list(named))
    configs = _configs(admin, list(named))
    return [
        Outcome(
            name,
            name in created,
            tuple(
                Difference(setting, found, wanted)
                for setting, found, wanted in _compared(
                    topic, copies, existing[name], configs[name]
                )
                if found != wanted
            ),
        )
        for name, topic in named.items()
    ]


def require_topics(admin: Admin, prefix: str, topics: Sequence[Topic] = TOPICS) -> None:
    """Raises KafkaError when one does not exist."""
    names = {topic.full_name(prefix) for topic in topics}
    missing = names - set(_existing(admin, sorted(names)))
    if missing:
        raise KafkaError(
            "The topics {names} do not exist; casetrail kafka init creates them.",
            names=", ".join(sorted(missing)),
        )


def cluster_status(admin: Admin, prefix: str, topics: Sequence[Topic] = TOPICS) -> ClusterStatus:
    """What the cluster says of itself and of our topics now."""
    cluster = admin.describe_cluster()
    names = [topic.full_name(prefix) for topic in topics]
    existing = _existing(admin, names)
    offsets = _offsets(admin, existing)
    return ClusterStatus(
        cluster_id=str(cluster["cluster_id"]),
        controller=int(cluster["controller_id"]),
        brokers=tuple(_brokers(cluster)),
        topics=tuple(
            TopicStatus(
                name,
                tuple(
                    _partition(found, offsets.get((name, found["partition_index"])))
                    for found in sorted(
                        existing.get(name, []), key=lambda found: int(found["partition_index"])
                    )
                ),
            )
            for name in names
        ),
    )


def _settings(topic: Topic, copies: int) -> dict[str, str]:
    return topic.config | {"min.insync.replicas": str(max(1, copies - 1))}


def _create(admin: Admin, topics: dict[str, Topic], copies: int) -> list[str]:
    """The names of those that were created by us and not by another at the same moment."""
    if not topics:
        return []
    wanted = {
        name: {
            "num_partitions": topic.partitions,
            "replication_factor": copies,
            "configs": _settings(topic, copies),
        }
        for name, topic in topics.items()
    }
    created: list[str] = []
    for answer in admin.create_topics(wanted, raise_errors=False)["topics"]:
        if answer["error_code"] == 0:
            created.append(str(answer["name"]))
        elif answer["error_code"] != TOPIC_ALREADY_EXISTS:
            raise KafkaError(
                "The topic {name} could not be created: {reason}",
                name=answer["name"],
                reason=answer["error_message"]
                or import_module("kafka.errors").for_code(answer["error_code"]).__name__,
            )
    return created


def _existing(admin: Admin, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The partitions of those topics that exist, by name."""
    return {
        str(found["name"]): list(found["partitions"])
        for found in admin.describe_topics(names)
        if found["error_code"] == 0
    }


def _configs(admin: Admin, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """All settings of these topics, by name."""
    kafka_admin = import_module("kafka.admin")
    kind = kafka_admin.ConfigResourceType.TOPIC
    resources = [kafka_admin.ConfigResource(kind, name) for name in names]
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {setting: str(data["value"]) for setting, data in settings.items()}
        for name, settings in found.items()
    }


def _compared(
    topic: Topic, copies: int, partitions: list[dict[str, Any]], config: dict[str, str]
) -> list[tuple[str, str, str]]:
    """(setting, found, wanted) of all that should be equal."""
    replicas = min(len(partition["replica_nodes"]) for partition in partitions)
    return [
        ("partitions", str(len(partitions)), str(topic.partitions)),
        ("copies", str(replicas), str(copies)),
        *(
            (setting, config.get(setting, ""), wanted)
            for setting, wanted in _settings(topic, copies).items()
        ),
    ]


def _offsets(
    admin: Admin, topics: dict[str, list[dict[str, Any]]]
) -> dict[tuple[str, int], tuple[int, int]]:
    """(first, next) of each partition that has a leader to ask."""
    kafka = import_module("kafka")
    spec = import_module("kafka.admin").OffsetSpec
    places = [
        kafka.TopicPartition(name, found["partition_index"])
        for name, partitions in topics.items()
        for found in partitions
        if found["leader_id"] >= 0
    ]
    if not places:
        return {}
    earliest: int = spec.EARLIEST
    latest: int = spec.LATEST
    first = admin.list_partition_offsets(dict.fromkeys(places, earliest))
    last = admin.list_partition_offsets(dict.fromkeys(places, latest))
    return {
        (str(place.topic), int(place.partition)): (
            int(first[place].offset),
            int(last[place].offset),
        )
        for place in places
    }


def _brokers(cluster: dict[str, Any]) -> list[BrokerStatus]:
    return sorted(
        (
            BrokerStatus(
                int(found["broker_id"]),
                str(found["host"]),
                int(found["port"]),
                bool(found.get("is_fenced", False)),
            )
            for found in cluster["brokers"]
        ),
        key=lambda broker: broker.id,
    )


def _partition(found: dict[str, Any], offsets: tuple[int, int] | None) -> Partition:
    return Partition(
        number=int(found["partition_index"]),
        leader=found["leader_id"] if found["leader_id"] >= 0 else None,
        replicas=tuple(found["replica_nodes"]),
        in_sync=tuple(found["isr_nodes"]),
        start=offsets[0] if offsets else None,
        end=offsets[1] if offsets else None,
    )
