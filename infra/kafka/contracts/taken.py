"""The JSON Schemas of what is taken, commands and facts in our own form, frozen once released.

A schema is a promise to those who write: what any released one allows is accepted for ever. So
within a major version (`.v1`) a command may get optional fields and take more values, and nothing
else; a test holds each released schema against the commands as they are now. Anything else is a
new command, or a new major version.

`taken/` holds a file for each released version; `python -m infra.kafka.contracts freeze` adds the
first or the next one of each command that is not as its last one says.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from consumers.kafka_record import VERSION, body_model
from consumers.kafka_topics import OWN_TOPICS
from domain.kernel import COMMANDS
from infra.kafka.contracts.released import (
    DRAFT,
    Released,
    Schema,
    without_titles,
    without_words,
)

TAKEN: Final = Released(Path(__file__).with_name("taken"))
_ID: Final = re.compile(r"urn:casetrail:taken:([a-z_.]+):(\d+)\.(\d+)")


def taken_types() -> list[str]:
    """The types of commands and facts that may come on a topic."""
    return sorted({name for topic in OWN_TOPICS for name in topic.types})


def schema_of(type_: str) -> Schema:
    """The schema of a record's value as the code has it now, without an id."""
    made = body_model(COMMANDS[type_]).model_json_schema(mode="validation")
    return {
        "$schema": DRAFT,
        "title": f"{type_}.v{VERSION}",
        # A class without words of its own would show its parent's.
        "description": inspect.cleandoc(COMMANDS[type_].__doc__ or ""),
        **without_titles(made),
    }


def versions(frozen: Mapping[str, Schema]) -> dict[str, list[Schema]]:
    """The released schemas of each type and major version, such as case.close.v1, by minor."""
    found: dict[str, dict[int, Schema]] = {}
    for id_, schema in frozen.items():
        parts = _ID.fullmatch(id_)
        assert parts is not None, id_
        found.setdefault(f"{parts[1]}.v{parts[2]}", {})[int(parts[3])] = schema
    return {name: [several[minor] for minor in sorted(several)] for name, several in found.items()}


def says_the_same(released: Schema, now: Schema) -> bool:
    """Whether a released schema is the one of the code, but for words and its id."""
    return without_words({**now, "$id": released["$id"]}) == without_words(released)


def file_of(released: Schema) -> str:
    """The file of a released schema."""
    parts = _ID.fullmatch(released["$id"])
    assert parts is not None, released["$id"]
    return f"{parts[1]}.{parts[2]}.{parts[3]}.json"


def freeze() -> Iterator[str]:
    """Release each schema that is not as the last released one; the new files' names."""
    return TAKEN.freeze(_unreleased())


def _unreleased() -> Iterator[tuple[str, Schema]]:
    released = versions(TAKEN.frozen())
    for type_ in taken_types():
        before, now = released.get(f"{type_}.v{VERSION}", []), schema_of(type_)
        if not before or not says_the_same(before[-1], now):
            version = f"{VERSION}.{len(before)}"
            id_ = {"$schema": DRAFT, "$id": f"urn:casetrail:taken:{type_}:{version}"}
            yield f"{type_}.{version}.json", id_ | now
