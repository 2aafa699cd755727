"""Puts the sample together: told back from an anchor, in the order in which it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final

from consumers.sample import plots_dispute, plots_facts, plots_trade, plots_trouble
from consumers.sample.catalogue import SHOPS
from consumers.sample.hours import days, moment_of_day
from consumers.sample.live import SCENES, scenes
from consumers.sample.message import BEIJING, Message
from consumers.sample.orders import Numbers, quiet_orders
from consumers.sample.plot import begin
from consumers.sample.setting import published, registered

SEED: Final = 20260801
SPAN: Final = 120.0
"""Days that complaints and quiet orders go back."""

BEFORE: Final = 400.0
"""Days that the catalogue goes back, before the oldest order complained about."""

QUIET: Final = 2000
"""Orders without a case in each wave."""

PLOTS: Final = (
    *plots_trade.PLOTS,
    *plots_dispute.PLOTS,
    *plots_trouble.PLOTS,
    *plots_facts.PLOTS,
)
WAVE: Final = sum(plot.count for plot in PLOTS) + sum(len(scene.ago) for scene in SCENES)
"""Cases that one wave tells of."""


def generate(
    anchor: datetime, *, cases: int = WAVE, seed: int = SEED, quiet: int = QUIET
) -> Iterator[Message]:
    """The messages of about `cases` cases (whole waves of WAVE, at least one), in the order of
    submission; the same for the same arguments.

    anchor: the moment up to which they tell, aware; nothing happened after it. quiet: orders
    without a case in each wave. Beyond one wave the sample repeats itself with other chances and
    other shops, one wave behind the other, so that memory holds one wave only (some 20 MB).
    """
    anchor = anchor.astimezone(BEIJING).replace(microsecond=0)
    salt = int.from_bytes(sha256(f"{seed}/{anchor.isoformat()}".encode()).digest()[:4]) % 100
    tag = f"sample-{anchor:%y%m%d%H%M%S}-{seed}"
    start = anchor - days(BEFORE)
    yield from registered(tag, start)
    for wave in range(max(1, round(cases / WAVE))):
        numbers = Numbers(salt, wave)
        yield from published(tag, numbers, start, anchor)

        def chance(name: str, wave: int = wave) -> Random:
            return Random(f"{seed}/{wave}/{name}")

        yield from _wave(chance, numbers, anchor, quiet)


def write(path: Path, anchor: datetime) -> int:
    """Write the sample as JSON Lines, whole or not at all; how many lines."""
    part = path.with_name(path.name + ".part")
    lines = 0
    with part.open("w", encoding="utf-8", newline="\n") as file:
        for message in generate(anchor):
            file.write(message.line() + "\n")
            lines += 1
    part.replace(path)
    return lines


def _wave(
    chance: Callable[[str], Random], numbers: Numbers, anchor: datetime, quiet: int
) -> Iterator[Message]:
    threads = [story.messages for story in scenes(numbers, chance, anchor)]
    for i, plot in enumerate(PLOTS):
        for n in range(plot.count):
            rng = chance(f"{i}-{n}")
            at = _arrives(rng, anchor, first=n == 0)
            story = begin(plot, rng, numbers, at)
            plot.run(story)
            threads.append(story.messages)
    since, until = anchor - days(SPAN), anchor - timedelta(hours=2)
    threads += quiet_orders(chance("quiet"), numbers, SHOPS, quiet, since, until)
    told = [message for thread in threads for message in thread if message.told_at <= anchor]
    # Stable, so that what one source tells at one moment stays in its order.
    return iter(sorted(told, key=lambda message: message.told_at))


def _arrives(rng: Random, anchor: datetime, *, first: bool) -> datetime:
    """When the buyer complains. first: early enough for the story to have ended."""
    if first:
        ago = rng.uniform(48, SPAN - 5)
    elif rng.random() < 0.3:
        ago = rng.uniform(0.3, 12)
    else:
        ago = rng.uniform(12, SPAN - 5)
    at = moment_of_day(rng, anchor - days(ago))
    return min(at, anchor - timedelta(minutes=rng.randrange(5, 300)))


__all__ = ["SEED", "WAVE", "generate", "write"]
