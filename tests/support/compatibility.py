"""Whether a schema accepts every document that an older one allows to be written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from jsoncompat import check_compat

Schema = Mapping[str, Any]
NOTHING: Final = object()


def accepts_all_of(old: Schema, new: Schema) -> bool:
    """Whether a reader of `new` takes all that a writer of `old` may write, and takes what it
    leaves out for the same. jsoncompat passes over patterns, formats and defaults: those are
    compared here."""
    return _takes(old, new) and _Texts(old, new).kept(old, new)


def _takes(old: Schema, new: Schema) -> bool:
    return check_compat(_for_the_tool(old), _for_the_tool(new), "deserializer")


def _for_the_tool(schema: Schema) -> str:
    """It takes an $id for the root of references, and cannot tell that of several documents, each
    with a tag of its own, exactly one is meant."""
    plain = json.dumps({key: part for key, part in schema.items() if key != "$id"})
    return plain.replace('"oneOf": [', '"anyOf": [')


@dataclass(frozen=True)
class _Texts:
    """Compares what the tool passes over, part by part. Roots: where references lead."""

    old_root: Schema
    new_root: Schema

    def kept(self, old: Schema, new: Schema) -> bool:
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        olds, news = _options(old), _options(new)
        if len(olds) > 1 or len(news) > 1:
            return all(any(self._fits(one, other) for other in news) for one in olds)
        return (
            all(old.get(said) == new[said] for said in ("pattern", "format") if said in new)
            and self._properties_kept(old, new)
            and self._parts_kept(old, new)
        )

    def _fits(self, old: Schema, new: Schema) -> bool:
        """Whether this is the one of several that takes it."""
        sides = [
            {**_resolved(old, self.old_root), "$defs": self.old_root.get("$defs", {})},
            {**_resolved(new, self.new_root), "$defs": self.new_root.get("$defs", {})},
        ]
        return _takes(*sides) and self.kept(old, new)

    def _properties_kept(self, old: Schema, new: Schema) -> bool:
        now: Mapping[str, Schema] = new.get("properties", {})
        for name, field in old.get("properties", {}).items():
            if name not in now:
                if new.get("additionalProperties") is False:
                    return False
                continue
            optional = name not in old.get("required", ())
            if optional and field.get("default", NOTHING) != now[name].get("default", NOTHING):
                return False
            if not self.kept(field, now[name]):
                return False
        patterns: Mapping[str, Schema] = new.get("patternProperties", {})
        before: Mapping[str, Schema] = old.get("patternProperties", {})
        if patterns and patterns.keys() != before.keys():
            return False
        return all(self.kept(before[name], field) for name, field in patterns.items())

    def _parts_kept(self, old: Schema, new: Schema) -> bool:
        if "propertyNames" in new and not self.kept(
            old.get("propertyNames", {}), new["propertyNames"]
        ):
            return False
        for part in ("items", "additionalProperties"):
            before, now = _schema(old.get(part)), _schema(new.get(part))
            if before is not None and now is not None and not self.kept(before, now):
                return False
        return True


def _schema(part: Any) -> Schema | None:
    return cast("Schema", part) if isinstance(part, dict) else None


def _resolved(schema: Schema, root: Schema) -> Schema:
    """What a reference leads to, with what stands beside it."""
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        beside = {key: part for key, part in schema.items() if key != "$ref"}
        schema = {**root["$defs"][name], **beside}
    return schema


def _options(schema: Schema) -> list[Schema]:
    return schema.get("anyOf") or schema.get("oneOf") or [schema]
