"""The Kafka topics that are read, each a module of its own."""

from __future__ import annotations

from typing import Final

from consumers import kafka_platform_douyin, kafka_platform_kuaishou
from consumers.kafka_commands import COMMANDS_TOPIC
from consumers.kafka_logistics import LOGISTICS_TOPIC
from consumers.kafka_platform import PlatformTopic
from consumers.kafka_record import KafkaTopic, Topic
from consumers.kafka_shipments import SHIPMENTS_TOPIC
from domain.kernel import Platform

OWN_TOPICS: Final[tuple[KafkaTopic, ...]] = (COMMANDS_TOPIC, SHIPMENTS_TOPIC, LOGISTICS_TOPIC)
"""In our own form: one command or fact a record."""

PLATFORM_TOPIC: Final = PlatformTopic(
    {
        Platform.DOUYIN: kafka_platform_douyin.ADAPTER,
        Platform.KUAISHOU: kafka_platform_kuaishou.ADAPTER,
    }
)

KAFKA_TOPICS: Final[tuple[Topic, ...]] = (*OWN_TOPICS, PLATFORM_TOPIC)
