"""A table in a terminal of any width: nothing of it is lost, and what matters stays in its row."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from infra.cli.listing import Column, Listing

COLUMNS = (
    Column("Case"),
    Column("Why", rank=2),
    Column("Due"),
    Column("Slack", rank=1, right=True),
)


def drawn(listing: Listing, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, emoji=False).print(listing)
    return out.getvalue().splitlines()


def listing(*rows: tuple[str, str, str, str], lines: int | None = None) -> Listing:
    made = Listing("Queue", COLUMNS, lines=lines)
    for row in rows:
        made.add(*row)
    return made


ROW = ("douyin:旗舰店:AS1", "platform deadline", "11-23 12:17", "3h16m")


def test_where_there_is_room_a_row_is_a_line() -> None:
    _, header, rule, *rows = drawn(listing(ROW), 60)
    assert header.split() == ["Case", "Why", "Due", "Slack"]
    assert set(rule) == {"─"}
    assert rows == ["douyin:旗舰店:AS1 platform deadline 11-23 12:17 3h16m"]


def test_what_matters_least_goes_below_its_row_first() -> None:
    *_, row, below = drawn(listing(ROW), 45)
    assert row.split() == [ROW[0], *ROW[2].split(), ROW[3]]
    assert below == "  Why platform deadline"
    *_, row, below, rest = drawn(listing(ROW), 32)
    assert row.split() == [ROW[0], *ROW[2].split()]
    assert (below, rest) == ("  Why platform deadline · Slack", "  3h16m")


def test_what_always_stays_is_wrapped_and_never_cut() -> None:
    shown = "".join(drawn(listing(ROW), 24)).replace(" ", "")
    assert "…" not in shown
    for part in ("11-23", "12:17", "3h16m", "platform"):
        assert part in shown


def test_nothing_is_said_below_a_row_of_what_is_nothing() -> None:
    *_, row = drawn(listing((ROW[0], "–", ROW[2], "0")), 32)
    assert row.startswith("douyin")


def test_styles_stay_on_a_cell() -> None:
    made = Listing("", (Column("a"),))
    made.add(Text("late", style="red"))
    (line,) = [
        line
        for line in Console(width=40).render_lines(made)
        if "late" in "".join(segment.text for segment in line)
    ]
    assert any(segment.style and segment.style.color for segment in line)


@pytest.mark.parametrize(("lines", "cases"), [(1, 1), (4, 2), (5, 2), (100, 3)])
def test_of_so_many_lines_only_whole_rows_are_shown_and_the_title_says_so(
    lines: int, cases: int
) -> None:
    title, _, _, *body = drawn(listing(ROW, ROW, ROW, lines=lines), 45)
    assert title == ("Queue" if cases == 3 else f"Queue ({cases}/3)")
    assert len(body) == 2 * cases


@given(
    st.lists(st.tuples(*[st.text("ab 破损·9", max_size=30)] * 4), max_size=4),
    st.integers(4 * 12 + 4, 120),
)
def test_no_line_is_wider_than_the_terminal_and_no_letter_is_lost(
    rows: list[tuple[str, str, str, str]], width: int
) -> None:
    shown = drawn(listing(*rows), width)
    assert all(cell_len(line) <= width for line in shown)
    told = "".join(shown)
    for letter in "ab破损9":
        assert told.count(letter) >= sum(cell.count(letter) for row in rows for cell in row)


def test_what_was_not_counted_to_the_end_says_so() -> None:
    made = listing(ROW)
    made.total, made.and_more = 1_000, True
    assert drawn(made, 120)[0] == "Queue (1/1000+)"
