"""Keeps the places of the live queue's rows, so that a page of it is read by index.

Only how fast the queue is read depends on it: who reads judges what it has not got to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from psycopg import sql

from infra.engine.books import tables_standing
from infra.engine.fold import PASSING, SQL
from infra.engine.tables import statements_of
from infra.postgres import Rows
from projections import Projection

RANK_LOCK = 0x43617365_52616E6B  # "CaseRank": one at a time, or rules could go that are in use
LOCK_WAIT = "1s"
"""Whoever ranks projects as well: a locked table must not hold up the others for long."""
BATCH = 1_000
"""Rows of a transaction: some tens of milliseconds."""


def rank(
    conn: Rows,
    projection: Projection,
    tables: Sequence[str],
    *,
    most: int = BATCH,
    at: datetime | None = None,
) -> int | None:
    """Judge rows whose place is not known any more, up to so many in each of these tables of the
    read model. How many there were, where there were most; None while somebody else is at it.

    at: the moment, None for now.
    """
    statements = {table: statements_of(projection, table) for table in tables}
    with conn.transaction():
        conn.execute("select set_config('lock_timeout', %s, true)", (LOCK_WAIT,))
        is_ours, now = conn.execute(SQL["try_rank"], {"key": RANK_LOCK}).fetchone() or (False, at)
        if not is_ours:
            return None
        asked = {"at": at or now, "most": most}
        conn.execute(statements_of(projection)["renew_rules"], asked)
        found = [0]
        for its in statements.values():
            streams = [stream for (stream,) in conn.execute(its["select_unranked"], asked)]
            if streams:
                chosen = {"at": asked["at"], "streams": streams}
                conn.execute(its["insert_rules"], chosen)
                conn.execute(its["rank_rows"], chosen)
            found.append(len(streams))
        old = {rules for (rules,) in conn.execute(statements_of(projection)["select_old_rules"])}
        if old:
            # Of any table: a row whose rules are gone would pass for one judged by rules in force.
            for table in tables_standing(conn, projection, "live", "joining"):
                asks = statements_of(projection, table)["select_used_rules"]
                used = conn.execute(asks, {"rules": sorted(old)})
                old -= {rules for (rules,) in used}
            conn.execute(statements_of(projection)["delete_rules"], {"rules": sorted(old)})
        return max(found)


def rank_all(conn: Rows, projection: Projection, table: str) -> None:
    """All of one table that nobody reads yet, but for what is written meanwhile."""
    found: int | None = None
    while found is None or found >= BATCH:
        try:
            found = rank(conn, projection, [table])
        except PASSING:
            found = None  # somebody locks a table
        if found is None:
            time.sleep(0.01)
    conn.execute(sql.SQL("analyze {}").format(sql.Identifier(table)))
