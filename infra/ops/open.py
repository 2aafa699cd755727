"""Puts the parts together for one process."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence

from infra.activity import Activity
from infra.failure import Say, say_nothing
from infra.ops.metrics import make_registry
from infra.ops.observer import LOOK_EVERY, STANDS_AFTER, Observer
from infra.ops.server import serving
from infra.ops.workers import STUCK_AFTER
from infra.settings import HostPort, KafkaAddress


@contextlib.contextmanager
def open_ops(
    url: str,
    address: KafkaAddress | None,
    prefix: str,
    activities: Sequence[Activity],
    *,
    listen: HostPort | None = None,
    say: Say = say_nothing,
    look_every: float = LOOK_EVERY,
    stands_after: float = STANDS_AFTER,
    stuck_after: float = STUCK_AFTER,
) -> Generator[HostPort | None]:
    """Watch these workers, one of each kind, until the end of the block; serve metrics and
    health where `listen` says, and say where that is. address: None where none of them works with
    Kafka. Raises OpsError."""
    observer = Observer(
        url,
        address,
        prefix,
        activities,
        say=say,
        look_every=look_every,
        stands_after=stands_after,
    )
    with contextlib.ExitStack() as stack:
        at = None
        if listen is not None:
            registry = make_registry(activities, observer.observed)
            at = stack.enter_context(serving(listen, registry, observer, stuck_after))
            say("Metrics and health: {url}", url=f"http://{at}/metrics")
        stack.enter_context(observer.watching())
        yield at
