"""Kills a submit or an import at random moments and runs it again to its end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.integration.cli.program import Program, complaint, contact, order, proposal, write


def many(count: int) -> list[dict[str, Any]]:
    """Orders, complaints and what follows, some of it refused."""
    told: list[dict[str, Any]] = []
    for n in range(count):
        case, number = f"A{n}", f"O{n}"
        told += [order(number), complaint(case, number), contact(case, f"contact-{n}")]
        told.append(proposal(case, "p1", "250.00" if n % 7 == 0 else "40.00"))
    return told


@dataclass(frozen=True)
class Unbroken:
    """What a run that nobody disturbed makes of the file. seconds: that it took."""

    messages: list[dict[str, Any]]
    counts: dict[str, Any]
    log: list[tuple[Any, ...]]
    refused: str
    seconds: float


def run_unbroken(program: Program, folder: Path, cases: int) -> Unbroken:
    """Submit so many cases in one run."""
    messages = many(cases)
    file = write(folder / "whole.jsonl", messages)
    started = time.monotonic()
    counts = program.json("submit", file, status=1)
    took = time.monotonic() - started
    return Unbroken(messages, counts, program.log(), _refused(file), took)


def kill_and_finish(
    program: Program, folder: Path, whole: Unbroken, random: Random, kills: int
) -> None:
    """Submit the same messages, killed at random moments, then run again to the end: the same
    events under the same ids, in each stream's same order, and the same refusals."""
    file = write(folder / "in.jsonl", whole.messages)
    for _ in range(kills):
        with program.start("submit", file) as process:
            # Not in the first part, in which the program is still being loaded.
            time.sleep(random.uniform(0.3, 1.0) * whole.seconds)
            process.kill()
            process.communicate()
    counts = program.json("submit", file, status=1)
    for name in ("lines", "refused"):
        assert counts[name] == whole.counts[name]
    assert counts["accepted"] + counts["repeated"] == whole.counts["accepted"]
    assert program.log() == whole.log
    assert _refused(file) == whole.refused


def _refused(file: Path) -> str:
    return file.with_name(file.name + ".refused.jsonl").read_text(encoding="utf-8")
