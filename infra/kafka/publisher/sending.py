"""Records to Kafka, each acknowledged before the next page is read."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
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


TRANSACTION_MS = 30_000
"""After which brokers take back what a sender with a fence has begun and not finished. Longer than
it waits itself."""

BACKOFF_MS = 10
"""Before such a sender tries again what the broker was not ready for: mostly the next transaction,
while the last one's markers are being written."""

Meanwhile = Callable[[], None]
"""Called every second of waiting."""


class Sender:
    """An idempotent producer; after a failure of any record it is of no more use.

    fence: its transactional id, or none. With one, `take_over` makes every send of an earlier
    sender with that id fail, those that are under way included; what is sent counts once all of
    it is committed (Kafka's design, "Transactions"; KIP-98).
    """

    def __init__(self, producer: Any, prefix: str, fence: str | None) -> None:
        self._producer = producer
        self._prefix = prefix
        self._fence = fence

    def take_over(self, meanwhile: Meanwhile) -> None:
        """Before anything is read that is to be sent. Raises kafka-python's KafkaError."""
        manager = self._producer._transaction_manager
        # Refused for its epoch it would ask for a newer one, and brokers, before they refuse that
        # as well, break off what the one that has taken over is about to send (4.4.0).
        manager._supports_epoch_bump = lambda: False
        self._settle(manager.initialize_transactions(), meanwhile)

    def send(self, records: Sequence[Outgoing], meanwhile: Meanwhile) -> None:
        """Send them in their order and return once all of them are acknowledged. Raises
        kafka-python's KafkaError."""
        if not records:
            return
        if self._fence is None:
            self._send(records, meanwhile)
        else:
            self._producer.begin_transaction()
            self._send(records, meanwhile)
            self._settle(self._producer._transaction_manager.begin_commit(), meanwhile)

    def _settle(self, result: Any, meanwhile: Meanwhile) -> None:
        """What kafka-python's own calls do, which can wait without end."""
        self._producer._sender.wakeup()
        until = time.monotonic() + LATEST
        while not result.wait(timeout_ms=LOOK_EVERY * 1000):
            if time.monotonic() > until:
                raise import_module("kafka.errors").KafkaTimeoutError("no word of a transaction")
            meanwhile()

    def _send(self, records: Sequence[Outgoing], meanwhile: Meanwhile) -> None:
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

    def _await(self, futures: list[Any], meanwhile: Meanwhile) -> None:
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
def open_sender(address: KafkaAddress, prefix: str, fence: str | None = None) -> Generator[Sender]:
    """What goes wrong with Kafka is a KafkaError of ours. fence: see Sender."""
    fenced = {
        "transactional_id": fence,
        "transaction_timeout_ms": TRANSACTION_MS,
        "retry_backoff_ms": BACKOFF_MS,
    }
    with said_plainly(address):
        producer = make_producer(
            address,
            f"{prefix}-publisher",
            compression_type="zstd",
            max_request_size=LARGEST,
            batch_size=BATCH,
            linger_ms=LINGER_MS,
            **(fenced if fence is not None else {}),
        )
        try:
            yield Sender(producer, prefix, fence)
        finally:
            # Whatever is not acknowledged by now is sent again by the next one.
            abandon(producer)
