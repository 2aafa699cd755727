"""What the pages say of the code: named tests exist, and nothing of the domain goes unmentioned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from domain.kernel import COMMANDS, EVENTS
from infra.cli.glossary import REFUSAL_WORDS
from infra.cli.reference import as_markdown
from tests.unit.infra.test_glossary import refusals

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
DOMAIN = ROOT / "docs" / "domain.md"
REFERENCE = ROOT / "docs" / "reference.md"


def named_tests(page: str) -> Iterator[tuple[str | None, str]]:
    """File and name of each test that the page names. A name stands in the file before it in its
    row or paragraph, or else in the one that the head of its table names."""
    head: str | None = None
    for block in re.split(r"\n(?=\||\n|#)", page):
        if not block or block.startswith(("#", "\n")):
            head = None
        file = None
        for path, of_file, bare in re.findall(
            r"`(?:((?:[\w/]+/)?test_\w+\.py)(?:::(\w+))?|(?:::)?([tT]est\w+))`", block
        ):
            file = path or file
            name = of_file or bare
            if name:
                yield file or head, name
        if head is None:
            head = file


def names_in(file: str) -> set[str]:
    folder = TESTS if file.startswith(("integration/", "acceptance/")) else TESTS / "unit"
    text = (folder / file).read_text(encoding="utf-8")
    return set(re.findall(r"^(?:def|class|(?=Test)) ?([tT]est\w+)", text, re.MULTILINE))


def test_every_test_that_the_page_names_exists() -> None:
    named = list(named_tests(DOMAIN.read_text(encoding="utf-8")))
    assert len(named) > 200
    nowhere = [name for file, name in named if file is None]
    missing = [f"{file}::{name}" for file, name in named if file and name not in names_in(file)]
    assert nowhere == []
    assert missing == []


def test_the_reference_is_what_the_code_says() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == as_markdown(), "python -m infra.cli.reference"


def test_every_command_event_and_refusal_stands_in_the_reference() -> None:
    page = REFERENCE.read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    assert {*COMMANDS, *EVENTS, *refusals()} <= named


def test_no_refusal_has_words_that_no_code_says() -> None:
    """A word without its code is a rule that went missing."""
    assert set(REFUSAL_WORDS) <= set(refusals())


def test_the_sections_follow_the_flow() -> None:
    titles = re.findall(r"^### (\d+)\. ", DOMAIN.read_text(encoding="utf-8"), re.MULTILINE)
    assert titles == [str(n) for n in range(1, 12)]
