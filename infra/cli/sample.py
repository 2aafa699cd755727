"""The project's own sample: made at the first run, kept in the home, sent through Kafka."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from os import fsync
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from consumers import Messages, Unusable
from consumers.kafka_record import WAY_IN
from consumers.kafka_sending import Outgoing, in_rounds
from consumers.kafka_topics import PLATFORM_TOPIC
from consumers.sample import generate, told_by_platforms
from consumers.sample.after_sales import PREFIX
from infra.cli.reading import Views
from infra.cli.terminal import Terminal
from infra.failure import Failure
from infra.kafka.sender import Sender, Sent
from infra.postgres import connect, load_statements
from infra.settings import KafkaAddress
from infra.wiring import System

SQL = load_statements(Path(__file__).with_name("sample.sql"))

NAME: Final = "sample.jsonl"
SOURCE: Final = "/casetrail/sample"
"""Under which its records are remembered: a second run sends the same, and nothing new comes of
it."""


class Sample:
    """Sends the sample beside the other workers. progress: how far it is, to be shown; refused:
    how many of its records were refused or could not be taken, once `finished` is set."""

    name = "sample"

    def __init__(
        self,
        terminal: Terminal,
        system: System,
        address: KafkaAddress,
        rounds: Sequence[Sequence[Outgoing]],
    ) -> None:
        self.finished = threading.Event()
        self.refused = 0
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TimeElapsedColumn(),
            console=terminal.notes,
            transient=True,
            disable=not terminal.notes.is_terminal,
        )
        self._terminal = terminal
        self._database_url = system.database_url
        self._sender = Sender(address, system.settings.topic_prefix, system.database_url)
        self._rounds = rounds
        self._records = sum(len(records) for records in rounds)
        self._bar = self.progress.add_task(
            terminal.t("Sending the sample through Kafka"), total=self._records
        )

    def run(self, stop: threading.Event) -> None:
        """Raises KafkaError."""
        sent = self._sender.send(
            self._rounds, stop, lambda more: self.progress.advance(self._bar, more)
        )
        if not stop.is_set():
            self._sum_up(sent)
            self.finished.set()

    def _sum_up(self, sent: Sent) -> None:
        with closing(connect(self._database_url, autocommit=True)) as conn:
            asked = {
                "source": f"{WAY_IN}{SOURCE}",
                "platforms": [f"{WAY_IN}/{platform}" for platform in PLATFORM_TOPIC.adapters],
                "prefix": PREFIX,
                "topics": [topic for topic, _ in sent],
                "partitions": [partition for _, partition in sent],
                "firsts": [first for first, _ in sent.values()],
                "lasts": [last for _, last in sent.values()],
            }
            found = conn.execute(SQL["count_refused"], asked)
            (self.refused,) = found.fetchone() or (0,)
        self._terminal.say(
            "The sample: {records} records were sent and taken in, {refused} of them refused",
            records=self._records,
            refused=self.refused,
        )


def prepare_sample(terminal: Terminal, system: System) -> list[list[Outgoing]]:
    """The records of the home's sample, which is made now if there is none, and what platforms
    tell of its orders, by rounds of which each is sent once the one before it was taken. Raises
    Failure when the file is spoilt."""
    path = system.settings.home / NAME
    if not path.exists():
        terminal.say("Making the sample {path}", path=path)
        with closing(connect(system.database_url, autocommit=True)) as conn:
            write_sample(path, Views(conn).now)
    try:
        pieces = list(Messages(path).pieces())
    except Unusable as e:
        raise Failure(e.text, **e.values) from e
    spoilt = next((piece for piece in pieces if piece.problem is not None), None)
    if spoilt is not None:
        raise Failure(
            "{path} is spoilt in line {line}; remove it to have it made anew.",
            path=path,
            line=spoilt.line,
        )
    requests = [request for piece in pieces for request in piece.requests]
    return [*in_rounds(requests, SOURCE), *told_by_platforms(requests, SOURCE)]


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
