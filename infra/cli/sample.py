"""The project's own sample: made at the first run, kept in the home, submitted like any file."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import datetime
from os import fsync
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from consumers import Messages, Unusable
from consumers.sample import generate
from infra.cli.feed import Counts, Refused, feed
from infra.cli.reading import Views
from infra.cli.terminal import Terminal
from infra.failure import Failure
from infra.postgres import connect
from infra.wiring import System, open_store

NAME: Final = "sample.jsonl"


def submit_sample(terminal: Terminal, system: System) -> Counts:
    """Submit the home's sample, which is made now if there is none: a second run changes
    nothing. Returns what came of its lines.

    Raises Failure when the file is spoilt or the database fails on the way.
    """
    path = system.settings.home / NAME
    if not path.exists():
        terminal.say("Making the sample {path}", path=path)
        with closing(connect(system.database_url, autocommit=True)) as conn:
            write_sample(path, Views(conn).now)
    terminal.say("Submitting the sample {path}", path=path)
    try:
        messages = Messages(path)
    except Unusable as e:
        raise Failure(e.text, **e.values) from e
    with (
        open_store(system) as store,
        Refused(path.with_name(f"{NAME}.refused.jsonl"), terminal) as refused,
    ):
        counts = feed(messages.pieces(), messages.total, store.pipeline, refused, terminal)
    terminal.say(
        "The sample: {accepted} lines new, {repeated} known before, {refused} refused",
        accepted=counts.accepted,
        repeated=counts.repeated,
        refused=counts.refused,
    )
    return counts


def write_sample(path: Path, anchor: datetime) -> None:
    """Write the sample up to `anchor` (aware), whole or not at all. Of two that write it at once
    the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=NAME, suffix=".part"
    ) as file:
        for message in generate(anchor):
            file.write(message.line() + "\n")
        file.flush()
        fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(file.name)
