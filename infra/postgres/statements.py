"""Loads `.sql` files of named statements, so that SQL is read, checked and prepared as SQL.

A file holds `-- name: verb_noun`, comment lines that say what it does and why, and one
statement, again and again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, LiteralString

_HEADER = re.compile(r"^-- name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"[a-z]+(_[a-z0-9]+)+")


class StatementError(Exception):
    """An .sql file is not written as this module's docstring says."""


class Statements(Mapping[str, LiteralString]):
    """The statements of one file by name, without their comments.

    path: the file. The texts count as literals for psycopg: they come from our own files,
    never from input. An unknown name raises KeyError.
    """

    def __init__(self, path: Path, texts: dict[str, LiteralString]) -> None:
        self.path = path
        self._texts = texts

    def __getitem__(self, name: str) -> LiteralString:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def load_statements(path: Path) -> Statements:
    """Read one file; raises StatementError naming the file and the statement at fault."""
    head, *parts = _HEADER.split(path.read_text(encoding="utf-8"))
    if _without_comments(head):
        raise StatementError(f"{path.name}: there is text before the first '-- name:'")
    texts: dict[str, LiteralString] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        where = f"{path.name}: {name}"
        if not _NAME.fullmatch(name):
            raise StatementError(f"{where}: a statement is named verb_noun")
        if name in texts:
            raise StatementError(f"{where}: the name is there twice")
        # psycopg takes only literals as SQL; a file of ours is as good as one.
        literal: Any = _without_comments(body).removesuffix(";").rstrip()
        if not literal:
            raise StatementError(f"{where}: there is no statement")
        texts[name] = literal
    return Statements(path, texts)


def _without_comments(text: str) -> str:
    """Without comment lines: a % in one would be taken for a parameter."""
    kept = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return "\n".join(kept).strip()
