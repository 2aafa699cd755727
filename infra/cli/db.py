"""`casetrail db`: looking after the database."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer
from rich.table import Table

from infra.cli.app import Json, app
from infra.cli.terminal import terminal_of
from infra.postgres import connect, load_statements, pending_migrations
from infra.wiring import open_system

SQL = load_statements(Path(__file__).with_name("db.sql"))

db = typer.Typer(help="Look after the database.", no_args_is_help=True)
app.add_typer(db, name="db")


@db.command(help="Show the server, what it holds and what is to be migrated.")
def status(context: typer.Context, as_json: Json = False) -> None:
    terminal = terminal_of(context)
    with (
        open_system(terminal.settings, migrating=False) as system,
        closing(connect(system.database_url)) as conn,
    ):
        version, size = conn.execute(SQL["describe_database"]).fetchone() or ("", 0)
        pending = pending_migrations(conn)
        row = None if pending else conn.execute(SQL["count_events"]).fetchone()
        found: dict[str, object] = {
            "server": version,
            "where": str(system.server.sockets) if system.server else conn.info.host,
            "size": size,
            "events": row[0] if row else 0,
            "migrations to apply": pending,
        }
    if as_json:
        terminal.write_json({key.replace(" ", "_"): value for key, value in found.items()})
        return
    found["size"] = f"{size / 2**20:.0f} MB"
    found["migrations to apply"] = ", ".join(pending) or terminal.t("none")
    table = Table(title=terminal.t("Database"), show_header=False, title_justify="left")
    for key, value in found.items():
        table.add_row(terminal.t(key), str(value))
    terminal.out.print(table)
