"""Builds the intake of one process, and says by hand where a topic is read on."""

from __future__ import annotations

import contextlib
import hashlib
import socket
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from infra.failure import Say, say_nothing
from infra.guard import try_lock
from infra.kafka.client import consumer_config, said_plainly
from infra.kafka.failure import KafkaError
from infra.kafka.intake import Intake
from infra.kafka.intake_client import REQUEST_MS, Consumer, places_of, topic_id
from infra.kafka.intake_slice import Offsets
from infra.settings import KafkaAddress
from infra.vault import Vault, read_master_key
from infra.wiring import Store, System


@contextlib.contextmanager
def open_intake(
    system: System, store: Store, address: KafkaAddress, say: Say = say_nothing
) -> Generator[Intake]:
    """store: of the process. Raises VaultError as open_store does."""
    settings = system.settings
    with _member(settings.home) as member:
        datastore = store.log.datastore
        # A vault of its own: the pipeline's makes keys for the pipeline's thread only.
        vault = Vault(datastore, read_master_key(settings.master_key_file))
        yield Intake(
            address, settings.topic_prefix, datastore, store.pipeline, vault, member=member, say=say
        )


@contextlib.contextmanager
def _member(home: Path) -> Generator[str]:
    """A name in the group that nobody else has and that is the same after a restart: the host,
    the home, and the first number that no other process of this home has taken."""
    here = hashlib.sha256(str(home).encode()).hexdigest()[:8]
    number = 0
    while True:
        number += 1
        with (home / f"intake-{number}.lock").open("wb") as file:
            if try_lock(file):
                yield f"{socket.gethostname()}-{here}-{number}"
                return


def read_on_from(
    address: KafkaAddress, store: Store, topic: str, start: str, partition: int | None
) -> Iterator[tuple[int, int]]:
    """Move the offsets of a topic, or of one of its partitions; the new ones. start: earliest,
    latest or an offset. Raises KafkaError."""
    kafka: Any = import_module("kafka")
    with said_plainly(address):
        consumer: Consumer = kafka.KafkaConsumer(**consumer_config(address))
        try:
            places = places_of(consumer, [topic])
            made = topic_id(consumer, topic)
            if not places or made is None:
                raise KafkaError("The topic {topic} does not exist.", topic=topic)
            if partition is not None:
                places = [place for place in places if place.partition == partition]
            if not places:
                raise KafkaError(
                    "The topic {topic} has no partition {partition}.",
                    topic=topic,
                    partition=partition,
                )
            if start == "earliest":
                offsets = consumer.beginning_offsets(places, REQUEST_MS)
            elif start == "latest":
                offsets = consumer.end_offsets(places, REQUEST_MS)
            else:
                offsets = dict.fromkeys(places, int(start))
            moved = Offsets(store.log.datastore)
            for place, offset in offsets.items():
                moved.move_by_hand(place, made, offset)
                yield place.partition, offset
        finally:
            consumer.close(timeout_ms=REQUEST_MS)
