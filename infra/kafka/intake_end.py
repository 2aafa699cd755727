"""Where an intake that only catches up is done."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from infra.kafka.failure import KafkaError
from infra.kafka.intake_client import REQUEST_MS, Consumer, Place, places_of
from infra.kafka.intake_slice import Held, Offsets


class End:
    """Where each partition ended when it was first asked for; others' partitions don't count,
    unless it gets none."""

    def __init__(
        self, consumer: Consumer, topics: Iterable[str], offsets: Offsets, give_up: float
    ) -> None:
        self._consumer = consumer
        self._topics = list(topics)
        self._offsets = offsets
        self._ends: dict[Place, int] = {}
        self._give_up = give_up

    def is_reached(self, held: Sequence[Held]) -> bool:
        """Raises KafkaError when it gave up, psycopg's errors when the database is away."""
        if not held:
            places = places_of(self._consumer, self._topics)
            if places and time.monotonic() > self._give_up:
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
        waiting = 0
        for place in places:
            offset = taken.get((place.topic, place.partition))
            begun = starts[place] if offset is None else offset.position
            waiting += max(0, self._ends[place] - begun)
        if waiting:
            raise KafkaError(
                "Others hold all partitions, and {waiting} records wait there.", waiting=waiting
            )

    def _look(self, places: Sequence[Place]) -> None:
        new = [place for place in places if place not in self._ends]
        if new:
            self._ends.update(self._consumer.end_offsets(new, REQUEST_MS))
