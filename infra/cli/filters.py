"""Which cases of the queue are wanted: the options of the command, and what SQL asks with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from infra.failure import Failure

Shop = Annotated[str | None, typer.Option("--shop", help="Only this shop.")]
OfPlatform = Annotated[str | None, typer.Option("--platform", help="Only this platform.")]
Problem = Annotated[str | None, typer.Option("--problem", help="Only this problem type.")]
Turn = Annotated[str | None, typer.Option("--turn", help="Only where it is this party's turn.")]
NextAction = Annotated[
    str | None, typer.Option("--action", help="Only where this is the next action.")
]
DueBefore = Annotated[
    str | None,
    typer.Option(
        "--due-before",
        metavar="TIME",
        help="Only what is overdue or due before then (ISO 8601 with a zone).",
    ),
]
OfPriority = Annotated[
    str | None,
    typer.Option("--priority", help="Only this priority: normal, high or urgent."),
]
Assignee = Annotated[
    str | None,
    typer.Option("--assignee", help="Only what this person works on; -: what nobody works on."),
]
Words = Annotated[
    str | None,
    typer.Option("--text", help="Only where the case id or the order id contains this."),
]

NOBODY: Final = "-"
COUNTED: Final = 1_000
"""Cases of a long queue are counted so far, and their places."""
EVERY_CASE: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("shop", "platform", "problem", "turn", "action", "due_before", "priority")),
    **dict.fromkeys(("assignee", "text")),
    "counted": COUNTED,
}
"""The parameters of select_queue that leave nothing out."""


def wanted_cases(
    *,
    shop: str | None,
    platform: str | None,
    problem: str | None,
    turn: str | None,
    action: str | None,
    due_before: str | None,
    priority: str | None,
    assignee: str | None,
    text: str | None,
) -> dict[str, Any]:
    """The parameters of select_queue. Raises Failure for a value that no case can have."""
    from domain.case.turn import Action  # late: the domain comes with them
    from domain.case.values import Party, Priority, ProblemType
    from domain.kernel import Platform

    return {
        "shop": words_of(shop),
        "platform": one_of(platform, Platform),
        "problem": one_of(problem, ProblemType),
        "turn": one_of(turn, Party),
        "action": one_of(action, Action),
        "due_before": None if due_before is None else parse_time(due_before),
        "priority": one_of(priority, Priority),
        # What nobody works on has no name to ask for.
        "assignee": "" if assignee == NOBODY else words_of(assignee),
        "text": words_of(text),
        "counted": COUNTED,
    }


def one_of(value: str | None, choices: type[StrEnum]) -> str | None:
    """The value, if it is one of these. Raises Failure."""
    known = [choice.value for choice in choices]
    if value is not None and value not in known:
        raise Failure("{value} is none of: {choices}.", value=value, choices=", ".join(known))
    return value


def words_of(value: str | None) -> str | None:
    """What somebody typed, if the database can look for it. Raises Failure."""
    if value is None:
        return None
    if not value.strip():
        raise Failure("An empty text finds nothing; leave the option out.")
    try:
        value.encode()
    except UnicodeEncodeError as e:  # bytes of the command line that are no UTF-8
        shown = value.encode(errors="replace").decode()
        raise Failure("{value} is not in UTF-8.", value=shown) from e
    return value


def parse_time(text: str) -> datetime:
    """A moment as people write it. Raises Failure for anything but ISO 8601 with a zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Failure(
            "The time {time} is not ISO 8601 with a zone, e.g. 2026-11-22T10:00+08:00.", time=text
        )
    return time
