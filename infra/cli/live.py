"""What `casetrail up` shows: queue, breaches and suppliers, live in the terminal."""

from __future__ import annotations

import threading
from contextlib import closing

import psycopg
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from infra.cli.pictures import Pictures
from infra.cli.reading import Views
from infra.cli.terminal import Terminal
from infra.postgres import PostgresError, Rows, connect
from infra.postgres.connect import one_line
from infra.wiring import System

EVERY = 1.0
"""Seconds between two looks."""
FRAME = 12
"""Lines beside the rows of three tables: titles, headers, rules, blanks, the line on top."""
FEWEST = 3
ANYTHING = {
    "shop": None,
    "platform": None,
    "problem": None,
    "turn": None,
    "priority": None,
    "clock": None,
    "supplier": None,
}


def show_once(terminal: Terminal, system: System) -> None:
    """The three tables as they are now."""
    with closing(connect(system.database_url, autocommit=True)) as conn:
        terminal.out.print(draw(terminal, conn, rows=3 * 12))


def watch_views(terminal: Terminal, system: System, stop: threading.Event) -> None:
    """Keep the three tables on the screen until `stop` is set; without a screen, show them once
    and then a line whenever something changed. The database may come and go."""
    if not terminal.out.is_terminal:
        _tell(terminal, system, stop)
        return
    with Live(console=terminal.out, screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            try:
                with closing(connect(system.database_url, autocommit=True)) as conn:
                    while not stop.is_set():
                        rows = terminal.out.height - FRAME
                        live.update(draw(terminal, conn, rows), refresh=True)
                        stop.wait(EVERY)
            except (psycopg.Error, PostgresError) as e:
                reason = terminal.t("The views cannot be read: {reason}", reason=one_line(e))
                live.update(Text(reason, style="red"), refresh=True)
                stop.wait(EVERY)


def draw(terminal: Terminal, conn: Rows, rows: int) -> RenderableType:
    """The three tables, together of about so many rows."""
    views = Views(conn)
    if not views.exist():
        return Text(terminal.t("Preparing the views"), style="dim")
    pictures = Pictures(terminal.settings.language, views.now)
    half, quarter = max(FEWEST, rows // 2), max(FEWEST, rows // 4)
    return Group(
        Text(f"casetrail · {_standing(terminal, views)}", style="dim"),
        pictures.together(
            pictures.queue(views.rows("select_queue", **ANYTHING, limit=half)),
            pictures.breaches(views.rows("select_breached_clocks", **ANYTHING, limit=quarter)),
            pictures.suppliers(views.rows("select_suppliers", **ANYTHING, limit=quarter)),
        ),
    )


def _tell(terminal: Terminal, system: System, stop: threading.Event) -> None:
    told = ""
    first = True
    while not stop.is_set():
        try:
            with closing(connect(system.database_url, autocommit=True)) as conn:
                while not stop.is_set():
                    if first and Views(conn).exist():
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


def _standing(terminal: Terminal, views: Views, *, with_time: bool = True) -> str:
    """The moment, the log's last position, and whether the read models have got there."""
    status = views.status()
    behind = max((one.behind for one in status), default=0)
    return terminal.t(
        "{time} · position {position} · {lag}",
        time=views.now.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if with_time else "",
        position=status[0].head if status else 0,
        lag=terminal.t("{count} events behind", count=behind)
        if behind
        else terminal.t("up to date"),
    )
