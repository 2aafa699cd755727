"""Publishing: case events, results of commands and dead letters, from the database to Kafka."""

from infra.kafka.publisher.relay import Publisher

__all__ = ["Publisher"]
