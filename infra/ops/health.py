"""Whether the workers are alive, and whether work gets done: why not, for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.activity import Activity
from infra.ops.lags import Lag, Standing
from infra.ops.observer import Check, Observed

TOLD = 3
"""Parts that stand and are named; metrics and status count them all."""

UNHEARD_AFTER = 3
"""Looks that a server may leave unanswered before it counts as away."""


@dataclass(frozen=True)
class Verdict:
    """ok: of all. reasons: by who was asked; "" where all is well."""

    reasons: dict[str, str]

    @property
    def ok(self) -> bool:
        return not any(self.reasons.values())

    def as_dict(self) -> dict[str, Any]:
        parts = {name: {"ok": not why, "reason": why} for name, why in self.reasons.items()}
        return {"ok": self.ok, "parts": parts}


def alive(activities: Sequence[Activity], now: float, stuck_after: float) -> Verdict:
    """Whether each worker's loop came round lately. now: on the monotonic clock."""
    return Verdict({one.worker: _stuck(one, now, stuck_after) for one in activities})


def ready(
    activities: Sequence[Activity],
    observed: Observed,
    now: float,
    stuck_after: float,
    look_every: float,
) -> Verdict:
    """Whether database and Kafka (where they work with it) answer, no worker stands while more and
    more waits, and no read model was stopped."""
    patience = UNHEARD_AFTER * look_every + 10.0
    reasons = {"database": _away(observed.database, now, patience)}
    if observed.kafka is not None:
        reasons["kafka"] = _away(observed.kafka, now, patience)
    for one in activities:
        why = _stuck(one, now, stuck_after)
        if not why and one.snapshot().turned_at is None:
            why = "has not begun"
        if not why:
            why = _stopped(observed.lags.get(one.worker, ()))
        if not why:
            why = _standing(observed.standing.get(one.worker, ()))
        reasons[one.worker] = why
    return Verdict(reasons)


def _stopped(lags: Sequence[Lag]) -> str:
    return "; ".join(f"{lag.part}: {lag.stopped}" for lag in lags if lag.stopped)


def _standing(found: Sequence[Standing]) -> str:
    told = [f"{one.part} stands at {one.position} while {one.waiting} wait" for one in found[:TOLD]]
    return "; ".join([*told, f"and {len(found) - TOLD} more"] if len(found) > TOLD else told)


def _stuck(activity: Activity, now: float, stuck_after: float) -> str:
    seconds = now - (activity.snapshot().turned_at or activity.made_at)
    return "" if seconds <= stuck_after else f"its loop has not come round for {seconds:.0f} s"


def _away(check: Check, now: float, patience: float) -> str:
    if check.at is None:
        return "was not asked yet"
    if not check.ok:
        return check.reason
    return "" if now - check.at <= patience else f"no answer for {now - check.at:.0f} s"
