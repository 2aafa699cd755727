"""`helpdesk_log`: the event log of a help desk; a row is one activity of one ticket.

Rows of a ticket are read in the file's order. The log names no zone; its hours of work fit its
makers' country when they are taken for Asia/Shanghai, which is the default here.

| activity | becomes |
| --- | --- |
| 1 filed and graded | the first one files the complaint; a later one is a note (graded again) |
| 8 taken in charge | a contact with the buyer |
| 9 waiting | a note: the log doesn't say for whom, so no clock stands still |
| 6 resolved and closed | classified and closed as solved; on a closed ticket a note |
| others | a note that names the number |

An 8 behind a 6 reopens the ticket first. A ticket whose rows begin before its 1,
or that has no 1, is unknown until then: those rows are refused as `unknown_case`. A row that
stands twice, to the second, is one activity told twice.

A help desk knows neither orders nor products: the item is the ticket, its problem `other`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from consumers.mapping import FileMapping, Row
from domain.case.commands import (
    AddNote,
    CaseCommandBase,
    Classify,
    CloseCase,
    FileComplaint,
    RecordContact,
    ReopenCase,
)
from domain.case.values import (
    Channel,
    ContactKind,
    Direction,
    ItemClaim,
    Outcome,
    ProblemType,
    RootCause,
)
from domain.kernel import Actor, ActorKind, Platform, Private, Role
from domain.request import Request

DESK: Final = Actor(kind=ActorKind.SYSTEM, id="helpdesk-log", role=Role.SERVICE)
SHOP: Final = "helpdesk"
FILED, TAKEN, WAITING, CLOSED = "1", "8", "9", "6"
WORDS: Final = {FILED: "graded again", WAITING: "waiting", CLOSED: "closed again"}


def requests(row: Row) -> Iterator[Request]:
    """What the activity asks for, after those of its ticket before it."""
    activity = row.id("ActivityID")
    key = f"{row.id('CaseID')}/{activity}/{row.need('CompleteTimestamp')}"
    at = row.time("CompleteTimestamp")
    before = _before(row, key)
    for what, command in _commands(
        f"{Platform.OTHER}:{SHOP}:T{row.id('CaseID')}", activity, before
    ):
        yield row.ask(f"{key}/{what}", command, DESK, at)


def _before(row: Row, key: str) -> Sequence[str]:
    """The ticket's activities before this one, as its first telling saw them."""
    before: list[str] = []
    for other in row.group[: row.place]:
        activity = other.text("ActivityID")
        if f"{other.text('CaseID')}/{activity}/{other.text('CompleteTimestamp')}" == key:
            break
        before.append(activity)
    return before


def _commands(
    case_id: str, activity: str, before: Sequence[str]
) -> Iterator[tuple[str, CaseCommandBase]]:
    closed = _is_closed(before)
    if activity == FILED and FILED not in before:
        yield (
            "complaint",
            FileComplaint(
                case_id=case_id,
                channel=Channel.SERVICE_DESK,
                items=(ItemClaim(line="ticket", quantity=1, problem=ProblemType.OTHER),),
            ),
        )
    elif activity == TAKEN:
        if closed:
            yield "reopen", ReopenCase(case_id=case_id, reason="taken in charge again")
        yield (
            "contact",
            RecordContact(
                case_id=case_id,
                direction=Direction.TO_BUYER,
                contact=ContactKind.MESSAGE,
                channel=Channel.SERVICE_DESK,
            ),
        )
    elif activity == CLOSED and not closed:
        yield (
            "classify",
            Classify(case_id=case_id, problem=ProblemType.OTHER, root_cause=RootCause.OTHER),
        )
        yield "close", CloseCase(case_id=case_id, outcome=Outcome.SOLVED)
    else:
        words = WORDS.get(activity, f"step {activity}")
        yield "note", AddNote(case_id=case_id, private=Private(text=words))


def _is_closed(before: Sequence[str]) -> bool:
    """Whether the last of what opens or closes a ticket closed it."""
    if FILED not in before:
        return False
    for activity in reversed(before):
        if activity in (CLOSED, TAKEN):
            return activity == CLOSED
    return False


MAPPING: Final = FileMapping(
    name="helpdesk_log",
    about="The event log of a help desk: complaints, contacts, waits and closings.",
    required=(("CaseID",), ("ActivityID",), ("CompleteTimestamp",)),
    requests=requests,
    together=("CaseID",),
)
