"""Where an intake that only catches up is done."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from infra.kafka.failure import KafkaError
from infra.kafka.intake_client import REQUEST_MS, Consumer, Place, places_of
from infra.kafka.intake_slice import Held, Offsets
from infra.kafka.lag import PartitionLag, with_ages
from infra.settings import KafkaAddress


class End:
    """Where each partition ended when it was first asked for; others' partitions don't count,
    unless it gets none for `give_up` seconds."""

    def __init__(
        self,
        address: KafkaAddress,
        consumer: Consumer,
        topics: Iterable[str],
        offsets: Offsets,
        give_up: float,
    ) -> None:
        self._address = address
        self._consumer = consumer
        self._topics = list(topics)
        self._offsets = offsets
        self._ends: dict[Place, int] = {}
        self._give_up = give_up

    def is_reached(self, held: Sequence[Held], idle_since: float) -> bool:
        """idle_since: on the monotonic clock, from when on it had no partition. Raises KafkaError
        when it gave up, psycopg's errors when the database is away."""
        if not held:
            places = places_of(self._consumer, self._topics)
            if places and time.monotonic() - idle_since > self._give_up:
                self._check_others(places)
                return True
            return not places
        if any(one.position is None for one in held):
            return False
        self._look([one.place for one in held])
        return all(
            (self._consumer.position(one.place, REQUEST_MS) or 0) >= self._ends[one.place]
            for one in held
        )

    def _check_others(self, places: Sequence[Place]) -> None:
        self._look(places)
        taken = self._offsets.find(places)
        starts = self._consumer.beginning_offsets(places, REQUEST_MS)
        lags: list[PartitionLag] = []
        for place in places:
            offset = taken.get((place.topic, place.partition))
            position, end = None if offset is None else offset.position, self._ends[place]
            behind = max(0, end - (starts[place] if position is None else position))
            lags.append(PartitionLag(place.topic, place.partition, position, end, behind))
        # At the end there may be nothing but the marks of transactions.
        found = with_ages(self._address, lags)
        waiting = sum(lag.waiting for lag in found if lag.oldest_seconds is not None)
        if waiting:
            raise KafkaError(
                "Others hold all partitions, and {waiting} records wait there.", waiting=waiting
            )

    def _look(self, places: Sequence[Place]) -> None:
        new = [place for place in places if place not in self._ends]
        if new:
            self._ends.update(self._consumer.end_offsets(new, REQUEST_MS))
