"""The rows that say who works and how it goes: written by each process, read by whoever asks."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from infra.activity import Activity
from infra.ops.lags import Standing
from infra.postgres import Rows, load_statements

SQL = load_statements(Path(__file__).with_name("ops.sql"))

KEPT_DAYS = 7
SILENT_AFTER = 10.0
"""Seconds without a word after which nobody counts as at work any more; told every second."""

STUCK_AFTER = 90.0
"""Seconds after which a loop that has not come round is stuck: longer than any statement may
take."""

PAST = 1
"""Of those that ended or fell silent, how many of each kind are shown."""


@dataclass(frozen=True)
class WorkerRow:
    """A worker as it was told last. process: its id and host. beat_seconds: how long ago that
    was; turned_seconds: how long its loop had not come round by then, None before the first
    time. error: the last one; failing: whether it lasted. standing: parts that stood still."""

    worker: str
    process: str
    member: str | None
    started_at: datetime
    beat_at: datetime
    turned_at: datetime | None
    succeeded_at: datetime | None
    ended_at: datetime | None
    items: int
    retries: int
    counts: dict[str, int]
    failing: bool
    error: str | None
    failed_at: datetime | None
    standing: list[str]
    beat_seconds: float
    turned_seconds: float | None

    @property
    def state(self) -> str:
        """ended, silent (killed or stopped: it does not say), stuck, standing, failing or
        working."""
        if self.ended_at is not None:
            return "ended"
        if self.beat_seconds > SILENT_AFTER:
            return "silent"
        if self.turned_seconds is not None and self.turned_seconds > STUCK_AFTER:
            return "stuck"
        if self.standing:
            return "standing"
        return "failing" if self.failing else "working"


def read_workers(conn: Rows) -> list[WorkerRow]:
    """Those at work, and of the others the newest of each kind."""
    with conn.cursor(row_factory=class_row(WorkerRow)) as cursor:
        wanted = {"silent": SILENT_AFTER, "past": PAST}
        return cursor.execute(SQL["select_workers"], wanted).fetchall()


def forget_old(conn: Rows) -> None:
    conn.execute(SQL["delete_old_workers"], {"days": KEPT_DAYS})


def tell(
    conn: Rows, activity: Activity, standing: Sequence[Standing], *, ended: bool = False
) -> None:
    """Write how it goes with one worker of this process."""
    now, found = time.monotonic(), activity.snapshot()

    def ago(moment: float | None) -> float | None:
        return None if moment is None else now - moment

    row: dict[str, Any] = {
        "id": activity.id,
        "worker": activity.worker,
        "process": f"{os.getpid()}@{socket.gethostname()}",
        "member": activity.member,
        "turned": ago(found.turned_at),
        "succeeded": ago(found.succeeded_at),
        "failed": ago(found.failed_at),
        "ended": ended,
        "items": found.items,
        "retries": found.retries,
        "counts": Jsonb(dict(found.counts)),
        "failing": found.failing,
        "error": found.error,
        "standing": [one.part for one in standing],
    }
    conn.execute(SQL["upsert_worker"], row)
