"""Kills a submit or an import at random moments and runs it again to its end."""

from __future__ import annotations

import time
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


def kill_and_finish(
    program: Program, whole: Program, folder: Path, random: Random, cases: int, kills: int
) -> None:
    """Submit a file, killed `kills` times on the way; then compare with an unbroken run of
    `whole`: the same events under the same ids, in each stream's same order, and the same
    refusals."""
    file = write(folder / "in.jsonl", many(cases))
    other = write(folder / "whole.jsonl", many(cases))
    expected = whole.json("submit", other, status=1)
    died = 0
    while died < kills:
        before = program.count()
        with program.start("submit", file) as process:
            # Wait for the first commit of this run, then for a random moment more.
            until = time.monotonic() + 60
            while process.poll() is None and program.count() == before:
                assert time.monotonic() < until
                time.sleep(0.01)
            time.sleep(random.random() * 0.4)
            process.kill()
            process.communicate()
        died += 1
        if process.returncode != -9:
            break  # it was done before
    counts = program.json("submit", file, status=1)
    assert counts["lines"] == expected["lines"]
    assert counts["refused"] == expected["refused"]
    assert counts["accepted"] + counts["repeated"] == expected["accepted"]
    assert program.log() == whole.log()
    refused, wanted = (
        path.with_name(path.name + ".refused.jsonl").read_text(encoding="utf-8")
        for path in (file, other)
    )
    assert refused == wanted
    again = program.json("submit", file, status=1)
    assert again["accepted"] == 0
