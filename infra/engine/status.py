"""How far the read models have followed the log."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from infra.engine.books import LEADER_LOCK, Standing
from infra.engine.fold import SQL
from infra.postgres import Rows


@dataclass(frozen=True)
class Status:
    """One table of a read model. head: the log's last position. behind: events of the log, wanted
    or not; seconds: the age of the first of them. projected: events read so far; rate: of the
    last full page, events a second. error: why it stands still. parked: streams that it doesn't
    follow. standing: see infra/engine/books.py. led: whether an engine is at work, leader: the
    session that leads.
    """

    name: str
    position: int
    head: int
    behind: int
    seconds: float
    projected: int
    rate: float | None
    moved_at: datetime
    error: str | None
    failed_at: datetime | None
    standing: Standing
    parked: int
    led: bool
    leader: int | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_status(conn: Rows) -> list[Status]:
    """All read models, by name; none if no engine ever ran on this database."""
    found = conn.execute(SQL["find_books"]).fetchone()
    if found is None or not found[0]:
        return []
    with conn.cursor(row_factory=class_row(Status)) as cursor:
        return cursor.execute(SQL["select_status"], {"key": LEADER_LOCK}).fetchall()
