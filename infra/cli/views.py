"""`casetrail queue`, `breaches` and `suppliers`: the read models."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Annotated, NoReturn

import typer
from rich.console import RenderableType
from rich.live import Live

from infra.cli.app import Json, app
from infra.cli.filters import (
    Assignee,
    DueBefore,
    NextAction,
    OfPlatform,
    OfPriority,
    Problem,
    Shop,
    Turn,
    Words,
    one_of,
    parse_time,
    wanted_cases,
    words_of,
)
from infra.cli.pictures import Pictures
from infra.cli.reading import Views, plain
from infra.cli.terminal import Terminal, terminal_of
from infra.failure import Failure
from infra.postgres import connect
from infra.wiring import System, open_system

ROWS = 20
"""Of a table, where --limit doesn't say otherwise."""
EVERY = 2.0
"""Seconds between two looks of --watch."""

Watch = Annotated[bool, typer.Option("--watch", help="Keep showing it until Ctrl-C.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="As things stood then: ISO 8601 with a zone, e.g. 2026-11-22T10:00+08:00.",
    ),
]
After = Annotated[
    int | None,
    typer.Option(
        "--after",
        metavar="POSITION",
        help="Wait until the views hold this position of the log, which an answer gave.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many rows.")]


queues = typer.Typer(
    help="Show the open cases in the order in which they should be worked on, or claim them."
)
app.add_typer(queues, name="queue")


@queues.callback(invoke_without_command=True)
def queue(
    context: typer.Context,
    watch: Watch = False,
    as_json: Json = False,
    as_of: AsOf = None,
    after: After = None,
    shop: Shop = None,
    platform: OfPlatform = None,
    problem: Problem = None,
    turn: Turn = None,
    action: NextAction = None,
    due_before: DueBefore = None,
    priority: OfPriority = None,
    assignee: Assignee = None,
    text: Words = None,
    limit: Limit = None,
) -> None:
    if context.invoked_subcommand is not None:
        if any(context.params.values()):
            raise Failure(
                "Options stand behind the command: queue {name} …", name=context.invoked_subcommand
            )
        return
    wanted = wanted_cases(
        shop=shop,
        platform=platform,
        problem=problem,
        turn=turn,
        action=action,
        due_before=due_before,
        priority=priority,
        assignee=assignee,
        text=text,
    )
    terminal = terminal_of(context)
    with _looking(terminal, as_of, watch, after) as look:

        def draw() -> RenderableType:
            views = look()
            rows = views.rows("select_queue", **wanted, limit=limit or ROWS)
            total = views.count("count_queue", **wanted)
            return Pictures(terminal.settings.language, views.now).queue(rows, total)

        def data() -> object:
            views = look()
            rows = views.rows("select_queue", **wanted, limit=limit)
            return {"at": plain(views.now), "queue": [plain(row) for row in rows]}

        show(terminal, draw, data, as_json, watch)


@app.command(help="Show missed due times, noticed or not, and how often each clock was met.")
def breaches(
    context: typer.Context,
    watch: Watch = False,
    as_json: Json = False,
    as_of: AsOf = None,
    after: After = None,
    shop: Shop = None,
    platform: OfPlatform = None,
    clock: Annotated[str | None, typer.Option("--clock", help="Only this clock.")] = None,
    limit: Limit = None,
) -> None:
    from domain.kernel import Platform
    from domain.sla.events import ClockName

    wanted = {
        "shop": words_of(shop),
        "platform": one_of(platform, Platform),
        "clock": one_of(clock, ClockName),
    }
    terminal = terminal_of(context)
    with _looking(terminal, as_of, watch, after) as look:

        def draw() -> RenderableType:
            views = look()
            pictures = Pictures(terminal.settings.language, views.now)
            rows = views.rows("select_breached_clocks", **wanted, limit=limit or ROWS)
            attained = views.rows("select_attainment", **wanted)
            return pictures.together(pictures.breaches(rows), pictures.attainment(attained))

        def data() -> object:
            views = look()
            return {
                "at": plain(views.now),
                "breaches": [
                    plain(row) for row in views.rows("select_breaches", **wanted, limit=limit)
                ],
                "attainment": [plain(row) for row in views.rows("select_attainment", **wanted)],
            }

        show(terminal, draw, data, as_json, watch)


@app.command(help="Show each supplier's defects over the units shipped.")
def suppliers(
    context: typer.Context,
    watch: Watch = False,
    as_json: Json = False,
    after: After = None,
    supplier: Annotated[str | None, typer.Option("--supplier", help="Only this supplier.")] = None,
    limit: Limit = None,
) -> None:
    terminal = terminal_of(context)
    supplier = words_of(supplier)
    with _looking(terminal, None, watch, after) as look:

        def draw() -> RenderableType:
            views = look()
            rows = views.rows("select_suppliers", supplier=supplier, limit=limit or ROWS)
            return Pictures(terminal.settings.language, views.now).suppliers(rows)

        def data() -> object:
            views = look()
            rows = views.rows("select_suppliers", supplier=supplier, limit=limit)
            cohorts = views.rows("select_cohorts", supplier=supplier, limit=None)
            return {
                "at": plain(views.now),
                "suppliers": [plain(row, without="total") for row in rows],
                "cohorts": [plain(row) for row in cohorts],
            }

        show(terminal, draw, data, as_json, watch)


# -------------------------------------------------------------------- shared


@contextlib.contextmanager
def _looking(
    terminal: Terminal, as_of: str | None, watch: bool, after: int | None
) -> Generator[Callable[[], Views]]:
    """What opens the views: as of now and followed along while they are watched, or as of a past
    moment. after: a position that they must hold."""
    at = None if as_of is None else parse_time(as_of)
    if at is not None and watch:
        raise Failure("--as-of is a moment; it cannot be watched.")
    from infra.engine import read_parked, wait_for

    with open_system(terminal.settings, terminal.say) as system:
        catch_up(terminal, system)
        if at is not None:
            from infra.engine import replayed

            with replayed(system.database_url, at) as then:
                if then.cut:
                    terminal.say(
                        "{count} cases are shown only up to an event that could not be projected;"
                        " see projections parked.",
                        count=len(then.cut),
                    )
                yield lambda: Views(then.conn, at)
        else:
            with (
                following(system) if watch else contextlib.nullcontext(),
                closing(connect(system.database_url, autocommit=True)) as conn,
            ):
                if after is not None:
                    wait_for(conn, after)
                parked = {one.stream for one in read_parked(conn)}
                if parked:
                    terminal.say(
                        "{count} streams are parked; see projections parked.", count=len(parked)
                    )
                yield lambda: Views(conn)


def catch_up(terminal: Terminal, system: System, seconds: float = 30.0) -> None:
    """Bring the read models up to date, or say that they are not."""
    from infra.engine import Behind, Engine

    try:
        Engine(system.database_url).catch_up(seconds)
    except Behind as e:
        terminal.say(e.text, **e.values)


@contextlib.contextmanager
def following(system: System) -> Generator[None]:
    """Keep the read models up to date, unless somebody else does."""
    from infra.engine import Engine

    stop = threading.Event()
    engine = Engine(system.database_url)
    thread = threading.Thread(target=engine.run, args=(stop,), name=engine.name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def show(
    terminal: Terminal,
    draw: Callable[[], RenderableType],
    data: Callable[[], object],
    as_json: bool,
    watch: bool,
) -> None:
    """Show it once, or again and again until Ctrl-C."""
    if watch:
        with contextlib.suppress(KeyboardInterrupt):
            _show_again(terminal, draw, data, as_json)
    elif as_json:
        terminal.write_json(data())
    else:
        terminal.out.print(draw())


def _show_again(
    terminal: Terminal,
    draw: Callable[[], RenderableType],
    data: Callable[[], object],
    as_json: bool,
) -> NoReturn:
    """As lines of JSON, on the whole screen, or, where there is none, as plain tables."""
    if not as_json and terminal.out.is_terminal:
        with Live(draw(), console=terminal.out, screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(EVERY)
                live.update(draw(), refresh=True)
    while True:
        if as_json:
            sys.stdout.write(json.dumps(data(), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            terminal.out.print(draw())
        time.sleep(EVERY)
