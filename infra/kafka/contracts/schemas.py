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

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeGuard

from infra.kafka.contracts.events import CASE_EVENTS, PublicModel, schema_id
from infra.kafka.contracts.results import (
    DEAD_LETTER_TYPE,
    RESULT_TYPE,
    CommandResult,
    DeadLetterNotice,
)
from infra.kafka.contracts.words import words_of

FOLDER: Final = Path(__file__).with_name("schemas")
LOCK: Final = FOLDER / "released.lock"
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

PROMISED: Final = frozenset(
    {
        *("$ref", "anyOf", "type", "const", "enum", "format", "items", "prefixItems"),
        *("properties", "required", "additionalProperties"),
    }
)
"""Keywords that are kept; the rest are rules of ours that may change."""

NAMED: Final = frozenset({"properties", "$defs"})


def published_models() -> dict[str, type[PublicModel]]:
    """Everything that is published, by the name of its type."""
    return {
        **{public.name: public.model for public in CASE_EVENTS.values()},
        RESULT_TYPE: CommandResult,
        DEAD_LETTER_TYPE: DeadLetterNotice,
    }


def schema_of(name: str, model: type[PublicModel]) -> dict[str, Any]:
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


def _promised(schema: Mapping[str, Any], cls: str) -> dict[str, Any]:
    """Without what is not promised, and with what each field means."""
    kept: dict[str, Any] = {}
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


def file_of(name: str, model: type[PublicModel]) -> Path:
    return FOLDER / f"{name.rpartition('.v')[0]}.{model.VERSION}.json"


def written(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def without_words(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a schema says to programs."""
    return {
        key: _told(value, named=key in NAMED)
        for key, value in schema.items()
        if key not in ("title", "description")
    }


def _told(value: Any, *, named: bool) -> Any:
    if named:
        return {name: without_words(inner) for name, inner in value.items()}
    if _is_object(value):
        return without_words(value)
    return [_told(inner, named=False) for inner in value] if _is_array(value) else value


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_array(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def frozen() -> dict[str, dict[str, Any]]:
    """Every released schema, by its id."""
    schemas = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
    ]
    return {schema["$id"]: schema for schema in schemas}


def locked() -> dict[str, str]:
    """The digest of each released file, by its name."""
    lines = LOCK.read_text(encoding="utf-8").splitlines() if LOCK.exists() else []
    return {name: digest for digest, name in (line.split() for line in lines)}


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def freeze() -> Iterator[str]:
    """Release what is not released yet; the new files' names."""
    FOLDER.mkdir(exist_ok=True)
    released = locked()
    for name, model in sorted(published_models().items()):
        path = file_of(name, model)
        if path.name not in released:
            path.write_text(written(schema_of(name, model)), encoding="utf-8")
            released[path.name] = digest_of(path)
            yield path.name
    lines = [f"{digest}  {name}\n" for name, digest in sorted(released.items())]
    LOCK.write_text("".join(lines), encoding="utf-8")
