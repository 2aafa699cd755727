"""Schemas that are frozen once released: a folder with a file each, and their digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeGuard

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
NAMED: Final = frozenset({"properties", "patternProperties", "$defs"})
"""Keywords whose own keys are names."""

Schema = dict[str, Any]


@dataclass(frozen=True)
class Released:
    """A folder of released schemas; released.lock in it holds their digests."""

    folder: Path

    @property
    def lock(self) -> Path:
        return self.folder / "released.lock"

    def frozen(self) -> dict[str, Schema]:
        """Every released schema, by its id."""
        schemas = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(self.folder.glob("*.json"))
        ]
        return {schema["$id"]: schema for schema in schemas}

    def digests(self) -> dict[str, str]:
        """The digest of each file as it is now, by its name."""
        return {path.name: _digest(path) for path in self.folder.glob("*.json")}

    def locked(self) -> dict[str, str]:
        """The digest of each file as it was released, by its name."""
        lines = self.lock.read_text(encoding="utf-8").splitlines() if self.lock.exists() else []
        return {name: digest for digest, name in (line.split() for line in lines)}

    def freeze(self, schemas: Iterable[tuple[str, Schema]]) -> Iterator[str]:
        """Release those whose file, by name, is not released yet; the new files' names."""
        self.folder.mkdir(exist_ok=True)
        released = self.locked()
        for name, schema in schemas:
            if name not in released:
                path = self.folder / name
                path.write_text(written(schema), encoding="utf-8")
                released[name] = _digest(path)
                yield name
        lines = [f"{digest}  {name}\n" for name, digest in sorted(released.items())]
        self.lock.write_text("".join(lines), encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def written(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def without_words(schema: Mapping[str, Any]) -> Schema:
    """What a schema says to programs."""
    return _without(schema, frozenset({"title", "description"}))


def without_titles(schema: Mapping[str, Any]) -> Schema:
    """Without those that pydantic makes of the fields' names."""
    return _without(schema, frozenset({"title"}))


def _without(schema: Mapping[str, Any], dropped: frozenset[str]) -> Schema:
    """Without these keywords, at any depth; a field may have the name of one."""

    def inside(value: Any) -> Any:
        if _is_object(value):
            return _without(value, dropped)
        return [inside(inner) for inner in value] if _is_array(value) else value

    return {
        key: {name: inside(inner) for name, inner in value.items()}
        if key in NAMED
        else inside(value)
        for key, value in schema.items()
        if key not in dropped
    }


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_array(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
