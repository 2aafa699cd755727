"""The metrics, in one table, and their values in Prometheus' form. docs/operations.md holds the
table: `python -m infra.ops`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from infra.activity import Activity, Distribution, Snapshot
from infra.ops.observer import Observed

Labelled = Iterable[tuple[Sequence[str], float]]
Classed = Iterable[tuple[Sequence[str], Distribution]]


@dataclass(frozen=True)
class Seen:
    """What is known at the moment of asking. workers: each kind with its present state."""

    workers: Sequence[tuple[str, Snapshot]]
    observed: Observed


@dataclass(frozen=True)
class Described:
    """A metric. name: as Prometheus shows it; labels: their names; values: (labels' values,
    value)."""

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    what: str
    values: Callable[[Seen], Labelled]

    def family(self, seen: Seen) -> Metric:
        made: CounterMetricFamily | GaugeMetricFamily
        if self.kind == "counter":
            made = CounterMetricFamily(self.name, self.what, labels=self.labels)
        else:
            made = GaugeMetricFamily(self.name, self.what, labels=self.labels)
        for labels, value in self.values(seen):
            made.add_metric(labels, value)
        return made


@dataclass(frozen=True)
class DescribedClasses:
    """A histogram; the same otherwise."""

    name: str
    labels: tuple[str, ...]
    what: str
    values: Callable[[Seen], Classed]
    kind: Literal["histogram"] = "histogram"

    def family(self, seen: Seen) -> Metric:
        made = HistogramMetricFamily(self.name, self.what, labels=self.labels)
        for labels, found in self.values(seen):
            made.add_metric(labels, list(_cumulated(found)), found.total)
        return made


def _cumulated(found: Distribution) -> Iterator[tuple[str, float]]:
    so_far = 0
    for bound, count in zip((*found.bounds, float("inf")), found.counts, strict=True):
        so_far += count
        yield "+Inf" if bound == float("inf") else str(bound), so_far


def _each(value: Callable[[Snapshot], float]) -> Callable[[Seen], Labelled]:
    return lambda seen: [((worker,), value(found)) for worker, found in seen.workers]


def _moment(of: Callable[[Snapshot], float | None]) -> Callable[[Seen], Labelled]:
    """A moment of the monotonic clock on the wall's; missing while it has not come."""

    def values(seen: Seen) -> Labelled:
        for worker, found in seen.workers:
            if (at := of(found)) is not None:
                yield (worker,), time.time() - (time.monotonic() - at)

    return values


def _counted(worker: str, *names: str) -> Callable[[Seen], Labelled]:
    """Counts of one kind of worker, by name where there are several."""
    return lambda seen: [
        ((name,) if len(names) > 1 else (), found.counts.get(name, 0))
        for kind, found in seen.workers
        if kind == worker
        for name in names
    ]


def _waiting(seen: Seen) -> Labelled:
    totals: dict[tuple[str, str], float] = {}
    for worker, lags in seen.observed.lags.items():
        for lag in lags:
            key = worker, lag.whole
            totals[key] = totals.get(key, 0) + lag.waiting
    return totals.items()


def _ages(seen: Seen) -> Labelled:
    oldest: dict[tuple[str, str], float] = {}
    for worker, lags in seen.observed.lags.items():
        for lag in lags:
            if lag.seconds is not None:
                key = worker, lag.whole
                oldest[key] = max(oldest.get(key, 0.0), lag.seconds)
    return oldest.items()


def _unpublished(seen: Seen) -> Labelled:
    lags = seen.observed.lags.get("publisher", ())
    return [((), lag.seconds or 0.0) for lag in lags if lag.whole == "case-events"]


def _parked(seen: Seen) -> Labelled:
    lags = seen.observed.lags.get("projections", ())
    return [((lag.whole,), float(lag.parked)) for lag in lags]


def _stopped(seen: Seen) -> Labelled:
    lags = seen.observed.lags.get("projections", ())
    return [((lag.whole,), float(bool(lag.stopped))) for lag in lags]


def _letters(seen: Seen) -> Labelled:
    if seen.observed.database.ok:
        for state in ("open", "parked"):
            yield (state,), seen.observed.letters.get(state, 0)


# fmt: off
METRICS: tuple[Described | DescribedClasses, ...] = (
    Described("casetrail_worker_items_total", "counter", ("worker",),
              "Records taken (intake), events projected (projections), records published "
              "(publisher) since the process started.", _each(lambda one: one.items)),
    DescribedClasses("casetrail_worker_batch_items", ("worker",),
                     "Records or events of a batch.",
                     lambda seen: [((worker,), one.sizes) for worker, one in seen.workers]),
    DescribedClasses("casetrail_worker_batch_seconds", ("worker",),
                     "Seconds that a batch took, from read to committed or acknowledged.",
                     lambda seen: [((worker,), one.seconds) for worker, one in seen.workers]),
    Described("casetrail_worker_retries_total", "counter", ("worker",),
              "Times that something failed and was left to be tried again.",
              _each(lambda one: one.retries)),
    Described("casetrail_worker_failing", "gauge", ("worker",),
              "1 while what failed last has not worked again.",
              _each(lambda one: float(one.failing))),
    Described("casetrail_worker_last_success_timestamp_seconds", "gauge", ("worker",),
              "When the last batch was committed or acknowledged; missing before the first.",
              _moment(lambda one: one.succeeded_at)),
    Described("casetrail_worker_last_turn_timestamp_seconds", "gauge", ("worker",),
              "When the worker's loop came round last, busy or not.",
              _moment(lambda one: one.turned_at)),
    Described("casetrail_worker_lag_items", "gauge", ("worker", "part"),
              "Records or events that wait, by topic, read model or kind of publication. Of all "
              "processes together: take the maximum over them, not the sum.", _waiting),
    Described("casetrail_worker_lag_seconds", "gauge", ("worker", "part"),
              "How long the oldest of them has waited, since it was sent or recorded.", _ages),
    Described("casetrail_worker_standing_parts", "gauge", ("worker",),
              "Partitions, read models or publications that stand still although more and more "
              "waits: the watchdog.",
              lambda seen: [((worker,), len(seen.observed.standing.get(worker, ())))
                            for worker, _ in seen.workers]),
    Described("casetrail_projections_parked_streams", "gauge", ("part",),
              "Streams that a read model does not follow because of an event.", _parked),
    Described("casetrail_projections_stopped", "gauge", ("part",),
              "1 while a read model stands still: too many events at fault, or its table is.",
              _stopped),
    Described("casetrail_commands_total", "counter", ("outcome",),
              "What became of commands and facts from Kafka: accepted, refused, or answered "
              "before (repeated).", _counted("intake", "accepted", "refused", "repeated")),
    Described("casetrail_dead_letters_total", "counter", (),
              "Records from Kafka that could not be taken, since the process started.",
              _counted("intake", "dead_letters")),
    Described("casetrail_dead_letters_unsettled", "gauge", ("state",),
              "Dead letters that nothing was done with yet: open, or parked behind a stream that "
              "cannot be read.", _letters),
    Described("casetrail_oldest_unpublished_event_seconds", "gauge", (),
              "Age of the oldest case event that is not published yet; 0 when all are.",
              _unpublished),
    Described("casetrail_database_up", "gauge", (),
              "1 if PostgreSQL answered when last asked.",
              lambda seen: [((), float(seen.observed.database.ok))]),
    Described("casetrail_kafka_up", "gauge", (),
              "1 if Kafka answered when last asked; of processes that work with it.",
              lambda seen: [((), float(check.ok)) for check in (seen.observed.kafka,) if check]),
)
# fmt: on


class _OfWorkers(Collector):
    def __init__(self, activities: Sequence[Activity], observed: Callable[[], Observed]) -> None:
        self._activities = activities
        self._observed = observed

    def collect(self) -> Iterator[Metric]:
        workers = [(one.worker, one.snapshot()) for one in self._activities]
        seen = Seen(workers, self._observed())
        for metric in METRICS:
            yield metric.family(seen)


def make_registry(
    activities: Sequence[Activity], observed: Callable[[], Observed]
) -> CollectorRegistry:
    """The metrics of these workers and of their process; nothing of it is shared with others."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_OfWorkers(activities, observed))
    return registry


def as_markdown() -> str:
    """The table for docs/operations.md."""
    lines = ["| metric | type | labels | what |", "| --- | --- | --- | --- |"]
    for one in METRICS:
        labels = ", ".join(f"`{label}`" for label in one.labels) or "–"
        lines.append(f"| `{one.name}` | {one.kind} | {labels} | {one.what} |")
    return "\n".join(lines) + "\n"
