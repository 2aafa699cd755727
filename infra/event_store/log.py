"""The log as an application of `eventsourcing`: streams to replay and a tail to follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, StoredEvent
from eventsourcing.utils import Environment, EnvType

from domain.kernel import Kind
from infra.event_store.envelope import Recorded
from infra.event_store.mapper import EventMapper
from infra.event_store.recorder import LogDatastore, LogFactory, LogRecorder


class NotInLog(Exception):
    """A stream, or a version of one, that the log doesn't hold.

    last: the stream's last version; 0 when the log knows nothing of the stream.
    """

    def __init__(self, stream: str, version: int | None, last: int) -> None:
        super().__init__(
            f"{stream} has no version {version}; its last is {last}"
            if last
            else f"the log holds nothing of {stream}"
        )
        self.stream = stream
        self.version = version
        self.last = last


class EventLog(Application[str]):
    """Reads the log. Connects at the first use; `close` gives the connections back.

    Writing goes through infra.pipeline; `save` is the library's own way, one batch at a time.
    """

    name = "log"
    recorder: LogRecorder

    def __init__(self, datastore: LogDatastore) -> None:
        self.datastore = datastore
        super().__init__()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        # Not os.environ: a stray CIPHER_KEY there would encrypt our log.
        return Environment(name, {})

    def construct_factory(self, env: Environment) -> InfrastructureFactory:
        # The library's type is invariant in a tracking recorder that we have no use for.
        return cast("InfrastructureFactory", LogFactory(self.datastore))

    def construct_mapper(self) -> EventMapper:
        return EventMapper()

    def head(self) -> int:
        """The log's last position; 0 when it is empty."""
        return self.recorder.max_notification_id() or 0

    def tail(
        self, after: int, limit: int, kinds: Sequence[Kind] = (), upto: int | None = None
    ) -> list[Recorded]:
        """Up to `limit` events after a position, in commit order; only of `kinds` if given."""
        rows = self.recorder.select_notifications(
            after, limit, upto, inclusive_of_start=False, kinds=kinds
        )
        return [self._recorded(row) for row in rows]

    def load(
        self,
        stream: str,
        *,
        version: int | None = None,
        at: datetime | None = None,
        known_at: datetime | None = None,
    ) -> list[Recorded]:
        """A stream's events in order: up to `version`, that had happened by `at` (occurred_at),
        and that we knew of by `known_at` (recorded_at).

        Raises NotInLog for a stream that doesn't exist and for a version that it doesn't have.
        """
        recorded = [self._recorded(row) for row in self.recorder.select_events(stream, lte=version)]
        last = recorded[-1].stamp.version if recorded else 0
        if not recorded or version not in (None, last):
            raise NotInLog(stream, version, last)
        return [
            record
            for record in recorded
            if (at is None or record.stamp.occurred_at <= at)
            and (known_at is None or record.recorded_at <= known_at)
        ]

    def _recorded(self, row: StoredEvent) -> Recorded:
        return cast("Recorded", self.mapper.to_domain_event(row))
