"""`casetrail case`: one case, replayed: as it is or was, its history, what changed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from domain.case.events import EntryCorrected
from domain.case.state import Case
from domain.case.turn import turn
from domain.sla.state import Clock
from infra.cli.app import Json, app
from infra.cli.glossary import field_words, value_words
from infra.cli.prose import Prose
from infra.cli.replay import (
    Change,
    Replay,
    check_number,
    differences,
    fold,
    opened,
    overdue,
    plain,
    read_moment,
    read_zone,
    replay,
    shop_zone,
)
from infra.cli.shapes import field_names, is_map, is_record, is_row
from infra.cli.terminal import Terminal, terminal_of
from infra.event_store import Recorded
from infra.failure import Failure
from infra.wiring import Store, open_store, open_system

case = typer.Typer(help="Look at one case, as it is or as it was.", no_args_is_help=True)
app.add_typer(case, name="case")

CaseNumber = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The case's number, platform:shop:number; an alias leads there too."
    ),
]
Zone = Annotated[
    str | None,
    typer.Option(
        "--zone", metavar="ZONE", help="The zone of local times (shown: else the shop's)."
    ),
]


@case.command(help="Show a case: as it is, as of a version, or as it was at a time.")
def show(
    context: typer.Context,
    number: CaseNumber,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="After so many events.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="By what had happened by then.")
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="TIME", help="By what was known then (else now)."),
    ] = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    terminal = terminal_of(context)
    if version is not None and (at or known_at):
        raise Failure("Give either --version or --at and --known-at.")
    moments = {
        "at": read_moment(at, zone, "--at"),
        "known_at": read_moment(known_at, zone, "--known-at"),
    }
    with _store(terminal, number) as store:
        found = replay(store.log, store.vault, number, version=version, **moments)
        prose = _prose(found, terminal, store, zone)
    if as_json:
        whose = turn(found.case)
        terminal.write_json(
            {
                "case_id": found.case.case_id,
                "asked": found.asked,
                "version": found.case.version,
                "events": len(found.records),
                **{name: plain(moment) for name, moment in moments.items()},
                "turn": whose and plain(whose),
                "overdue": overdue(found.case, moments["at"] or datetime.now(UTC)),
                "state": plain(found.case),
                "private": [
                    {"version": record.stamp.version, **opened(found.private[record.position])}
                    for record in found.records
                    if record.position in found.private
                ],
            }
        )
        return
    _print_heading(found, prose)
    if moments["at"] is not None:
        terminal.write(terminal.t("As of {at}.", at=prose.time(moments["at"])))
    if moments["known_at"] is not None:
        known = prose.time(moments["known_at"])
        terminal.write(terminal.t("By what was known at {known_at}.", known_at=known))
    _print_case(found, prose, overdue(found.case, moments["at"] or datetime.now(UTC)))


@case.command(help="Show what happened in a case: who, what, when, on what ground, known when.")
def history(
    context: typer.Context, number: CaseNumber, zone: Zone = None, as_json: Json = False
) -> None:
    terminal = terminal_of(context)
    with _store(terminal, number) as store:
        found = replay(store.log, store.vault, number)
        prose = _prose(found, terminal, store, zone)
    if as_json:
        terminal.write_json([_entry(record, found) for record in found.records])
        return
    _print_heading(found, prose)
    taken_back = {
        record.event.supersedes: record.stamp.version
        for record in found.records
        if isinstance(record.event, EntryCorrected)
    }
    for record in found.records:
        _print_entry(record, found, prose, taken_back.get(record.stamp.version))


@case.command(help="Show what changed in a case between two of its versions.")
def diff(
    context: typer.Context,
    number: CaseNumber,
    from_: Annotated[
        int, typer.Option("--from", min=0, help="The earlier version; 0: before its first event.")
    ],
    to: Annotated[int, typer.Option("--to", min=0, help="The later version.")],
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    terminal = terminal_of(context)
    if from_ > to:
        raise Failure("Version {later} comes after version {to}.", later=from_, to=to)
    with _store(terminal, number) as store:
        found = replay(store.log, store.vault, number, version=to or None)
        if from_:
            replay(store.log, store.vault, number, version=from_)
        prose = _prose(found, terminal, store, zone)
    stream = found.records[0].stream
    states = [fold(stream, found.records[:version]) for version in (from_, to)]
    changes = differences(*states)
    between = found.records[from_:to]
    if as_json:
        terminal.write_json(
            {
                "case_id": found.case.case_id,
                "from": from_,
                "to": to,
                "events": [_entry(record, found) for record in between],
                "changes": [
                    {
                        "field": ".".join(change.path),
                        "before": plain(change.before),
                        "after": plain(change.after),
                    }
                    for change in changes
                ],
            }
        )
        return
    _print_heading(found, prose)
    for record in between:
        terminal.write(f"#{record.stamp.version} {prose.event(record)}")
    _print_changes(changes, prose)


@contextmanager
def _store(terminal: Terminal, number: str) -> Generator[Store]:
    check_number(number)
    with open_system(terminal.settings, terminal.say) as system, open_store(system) as store:
        yield store


def _prose(found: Replay, terminal: Terminal, store: Store, zone: str | None) -> Prose:
    shown = read_zone(zone) if zone else shop_zone(store.log, found.case.case_id)
    return Prose(terminal, shown, found.case.currency or "")


def _entry(record: Recorded, found: Replay) -> dict[str, Any]:
    """One event for programs, whole."""
    envelope = record.envelope
    entry = {
        "version": record.stamp.version,
        "position": record.position,
        "event": type(record.event).TOPIC,
        "occurred_at": plain(record.stamp.occurred_at),
        "decided_at": plain(record.stamp.decided_at),
        "recorded_at": plain(record.recorded_at),
        "actor": plain(record.stamp.actor),
        "data": record.event.model_dump(mode="json", exclude={"private"}),
        "event_id": envelope.event_id,
        "causation_id": envelope.causation_id,
        "correlation_id": envelope.correlation_id,
        "source": envelope.source,
        "message_id": envelope.message_id,
        "origin": envelope.origin,
    }
    if record.position in found.private:
        entry["private"] = opened(found.private[record.position])
    return entry


# ------------------------------------------------------------------ for people


def _print_heading(found: Replay, prose: Prose) -> None:
    terminal, state = prose.terminal, found.case
    status = value_words(prose.language, state.status.value, "Status")
    heading = terminal.t(
        "{case} · {status} · version {version}",
        case=state.case_id,
        status=status,
        version=state.version,
    )
    terminal.out.print(Text(heading, style="bold"))
    if found.asked != state.case_id:
        terminal.write(
            terminal.t("{asked} goes on in {case}.", asked=found.asked, case=state.case_id)
        )
    terminal.out.print(Text(terminal.t("Times are of {zone}.", zone=prose.zone.key), style="dim"))


def _print_entry(record: Recorded, found: Replay, prose: Prose, taken_back: int | None) -> None:
    terminal, stamp = prose.terminal, record.stamp
    line = Text.assemble(
        (f"#{stamp.version:<4}", "dim"),
        prose.time(stamp.occurred_at),
        "  ",
        (prose.event(record), "dim" if ".clock_" in type(record.event).TOPIC else "bold"),
        "  ",
        (prose.actor(stamp.actor), "cyan"),
    )
    if known := prose.known_since(record):
        line.append(f"  {known}", "yellow")
    if taken_back is not None:
        line.append("  " + terminal.t("(taken back by #{version})", version=taken_back), "red")
    terminal.out.print(line, soft_wrap=True)
    if details := prose.details(record):
        _print_below(" · ".join(details), terminal)
    if record.position in found.private:
        _print_below(prose.private(found.private[record.position]), terminal, "italic")
    if grounds := prose.grounds(record):
        words = terminal.t("on the ground of {grounds}", grounds=", ".join(grounds))
        _print_below(words, terminal, "green")


def _print_below(words: str, terminal: Terminal, style: str = "") -> None:
    """An indented line; wrapped only where somebody looks at it."""
    if terminal.out.is_terminal:
        terminal.out.print(Padding(Text(words, style=style), (0, 0, 0, 5)))
    else:
        terminal.write("     " + words)


HIDDEN = frozenset({"case_id", "version", "status", "platform", "shop", "entries"})
"""Fields that the heading says, and bookkeeping about entries."""

EMPTY = Case("")


def _print_case(found: Replay, prose: Prose, breached: list[str]) -> None:
    state, terminal = found.case, prose.terminal
    whose = turn(state)
    if whose is not None:
        party = value_words(prose.language, whose.party.value, "Party")
        action = value_words(prose.language, whose.action.value, "Action")
        heading = Text(f"{terminal.t('Next')}: {party} – {action} {whose.about}", style="bold")
        terminal.out.print(heading, soft_wrap=True)
    parts: list[tuple[str, list[Any]]] = []
    for name in field_names(state):
        value = getattr(state, name)
        if name in HIDDEN or value == getattr(EMPTY, name):
            continue
        if several := _parts(value):
            parts.append((name, several))
        elif words := prose.value(value, name):
            terminal.out.print(
                Text(f"{field_words(prose.language, name)}: {words}"), soft_wrap=True
            )
    for name, several in parts:
        terminal.out.print(Text("\n" + field_words(prose.language, name), style="bold"))
        for part in several:
            late = isinstance(part, Clock) and part.key in breached
            words = f"{prose.part(part)} · {terminal.t('overdue')}" if late else prose.part(part)
            _print_below(words, terminal, "red" if late else "")
    spoken = [record for record in found.records if record.position in found.private]
    if spoken:
        terminal.out.print(Text("\n" + terminal.t("In their words"), style="bold"))
    for record in spoken:
        words = prose.private(found.private[record.position])
        _print_below(f"#{record.stamp.version} {prose.event(record)}: {words}", terminal)


def _parts(value: Any) -> list[Any]:
    """What is told part by part; nothing if the value is a single one."""
    parts = list(value.values()) if is_map(value) else value
    return [part for part in parts if is_record(part)] if is_row(parts) else []


def _print_changes(changes: list[Change], prose: Prose) -> None:
    terminal = prose.terminal
    terminal.out.print()
    for change in changes:
        if change.path[0] in HIDDEN - {"status"}:
            continue
        name = change.path[-1]
        path = " / ".join(field_words(prose.language, part) for part in change.path)
        before, after = (prose.value(value, name) or "–" for value in (change.before, change.after))
        line = Text.assemble(path, ": ", (before, "red"), " → ", (after, "green"))
        terminal.out.print(line, soft_wrap=True)
