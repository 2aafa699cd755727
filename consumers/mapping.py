"""What a mapping is: the columns it needs, what keeps rows together, and a row's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from consumers.written import (
    DateOrder,
    clean,
    mend,
    name_id,
    read_amount,
    read_count,
    read_id,
    read_time,
    round_amount,
)
from domain.kernel import Actor, Command
from domain.money import Money
from domain.request import Malformed, Request


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for a whole file. source: the inbox's namespace. file: its name, for people.
    zone: of local times. shop: to which rows without a shop of their own belong, or ""."""

    source: str
    file: str
    zone: ZoneInfo
    shop: str = ""


class Row:
    """One row. line: of the file, from 1. group: the rows that belong together, itself among
    them, in the file's order; `place` is its own place there.

    Every reading names its column in the Malformed that it raises.
    """

    __slots__ = ("cells", "group", "line", "place", "setting")

    def __init__(self, line: int, cells: Mapping[str, str], setting: Setting) -> None:
        self.line = line
        self.cells = cells
        self.setting = setting
        self.group: Sequence[Row] = (self,)
        self.place = 0

    def text(self, column: str) -> str:
        """The cell's text; "" if it is empty or the file has no such column."""
        return clean(self.cells.get(column, ""))

    def mended(self, column: str) -> str:
        """The text, put right where its UTF-8 was once taken for Latin-1."""
        return mend(self.text(column))

    def need(self, column: str) -> str:
        """The cell's text. Malformed: field_missing."""
        text = self.text(column)
        if not text:
            raise Malformed("field_missing", f"The column {column} is empty.", column)
        return text

    def id(self, column: str) -> str:
        return read_id(self.need(column), column)

    def name(self, column: str) -> str:
        """A name of several words as one id."""
        return name_id(self.mended(column) or self.need(column), column)

    def count(self, column: str, default: int | None = None) -> int:
        if default is not None and not self.text(column):
            return default
        return read_count(self.need(column), column)

    def amount(self, column: str, currency: str) -> Money:
        return read_amount(self.need(column), currency, column)

    def rounded(self, column: str, currency: str) -> Money:
        return round_amount(self.need(column), currency, column)

    def time(self, column: str, order: DateOrder = "ymd") -> datetime:
        return read_time(self.need(column), self.setting.zone, column, order)

    def time_or_none(self, column: str) -> datetime | None:
        return self.time(column) if self.text(column) else None

    def ask(
        self, message_id: str, command: Command, actor: Actor, occurred_at: datetime
    ) -> Request:
        """A request of this row. message_id: made of the row's natural key, never of its line:
        the same row in a longer export is the same request."""
        return Request(
            source=self.setting.source,
            message_id=message_id,
            command=command,
            actor=actor,
            occurred_at=occurred_at,
            origin=f"{self.setting.file}:{self.line}",
        )


@dataclass(frozen=True)
class FileMapping:
    """How the rows of one kind of file become requests.

    name: as `--mapping` says it. required, optional: headers, each with the other names under
    which back offices write it; a row's cells stand under the first. together: columns whose
    equal values keep rows together, wherever they stand in the file. needs_shop: the rows may not
    name the shop themselves. zone: of local times where nobody says another.
    """

    name: str
    about: str
    required: tuple[tuple[str, ...], ...]
    requests: Callable[[Row], Iterable[Request]]
    optional: tuple[tuple[str, ...], ...] = ()
    together: tuple[str, ...] = ()
    needs_shop: bool = False
    zone: str = "Asia/Shanghai"

    @property
    def source(self) -> str:
        return f"file:{self.name}"
