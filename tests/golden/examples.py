"""Example events made from what pydantic knows of their fields."""

from __future__ import annotations

import json
import re
from typing import Any

from domain.kernel import Event

# Strings that satisfy the patterns of domain.kernel and its rooms.
STRINGS = (
    "A1",
    "douyin:s1:A1",
    "CNY",
    "2026-01-05",
    "0f" * 32,
    "0f" * 8,
    "policy:douyin@3",
)
MOMENT = "2026-01-05T02:00:00Z"


def example(cls: type[Event], *, full: bool) -> Event:
    """An event of the class. full: optional fields filled and one element in each list; else
    the least that the class accepts."""
    schema = cls.model_json_schema()
    schema["properties"].pop("private", None)
    return cls.model_validate_json(json.dumps(fields_of(schema, full=full)))


def fields_of(schema: dict[str, Any], *, full: bool) -> dict[str, Any]:
    """An object that the schema describes; full as above."""
    fields: dict[str, Any] = _Builder(schema.get("$defs", {}), full).value(schema)
    return fields


class _Builder:
    def __init__(self, definitions: dict[str, Any], full: bool) -> None:
        self._definitions = definitions
        self._full = full

    def value(self, schema: dict[str, Any]) -> Any:
        if schema.get("$ref", "").endswith("/Money"):
            return {"amount": "12.30", "currency": "CNY"}
        if "$ref" in schema:
            return self.value(self._definitions[schema["$ref"].rpartition("/")[2]])
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self._choice(schema[choice])
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return self._array(schema)
            case "string":
                return self._string(schema)
            case "integer" | "number":
                return max(schema.get("minimum", 1), 1)
            case "boolean":
                return self._full
            case _:
                return None

    def _choice(self, options: list[dict[str, Any]]) -> Any:
        if not self._full and {"type": "null"} in options:
            return None
        return self.value(next(o for o in options if o.get("type") != "null"))

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "properties" not in schema:
            ((pattern, values),) = schema.get("patternProperties", {"": None}).items()
            values = values or schema["additionalProperties"]
            least = schema.get("minProperties", 0)
            name = self.value(schema.get("propertyNames", {"type": "string", "pattern": pattern}))
            return {name: self.value(values)} if self._full or least else {}
        required = schema.get("required", [])
        return {
            name: self.value(field)
            for name, field in schema["properties"].items()
            if self._full or name in required or "const" in field
        }

    def _array(self, schema: dict[str, Any]) -> list[Any]:
        if "prefixItems" in schema:
            return [self.value(item) for item in schema["prefixItems"]]
        count = max(schema.get("minItems", 0), 1 if self._full else 0)
        return [self.value(schema["items"]) for _ in range(count)]

    @staticmethod
    def _string(schema: dict[str, Any]) -> str:
        if schema.get("format") == "date-time":
            return MOMENT
        if schema.get("format") == "date":
            return MOMENT[:10]
        pattern = schema.get("pattern", "")
        for text in STRINGS:
            if re.search(pattern, text) and len(text) <= schema.get("maxLength", 1000):
                return text
        raise ValueError(f"no example string matches {pattern}")
