"""The engine's books: which tables there are, how far each is, what is parked and skipped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from infra.activity import plain
from infra.engine.fold import SQL, BrokenStreamError
from infra.postgres import Rows
from projections import Projection

BOOKS_LOCK = 0x43617365_426F6F6B  # "CaseBook"
LEADER_LOCK = 0x43617365_50726F6A  # "CaseProj"

Standing = Literal["live", "building", "joining", "checking", "kept"]
"""live: what readers see. building: being filled by a rebuild. joining: follows the log, to be
read once it has caught up. checking: so too, to be compared. kept: read before, not followed."""
FOLLOWED: tuple[Standing, ...] = ("live", "joining", "checking")

_GENERATION = re.compile(r"_g[0-9]+$")


class Overtaken(Exception):
    """Somebody moved a position, or changed what is parked or skipped, first."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """parked: streams that a table does not follow. skipped: positions of events that its read
    model takes no notice of."""

    parked: frozenset[str] = frozenset()
    skipped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Generation:
    """One table of a read model, as of one look at the books; see create_books."""

    projection: Projection
    table: str
    position: int
    changes: int
    standing: Standing
    quarantine: Quarantine = field(default_factory=Quarantine)


class Books:
    """Reads the books again and again; what is parked only when it changed."""

    def __init__(self, projections: Sequence[Projection]) -> None:
        self._projections = {projection.table: projection for projection in projections}
        self._quarantines: dict[str, tuple[int, Quarantine]] = {}

    def read(self, conn: Rows) -> tuple[list[Generation], int]:
        """The tables of these read models, in their order, and the log's head."""
        rows = conn.execute(SQL["select_positions"]).fetchall()
        found: list[Generation] = []
        for name, position, changes, standing, _ in rows:
            projection = self._projections.get(base_of(name))
            if projection is not None:
                quarantine = self._quarantine(conn, projection, name, changes)
                found.append(Generation(projection, name, position, changes, standing, quarantine))
        places = {projection: place for place, projection in enumerate(self._projections.values())}
        found.sort(key=lambda one: (places[one.projection], one.table))
        return found, rows[0][4] if rows else 0

    def _quarantine(
        self, conn: Rows, projection: Projection, table: str, changes: int
    ) -> Quarantine:
        known = self._quarantines.get(table)
        if known is None or known[0] != changes:
            known = changes, read_quarantine(conn, projection, table)
            self._quarantines[table] = known
        return known[1]


def tables_standing(conn: Rows, projection: Projection, *standings: Standing) -> list[str]:
    """Those of this version of the read model that stand so, by name."""
    return sorted(
        name
        for name, _, _, standing, _ in conn.execute(SQL["select_positions"])
        if base_of(name) == projection.table and standing in standings
    )


def base_of(table: str) -> str:
    """The table's name without the number of its generation: a version of a read model."""
    return _GENERATION.sub("", table)


def read_quarantine(conn: Rows, projection: Projection, table: str) -> Quarantine:
    parked = conn.execute(SQL["select_parked"], {"name": table}).fetchall()
    return Quarantine(frozenset(stream for stream, *_ in parked), read_skipped(conn, projection))


def read_skipped(conn: Rows, projection: Projection) -> frozenset[int]:
    """Positions of the events that the read model takes no notice of."""
    skipped = conn.execute(SQL["select_skipped"], {"projection": projection.name})
    return frozenset(position for (position,) in skipped)


def park(conn: Rows, table: str, stream: str, position: int, error: BaseException) -> None:
    """Let the table take no notice of the stream from this event on, until somebody retries."""
    words = {"name": table, "stream": stream, "position": position, "error": reason_of(error)}
    conn.execute(SQL["park_stream"], words)


def cause_of(error: BaseException) -> BaseException:
    """Of a broken stream what broke it."""
    if isinstance(error, BrokenStreamError) and error.__cause__ is not None:
        return cause_of(error.__cause__)
    return error


def reason_of(error: BaseException) -> str:
    """In one line."""
    cause = cause_of(error)
    return f"{type(cause).__name__}: {plain(cause)}"


def change(conn: Rows, tables: Iterable[str]) -> None:
    """Tell whoever works on a page of these tables to begin it anew."""
    conn.execute(SQL["change_books"], {"names": list(tables)})


def lock_position(conn: Rows, table: str) -> int:
    """The table's position, which stays until the transaction ends. Raises Overtaken when
    somebody dropped the table."""
    row = conn.execute(SQL["lock_position"], {"name": table}).fetchone()
    if row is None:
        raise Overtaken
    return int(row[0])


def lock_positions(conn: Rows, tables: Collection[str]) -> dict[str, int]:
    """In the order of their names, so that two who do so don't wait for each other."""
    return {table: lock_position(conn, table) for table in sorted(tables)}
