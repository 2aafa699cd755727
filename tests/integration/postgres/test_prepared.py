"""Every named statement is accepted by a real server with the real schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from psycopg.pq import ExecStatus

from infra.engine import Engine
from infra.postgres import connect, load_statements
from tests.databases import Database

ROOT = Path(__file__).resolve().parents[3]
PARAMETER = re.compile(r"%%|%\((\w+)\)[sbt]|%[sbt]")


def numbered(statement: str) -> str:
    """psycopg's parameters as PostgreSQL's: the same name gets the same number."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = found[1] or f"parameter {len(names)}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return PARAMETER.sub(number, statement) if PARAMETER.search(statement) else statement


def statements() -> Iterator[tuple[str, str]]:
    """(where, text) of each, those that create what others use first."""
    found: list[tuple[str, str, str]] = []
    # Those of the projections name their tables by version; tests/integration/engine has them.
    for package in ("domain", "consumers", "infra"):
        for path in sorted((ROOT / package).rglob("*.sql")):
            if path.parent.name != "migrations":
                found += [
                    (name, f"{path.relative_to(ROOT)}: {name}", text)
                    for name, text in load_statements(path).items()
                ]
    found.sort(key=lambda one: not one[0].startswith("create_"))
    return ((where, text) for _, where, text in found)


def test_every_named_statement_can_be_prepared(database: Database) -> None:
    refused: list[str] = []
    Engine(database.url).catch_up()  # makes the views
    with closing(connect(database.owner_url, autocommit=True)) as conn:
        for where, text in statements():
            result = conn.pgconn.prepare(b"", numbered(text).encode())
            if result.status != ExecStatus.COMMAND_OK:
                refused.append(f"{where}: {result.error_message.decode()}")
            elif where.rpartition(": ")[2].startswith("create_"):
                conn.execute(text.encode())
    assert not refused, "\n".join(refused)
