"""`casetrail projections`: how far the read models are, what is parked, building them anew."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from infra.cli.app import Json, app
from infra.cli.observing import Metrics
from infra.cli.pictures import Pictures
from infra.cli.reading import Views, plain
from infra.cli.running import run_alone
from infra.cli.terminal import Terminal, terminal_of
from infra.cli.views import Watch, catch_up, show
from infra.postgres import Rows, connect
from infra.wiring import open_system

if TYPE_CHECKING:
    from infra.engine import Parked
    from infra.engine import Progress as Built
    from projections import Projection

projections = typer.Typer(help="Look after the read models.", no_args_is_help=True)
app.add_typer(projections, name="projections")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The read model.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="So many processes; else as many as there are cores."),
]


@projections.command(
    help="Keep the read models up to date until Ctrl-C; of several that run, one writes."
)
def run(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Project what is there now and end.")
    ] = False,
    metrics: Metrics = None,
) -> None:
    from infra.engine import Engine  # late: the domain comes with it

    terminal = terminal_of(context)
    with open_system(terminal.settings, terminal.say) as system:
        worker = Engine(system.database_url)
        run_alone(terminal, system, None, worker, once=once, metrics=metrics)
        count = worker.activity.snapshot().items
        terminal.write(terminal.t("Events projected: {count}.", count=count))


@projections.command(help="Show how far each read model has followed the log.")
def status(context: typer.Context, watch: Watch = False, as_json: Json = False) -> None:
    terminal = terminal_of(context)
    with _asking(terminal) as conn:
        views = Views(conn)

        def draw() -> RenderableType:
            found = views.status()
            pid = found[0].leader if found else None
            led = (
                terminal.t("Nobody writes the read models.")
                if pid is None
                else terminal.t("Session {pid} of the database writes the read models.", pid=pid)
            )
            rows = [one.as_dict() for one in found]
            table = Pictures(terminal.settings.language, views.now).projections(rows)
            return Group(table, Text(led, style="dim"))

        def data() -> object:
            return {"projections": [plain(one.as_dict()) for one in views.status()]}

        show(terminal, draw, data, as_json, watch)
        if any(one.error is not None and one.standing == "live" for one in views.status()):
            raise typer.Exit(1)


@projections.command(help="Describe every view and column for reports, as Markdown.")
def describe(context: typer.Context) -> None:
    from infra.engine import describe_views

    terminal = terminal_of(context)
    with open_system(terminal.settings, terminal.say) as system:
        catch_up(terminal, system)
        with closing(connect(system.database_url)) as conn:
            sys.stdout.write(describe_views(conn))


# ---------------------------------------------------------------- quarantine


@projections.command(help="List the streams that read models do not follow because of an event.")
def parked(context: typer.Context, as_json: Json = False) -> None:
    from infra.engine import read_parked

    terminal = terminal_of(context)
    with _asking(terminal) as conn:
        _show_parked(terminal, conn, read_parked(conn), as_json)


@projections.command(help="Fold parked streams anew; those that work are followed again.")
def retry(
    context: typer.Context,
    name: Name,
    stream: Annotated[
        str | None, typer.Option("--stream", metavar="STREAM", help="Only this stream.")
    ] = None,
    as_json: Json = False,
) -> None:
    from infra.engine import read_parked
    from infra.engine import retry as fold_anew

    terminal = terminal_of(context)
    projection = _find(name)
    with _asking(terminal) as conn:
        before = [one for one in read_parked(conn) if one.read_model == name]
        left = fold_anew(conn, projection, stream)
        after = [one for one in read_parked(conn) if one.read_model == name]
        terminal.say(
            "{count} streams of {read_model} are followed again, {left} are parked still.",
            count=len(before) - len(after),
            read_model=name,
            left=len(after),
        )
        _end(terminal, conn, left, as_json)


@projections.command(help="Leave an event out of one read model for good, in rebuilds too.")
def skip(
    context: typer.Context,
    name: Name,
    position: Annotated[
        int, typer.Argument(metavar="POSITION", min=1, help="The event's position in the log.")
    ],
    who: Annotated[str, typer.Option("--by", metavar="WHO", help="Who decides it.")],
    why: Annotated[str, typer.Option("--reason", metavar="WHY", help="Why.")],
    as_json: Json = False,
) -> None:
    from infra.engine import skip as skip_event

    terminal = terminal_of(context)
    projection = _find(name)
    with _asking(terminal) as conn:
        left = skip_event(conn, projection, position, who, why)
        terminal.say(
            "{read_model} takes no notice of the event at {position} any more.",
            read_model=name,
            position=position,
        )
        _end(terminal, conn, left, as_json)


def _end(terminal: Terminal, conn: Rows, left: list[Parked], as_json: bool) -> None:
    """Show what is parked still; then somebody has to act again."""
    if left or as_json:
        _show_parked(terminal, conn, left, as_json)
    if left:
        raise typer.Exit(1)


def _show_parked(terminal: Terminal, conn: Rows, found: list[Parked], as_json: bool) -> None:
    rows = [asdict(one) for one in found]
    if as_json:
        terminal.write_json({"parked": [plain(row) for row in rows]})
    elif rows:
        terminal.out.print(Pictures(terminal.settings.language, Views(conn).now).parked(rows))
    else:
        terminal.write(terminal.t("Nothing is parked."))


# ------------------------------------------------------------------- rebuild


@projections.command(help="Build a read model anew beside the live one, then let readers see it.")
def rebuild(
    context: typer.Context,
    name: Name,
    workers: Workers = None,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Begin anew what an earlier rebuild left unfinished."),
    ] = False,
    as_json: Json = False,
) -> None:
    from infra.engine import rebuild as build

    terminal = terminal_of(context)
    projection = _find(name)
    with open_system(terminal.settings, terminal.say) as system:
        with _progress(terminal, name) as watch:
            url = system.database_url
            done = build(url, projection, workers=workers, anew=anew, watch=watch)
        if as_json:
            terminal.write_json(plain(asdict(done)))
        else:
            terminal.write(
                terminal.t(
                    "Readers see {table} now; the swap took {milliseconds} ms. Kept: {kept}.",
                    table=done.table,
                    milliseconds=f"{done.swap_seconds * 1000:.0f}",
                    kept=", ".join(done.kept),
                )
            )
        if done.parked:
            terminal.say(
                "{count} streams are parked; see projections parked.", count=len(done.parked)
            )
            raise typer.Exit(1)


@projections.command(help="Build a read model aside and compare it with the live one, row by row.")
def verify(
    context: typer.Context, name: Name, workers: Workers = None, as_json: Json = False
) -> None:
    from infra.engine import verify as compare

    terminal = terminal_of(context)
    projection = _find(name)
    with (
        open_system(terminal.settings, terminal.say) as system,
        _progress(terminal, name) as watch,
    ):
        checked = compare(system.database_url, projection, workers=workers, watch=watch)
    if as_json:
        terminal.write_json(plain(asdict(checked)))
    else:
        words = (
            "{table} differs from a rebuild at position {position} in {count} rows:"
            if checked.count
            else "{table} is equal to a rebuild at position {position}: {rows} rows."
        )
        terminal.write(terminal.t(words, **asdict(checked)))
        for one in checked.differences:
            side = terminal.t("only live" if one.live else "only rebuilt")
            terminal.write(f"{side}: {json.dumps(one.row, ensure_ascii=False)}")
    if checked.count:
        raise typer.Exit(1)


@projections.command("drop-old", help="Drop what readers saw before the last rebuilds.")
def drop_old(context: typer.Context, name: Name, as_json: Json = False) -> None:
    from infra.engine import drop_old as drop

    terminal = terminal_of(context)
    projection = _find(name)
    with open_system(terminal.settings, terminal.say) as system:
        tables = drop(system.database_url, projection)
    if as_json:
        terminal.write_json({"dropped": tables})
    else:
        words = ", ".join(tables) or terminal.t("none")
        terminal.write(terminal.t("Dropped: {tables}.", tables=words))


@contextlib.contextmanager
def _progress(terminal: Terminal, name: str) -> Generator[Callable[[Built], None]]:
    """A bar on stderr, with what is left to do and how long that takes at this pace."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=terminal.notes, transient=True) as bar:
        task = bar.add_task(terminal.t("Building {read_model}", read_model=name), total=None)
        told: set[int] = set()

        def watch(built: Built) -> None:
            bar.update(task, completed=built.done, total=built.events)
            if not told.issuperset(built.readers):
                told.update(built.readers)
                terminal.say(
                    "Waiting for transactions that began before {read_model} was filled: database"
                    " sessions {pids}.",
                    read_model=name,
                    pids=", ".join(map(str, built.readers)),
                )

        yield watch


def _find(name: str) -> Projection:
    from infra.engine import find_projection
    from projections import PROJECTIONS

    return find_projection(PROJECTIONS, name)


@contextlib.contextmanager
def _asking(terminal: Terminal) -> Generator[Rows]:
    with (
        open_system(terminal.settings, terminal.say) as system,
        closing(connect(system.database_url, autocommit=True)) as conn,
    ):
        yield conn
