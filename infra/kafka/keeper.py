"""Keeps the embedded brokers running."""

from __future__ import annotations

from threading import Event

from infra.failure import Say, say_nothing
from infra.kafka.embedded import Cluster
from infra.kafka.failure import KafkaError

LOOK_EVERY = 1.0
"""Seconds. Clients wait for brokers that are away, and say so only after longer."""


class BrokerKeeper:
    """Starts each broker of a cluster again that ends."""

    name = "Kafka brokers"

    def __init__(self, cluster: Cluster, say: Say = say_nothing) -> None:
        self._cluster = cluster
        self._say = say

    def run(self, stop: Event) -> None:
        """Until `stop` is set. Raises KafkaError when one cannot be started again."""
        while not stop.wait(LOOK_EVERY):
            try:
                self._look(stop)
            except KafkaError:
                if not stop.is_set():
                    raise

    def _look(self, stop: Event) -> None:
        for number, broker in self._cluster.brokers.items():
            if broker.pid is None:
                reason = broker.last_words()
                self._say("Broker {number} ended: {reason}", number=number, reason=reason)
                self._cluster.start(number, abandoned=stop)
                self._say("Broker {number} runs again.", number=number)

    def catch_up(self) -> None:
        """There is nothing to catch up with."""
