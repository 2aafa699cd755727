"""What readers see of the read models: put in the place of what they saw.

Grants on views and functions stay, and so do views of others that use ours, as long as ours have
the columns that they had. Nothing of others is ever dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import LiteralString

from psycopg import errors, sql

from infra.engine.fold import SQL
from infra.postgres import Rows

_MADE = re.compile(r"^create or replace (view|function) (\w+)", re.MULTILINE)


class InTheWay(Exception):
    """Objects of others need something of ours as it was: a column that is gone or elsewhere, or a
    function. Nothing was changed. The text names them."""


def put_readers(conn: Rows, texts: Sequence[LiteralString]) -> None:
    """Make the views and functions of these statements, inside a transaction.

    Raises InTheWay, and LockNotAvailable when a reader holds a view too long."""
    made = [match.groups() for text in texts for match in _MADE.finditer(text)]
    views = [name for kind, name in made if kind == "view"]
    functions = [name for kind, name in made if kind == "function"]
    if _made_anew(conn, texts, functions):
        return
    names = {"views": views, "functions": functions}
    grants = [grant for (grant,) in conn.execute(SQL["select_grants"], names).fetchall()]
    try:
        with conn.transaction():
            # Views read functions and functions give rows of views: until both are made, the views
            # give their columns and nothing else.
            for (hollow,) in conn.execute(SQL["select_hollow_views"], names).fetchall():
                conn.execute(hollow)
            _drop(conn, "select_functions_made", names)
            if not _made_anew(conn, texts, functions):
                _drop(conn, "select_views_made", names)
                _make(conn, texts)
            for grant in grants:
                conn.execute(grant)
    except errors.DependentObjectsStillExist as e:
        raise InTheWay("; ".join((e.diag.message_detail or str(e)).splitlines())) from e


def _make(conn: Rows, texts: Sequence[LiteralString]) -> None:
    for text in texts:
        conn.execute(text)


def _made_anew(conn: Rows, texts: Sequence[LiteralString], functions: Sequence[str]) -> bool:
    """Whether everything could be made in the place of what is there; if not, nothing was."""
    try:
        with conn.transaction():
            _make(conn, texts)
            doubled = conn.execute(SQL["select_doubled"], {"functions": list(functions)}).fetchall()
            if doubled:
                raise errors.InvalidFunctionDefinition("a function has other arguments")
    except (
        errors.InvalidTableDefinition,
        errors.InvalidFunctionDefinition,
        errors.AmbiguousFunction,  # said by a comment on one that now has other arguments
    ):
        return False
    return True


def _drop(conn: Rows, found_by: str, names: dict[str, list[str]]) -> None:
    """All in one statement: they may use each other, and nobody else may use them."""
    (what,) = conn.execute(SQL[found_by], names).fetchone() or (None,)
    if what is not None:
        conn.execute(sql.SQL("drop {}").format(sql.SQL(what)))
