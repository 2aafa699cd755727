"""Records to Kafka, each acknowledged before the next page is read."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable
from importlib import import_module
from typing import Any

from infra.kafka.client import DELIVERY_MS, abandon, make_producer, said_plainly
from infra.kafka.contracts import Outgoing
from infra.settings import KafkaAddress

IN_FLIGHT = 8 * 2**20
"""Bytes that are sent before their acknowledgement is awaited: kafka-python has no bound."""

BATCH = 128 * 2**10
LINGER_MS = 50
"""Large batches, a few of them: each wakes kafka-python's thread, which takes the processor from
ours. Nobody waits so long: a page that is read is flushed."""

LOOK_EVERY = 1.0
LATEST = 2 * DELIVERY_MS / 1000
"""Seconds after which a record counts as failed even if the producer says nothing."""

LARGEST = 8 * 2**20
"""Bytes of a record before compression. Brokers count them compressed."""


class Sender:
    """An idempotent producer; after a failure of any record it is of no more use."""

    def __init__(self, producer: Any, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix

    def send(self, records: Iterable[Outgoing], meanwhile: Callable[[], None]) -> None:
        """Send them in their order and return once all of them are acknowledged. meanwhile: is
        called every second of waiting. Raises kafka-python's KafkaError."""
        waiting: list[Any] = []
        size = 0
        for record in records:
            if size + record.size > IN_FLIGHT:
                self._await(waiting, meanwhile)
                waiting, size = [], 0
            size += record.size
            waiting.append(
                self._producer.send(
                    f"{self._prefix}.{record.topic}",
                    key=record.key,
                    value=record.value,
                    headers=record.headers,
                )
            )
        self._await(waiting, meanwhile)

    def _await(self, futures: list[Any], meanwhile: Callable[[], None]) -> None:
        errors = import_module("kafka.errors")
        until = time.monotonic() + LATEST
        with contextlib.suppress(errors.KafkaTimeoutError):
            self._producer.flush(timeout=LOOK_EVERY)  # now, whatever the linger
        for future in futures:
            while not future.is_done:
                if time.monotonic() > until:
                    raise errors.KafkaTimeoutError("nothing was heard of a record")
                with contextlib.suppress(errors.KafkaTimeoutError):
                    future.get(timeout=LOOK_EVERY)
                    break
                if not future.is_done:
                    meanwhile()
            future.get(timeout=0)


@contextlib.contextmanager
def open_sender(address: KafkaAddress, prefix: str) -> Generator[Sender]:
    """What goes wrong with Kafka is a KafkaError of ours."""
    with said_plainly(address):
        producer = make_producer(
            address,
            f"{prefix}-publisher",
            compression_type="zstd",
            max_request_size=LARGEST,
            batch_size=BATCH,
            linger_ms=LINGER_MS,
        )
        try:
            yield Sender(producer, prefix)
        finally:
            # Whatever is not acknowledged by now is sent again by the next one.
            abandon(producer)
