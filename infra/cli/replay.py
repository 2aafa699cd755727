"""Replays of a case: its events and its state as of any version or time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel

from consumers.written import read_time
from domain import decider
from domain.case.state import Case
from domain.kernel import Private, State, case_stream
from domain.request import Malformed
from domain.world import NotLoaded, World
from infra.cli.shapes import field_names, is_map, is_record, is_row, is_set
from infra.event_store import EventLog, NotInLog, Recorded
from infra.failure import Failure
from infra.vault import Erased, Vault

CASE_ID = re.compile(r"[a-z]+:[^\s:]{1,80}:[^\s:]{1,80}")


@dataclass(frozen=True)
class Replay:
    """A case as it was. asked: the number that was asked for. records: the events that made the
    state. private: their personal data by position, Erased where it was forgotten."""

    asked: str
    case: Case
    records: list[Recorded]
    private: Mapping[int, Private | Erased]


def replay(
    log: EventLog,
    vault: Vault,
    asked: str,
    *,
    version: int | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> Replay:
    """The case that `asked` (its id, an alias, the number of a complaint that joined it) leads
    to today: up to a version, or by what had happened by `at` and was known by `known_at`.

    What it says rests on recorded events alone: policies published since change nothing.
    Raises Failure for an unknown number, a version that it doesn't have and a time before it.
    """
    stream = case_stream(_follow(log, asked))
    try:
        records = log.load(stream, version=version, at=at, known_at=known_at)
    except NotInLog as e:
        raise Failure(
            "{case} has no version {version}; its last is {last}.",
            case=asked,
            version=version,
            last=e.last,
        ) from e
    if not records:
        raise Failure("At that time nothing was known of {case} yet.", case=asked)
    return Replay(asked, fold(stream, records), records, vault.open(records))


def fold(stream: str, records: Iterable[Recorded]) -> Case:
    """The case after these events."""
    state = decider.fold(stream, ((record.event, record.stamp) for record in records))
    assert isinstance(state, Case)
    return state


def check_number(asked: str) -> None:
    """Raise Failure unless it can be a case's number."""
    if not CASE_ID.fullmatch(asked):
        raise Failure(
            "{case} is not a case number; one is platform:shop:number, such as douyin:s1:AS123.",
            case=asked,
        )


def _follow(log: EventLog, asked: str) -> str:
    case_id, seen = asked, {asked}
    while True:
        stream = case_stream(case_id)
        try:
            case = fold(stream, log.load(stream))
        except NotInLog as e:
            raise Failure("There is no case {case}.", case=asked) from e
        if case.joined is None or case.joined in seen:
            return case_id
        case_id = case.joined
        seen.add(case_id)


def shop_zone(log: EventLog, case_id: str) -> ZoneInfo:
    """The zone in which the case's shop counts its days, by the policy in force now."""
    platform, shop, _ = case_id.split(":", 2)
    streams: dict[str, State] = {}
    while True:
        try:
            return World(streams).policies(platform, shop).shop(datetime.now(UTC)).values.tz
        except NotLoaded as missing:
            streams[missing.stream] = _state(log, missing.stream)


def _state(log: EventLog, stream: str) -> State:
    try:
        records = log.load(stream)
    except NotInLog:
        return decider.initial(stream)
    return decider.fold(stream, ((record.event, record.stamp) for record in records))


def read_zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises Failure."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise Failure("{name} is not a time zone, such as Asia/Shanghai.", name=name) from e


def read_moment(text: str | None, zone: str | None, option: str) -> datetime | None:
    """A time given on the command line: with an offset, or local in a zone that was named.

    Raises Failure: not a time, no zone, or a time that has not come yet.
    """
    if text is None:
        return None
    if zone is None and not re.search(r":\d{2}(?:\.\d+)?\s*(?:Z|[+-]\d{2}:?\d{2})$", text.strip()):
        raise Failure(
            "{option} {time} lacks its zone: write 2026-01-02T03:04:05+08:00, or add --zone.",
            option=option,
            time=text,
        )
    try:
        moment = read_time(text, read_zone(zone or "UTC"), option)  # an offset wins
    except Malformed as e:
        raise Failure(
            "{option} {time} is not a time: {reason}", option=option, time=text, reason=e.message
        ) from e
    if moment > datetime.now(UTC):
        raise Failure("{option} {time} has not come yet.", option=option, time=text)
    return moment


def plain(value: Any) -> Any:
    """A state, an event or a part of one as JSON: times in ISO 8601, amounts in minor units."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if is_map(value):
        return {str(key): plain(part) for key, part in value.items()}
    if is_set(value):
        return sorted(plain(part) for part in value)
    if is_row(value):
        return [plain(part) for part in value]
    if is_record(value):
        return {name: plain(getattr(value, name)) for name in field_names(value)}
    return value


def opened(private: Private | Erased) -> dict[str, str | bool]:
    """Personal data as JSON; ``{"erased": true}`` once it was forgotten."""
    if isinstance(private, Erased):
        return {"erased": True}
    return private.model_dump(exclude_none=True)


def overdue(case: Case, moment: datetime) -> list[str]:
    """Keys of the clocks that are breached at `moment`, whether anybody noticed by then or not."""
    return [clock.key for clock in case.clocks.values() if clock.breached_by(moment)]


@dataclass(frozen=True)
class Change:
    """path: names and keys from the case down. before, after: None where there was nothing."""

    path: tuple[str, ...]
    before: Any
    after: Any


def differences(before: Case, after: Case) -> list[Change]:
    """What differs between two states, leaf by leaf, but for the version itself."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = list(dict.fromkeys([*old, *new]))
    return [
        Change(path, old.get(path), new.get(path))
        for path in paths
        if old.get(path) != new.get(path) and path != ("version",)
    ]


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if is_map(value):
        for key, part in value.items():
            yield from _leaves(part, (*path, str(key)))
    elif is_row(value) and any(map(is_record, value)):
        for place, part in enumerate(value, 1):
            yield from _leaves(part, (*path, str(place)))
    elif is_record(value):
        for name in field_names(value):
            yield from _leaves(getattr(value, name), (*path, name))
    elif value is not None and value not in ((), frozenset()):
        yield path, value
