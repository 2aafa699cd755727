"""One batch of requests: decided in order, each after those before it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from domain.kernel import (
    Command,
    Context,
    Emit,
    Event,
    Kind,
    Rejected,
    Stamp,
    State,
    kind_of,
    record,
)
from domain.request import Request
from domain.world import NotLoaded, World
from infra.pipeline.answer import Answer

logger = logging.getLogger(__name__)

Key = tuple[str, str]
"""source and message id"""

AHEAD = 8
"""Items looked at when one misses a stream that an earlier item of its batch made it need."""

UNREMEMBERED = ("message_id_reused", "quarantined")
"""Codes of answers that get no row."""


class Decider(Protocol):
    """The domain as the pipeline knows it; see domain.decider."""

    def decide(self, command: Command, world: World, context: Context) -> list[Emit]: ...
    def evolve(self, state: State, event: Event, stamp: Stamp) -> State: ...
    def initial(self, stream: str) -> State: ...


@record
class Step:
    """One event that a request wants appended. before, after: its stream's states."""

    stream: str
    event: Event
    stamp: Stamp
    before: State
    after: State


@dataclass(slots=True, eq=False)
class Item:
    """A request on its way through a batch.

    reads: the streams it looked at or writes to. answer: set when it was settled without being
    decided (a repeat, a quarantined stream). repeat_of: the earlier item with the same key.
    """

    request: Request
    digest: bytes
    buyer: str | None
    reads: set[str] = field(default_factory=set[str])
    steps: list[Step] = field(default_factory=list[Step])
    refusal: Rejected | None = None
    decided_at: datetime | None = None
    answer: Answer | None = None
    repeat_of: Item | None = None

    @property
    def key(self) -> Key:
        return self.request.source, self.request.message_id

    @property
    def is_remembered(self) -> bool:
        """Whether its answer gets a row, by which a repeat is recognised."""
        return not self.request.command.BULK

    @property
    def is_decided(self) -> bool:
        return self.decided_at is not None

    def settle(
        self,
        *,
        accepted: bool = False,
        position: int | None = None,
        code: str = "",
        message: str = "",
        field: str = "",
        repeat: bool = False,
    ) -> Answer:
        request = self.request
        self.answer = Answer(
            request.source,
            request.message_id,
            accepted,
            position,
            code,
            message,
            field,
            repeat,
            request.correlation_id,
        )
        return self.answer

    def settle_reused(self) -> Answer:
        return self.settle(
            code="message_id_reused",
            message=f"The id {self.request.message_id} was used for another content before.",
            field="id",
        )

    def settle_quarantined(self, reason: str) -> Answer:
        return self.settle(code="quarantined", message=reason)

    def reset(self) -> None:
        """Undecided again."""
        self.reads, self.steps, self.refusal, self.decided_at = set(), [], None, None


@dataclass(frozen=True, slots=True)
class Unremembered:
    """A request that was not accepted and of which no answer is kept: its id was used for
    another content, it cannot be decided (quarantined), or it is a bulk fact that was refused.

    waits: it can be decided once a stream can be folded again.
    """

    request: Request
    code: str
    message: str
    field: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decided batch comes to beside what its answers' rows will tell. unremembered: requests
    of which nothing is kept; repeats: those that get an earlier answer, of the log or of the
    batch."""

    unremembered: Sequence[Unremembered] = ()
    repeats: Sequence[Request] = ()


class Batch:
    """Items and the states they are decided on.

    look: finds a committed state outside the batch (the cache), None if it must be loaded.
    broken: streams whose events cannot be folded, with the reason.
    """

    def __init__(
        self, items: Sequence[Item], decider: Decider, look: Callable[[str], State | None]
    ) -> None:
        self.items = items
        self.broken: dict[str, str] = {}
        self.now = datetime.min.replace(tzinfo=UTC)
        self.tried = False
        self._looked_ahead = False
        self._decider = decider
        self._sight = _Sight(look)
        first: dict[Key, Item] = {}
        for item in items:
            if item.is_remembered:
                earlier = first.setdefault(item.key, item)
                item.repeat_of = None if earlier is item else earlier

    def named_streams(self) -> set[str]:
        """Streams that the requests name and that are not at hand."""
        return self.absent(s for item in self.items for s in item.request.command.streams())

    def referred_streams(self, loaded: Mapping[str, State]) -> set[str]:
        """Streams that just loaded ones refer to and that are not at hand; of those that only such
        requests name as look no further, the policies."""
        alone, others = set[str](), set[str]()
        for item in self.items:
            command = item.request.command
            (alone if command.ALONE else others).update(command.streams())
        alone -= others
        return self.absent(
            s
            for stream, state in loaded.items()
            for s in state.refers_to()
            if stream not in alone or kind_of(s) is Kind.POLICY
        )

    def absent(self, streams: Iterable[str]) -> set[str]:
        """Those of the streams that are not at hand and could be."""
        return {s for s in streams if s not in self.broken and self._sight.get(s) is None}

    def outcome(self) -> Outcome:
        """Of a decided batch, what the answers' rows will not tell of."""
        found: list[Unremembered] = []
        repeats: list[Request] = []
        for item in self.items:
            first = item.repeat_of
            earlier = item.answer if first is None else first.answer
            said: Answer | Rejected | None
            if first is not None and item.digest != first.digest:
                said = item.settle_reused()
            elif earlier is not None and earlier.code in UNREMEMBERED:
                said = earlier
            elif earlier is not None or first is not None:
                repeats.append(item.request)
                continue
            else:
                said = None if item.is_remembered else item.refusal
            if said is not None:
                waits = said.code == "quarantined" and said.message in self.broken.values()
                found.append(Unremembered(item.request, said.code, said.message, said.field, waits))
        return Outcome(found, repeats)

    def open_keys(self) -> list[Key]:
        """Keys to be looked up among the answers."""
        return [
            item.key
            for item in self.items
            if item.answer is None and item.is_remembered and item.repeat_of is None
        ]

    def retry(self) -> None:
        """Decide all anew after a connection was lost. What is found answered from now on may be
        this batch's own doing, and so is not told as a repeat."""
        self.tried = True
        self.forget(None)

    def add(self, loaded: Mapping[str, State]) -> None:
        self._sight.base.update(loaded)

    def forget(self, touched: set[str] | None) -> set[str]:
        """Others wrote to these streams (None: to any). Drop them and what was decided on them,
        and in turn what was decided on that. Returns those that were at hand."""
        base = self._sight.base
        if touched is None:
            known = set(base)
            base.clear()
            for item in self.items:
                item.reset()
            return known
        dropped = set(touched)
        known = dropped & base.keys()
        for stream in known:
            del base[stream]
        for item in self.items:
            if item.is_decided and not dropped.isdisjoint(item.reads):
                dropped.update(step.stream for step in item.steps)
                item.reset()
        return known

    def decide(self) -> set[str]:
        """Decide in order what is undecided. Returns the streams that must be loaded first; none
        when every item is decided or settled."""
        evolved = self._sight.evolved = {}
        fresh: set[str] = set()
        for index, item in enumerate(self.items):
            if item.answer is not None or item.repeat_of is not None:
                continue
            if item.is_decided and not fresh.isdisjoint(item.reads):
                fresh.update(step.stream for step in item.steps)
                item.reset()
            if not item.is_decided:
                try:
                    self._decide(item)
                except NotLoaded:
                    return self._missing_from(index)
                except _Undecidable as e:
                    item.settle_quarantined(str(e))
                    continue
                fresh.update(step.stream for step in item.steps)
            for step in item.steps:
                evolved[step.stream] = step.after
        return set()

    def _missing_from(self, index: int) -> set[str]:
        """Streams that the next items would miss as things stand: asked for in one query rather
        than one by one. What is decided here is thrown away; so after the first look at the whole
        batch, which finds most, the later ones go only a few items ahead."""
        missing: set[str] = set()
        ahead = len(self.items) if not self._looked_ahead else AHEAD
        self._looked_ahead = True
        for item in self.items[index : index + ahead]:
            if item.answer is not None or item.repeat_of is not None:
                continue
            try:
                self._decide(item)
            except NotLoaded as e:
                missing.add(e.stream)
            except _Undecidable:
                pass
            item.reset()
        return missing

    def _decide(self, item: Item) -> None:
        """Raises NotLoaded, _Undecidable."""
        request = item.request
        occurred_at = request.occurred_at or self.now
        context = Context(
            self.now,
            occurred_at,
            request.actor,
            request.message_id,
            item.buyer,
            request.acts_under,
        )
        world = World(self._sight)
        try:
            emits = self._decider.decide(request.command, world, context)
            item.steps = self._steps(emits, context)
        except Rejected as refusal:
            item.refusal = refusal
        except NotLoaded as e:
            if e.stream in self.broken:
                raise _Undecidable(self.broken[e.stream]) from e
            raise
        except Exception as e:
            # A fault of ours in one decision must not stop the others.
            logger.exception("%s %s cannot be decided", *item.key)
            raise _Undecidable(f"The request cannot be decided ({type(e).__name__}).") from e
        item.reads = world.read
        item.reads.update(step.stream for step in item.steps)
        item.decided_at = self.now

    def _steps(self, emits: Sequence[Emit], context: Context) -> list[Step]:
        evolved: dict[str, State] = {}
        steps: list[Step] = []
        for emit in emits:
            stream = emit.stream
            before = evolved.get(stream) or self._sight.get(stream)
            if before is None:
                raise NotLoaded(stream)
            if emit.folded is not None and emit.folded[0] is before:
                _, stamp, after = emit.folded
            else:
                stamp = emit.stamp(before.version, context)
                after = self._decider.evolve(before, emit.event, stamp)
            evolved[stream] = after
            steps.append(Step(stream, emit.event, stamp, before, after))
        return steps


class _Undecidable(Exception):
    """A request that no rule refuses and that yet cannot be decided; the message says why."""


class _Sight:
    """States as the next decision sees them: as earlier ones of the batch left them, else as
    committed. What was seen once stays, whatever the cache gives up."""

    def __init__(self, look: Callable[[str], State | None]) -> None:
        self.base: dict[str, State] = {}
        self.evolved: dict[str, State] = {}
        self._look = look

    def get(self, stream: str, /) -> State | None:
        state = self.evolved.get(stream) or self.base.get(stream)
        if state is None:
            state = self._look(stream)
            if state is not None:
                self.base[stream] = state
        return state
