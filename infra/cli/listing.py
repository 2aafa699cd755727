"""A table that loses nothing in a narrow terminal: what has no room stands below its row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

GAP = 1
LEAST = 12
"""Cells of a column that is wrapped."""
NOTHING = ("", "0", "–")
"""Not worth a line below a row."""

Cell = str | Text


@dataclass(frozen=True)
class Column:
    """rank: of those that have no room, the highest goes below its row first; one of rank 0
    stays, and is wrapped at worst."""

    title: str
    rank: int = 0
    right: bool = False


@dataclass
class Listing:
    """lines: at most, of all rows; the title says how many rows there was room for. total: how
    many there are, where not all are here; and_more: at least. indent: of what is below a row."""

    title: str
    columns: Sequence[Column]
    rows: list[list[Cell]] = field(default_factory=list[list[Cell]])
    lines: int | None = None
    total: int | None = None
    and_more: bool = False
    indent: int = 2

    def add(self, *cells: Cell) -> None:
        self.rows.append(list(cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        room = options.max_width
        kept, widths = self._fitted(room)
        body: list[Text] = []
        shown = 0
        for row in self.rows:
            below = self._below(console, row, kept, room)
            more = [*self._lines(console, row, kept, widths), *below]
            if self.lines is not None and shown and len(body) + len(more) > self.lines:
                break
            body += more
            shown += 1
        total = len(self.rows) if self.total is None else self.total
        if self.title:
            sign = "+" if self.and_more else ""
            count = f" ({shown}/{total}{sign})" if total > shown or sign else ""
            yield Text(self.title + count, style="bold")
        if body:
            heads = [Text(column.title, style="bold") for column in self.columns]
            yield from self._lines(console, heads, kept, widths)
            yield Text("─" * (sum(widths.values()) + GAP * (len(widths) - 1)))
        yield from body

    def _fitted(self, room: int) -> tuple[list[int], dict[int, int]]:
        """The columns that stay beside each other, and how wide each is."""
        kept = list(range(len(self.columns)))
        widths = {n: self._width(n) for n in kept}

        def over() -> int:
            return sum(widths.values()) + GAP * (len(widths) - 1) - room

        while over() > 0:
            lowest = max(kept, key=lambda n: self.columns[n].rank)
            if self.columns[lowest].rank == 0:
                break
            kept.remove(lowest)
            del widths[lowest]
        while over() > 0:
            widest = max(kept, key=lambda n: widths[n])
            if widths[widest] <= LEAST:
                break
            widths[widest] -= min(over(), widths[widest] - LEAST, self._more(widths, widest))
        return kept, widths

    @staticmethod
    def _more(widths: dict[int, int], widest: int) -> int:
        """How much the widest column is ahead of the next, so that all give way alike."""
        next_widest = max((width for n, width in widths.items() if n != widest), default=0)
        return max(1, widths[widest] - next_widest)

    def _width(self, n: int) -> int:
        return max([_width(self.columns[n].title), *(_width(row[n]) for row in self.rows)])

    def _lines(
        self, console: Console, row: Sequence[Cell], kept: list[int], widths: dict[int, int]
    ) -> Iterator[Text]:
        cells = [list(_text(row[n]).wrap(console, widths[n], overflow="fold")) for n in kept]
        for parts in zip_longest(*cells, fillvalue=None):
            line = Text(no_wrap=True, overflow="crop", end="\n")
            for n, part in zip(kept, parts, strict=True):
                said = part or Text()
                said.rstrip()
                blanks = " " * (widths[n] - said.cell_len)
                padded = (blanks, said) if self.columns[n].right else (said, blanks)
                line.append_text(Text.assemble(*padded, " " * GAP if n != kept[-1] else ""))
            line.rstrip()
            yield line

    def _below(
        self, console: Console, row: Sequence[Cell], kept: list[int], room: int
    ) -> Iterator[Text]:
        """What has no room in the row, each with its title."""
        words = Text(" · ").join(
            Text.assemble((f"{column.title} ", "dim"), row[n])
            for n, column in enumerate(self.columns)
            if n not in kept and str(row[n]) not in NOTHING
        )
        if not words.plain:
            return
        for line in words.wrap(console, max(LEAST, room - self.indent), overflow="fold"):
            line.rstrip()
            yield Text.assemble(" " * self.indent, line)


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _width(cell: Cell) -> int:
    return max(map(cell_len, str(cell).splitlines()), default=0)
