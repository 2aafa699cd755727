"""What readers see of one read model: for those who tell it to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.engine.fold import SQL
from infra.engine.tables import digest_of
from infra.postgres import Rows
from projections import PROJECTIONS, Projection


@dataclass(frozen=True)
class Seen:
    """position: of the log; all up to it is in the table. parked: streams whose rows stand still,
    each with the position of the first event that is not in them. Between two looks the rows
    change by the log's events, or where `parked` does, or they are another table's."""

    table: str
    position: int
    parked: Mapping[str, int]


def what_readers_see(conn: Rows, projection: Projection) -> Seen | None:
    """None while they see another version of it, or before any engine ran on this database."""
    found = conn.execute(SQL["find_books"], prepare=True).fetchone()
    if found is None or not found[0]:
        return None
    row = conn.execute(SQL["select_seen"], {"table": projection.table}, prepare=True).fetchone()
    if row is None or row[3] != digest_of(PROJECTIONS):
        return None
    table, position, parked, _ = row
    return Seen(table, position, parked)
