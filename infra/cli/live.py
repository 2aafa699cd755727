"""What `casetrail up` shows: queue, breaches and suppliers, live in the terminal."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import closing

import psycopg
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from infra.cli.filters import EVERY_CASE
from infra.cli.pictures import Pictures
from infra.cli.reading import Views
from infra.cli.sample import Sample
from infra.cli.terminal import Terminal
from infra.postgres import PostgresError, Rows, connect
from infra.postgres.connect import one_line
from infra.wiring import System

EVERY = 1.0
"""Seconds between two looks."""
FRAME = 12
"""Lines beside the rows of three tables: titles, headers, rules, blanks, the line on top."""
FEWEST = 3
NEWEST = 3
"""Of what was said while the screen was taken."""
ANYTHING = {**EVERY_CASE, "clock": None, "supplier": None}


def show_once(terminal: Terminal, system: System) -> None:
    """The three tables as they are now."""
    with closing(connect(system.database_url, autocommit=True)) as conn:
        terminal.out.print(draw(terminal, conn, rows=3 * 12))


def watch_views(
    terminal: Terminal, system: System, stop: threading.Event, sample: Sample | None
) -> None:
    """Keep the three tables on the screen until `stop` is set, above them what is going on;
    without a screen, show them once the sample is in, and then a line whenever something
    changed. The database may come and go."""
    if not terminal.out.is_terminal:
        _tell(terminal, system, stop, sample)
        return
    terminal.aside = aside = deque[str](maxlen=NEWEST)
    try:
        with Live(console=terminal.out, screen=True, auto_refresh=False) as live:
            while not stop.is_set():
                _keep_drawing(terminal, system, stop, sample, live)
    finally:
        terminal.aside = None
        for line in aside:  # the screen is gone, and what was said with it
            terminal.notes.print(line, style="dim", markup=False, soft_wrap=True)


def _keep_drawing(
    terminal: Terminal, system: System, stop: threading.Event, sample: Sample | None, live: Live
) -> None:
    """Until stopped, or until the database is away."""
    try:
        with closing(connect(system.database_url, autocommit=True)) as conn:
            while not stop.is_set():
                above = _above(terminal, sample)
                rows = terminal.out.height - FRAME - len(above)
                live.update(Group(*above, draw(terminal, conn, rows, on_screen=True)), refresh=True)
                stop.wait(EVERY)
    except (psycopg.Error, PostgresError) as e:
        reason = terminal.t("The views cannot be read: {reason}", reason=one_line(e))
        live.update(Text(reason, style="red"), refresh=True)
        stop.wait(EVERY)


def _above(terminal: Terminal, sample: Sample | None) -> list[RenderableType]:
    """What is going on: how far the sample is, and what was said last."""
    above: list[RenderableType] = [Text(line, style="dim") for line in terminal.aside or ()]
    if sample is not None and not sample.finished.is_set():
        above.append(sample.progress.get_renderable())
    return above


def draw(terminal: Terminal, conn: Rows, rows: int, *, on_screen: bool = False) -> RenderableType:
    """The three tables, together of about so many rows; on a screen, of so many lines."""
    views = Views(conn)
    if not views.exist():
        return Text(terminal.t("Preparing the views"), style="dim")
    pictures = Pictures(terminal.settings.language, views.now)
    half, quarter = max(FEWEST, rows // 2), max(FEWEST, rows // 4)
    cases = views.rows("select_queue", **ANYTHING, limit=half)
    queue = pictures.queue(cases, views.count("count_queue", **ANYTHING))
    missed = views.rows("select_breached_clocks", **ANYTHING, limit=quarter)
    breaches = pictures.breaches(missed)
    suppliers = pictures.suppliers(views.rows("select_suppliers", **ANYTHING, limit=quarter))
    if on_screen:
        queue.lines, breaches.lines, suppliers.lines = half, quarter, quarter
    return Group(
        Text(f"casetrail · {_standing(terminal, views)}", style="dim"),
        pictures.together(queue, breaches, suppliers),
    )


def _tell(terminal: Terminal, system: System, stop: threading.Event, sample: Sample | None) -> None:
    told = ""
    first = True
    while not stop.is_set():
        try:
            with closing(connect(system.database_url, autocommit=True)) as conn:
                while not stop.is_set():
                    if first and _is_in(sample) and Views(conn).exist():
                        terminal.out.print(draw(terminal, conn, rows=3 * 12))
                        first = False
                    line = _standing(terminal, Views(conn), with_time=False)
                    if line != told:
                        told = line
                        terminal.write(_standing(terminal, Views(conn)))
                    stop.wait(EVERY)
        except (psycopg.Error, PostgresError) as e:
            terminal.say("The views cannot be read: {reason}", reason=one_line(e))
            stop.wait(EVERY)


def _is_in(sample: Sample | None) -> bool:
    return sample is None or sample.finished.is_set()


def _standing(terminal: Terminal, views: Views, *, with_time: bool = True) -> str:
    """The moment, the log's last position, and whether the read models have got there."""
    status = views.status()
    behind = max((one.behind for one in status if one.standing == "live"), default=0)
    return terminal.t(
        "{time} · position {position} · {lag}",
        time=views.now.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if with_time else "",
        position=status[0].head if status else 0,
        lag=terminal.t("{count} events behind", count=behind)
        if behind
        else terminal.t("up to date"),
    )
