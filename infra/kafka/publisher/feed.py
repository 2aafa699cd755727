"""What is to be told of the live queue next: of each case the newest, as the read model has it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from psycopg.errors import UndefinedTable
from psycopg.rows import namedtuple_row
from pydantic import ValidationError

from domain.kernel import Kind
from infra.engine import Seen, what_readers_see
from infra.engine.tables import statements_of
from infra.kafka.contracts import Outgoing
from infra.kafka.publisher.records import entry, left
from infra.postgres import Rows, Statements
from projections import queue

Basis = dict[str, Any]
"""What the entries that were told last were made from; see Seen."""


class BrokenEntry(Exception):
    """A row of the queue that has no public form."""


@dataclass
class QueueFeed:
    """conn: the publisher's own. source: what the records give as theirs. limit: events whose
    cases one look takes up."""

    conn: Rows
    statements: Statements
    source: str
    limit: int

    def look(self) -> Seen | None:
        """What readers see of the queue now."""
        return what_readers_see(self.conn, queue.PROJECTION)

    def start(self, seen: Seen, after: int, basis: Basis | None) -> int:
        """From where on cases are to be told: from the beginning when readers see another table,
        which may say something else of any case."""
        return after if basis is not None and basis["table"] == seen.table else 0

    def read(
        self, seen: Seen, start: int, head: int, basis: Basis | None
    ) -> tuple[int, list[Outgoing]] | None:
        """Where the next look begins, and what to tell before: each case whose last event lies in
        between, and those that were parked and have been folded on. A case of which more is to
        come within `seen` is told there, once. None when the table is gone: readers see another
        one by now. Raises BrokenEntry."""
        wanted = {"kind": Kind.CASE, "after": start, "upto": head, "limit": self.limit}
        touched = self.conn.execute(self.statements["select_touched"], wanted, prepare=True)
        events = touched.fetchall()
        end = events[-1][0] if len(events) == self.limit else head
        unparked = _moved(seen, basis) if start else set[str]()
        streams = [*{stream for _, stream in events} | unparked]
        if not streams:
            return end, []
        asked = {"streams": streams, "upto": seen.position}
        last = self.conn.execute(self.statements["select_last"], asked, prepare=True).fetchall()
        try:
            rows = self._rows(seen.table, streams)
        except UndefinedTable:
            return None
        records: list[Outgoing] = []
        for stream, position, at in last:
            if position <= end or stream in unparked:
                case_id = stream.partition(":")[2]
                if stream not in rows:
                    records.append(left(case_id, position, at, self.source))
                    continue
                try:
                    records.append(entry(rows[stream], at, self.source))
                except ValidationError as e:
                    raise BrokenEntry(f"{case_id}: {e}") from e
        return end, records

    def _rows(self, table: str, streams: list[str]) -> dict[str, Any]:
        """The open ones among them, as far as the table is or further. Other than what was read
        before in this look they can only be newer, and what is newer is told again."""
        select = statements_of(queue.PROJECTION, table)["select_entries"]
        with self.conn.cursor(row_factory=namedtuple_row) as cursor:
            rows: list[Any] = cursor.execute(select, {"streams": streams}, prepare=True).fetchall()
        return {row.stream: row for row in rows}


def basis_of(seen: Seen) -> Basis:
    found = asdict(seen)
    del found["position"]
    return found


def _moved(seen: Seen, basis: Basis | None) -> set[str]:
    """The streams that were parked and have been folded on since."""
    parked: dict[str, int] = basis["parked"] if basis is not None else {}
    return {stream for stream, position in parked.items() if seen.parked.get(stream) != position}
