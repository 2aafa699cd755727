"""A subject's rows made from whole streams, as projecting them page by page leaves them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from domain.decider import initial
from domain.kernel import State, kind_of
from infra.engine.fold import BrokenStreamError, Stored, fold, read_streams
from infra.event_store import EventMapper
from infra.postgres import Rows
from projections import Projection

_MAPPER = EventMapper()


class Subjects:
    """upto: position up to which streams are folded. skipped: events that are left out. All that
    is looked at is kept: for some streams at a time."""

    def __init__(
        self, conn: Rows, projection: Projection, upto: int, skipped: frozenset[int]
    ) -> None:
        self.upto = upto
        self._conn = conn
        self._projection = projection
        self._skipped = skipped
        self._states: dict[str, State] = {}
        self._needs: dict[str, tuple[str, ...]] = {}
        self._reach: dict[str, frozenset[str]] = {}
        self._last: dict[str, int] = {}
        self._broken: dict[str, BrokenStreamError] = {}
        self._touches: dict[str, dict[str, int]] = {}

    def load(self, streams: Collection[str]) -> None:
        """Fold these streams; those that are broken raise when they are looked at."""
        missing = [stream for stream in streams if not self._has(stream)]
        for events in read_streams(self._conn, missing, self.upto) if missing else ():
            self.take(events)
        for stream in missing:
            if not self._has(stream):
                self._states[stream], self._last[stream] = initial(stream), 0

    def _has(self, stream: str) -> bool:
        return stream in self._states or stream in self._broken

    def take(self, events: list[Stored]) -> None:
        """Fold one stream from all its events."""
        stream = events[0].stream
        told = [event for event in events if event.position not in self._skipped]
        try:
            self._states[stream] = fold(_MAPPER, initial(stream), told)
        except BrokenStreamError as e:
            self._broken[stream] = e
        else:
            self._last[stream] = told[-1].position if told else 0

    def state(self, stream: str) -> State:
        """Raises BrokenStreamError."""
        known = self._states.get(stream)
        if known is not None:
            return known
        self.load((stream,))
        if stream in self._broken:
            raise self._broken[stream]
        return self._states[stream]

    def needs(self, subject: str) -> tuple[str, ...]:
        """The other streams that its rows depend on. Raises what poison raises."""
        known = self._needs.get(subject)
        if known is None:
            known = tuple(dict.fromkeys(self._projection.needs(self.state(subject))))
            self._needs[subject] = known
        return known

    def reach(self, stream: str) -> frozenset[str]:
        """Those whose rows may change with the stream as it stands. Raises what poison raises."""
        known = self._reach.get(stream)
        if known is None:
            known = frozenset(self._projection.subjects(stream, self.state(stream)))
            self._reach[stream] = known
        return known

    def rows(self, subject: str) -> tuple[int, tuple[object, ...]]:
        """The subject's rows, and the position of the last event that touched them. Raises what
        poison raises."""
        needs = self.needs(subject)
        self.load(needs)
        look = {stream: self.state(stream) for stream in needs}
        rows = tuple(self._projection.rows(self.state(subject), look))
        return max(self._touched_at(stream, subject) for stream in (subject, *needs)), rows

    def touched_by(self, stream: str) -> Iterable[str]:
        """All whose rows any event of the stream may have changed. Raises what poison raises."""
        return self._history(stream).keys()

    def _touched_at(self, stream: str, subject: str) -> int:
        if kind_of(stream) not in self._projection.kinds:
            return 0
        if subject in self.reach(stream):
            return self._last[stream]
        return self._history(stream).get(subject, 0)

    def _history(self, stream: str) -> dict[str, int]:
        """Subject -> last event of the stream that touched it."""
        known = self._touches.get(stream)
        if known is None:
            known = self._touches[stream] = {}
            before = initial(stream)
            for events in read_streams(self._conn, (stream,), self.upto):
                for event in events:
                    if event.position in self._skipped:
                        continue
                    after = fold(_MAPPER, before, (event,))
                    for state in (before, after):
                        for subject in self._projection.subjects(stream, state):
                            known[subject] = event.position
                    before = after
        return known


def positions_of(conn: Rows, streams: Collection[str], after: int, upto: int) -> list[int]:
    """Of all events of these streams between two positions, in order."""
    return sorted(
        event.position
        for events in read_streams(conn, streams, upto)
        for event in events
        if event.position > after
    )
