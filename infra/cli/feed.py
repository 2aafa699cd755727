"""Sends what a file asks for to the pipeline, with a progress bar, counts and a file of what was
refused."""

from __future__ import annotations

import json
import queue
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from consumers import Piece, Unusable
from domain.request import Request
from infra.cli.glossary import refusal_words
from infra.cli.terminal import Terminal
from infra.failure import Failure
from infra.pipeline import Answer, Pipeline, Unavailable
from infra.postgres.connect import one_line
from infra.settings import Language

BATCH: Final = 1000
"""Requests handed to the pipeline at once."""

BATCH_BYTES: Final = 8 * 1024 * 1024
"""Of the file, at most in one batch, however long its lines are."""

AHEAD: Final = 3
"""Batches read ahead while a commit is under way; they bound the memory taken."""


@dataclass
class Counts:
    """What came of a file. lines: those that ask for something; each is counted once below.

    accepted: something of it is new. repeated: all of it was told before. refused: at least one
    of its requests, or the line itself. requests: by what came of each.
    """

    lines: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    requests: Counter[str] = field(default_factory=Counter[str])
    codes: Counter[str] = field(default_factory=Counter[str])


class Refused:
    """The file of the refused lines, JSON Lines. keep: it was named by the user, so that it is
    written even if nothing is refused; else one that a former run left goes."""

    def __init__(self, path: Path, terminal: Terminal, *, keep: bool = False) -> None:
        self.path = path
        self.count = 0
        self._language: Language = terminal.settings.language
        self._keep = keep
        self._file: TextIO | None = None

    def __enter__(self) -> Refused:
        if self._keep:
            self._open()
        return self

    def _open(self) -> TextIO:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        return self._file

    def add(self, piece: Piece, code: str, message: str, where: str, **more: Any) -> None:
        """One line: what was refused, why, and what stood there."""
        entry = {
            "line": piece.line,
            "field": where,
            "code": code,
            "reason": refusal_words(self._language, code, message),
            **more,
            "original": piece.original,
        }
        self._open().write(json.dumps(entry, ensure_ascii=False) + "\n")
        self.count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
        elif kind is None:
            self.path.unlink(missing_ok=True)


def feed(
    pieces: Iterator[Piece],
    total: int | None,
    pipeline: Pipeline,
    refused: Refused,
    terminal: Terminal,
    *,
    retry: bool = False,
) -> Counts:
    """Send all of it, in order. total: what `Piece.done` ends at. retry: requests that were
    refused in an earlier run are sent as new ones.

    Raises Failure when the file or the database fails on the way; what was accepted by then
    stays, and running it again goes on from there.
    """
    counts = Counts()
    with _progress(terminal, total) as moved, _reading(pieces) as batches:
        try:
            for batch in batches:
                _send(batch, pipeline, refused, counts, retry)
                moved(batch[-1].done, counts)
        except Unusable as e:
            raise Failure(e.text, **e.values) from e
        except Unavailable as e:
            raise Failure(
                "The database is not available ({reason}). "
                "After {lines} lines; run it again to go on.",
                reason=one_line(e.__cause__ or e),
                lines=counts.lines,
            ) from e
    return counts


def _send(
    batch: Sequence[Piece], pipeline: Pipeline, refused: Refused, counts: Counts, retry: bool
) -> None:
    requests = [request for piece in batch for request in piece.requests]
    answers = pipeline.submit(requests)
    if retry:
        _retry(requests, answers, pipeline)
    told = iter(zip(requests, answers, strict=True))
    for piece in batch:
        _count(piece, [next(told) for _ in piece.requests], refused, counts)


def _retry(requests: Sequence[Request], answers: list[Answer], pipeline: Pipeline) -> None:
    """Ask anew, in order, for what an earlier run was refused: under the same id with ~2 behind
    it, and where that was refused as well ~3, until an answer is new or an acceptance."""
    attempt = 2
    while stale := [i for i, a in enumerate(answers) if a.repeat and not a.accepted]:
        anew = [
            replace(requests[i], message_id=f"{requests[i].message_id}~{attempt}") for i in stale
        ]
        for i, answer in zip(stale, pipeline.submit(anew), strict=True):
            answers[i] = answer
        attempt += 1


def _count(
    piece: Piece, told: Sequence[tuple[Request, Answer]], refused: Refused, counts: Counts
) -> None:
    counts.lines += 1
    if piece.problem is not None:
        problem = piece.problem
        counts.refused += 1
        counts.codes[problem.code] += 1
        refused.add(piece, problem.code, problem.message, problem.field)
        return
    found: Counter[str] = Counter()
    for request, answer in told:
        found[_outcome(request, answer)] += 1
        if not answer.accepted:
            counts.codes[answer.code] += 1
            refused.add(
                piece,
                answer.code,
                answer.message,
                answer.field,
                type=request.command.TYPE,
                id=request.message_id,
            )
    counts.requests += found
    if found["refused"]:
        counts.refused += 1
    elif found["accepted"]:
        counts.accepted += 1
    else:
        counts.repeated += 1


def _outcome(request: Request, answer: Answer) -> str:
    if not answer.accepted:
        return "refused"
    # A bulk fact has no inbox row: that it wrote nothing is how its repeat shows.
    nothing_new = request.command.BULK and answer.position is None
    return "repeated" if answer.repeat or nothing_new else "accepted"


@contextmanager
def _reading(pieces: Iterator[Piece]) -> Generator[Iterator[list[Piece]]]:
    """Batches of pieces, read ahead in a thread of their own. What the reader raises is raised
    where its batch would have come."""
    ready: queue.Queue[list[Piece] | BaseException | None] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def put(item: list[Piece] | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def read() -> None:
        batch: list[Piece] = []
        size = begun = 0
        try:
            for piece in pieces:
                batch.append(piece)
                size += max(1, len(piece.requests))
                if size >= BATCH or piece.done - begun >= BATCH_BYTES:
                    put(batch)
                    batch, size, begun = [], 0, piece.done
                if stopped.is_set():
                    return
            if batch:
                put(batch)
            put(None)
        except Exception as e:
            if batch:
                put(batch)
            put(e)

    def batches() -> Iterator[list[Piece]]:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    reader = threading.Thread(target=read, name="reader", daemon=True)
    reader.start()
    try:
        yield batches()
    finally:
        stopped.set()
        reader.join(timeout=2.0)


Moved = Callable[[int, Counts], None]
"""Told how far the file is read, and what came of it so far."""


@contextmanager
def _progress(terminal: Terminal, total: int | None) -> Generator[Moved]:
    """A bar on stderr, where that is a terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%" if total else ""),
        TextColumn("{task.fields[words]}"),
        TimeElapsedColumn(),
        console=terminal.notes,
        transient=True,
        disable=not terminal.notes.is_terminal,
    )
    with bar:
        task = bar.add_task(terminal.t("Sending"), total=total, words="")

        def moved(done: int, counts: Counts) -> None:
            words = terminal.t("{lines} lines, {refused} refused", **_numbers(counts))
            bar.update(task, completed=done, words=words)

        yield moved


def _numbers(counts: Counts) -> dict[str, str]:
    return {"lines": f"{counts.lines:,}", "refused": f"{counts.refused:,}"}


def show(counts: Counts, refused: Refused, terminal: Terminal, as_json: bool) -> None:
    """The counts, and which rules refused how much."""
    if as_json:
        terminal.write_json(
            {
                "lines": counts.lines,
                "accepted": counts.accepted,
                "repeated": counts.repeated,
                "refused": counts.refused,
                "requests": {
                    name: counts.requests[name] for name in ("accepted", "repeated", "refused")
                },
                "codes": dict(counts.codes.most_common()),
                "refused_file": str(refused.path) if refused.count else None,
            }
        )
        return
    table = Table(show_header=True, header_style="bold", title_justify="left")
    for heading in ("", "Lines", "Requests"):
        table.add_column(
            terminal.t(heading) if heading else "", justify="left" if not heading else "right"
        )
    for name, lines in (
        ("accepted", counts.accepted),
        ("repeated", counts.repeated),
        ("refused", counts.refused),
    ):
        table.add_row(terminal.t(name), f"{lines:,}", f"{counts.requests[name]:,}")
    table.add_row(
        terminal.t("together"), f"{counts.lines:,}", f"{counts.requests.total():,}", style="bold"
    )
    terminal.out.print(table)
    if counts.codes:
        reasons = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        for code, number in counts.codes.most_common(20):
            reasons.add_row(
                f"{number:,}", code, refusal_words(terminal.settings.language, code, "")
            )
        terminal.out.print(reasons)
        terminal.write(terminal.t("Refused lines, with the reasons: {path}", path=refused.path))
