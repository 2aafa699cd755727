"""Kafka: the embedded broker, the topics, and how clients are configured."""

from infra.kafka.admin import ClusterStatus, Outcome, cluster_status, init_topics, require_topics
from infra.kafka.client import (
    Admin,
    client_config,
    consumer_config,
    open_admin,
    producer_config,
    require_fast_checksums,
)
from infra.kafka.embedded import Cluster, embedded_kafka
from infra.kafka.failure import KafkaError
from infra.kafka.topics import TOPICS, Topic

__all__ = [
    "TOPICS",
    "Admin",
    "Cluster",
    "ClusterStatus",
    "KafkaError",
    "Outcome",
    "Topic",
    "client_config",
    "cluster_status",
    "consumer_config",
    "embedded_kafka",
    "init_topics",
    "open_admin",
    "producer_config",
    "require_fast_checksums",
    "require_topics",
]
