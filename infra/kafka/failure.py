"""What goes wrong with Kafka, said to people."""

from __future__ import annotations

from infra.failure import Failure


class KafkaError(Failure):
    """The broker could not be started or reached, or is not as it should be; the message says
    why and what to do."""
