"""CSV files and XLSX workbooks as back offices export them: a header, then rows of text."""

from __future__ import annotations

import csv
import unicodedata
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol
from zipfile import BadZipFile, ZipFile

from consumers.files import Line, Unusable, open_file, read_lines
from domain.request import MAX_BYTES, Malformed

ENCODINGS: Final = ("utf-8", "gb18030")
"""Tried in this order: GB18030 text is hardly ever valid UTF-8, the other way round it often is
valid and wrong."""

LINE_LIKE: Final = {
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "big5",
    "latin-1": "latin-1",
    "cp1252": "cp1252",
}
"""Encodings that may be asked for: in all of them a line ends with the byte 0x0A."""

BOM: Final = b"\xef\xbb\xbf"
MAX_UNPACKED: Final = 2 * 1024**3
"""Bytes that an XLSX may unpack to; more is taken for an attack."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """cells: as they stand, one for each column. problem: why it cannot be read, with what can
    be shown of it in `cells`. done: how far the file is read."""

    line: int
    cells: tuple[str, ...]
    done: int
    problem: Malformed | None = None


class Table(Protocol):
    """A file of rows. total: in the unit of RawRow.done, None if the file doesn't say."""

    @property
    def header(self) -> tuple[str, ...]: ...

    @property
    def total(self) -> int | None: ...

    def rows(self) -> Iterator[RawRow]:
        """The rows below the header; may be asked for again."""
        ...


def open_table(path: Path, encoding: str | None, headers: Sequence[tuple[str, ...]]) -> Table:
    """The table in a CSV or XLSX file, told apart by its first bytes.

    encoding: None finds out, by the one in which every column of `headers` is found. Raises
    Unusable: no file, empty, another encoding, an XLSX that is none.
    """
    with open_file(path) as file:
        start = file.read(4)
    if start == b"PK\x03\x04":
        return XlsxTable(path)
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        raise Unusable("not_xlsx", "{path} is not an XLSX workbook.", path=path)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Unusable(
            "wrong_encoding",
            "{path} is in UTF-16; save it as CSV in UTF-8 or GB18030, or as XLSX.",
            path=path,
        )
    if encoding is not None:
        known = LINE_LIKE.get(encoding.lower())
        if known is None:
            raise Unusable(
                "unknown_encoding",
                "The encoding {encoding} is not one of: {known}.",
                encoding=encoding,
                known=", ".join(LINE_LIKE),
            )
        return CsvTable(path, known)
    tables: list[CsvTable] = []
    for name in ENCODINGS:
        try:
            table = CsvTable(path, name)
        except Unusable as e:
            if e.code != "wrong_encoding":
                raise
        else:
            if not missing_columns(table.header, headers):
                return table
            tables.append(table)
    if not tables:
        raise Unusable(
            "wrong_encoding",
            "{path} is neither in UTF-8 nor in GB18030; --encoding names another.",
            path=path,
        )
    return tables[0]


def plain(header: str) -> str:
    """A header without blanks, a BOM and full-width brackets."""
    return unicodedata.normalize("NFKC", header).replace("\ufeff", "").replace(" ", "").strip()


def missing_columns(header: Sequence[str], wanted: Sequence[tuple[str, ...]]) -> list[str]:
    """The first name of each wanted column that none of the headers is."""
    there = {plain(name) for name in header}
    return [names[0] for names in wanted if there.isdisjoint(plain(n) for n in names)]


class CsvTable:
    """A CSV file (RFC 4180, commas) in an encoding whose lines end with the byte 0x0A."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._path = path
        self._encoding = encoding
        self.total: int | None = path.stat().st_size
        first = next(self._records(), None)
        if first is None:
            raise Unusable("empty_file", "{path} is empty.", path=path)
        if first.problem is not None:
            raise Unusable(
                first.problem.code,
                "The header of {path} cannot be read: {reason}",
                path=path,
                reason=first.problem.message,
            )
        self.header = first.cells

    def rows(self) -> Iterator[RawRow]:
        records = self._records()
        next(records)
        width = len(self.header)
        for record in records:
            if record.problem is None and len(record.cells) != width:
                count = len(record.cells)
                problem = Malformed("broken_row", f"The row has {count} cells, the header {width}.")
                yield RawRow(record.line, record.cells, record.done, problem)
            else:
                yield record

    def _records(self) -> Iterator[RawRow]:
        with open_file(self._path) as file:
            yield from _CsvRecords(file, self._encoding).records()


class _CsvRecords:
    """The records of a CSV file. A record that never ends (a quotation mark without its
    partner) is given up at MAX_BYTES: its first line alone is refused, and reading goes on with
    the second."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._lines = read_lines(file, MAX_BYTES)
        self._encoding = encoding
        self._again: deque[Line] = deque()
        self._taken: list[Line] = []
        self._size = 0

    def records(self) -> Iterator[RawRow]:
        # strict: text behind a closing quotation mark is an error, not more of the cell.
        reader = csv.reader(self._texts(), strict=True)
        while True:
            self._taken, self._size = [], 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError, _TooLong) as e:
                first, *others = self._taken
                self._again.extendleft(reversed(others))
                yield self._refused(first, e)
                reader = csv.reader(self._texts(), strict=True)
            else:
                if any(cell.strip() for cell in cells):
                    yield RawRow(self._taken[0].number, tuple(cells), self._taken[-1].done)

    def _texts(self) -> Iterator[str]:
        while (line := self._next()) is not None:
            self._taken.append(line)
            self._size += len(line.raw)
            if not line.whole or self._size > MAX_BYTES:
                raise _TooLong
            raw = line.raw.removeprefix(BOM) if line.number == 1 else line.raw
            yield raw.decode(self._encoding) + "\n"

    def _next(self) -> Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def _refused(self, line: Line, error: Exception) -> RawRow:
        match error:
            case UnicodeDecodeError():
                problem = Malformed(
                    "wrong_encoding", f"Byte {error.start + 1} is not {self._encoding}."
                )
            case _TooLong():
                problem = Malformed("message_too_large", f"A row has at most {MAX_BYTES} bytes.")
            case _:
                problem = Malformed("broken_row", f"This is not CSV: {error}.")
        shown = line.raw[:1000].decode(self._encoding, errors="replace")
        return RawRow(line.number, (shown,), line.done, problem)


class _TooLong(Exception):
    """A record longer than any honest one."""


class XlsxTable:
    """The first worksheet of an XLSX workbook."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.total: int | None = None
        first = next(self._rows(), None)
        if first is None or not any(first.cells):
            raise Unusable("empty_file", "{path} is empty.", path=path)
        self.header = first.cells

    def rows(self) -> Iterator[RawRow]:
        rows = self._rows()
        next(rows)
        width = len(self.header)
        for row in rows:
            if any(row.cells):
                cells = (*row.cells, *[""] * width)[:width]
                yield RawRow(row.line, cells, row.done)

    def _rows(self) -> Iterator[RawRow]:
        # Late: it imports numpy, for which every command would wait.
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            with ZipFile(self._path) as archive:
                if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                    raise Unusable(
                        "file_too_large", "{path} unpacks to more than 2 GB.", path=self._path
                    )
            with warnings.catch_warnings():
                # Back offices write workbooks without styles; openpyxl warns of each.
                warnings.simplefilter("ignore")
                book = load_workbook(self._path, read_only=True, data_only=True)
        except (BadZipFile, InvalidFileException, KeyError, ValueError, SyntaxError) as e:
            raise Unusable("not_xlsx", "{path} is not an XLSX workbook.", path=self._path) from e
        try:
            sheet = book.worksheets[0]
            # A wrong dimension in the file would cut rows off.
            self.total = sheet.max_row
            sheet.reset_dimensions()
            for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
                yield RawRow(number, tuple(map(_text, cells)), number)
        finally:
            book.close()


def _text(value: Any) -> str:
    """A cell's value as its text would stand in a CSV: numbers with the 15 digits that
    spreadsheets keep, so that 0.1 + 0.2 is 0.3."""
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case int() | float():
            return format(value, ".15g") if abs(value) < 10**15 else format(value, "E")
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case _:
            return str(value)
