"""Whether a log is what deciding its requests one by one would have written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from domain import decider
from domain.kernel import Context, Event, Rejected, Stamp, State
from domain.request import Request
from domain.world import NotLoaded, World
from infra.event_store import EventLog, Recorded


@dataclass(frozen=True)
class Answered:
    """A row of answers."""

    message_id: str
    accepted: bool
    code: str
    position: int | None
    decided_at: datetime


def answered(url: str) -> list[Answered]:
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT source || '/' || message_id, accepted, code, position, decided_at"
            " FROM answers ORDER BY number"
        )
        return [Answered(*row) for row in rows]


def check_one_by_one(
    url: str, log: EventLog, requests: Iterable[Request], before: int = 0
) -> list[Answered]:
    """Decide every remembered request again, in the order of the answers and at the stored time,
    each on what those before it left; every answer and every event must come out the same.

    before: the position up to which the log was written beforehand.
    """
    asked = {f"{request.source}/{request.message_id}": request for request in requests}
    records = log.tail(0, 1_000_000)
    assert [r.position for r in records] == list(range(1, len(records) + 1))
    states = _Folded()
    for record in records[:before]:
        states.apply(record.stream, record.event, record.stamp)
    written: dict[str, list[Recorded]] = {}
    for record in records[before:]:
        said = record.envelope
        written.setdefault(f"{said.source}/{said.message_id}", []).append(record)
    answers = answered(url)
    for answer in answers:
        if answer.message_id in asked:
            _decide_again(answer, asked[answer.message_id], states, written)
    assert not written, "every event was written for a request that was accepted"
    return answers


def _decide_again(
    answer: Answered, request: Request, states: _Folded, written: dict[str, list[Recorded]]
) -> None:
    at = answer.decided_at
    context = Context(at, request.occurred_at or at, request.actor, request.message_id)
    stored = written.pop(answer.message_id, [])
    try:
        emits, code = states.decide(request, context), ""
    except Rejected as refusal:
        emits, code = [], refusal.code
    assert (answer.accepted, answer.code) == (not code, code), answer
    assert [(r.stream, _bare(r.event)) for r in stored] == [
        (emit.stream, _bare(emit.event)) for emit in emits
    ], answer
    assert answer.position == (stored[-1].position if stored else None)
    for record in stored:
        states.apply(record.stream, record.event, record.stamp)


def _bare(event: Event) -> Event:
    return event.model_copy(update={"private": None})


class _Folded(dict[str, State]):
    """States by stream, version 0 for those not yet written."""

    def decide(self, request: Request, context: Context) -> list[Any]:
        while True:
            try:
                known: Mapping[str, State] = self
                return list(decider.decide(request.command, World(known), context))
            except NotLoaded as e:
                self[e.stream] = decider.initial(e.stream)

    def apply(self, stream: str, event: Event, stamp: Stamp) -> None:
        state = self.get(stream) or decider.initial(stream)
        assert stamp.version == state.version + 1, stream
        self[stream] = decider.evolve(state, event, stamp)
