"""Reads a table through its mapping: each row's requests, or why it has none."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from consumers.files import Piece, Unusable
from consumers.mapping import FileMapping, Row, Setting
from consumers.tables import RawRow, Table, missing_columns, open_table, plain
from domain.request import Malformed, malformed


class Import:
    """A file to be imported, opened and its header checked.

    zone: name of the time zone of local times; None: the mapping's. shop: to which rows belong
    that name none. Raises Unusable: see open_table; also missing_column, column_repeated,
    unknown_zone, shop_missing.
    """

    def __init__(
        self,
        path: Path,
        mapping: FileMapping,
        *,
        zone: str | None = None,
        encoding: str | None = None,
        shop: str = "",
    ) -> None:
        self.mapping = mapping
        self._table = open_table(path, encoding, mapping.required)
        self._columns = _columns(self._table, mapping, path)
        if mapping.needs_shop and not shop and not {"店铺ID", "店铺名称"} & {*self._columns}:
            raise Unusable(
                "shop_missing", "The file names no shop; say which with --shop.", path=path
            )
        if shop and not re.fullmatch(r"[^\s\x00-\x1f\x7f:]{1,80}", shop):
            raise Unusable("shop_unusable", "{shop} cannot be the name of a shop.", shop=shop)
        self.setting = Setting(mapping.source, path.name, _zone(zone or mapping.zone), shop)

    @property
    def total(self) -> int | None:
        """What `Piece.done` ends at, None if that is not known beforehand."""
        return self._table.total

    def pieces(self) -> Iterator[Piece]:
        """Every row below the header, rows that belong together behind one another."""
        if not self.mapping.together:
            for raw in self._table.rows():
                yield self._piece(raw, self._row(raw))
            return
        # Rows are held only until the last of their group: how many there are of each is counted
        # beforehand, by hashes, which takes some bytes a row.
        sizes = self._group_sizes()
        waiting: dict[str, list[tuple[RawRow, Row]]] = {}
        for raw in self._table.rows():
            row = self._row(raw)
            if raw.problem is not None:
                yield self._piece(raw, row)
                continue
            key = self._group_key(row)
            group = waiting.setdefault(key, [])
            group.append((raw, row))
            if len(group) == sizes.get(hash(key), 1):
                yield from self._group(waiting.pop(key), raw.done)
        for group in waiting.values():
            yield from self._group(group, group[-1][0].done)

    def _group(self, group: Sequence[tuple[RawRow, Row]], done: int) -> Iterator[Piece]:
        rows = tuple(row for _, row in group)
        for place, (raw, row) in enumerate(group):
            row.group, row.place = rows, place
            yield self._piece(raw, row, done)

    def _group_key(self, row: Row) -> str:
        return "\0".join(row.text(column) for column in self.mapping.together)

    def _group_sizes(self) -> Mapping[int, int]:
        hashes = array(
            "q",
            (
                hash(self._group_key(self._row(raw)))
                for raw in self._table.rows()
                if raw.problem is None
            ),
        )
        # Two keys with one hash only make a group wait for the end of the file.
        counted = ((key, sum(1 for _ in same)) for key, same in groupby(sorted(hashes)))
        return {key: size for key, size in counted if size > 1}

    def _row(self, raw: RawRow) -> Row:
        cells = {} if raw.problem else {n: raw.cells[i] for n, i in self._columns.items()}
        return Row(raw.line, cells, self.setting)

    def _piece(self, raw: RawRow, row: Row, done: int | None = None) -> Piece:
        shown = dict(zip(self._table.header, raw.cells, strict=False))
        original = ",".join(raw.cells) if raw.problem else shown
        problem = raw.problem
        done = raw.done if done is None else done
        if problem is None:
            try:
                return Piece(raw.line, original, done, tuple(self.mapping.requests(row)))
            except Malformed as e:
                problem = e
            except ValidationError as e:
                problem = malformed(e)
        return Piece(raw.line, original, done, problem=problem)


def _columns(table: Table, mapping: FileMapping, path: Path) -> dict[str, int]:
    """Where each of the mapping's columns stands in the file."""
    if missing := missing_columns(table.header, mapping.required):
        raise Unusable(
            "missing_column",
            "{path} has no column {columns}. It has: {header}.",
            path=path,
            columns=", ".join(missing),
            header=", ".join(table.header)[:500],
        )
    header = [plain(name) for name in table.header]
    columns: dict[str, int] = {}
    for names in (*mapping.required, *mapping.optional):
        known = {plain(name) for name in names}
        places = [place for place, name in enumerate(header) if name in known]
        twice = [name for name, count in Counter(header[p] for p in places).items() if count > 1]
        if twice:
            raise Unusable(
                "column_repeated",
                "{path} has the column {column} twice.",
                path=path,
                column=twice[0],
            )
        if places:
            columns[names[0]] = places[0]
    return columns


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise Unusable(
            "unknown_zone", "{name} is not a time zone, such as Asia/Shanghai.", name=name
        ) from e
