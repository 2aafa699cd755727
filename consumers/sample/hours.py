"""Human time: when shops work and buyers write, and how long people take."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from random import Random
from typing import Final

OPENS: Final = time(9, 0)
CLOSES: Final = time(22, 0)
"""The shops answer every day between these."""

WAKES: Final = time(7, 30)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def at_work(moment: datetime) -> datetime:
    """The moment, or the next one at which the shop works."""
    if moment.time() < OPENS:
        return _at(moment, OPENS, moment)
    if moment.time() >= CLOSES:
        return _at(moment + days(1), OPENS, moment)
    return moment


def before_closing(moment: datetime) -> datetime:
    """The moment, or the last one before it at which the shop worked."""
    last = time(CLOSES.hour - 1, 45)
    if moment.time() < OPENS:
        return _at(moment - days(1), last, moment)
    if moment.time() >= CLOSES:
        return _at(moment, last, moment)
    return moment


def awake(moment: datetime) -> datetime:
    """The moment, or the next one at which buyers are up."""
    return _at(moment, WAKES, moment) if moment.time() < WAKES else moment


def _at(day: datetime, clock: time, moment: datetime) -> datetime:
    """That day at that time; minutes and seconds spread a little, the same for the same moment."""
    spread = timedelta(minutes=moment.minute / 4, seconds=moment.second)
    return day.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0) + spread


def takes(rng: Random, median: float, spread: float) -> float:
    """How long something takes, log-normal as people's times are, in the median's unit.

    spread: the standard deviation of the logarithm.
    """
    return median * rng.lognormvariate(0.0, spread)


def moment_of_day(rng: Random, day: datetime) -> datetime:
    """When on a day a buyer complains: from the morning on, most in the evening."""
    hour = rng.triangular(8.0, 23.8, 20.5)
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        seconds=int(hour * 3600)
    )
