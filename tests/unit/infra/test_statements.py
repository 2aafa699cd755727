"""SQL files of named statements."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.postgres import load_statements
from infra.postgres.statements import StatementError


def write(folder: Path, text: str) -> Path:
    path = folder / "some.sql"
    path.write_text(text, encoding="utf-8")
    return path


def test_statements_are_found_by_name_without_their_comments(tmp_path: Path) -> None:
    text = """-- What lives here.

-- name: select_one
-- Why: 100 % needed.
select 1
-- inside
from t;

-- name: delete_all_rows
-- 全部
delete from t where x = %(x)s
"""
    found = load_statements(write(tmp_path, text))
    assert dict(found) == {
        "select_one": "select 1\nfrom t",
        "delete_all_rows": "delete from t where x = %(x)s",
    }
    with pytest.raises(KeyError):
        found["select_two"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select 1;", "before the first"),
        ("-- name: One\n-- x\nselect 1;", "verb_noun"),
        ("-- name: select\n-- x\nselect 1;", "verb_noun"),
        ("-- name: select_one\n-- x\nselect 1;\n-- name: select_one\n-- x\nselect 2;", "twice"),
        ("-- name: select_one\n-- x\n", "no statement"),
    ],
)
def test_a_file_that_is_written_otherwise_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(StatementError, match=words):
        load_statements(write(tmp_path, text))
