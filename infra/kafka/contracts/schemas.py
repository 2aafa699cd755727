"""The JSON Schemas of what is published, frozen once released.

A schema promises names, types and the values that can be chosen from, not how long a text is or
how large a number. Objects are open: a reader lets pass what it doesn't know. So within a major
version a schema may get new fields and lose values, and nothing else: whatever is written under a
later one is valid under all before it (a test asks jsoncompat). Anything else is a new major
version, a type of another name.

`schemas/` holds a file for each released version, named by type and version; released.lock their
digests. `python -m infra.kafka.contracts freeze` adds what is new and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from infra.kafka.contracts.events import CASE_EVENTS, PublicModel, schema_id
from infra.kafka.contracts.queue import ENTRY_TYPE, QueueEntry
from infra.kafka.contracts.released import DRAFT, Released, Schema
from infra.kafka.contracts.results import (
    DEAD_LETTER_TYPE,
    RESULT_TYPE,
    CommandResult,
    DeadLetterNotice,
)
from infra.kafka.contracts.words import words_of

PUBLISHED: Final = Released(Path(__file__).with_name("schemas"))

PROMISED: Final = frozenset(
    {
        *("$ref", "anyOf", "type", "const", "enum", "format", "items", "prefixItems"),
        *("properties", "required", "additionalProperties"),
    }
)
"""Keywords that are kept; the rest are rules of ours that may change."""


def published_models() -> dict[str, type[PublicModel]]:
    """Everything that is published, by the name of its type."""
    return {
        **{public.name: public.model for public in CASE_EVENTS.values()},
        RESULT_TYPE: CommandResult,
        DEAD_LETTER_TYPE: DeadLetterNotice,
        ENTRY_TYPE: QueueEntry,
    }


def schema_of(name: str, model: type[PublicModel]) -> Schema:
    """The schema of a type as the code has it now."""
    made = model.model_json_schema(mode="serialization", ref_template="#/$defs/{model}")
    definitions = {
        cls: _promised(schema, cls) for cls, schema in sorted(made.pop("$defs", {}).items())
    }
    return {
        "$schema": DRAFT,
        "$id": schema_id(name, model),
        "title": name,
        "description": _first_sentence(model),
        **_promised(made, model.__name__),
        **({"$defs": definitions} if definitions else {}),
    }


def _promised(schema: Mapping[str, Any], cls: str) -> Schema:
    """Without what is not promised, and with what each field means."""
    kept: Schema = {}
    for keyword, value in schema.items():
        if keyword not in PROMISED:
            continue
        match keyword:
            case "properties":
                kept[keyword] = {
                    field: _promised(inner, cls) | {"description": words_of(cls, field) or ""}
                    for field, inner in value.items()
                }
            case "additionalProperties":
                if value is not False:
                    kept[keyword] = _promised(value, cls)
            case "items":
                kept[keyword] = _promised(value, cls)
            case "anyOf" | "prefixItems":
                kept[keyword] = [_promised(inner, cls) for inner in value]
            case _:
                kept[keyword] = value
    return kept


def _first_sentence(model: type[PublicModel]) -> str:
    paragraph = " ".join((model.__doc__ or "").strip().split("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".") + "."


def file_of(name: str, model: type[PublicModel]) -> str:
    return f"{name.rpartition('.v')[0]}.{model.VERSION}.json"


def frozen() -> dict[str, Schema]:
    """Every released schema, by its id."""
    return PUBLISHED.frozen()


def freeze() -> Iterator[str]:
    """Release what is not released yet; the new files' names."""
    models = sorted(published_models().items())
    return PUBLISHED.freeze(
        (file_of(name, model), schema_of(name, model)) for name, model in models
    )
