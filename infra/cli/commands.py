"""Which modules bring which command: importing all of them takes a second."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "case": ("case",),
    "db": ("db",),
    "kafka": ("kafka", "kafka_intake", "kafka_status"),
    "dead-letters": ("kafka_intake",),
    "projections": ("projections",),
    "publisher": ("publisher",),
    "schema": ("schema",),
    "submit": ("submit",),
    "import": ("submit",),
    "up": ("up",),
    "queue": ("views", "claims"),
    "breaches": ("views",),
    "suppliers": ("views",),
}
"""The first word of a command -> the modules that add it or its subcommands to the app."""


def load_commands(word: str | None) -> None:
    """Add the commands that begin with the word to the app; all if none does."""
    wanted = MODULES.get(word or "") or [name for names in MODULES.values() for name in names]
    for name in wanted:
        import_module(f"infra.cli.{name}")
