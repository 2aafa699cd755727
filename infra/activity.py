"""What a worker tells of itself while it works, for whoever asks; see infra/ops."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

SIZES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0)
"""Upper bounds of the classes that batches are counted in, by records or events."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

LONGEST = 300
"""Letters of an error that are kept."""


@dataclass(frozen=True)
class Distribution:
    """How many were at most each bound and above the one before; counts has one more, for those
    above all bounds."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True)
class Snapshot:
    """A worker as of now. *_at: on the monotonic clock, None if it never happened.

    turned_at: its loop came round. succeeded_at: a batch was committed or acknowledged. counts:
    of what it did, by name. error: the last one, and failing whether it still lasts.
    """

    turned_at: float | None
    succeeded_at: float | None
    failed_at: float | None
    error: str
    failing: bool
    items: int
    retries: int
    counts: Mapping[str, int]
    sizes: Distribution
    seconds: Distribution


class Activity:
    """Told by one worker, asked by others; any thread may do either.

    worker: the kind. member: its name in a group, if it has one. parts: names what it works on
    at the moment, None for all there is.
    """

    def __init__(self, worker: str, member: str | None = None) -> None:
        self.id: UUID = uuid4()
        self.made_at = time.monotonic()
        self.worker = worker
        self.member = member
        self.parts: Callable[[], set[str] | None] = lambda: None
        self._lock = threading.Lock()
        self._turned_at: float | None = None
        self._succeeded_at: float | None = None
        self._failed_at: float | None = None
        self._error = ""
        self._failing = False
        self._items = self._retries = 0
        self._counts = Counter[str]()
        self._sizes = _Classes(SIZES)
        self._seconds = _Classes(SECONDS)

    def turn(self) -> None:
        """The loop came round; to be told at least every few seconds, busy or not."""
        self._turned_at = time.monotonic()

    def did(self, items: int, seconds: float, **counts: int) -> None:
        """A batch is committed or acknowledged. items: records or events of it."""
        with self._lock:
            self._turned_at = self._succeeded_at = time.monotonic()
            self._items += items
            self._counts.update(counts)
            self._sizes.add(items)
            self._seconds.add(seconds)

    def failed(self, error: BaseException) -> None:
        """It will be tried again; until `goes_on` that is how it stands."""
        with self._lock:
            self._failed_at = time.monotonic()
            self._error = plain(error)
            self._failing = True
            self._retries += 1

    def goes_on(self) -> None:
        """What failed before works now, even if there is nothing to do."""
        self._failing = False

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot(
                self._turned_at,
                self._succeeded_at,
                self._failed_at,
                self._error,
                self._failing,
                self._items,
                self._retries,
                dict(self._counts),
                self._sizes.as_distribution(),
                self._seconds.as_distribution(),
            )


class _Classes:
    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def as_distribution(self) -> Distribution:
        return Distribution(self._bounds, tuple(self._counts), self._total)


def plain(error: BaseException) -> str:
    """The error in one short line. Of PostgreSQL's only the message: details quote rows."""
    words: Any = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    line = " ".join(str(words or error).split()) or type(error).__name__
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
