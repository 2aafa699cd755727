"""`casetrail schema`: the JSON Schemas of commands and facts."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Annotated, Any

import typer
from pydantic.json_schema import models_json_schema
from rich.table import Table

from domain.kernel import COMMANDS
from domain.request import DATED, Message
from infra.cli.app import app
from infra.cli.glossary import command_words
from infra.cli.terminal import terminal_of
from infra.failure import Failure

import_module("domain.decider")  # registers every command

DRAFT = "https://json-schema.org/draft/2020-12/schema"


@app.command(help="Print the JSON Schema of a message type, or of all.")
def schema(
    context: typer.Context,
    type_: Annotated[
        str | None,
        typer.Argument(metavar="TYPE", help="Such as case.file_complaint; all if left out."),
    ] = None,
    names: Annotated[bool, typer.Option("--list", help="Only list the types.")] = False,
) -> None:
    terminal = terminal_of(context)
    if type_ is not None and type_ not in COMMANDS:
        raise Failure("There is no message type {type}; --list shows them.", type=type_)
    wanted = sorted(COMMANDS) if type_ is None else [type_]
    if not names:
        terminal.write_json(message_schema(wanted))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)  # a name must be fit to be copied
    for name in wanted:
        kind = terminal.t("fact" if COMMANDS[name].IS_FACT else "command")
        table.add_row(name, kind, command_words(terminal.settings.language, name))
    terminal.out.print(table)


def message_schema(types: list[str]) -> dict[str, Any]:
    """The schema (draft 2020-12) of a message that is of one of these types."""
    commands = [COMMANDS[name] for name in types]
    _, found = models_json_schema(
        [(Message, "validation"), *((command, "validation") for command in commands)],
        ref_template="#/$defs/{model}",
    )
    definitions: dict[str, Any] = found["$defs"]
    envelope = definitions.pop("Message")
    kinds: dict[str, Any] = {}
    for command in commands:
        dated = command.IS_FACT or command.TYPE in DATED
        properties = envelope["properties"] | {
            "type": {"const": command.TYPE},
            "data": {"$ref": f"#/$defs/{command.__name__}"},
        }
        if dated:
            properties["occurred_at"] = {"type": "string", "format": "date-time"}
        kinds[command.TYPE] = envelope | {
            "title": command.TYPE,
            "description": inspect.getdoc(command) or "",
            "properties": properties,
            "required": [*envelope["required"], *(["occurred_at"] if dated else [])],
        }
    if len(types) == 1:
        return {"$schema": DRAFT, **kinds[types[0]], "$defs": definitions}
    definitions |= kinds
    return {
        "$schema": DRAFT,
        "title": "A command or fact of Casetrail",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in types],
        "$defs": definitions,
    }
