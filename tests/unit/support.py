"""Given / when / then for deciders: whole streams in memory, decided by the real decider."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from domain import decider
from domain.kernel import (
    Actor,
    ActorKind,
    Command,
    Context,
    Emit,
    Event,
    Rejected,
    Role,
    Stamp,
    State,
)
from domain.world import NotLoaded, World

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday morning in Shanghai, 09:00."""

AGENT = Actor(kind=ActorKind.PERSON, id="li", role=Role.AGENT)
SUPERVISOR = Actor(kind=ActorKind.PERSON, id="wang", role=Role.SUPERVISOR)
ADMIN = Actor(kind=ActorKind.PERSON, id="zhao", role=Role.ADMIN)
PLATFORM = Actor(kind=ActorKind.SYSTEM, id="douyin", role=Role.PLATFORM)
SERVICE = Actor(kind=ActorKind.SYSTEM, id="erp", role=Role.SERVICE)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    return timedelta(days=count)


@dataclass(frozen=True)
class Told:
    """A command as one request brings it. occurred_at None: at the moment of the decision."""

    command: Command
    at: datetime
    actor: Actor
    occurred_at: datetime | None = None
    buyer: str | None = None
    token: int | None = None


def told(
    command: Command,
    *,
    at: datetime | None = None,
    by: Actor = AGENT,
    occurred_at: datetime | None = None,
    buyer: str | None = None,
    token: int | None = None,
) -> Told:
    """A request for `given` with its own time, actor, buyer or claim's token. at None: T0, or as
    soon after it as the thing has occurred."""
    return Told(command, at or max(T0, occurred_at or T0), by, occurred_at, buyer, token)


@dataclass(frozen=True)
class Like:
    """Stands for any event of a class with these fields."""

    cls: type[Event]
    fields: dict[str, Any]

    def matches(self, event: Event) -> bool:
        return type(event) is self.cls and all(
            getattr(event, name) == value for name, value in self.fields.items()
        )


def like(cls: type[Event], **fields: Any) -> Like:
    """For `then`: an event of this class with at least these fields."""
    return Like(cls, fields)


@dataclass
class Story:
    """Streams in memory to which requests are put one by one, as the pipeline would."""

    recorded: dict[str, list[tuple[Event, Stamp]]] = field(
        default_factory=dict[str, list[tuple[Event, Stamp]]]
    )
    requests: int = 0

    def state(self, stream: str) -> Any:
        """The folded state of a stream; its initial state if nothing was recorded."""
        return decider.fold(stream, self.recorded.get(stream, ()))

    def record(
        self, emit: Emit, at: datetime = T0, actor: Actor = SERVICE, occurred: datetime = T0
    ) -> None:
        """Append one event as it stands. occurred: when, if the event doesn't say itself."""
        events = self.recorded.setdefault(emit.stream, [])
        stamp = Stamp(
            version=len(events) + 1,
            occurred_at=emit.occurred_at or occurred,
            decided_at=at,
            actor=emit.actor or actor,
        )
        events.append((emit.event, stamp))

    def decide(self, request: Told) -> list[Emit]:
        """Decide a request and append what comes of it. Raises Rejected."""
        self.requests += 1
        context = Context(
            now=request.at,
            occurred_at=request.occurred_at or request.at,
            actor=request.actor,
            request_id=f"m{self.requests}",
            buyer=request.buyer,
            claim_token=request.token,
        )
        states: dict[str, State] = {}
        while True:
            try:
                world = World(states)
                emits = decider.decide(request.command, world, context)
                break
            except NotLoaded as missing:
                states[missing.stream] = self.state(missing.stream)
        if request.command.ALONE:
            assert all(stream.startswith(("case:", "policy:")) for stream in world.read)
        for emit in emits:
            self.record(emit, request.at, request.actor, context.occurred_at)
        return emits

    def given(self, *steps: Command | Told | Emit) -> Self:
        """What happened before: requests, decided in order, or events recorded as they are."""
        for step in steps:
            if isinstance(step, Emit):
                self.record(step)
            else:
                self.decide(step if isinstance(step, Told) else Told(step, T0, AGENT))
        return self

    def when(
        self,
        command: Command,
        *,
        at: datetime = T0,
        by: Actor = AGENT,
        occurred_at: datetime | None = None,
        buyer: str | None = None,
        token: int | None = None,
    ) -> Outcome:
        """Put one more request; its outcome is checked by `then` or `refused`."""
        before = {stream: len(events) for stream, events in self.recorded.items()}
        try:
            emits = self.decide(Told(command, at, by, occurred_at, buyer, token))
        except Rejected as refusal:
            after = {stream: len(events) for stream, events in self.recorded.items()}
            assert after == before, "a refusal changed something"
            return Outcome(self, [], refusal)
        return Outcome(self, emits, None)


@dataclass
class Outcome:
    """What came of a request."""

    story: Story
    emits: list[Emit]
    refusal: Rejected | None

    @property
    def events(self) -> list[Event]:
        return [emit.event for emit in self.emits]

    def then(self, *expected: Event | Like | type[Event]) -> Story:
        """Exactly these events, in this order: whole, by some fields, or by class."""
        assert self.refusal is None, f"refused: {self.refusal.code}: {self.refusal}"
        assert len(self.events) == len(expected), self.events
        for event, wanted in zip(self.events, expected, strict=True):
            _assert_is(event, wanted)
        return self.story

    def then_among(self, *expected: Event | Like | type[Event]) -> Story:
        """These events, among others, in any order."""
        assert self.refusal is None, f"refused: {self.refusal.code}: {self.refusal}"
        for wanted in expected:
            assert any(_is(event, wanted) for event in self.events), (wanted, self.events)
        return self.story

    def then_nothing(self) -> Story:
        """Accepted, and nothing changed."""
        return self.then()

    def refused(self, code: str, field: str | None = None) -> Story:
        """Refused under this code (and for this field), in words."""
        assert self.refusal is not None, f"accepted: {self.events}"
        assert self.refusal.code == code, f"{self.refusal.code}: {self.refusal}"
        assert str(self.refusal)
        if field is not None:
            assert self.refusal.field == field
        return self.story


def _is(event: Event, wanted: Event | Like | type[Event]) -> bool:
    if isinstance(wanted, Like):
        return wanted.matches(event)
    if isinstance(wanted, type):
        return type(event) is wanted
    return event == wanted


def _assert_is(event: Event, wanted: Event | Like | type[Event]) -> None:
    assert _is(event, wanted), f"{event!r} is not {wanted!r}"


def given(*steps: Command | Told | Emit) -> Story:
    """A story in which this happened."""
    return Story().given(*steps)


def when(
    command: Command, *, at: datetime = T0, by: Actor = AGENT, occurred_at: datetime | None = None
) -> Outcome:
    """A request to streams in which nothing happened."""
    return Story().when(command, at=at, by=by, occurred_at=occurred_at)
