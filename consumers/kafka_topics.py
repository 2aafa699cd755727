"""The Kafka topics that are read, each a module of its own."""

from __future__ import annotations

from typing import Final

from consumers.kafka_commands import COMMANDS_TOPIC
from consumers.kafka_logistics import LOGISTICS_TOPIC
from consumers.kafka_record import KafkaTopic
from consumers.kafka_shipments import SHIPMENTS_TOPIC

KAFKA_TOPICS: Final[tuple[KafkaTopic, ...]] = (COMMANDS_TOPIC, SHIPMENTS_TOPIC, LOGISTICS_TOPIC)
