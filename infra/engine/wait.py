"""Waiting for the views to hold what one has written oneself."""

from __future__ import annotations

from collections.abc import Sequence

from infra.engine.engine import Behind
from infra.engine.fold import SQL
from infra.engine.quarantine import find_projection
from infra.postgres import Rows
from projections import PROJECTIONS


def wait_for(
    conn: Rows, position: int, names: Sequence[str] | None = None, timeout: float = 10.0
) -> None:
    """Return once the views hold all up to a position of the log, such as a command's answer
    gives. names: of the read models that matter, None for all. timeout: seconds.

    conn: in autocommit mode, or its transaction reads committed. Raises Behind, and
    UnknownReadModel. Rows of a stream that is parked stay behind all the same.
    """
    for name in names or ():
        find_projection(PROJECTIONS, name)
    asked = {
        "position": position,
        "seconds": timeout,
        "names": None if names is None else list(names),
    }
    reached = conn.execute(SQL["wait_for_position"], asked).fetchone()
    if reached is None or not reached[0]:
        raise Behind(
            "The views have not reached position {position}; see projections status.",
            position=position,
        )
