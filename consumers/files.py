"""Files from outside: opened with care, read in lines of bounded length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from domain.request import Malformed, Request

CHUNK: Final = 64 * 1024


class Unusable(Exception):
    """A file that cannot be read at all, so that nothing of it was sent.

    code: stable name. text: the reason in English, with {names} for `values`.
    """

    def __init__(self, code: str, text: str, **values: object) -> None:
        super().__init__(text.format(**values))
        self.code = code
        self.text = text
        self.values = values


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of a file (one row of a table) and what it asks for.

    line: counted from 1, the first one if it goes over several. original: what stood there.
    problem: why nothing can be asked for it. done: how far the file is read, in the reader's
    own unit (bytes, or rows of a worksheet).
    """

    line: int
    original: Any
    done: int
    requests: tuple[Request, ...] = field(default=())
    problem: Malformed | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """raw: the bytes without their line end; only the first ones if `whole` is False, because
    the line is longer than the limit. done: the offset behind it."""

    number: int
    raw: bytes
    whole: bool
    done: int


def open_file(path: Path) -> BinaryIO:
    """The file, open for reading. Raises Unusable if there is none or nothing in it."""
    if not path.exists():
        raise Unusable("file_not_found", "{path} does not exist.", path=path)
    if not path.is_file():
        raise Unusable("not_a_file", "{path} is not a file.", path=path)
    if path.stat().st_size == 0:
        raise Unusable("empty_file", "{path} is empty.", path=path)
    try:
        return path.open("rb")
    except OSError as e:
        raise Unusable(
            "file_unreadable", "{path} cannot be read: {reason}", path=path, reason=e.strerror
        ) from e


def read_lines(file: BinaryIO, limit: int) -> Iterator[Line]:
    """The lines of a file; of one over `limit` bytes the rest is skipped, never held."""
    done = 0
    number = 0
    while raw := file.readline(limit + 2):
        number += 1
        done += len(raw)
        ended = raw.endswith(b"\n")
        text = raw.rstrip(b"\r\n") if ended else raw
        whole = len(text) <= limit
        while not ended and (rest := file.readline(CHUNK)):
            done += len(rest)
            ended = rest.endswith(b"\n")
            whole = False
        yield Line(number, text[:limit], whole, done)
