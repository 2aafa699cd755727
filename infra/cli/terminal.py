"""What a command sees of the outside: the settings, and a terminal that speaks a language."""

from __future__ import annotations

import json
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import typer
from rich.console import Console

from infra.cli.words import translate
from infra.settings import Settings


@dataclass
class Terminal:
    """Results go to stdout, what is going on and errors to stderr. aside: while the whole screen
    is taken, what is going on is left here for whoever draws it."""

    settings: Settings
    out: Console = field(default_factory=lambda: Console(highlight=False, emoji=False))
    notes: Console = field(
        default_factory=lambda: Console(stderr=True, highlight=False, emoji=False)
    )
    aside: deque[str] | None = None

    def t(self, text: str, **values: object) -> str:
        """An English sentence in the user's language, its {names} filled in."""
        return translate(self.settings.language, text).format(**values)

    def say(self, text: str, **values: object) -> None:
        """Tell what is going on."""
        if self.aside is not None:
            self.aside.append(self.t(text, **values))
            return
        self.notes.print(self.t(text, **values), style="dim", markup=False, soft_wrap=True)

    def write(self, words: str) -> None:
        """A line of the result, as it is."""
        self.out.print(words, markup=False, soft_wrap=True)

    def write_json(self, data: Any) -> None:
        """The result for programs: JSON, times and ids as text."""
        sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")


def terminal_of(context: typer.Context) -> Terminal:
    """The terminal that the program's start gave to the command."""
    terminal = context.find_object(Terminal)
    assert terminal is not None
    return terminal
