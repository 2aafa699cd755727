"""JSON Lines: one command or fact a line, in the form of domain.request."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

from consumers.files import Line, Piece, Unusable, open_file, read_lines
from domain.request import MAX_BYTES, Malformed, parse_request

import_module("domain.decider")  # registers every command

SOURCE: Final = "submit"
BOM: Final = b"\xef\xbb\xbf"
SHOWN: Final = 1000
"""Characters of an unusable line that are shown again."""


class Messages:
    """A file of messages. Raises Unusable for no file, an empty one or one in UTF-16.

    total: bytes, what `Piece.done` ends at.
    """

    def __init__(self, path: Path) -> None:
        with open_file(path) as file:
            if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                raise Unusable(
                    "wrong_encoding", "{path} is in UTF-16; write it in UTF-8.", path=path
                )
        self._path = path
        self.total = path.stat().st_size

    def pieces(self) -> Iterator[Piece]:
        """What each line asks for; blank lines are passed over. Raises Unusable if all are."""
        some = False
        with open_file(self._path) as file:
            for line in read_lines(file, MAX_BYTES):
                raw = line.raw.removeprefix(BOM) if line.number == 1 else line.raw
                if raw.strip():
                    some = True
                    yield _piece(line, raw, self._path.name)
        if not some:
            raise Unusable("empty_file", "{path} is empty.", path=self._path)


def _piece(line: Line, raw: bytes, name: str) -> Piece:
    try:
        text = raw.decode()
    except UnicodeDecodeError as e:
        # Where the limit cut a character in two, the length is what is wrong.
        problem = _too_long() if not line.whole else _not_utf8(e)
        return Piece(line.number, _shown(raw), line.done, problem=problem)
    if not line.whole:
        return Piece(line.number, _shown(raw), line.done, problem=_too_long())
    try:
        request = parse_request(raw, SOURCE, f"{name}:{line.number}")
    except Malformed as e:
        return Piece(line.number, text, line.done, problem=e)
    return Piece(line.number, text, line.done, (request,))


def _too_long() -> Malformed:
    return Malformed("message_too_large", f"A message has at most {MAX_BYTES} bytes.")


def _not_utf8(error: UnicodeDecodeError) -> Malformed:
    return Malformed("wrong_encoding", f"Byte {error.start + 1} of the line is not UTF-8.")


def _shown(raw: bytes) -> str:
    text = raw[: 4 * SHOWN].decode(errors="replace")
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
