"""The table of claims that run: written with the events, so that whoever draws the next case from
the queue sees what the log says, not what a read model has got to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Cursor

from domain.case.state import Case, Lease
from infra.pipeline.batch import Step
from infra.postgres import load_statements

SQL = load_statements(Path(__file__).with_name("leases.sql"))


@dataclass(frozen=True, slots=True)
class LeaseChange:
    """What a batch makes of the claim of one case. nth: of the batch's events the last one that
    changed it, from 1; lease None: nobody holds the case any more."""

    stream: str
    case: Case
    nth: int
    lease: Lease | None


def lease_changes(steps: Iterable[Step]) -> list[LeaseChange]:
    """steps: of a batch, in order. One change a case, the last."""
    changes: dict[str, LeaseChange] = {}
    for nth, step in enumerate(steps, 1):
        before, after = step.before, step.after
        if not isinstance(before, Case) or not isinstance(after, Case):
            continue
        if before.lease is not after.lease:
            changes[step.stream] = LeaseChange(step.stream, after, nth, after.lease)
    return list(changes.values())


def write_leases(cursor: Cursor[Any], changes: Sequence[LeaseChange], events: int) -> None:
    """Add the statements; under the log's lock, behind the events. events: of the batch."""
    ended = [change.stream for change in changes if change.lease is None]
    held = [(change, change.lease) for change in changes if change.lease is not None]
    if ended:
        cursor.execute(SQL["delete_leases"], {"streams": ended}, prepare=True)
    if held:
        cursor.execute(
            SQL["upsert_leases"],
            {
                "events": events,
                "streams": [change.stream for change, _ in held],
                "platforms": [change.case.platform for change, _ in held],
                "shops": [change.case.shop for change, _ in held],
                "agents": [lease.agent for _, lease in held],
                "tokens": [lease.token for _, lease in held],
                "claimed_at": [lease.claimed_at for _, lease in held],
                "until": [lease.until for _, lease in held],
                "nth": [change.nth for change, _ in held],
            },
            prepare=True,
        )
