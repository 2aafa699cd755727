"""Reads the views for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from psycopg.rows import dict_row

from infra.postgres import Rows, load_statements

if TYPE_CHECKING:
    from infra.engine import Status

SQL = load_statements(Path(__file__).with_name("views.sql"))


class Views:
    """The read models on one connection, as of one moment. at: None for now, by the database's
    clock."""

    def __init__(self, conn: Rows, at: datetime | None = None) -> None:
        self._conn = conn
        if at is None:
            (at,) = conn.execute(SQL["select_now"]).fetchone() or (None,)
        assert at is not None
        self.now: datetime = at

    def exist(self) -> bool:
        """Whether an engine has made the views yet."""
        found = self._conn.execute(SQL["find_views"]).fetchone()
        return found is not None and bool(found[0])

    def rows(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        """The rows of a statement of views.sql."""
        with self._conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(SQL[statement], {"at": self.now, **params}).fetchall()

    def count(self, statement: str, **params: Any) -> int:
        """What a statement of views.sql that counts says."""
        (row,) = self.rows(statement, **params)
        return int(row["count"])

    def status(self) -> list[Status]:
        from infra.engine import read_status  # late: the domain comes with it

        return read_status(self._conn)


def plain(value: Any, without: str = "") -> Any:
    """A row or a value for JSON: times with their zone, spans in seconds, amounts as text."""
    if isinstance(value, Mapping):
        row = cast("Mapping[str, Any]", value)
        return {name: plain(part) for name, part in row.items() if name != without}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value
