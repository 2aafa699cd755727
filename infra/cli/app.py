"""The program: its global options, its language, and how an error ends it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import psycopg
import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from infra.cli.commands import load_commands
from infra.cli.failures import LogLine, failure_of
from infra.cli.terminal import Terminal, terminal_of
from infra.cli.words import translate
from infra.cli.words_usage import usage_words
from infra.failure import Failure
from infra.postgres.connect import one_line
from infra.settings import LANGUAGES, Language, read_settings

app = typer.Typer(
    help="After-sales cases for abnormal shipments, kept as events.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]

GLOBAL_VALUES = ("--home", "--lang")
GLOBAL_FLAGS = ("--debug",)
INTERRUPTED = 128 + signal.SIGINT


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home", metavar="DIR", help="The folder of all local data (CASETRAIL_HOME)."
        ),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="zh|en",
            help="The language: zh or en (CASETRAIL_LANG, else by the locale).",
        ),
    ] = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error.")
    ] = False,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.")
    ] = False,
) -> None:
    # What kafka-python logs of each attempt, an error says once and better.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    terminal = terminal_of(context)
    if lang is not None and lang not in LANGUAGES:
        raise typer.BadParameter("zh | en", param_hint="--lang")
    terminal.settings = terminal.settings.at(home=home)
    if show_version:
        terminal.write(f"casetrail {version('casetrail')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        terminal.write(context.get_help())


def hoist(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The global options, wherever they were written, and the other arguments."""
    first: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument in GLOBAL_VALUES:
            first += [argument, *(value for value in [next(left, None)] if value is not None)]
        elif argument in GLOBAL_FLAGS or argument.startswith(tuple(f"{g}=" for g in GLOBAL_VALUES)):
            first.append(argument)
        else:
            rest.append(argument)
    return first, rest


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the process's exit status.

    0: done. 1: something was refused or failed. 2: the command line is wrong. 130 and 143:
    stopped by a signal. Errors are one line on stderr.
    """
    options, words = hoist(arguments)
    arguments = options + words
    debug = "--debug" in options
    language = _wanted_language(arguments)
    terminal = Terminal(read_settings({}).at(language=language))
    try:
        terminal.settings = read_settings().at(language=language)
        _log_to_stderr(terminal.settings.language, debug)
        load_commands(next(iter(words), None))
        command = typer.main.get_command(app)
        _translate(command, terminal.settings.language)
        if "--help" in words or len(words) < 2:  # a group alone shows its help too
            _lay_out_help(terminal.settings.language)
        status = command.main(arguments, prog_name="casetrail", standalone_mode=False, obj=terminal)
        if status == INTERRUPTED:  # typer swallowed the exception
            raise KeyboardInterrupt
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _fail(terminal, INTERRUPTED, "Interrupted.")
    except Terminated:
        return _fail(terminal, 143, "Interrupted.")
    except typer.Abort:
        return _fail(terminal, 130, "Interrupted.")
    except typer.TyperException as e:
        said = one_line(Exception(getattr(e, "format_message", e.__str__)()))
        reason = usage_words(terminal.settings.language, said)
        return _fail(terminal, 2, "{reason} Try --help.", reason=reason)
    except Failure as e:
        return _fail(terminal, 1, e.text, **e.values)
    except psycopg.Error as e:
        return _fail(terminal, 1, "The database refused: {reason}", reason=one_line(e))
    except OSError as e:
        return _fail(terminal, 1, "The file or folder cannot be used: {reason}", reason=e)
    except Exception as e:
        if debug:
            traceback.print_exc()
        if (failure := failure_of(e)) is not None:
            return _fail(terminal, 1, failure.text, **failure.values)
        reason = f"{type(e).__name__}: {one_line(e)}"
        return _fail(
            terminal, 70, "An internal error: {reason} (--debug shows where)", reason=reason
        )


class Terminated(BaseException):
    """SIGTERM: like Ctrl-C, what is open is closed on the way out."""


def main() -> NoReturn:
    """The console script."""

    def terminate(_signal: int, _frame: FrameType | None) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGHUP, terminate)
    # A terminal that cannot show a character gets a stand-in rather than an error.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def _fail(terminal: Terminal, status: int, text: str, **values: object) -> int:
    sys.stderr.write(f"casetrail: {terminal.t(text, **values)}\n")
    return status


def _log_to_stderr(language: Language, debug: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(LogLine(language, debug))
    logging.basicConfig(handlers=[handler])  # does nothing where somebody already listens


def _lay_out_help(language: Language) -> None:
    """Put the titles that typer gives the parts of a help page into the language, and let words
    without spaces be broken where a column ends, instead of cut."""
    from rich.text import Text
    from typer import rich_utils  # late: it takes a tenth of a second

    def fold(text: str | Text) -> Text:
        folded = highlight(text)
        folded.overflow = "fold"
        return folded

    highlight = rich_utils.OptionHighlighter()
    setattr(rich_utils, "highlighter", fold)  # noqa: B010  # a function serves as well

    rich_utils.OPTIONS_PANEL_TITLE = translate(language, "Options")
    rich_utils.COMMANDS_PANEL_TITLE = translate(language, "Commands")
    rich_utils.ARGUMENTS_PANEL_TITLE = translate(language, "Arguments")


def _wanted_language(arguments: Sequence[str]) -> Language | None:
    """What --lang says, before anything is parsed: help and errors want to know it too."""
    for place, argument in enumerate(arguments):
        name, _, joined = argument.partition("=")
        if name == "--lang":
            return LANGUAGES.get(joined or "".join(arguments[place + 1 : place + 2]))
    return None


def _translate(command: object, language: Language) -> None:
    """Put the help of a command, of its options and of what is below it into the language."""
    if isinstance(command, TyperCommand | TyperGroup):
        command.help = translate(language, command.help or "")
        command.short_help = translate(language, command.short_help or "") or None
        for parameter in command.params:
            words = getattr(parameter, "help", None)
            if words:
                setattr(parameter, "help", translate(language, words))  # noqa: B010
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            _translate(below, language)
