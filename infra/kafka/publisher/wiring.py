"""Builds the publisher of one process."""

from __future__ import annotations

from infra.failure import Say, say_nothing
from infra.kafka.publisher.relay import Publisher
from infra.settings import KafkaAddress
from infra.wiring import System


def build_publisher(system: System, address: KafkaAddress, say: Say = say_nothing) -> Publisher:
    """A publisher that leads or stands by; connects when it runs."""
    return Publisher(system.database_url, address, system.settings.topic_prefix, say=say)
