"""What is promised to readers: every event has a public form, and no released schema breaks one."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jsoncompat import check_compat
from jsonschema import Draft202012Validator

from domain.kernel import EVENTS, Private, Sealed
from infra.kafka import TOPICS
from infra.kafka.contracts import CASE_EVENTS
from infra.kafka.contracts.asyncapi import document
from infra.kafka.contracts.events import LARGEST_AMOUNT, LEFT_OUT, PARTED
from infra.kafka.contracts.released import without_words, written
from infra.kafka.contracts.schemas import (
    PUBLISHED,
    file_of,
    frozen,
    published_models,
    schema_of,
)
from infra.kafka.contracts.words import WORDS, words_of

ROOT = Path(__file__).resolve().parents[3]
ASYNCAPI = ROOT / "docs" / "asyncapi.json"
FREEZE = "python -m infra.kafka.contracts freeze"

# Words that programs choose, or names of things and scopes. Whatever else is free text stays out.
TEXTS = {
    *("case_id", "platform", "shop", "category", "currency", "about", "key", "next_action"),
    *("budget_day", "rule", "rules", "policy", "terms", "grounds", "clock"),
    *("source", "message_id", "correlation_id", "code", "message", "field"),
    *("topic", "sha256"),
}


def readable_by_old(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether every record of `new` is one of `old`. Formats are compared, which the tool
    passes over."""
    # The tool takes an $id for the root of references.
    plain = [{k: v for k, v in schema.items() if k != "$id"} for schema in (old, new)]
    formats = [dict(_formats(without_words(schema))) for schema in plain]
    return check_compat(json.dumps(plain[0]), json.dumps(plain[1]), "serializer") and all(
        formats[1].get(place) == format_ for place, format_ in formats[0].items()
    )


def _formats(schema: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(schema, dict):
        for key, value in schema.items():  # pyright: ignore[reportUnknownVariableType]
            if key == "format":
                yield place, str(value)  # pyright: ignore[reportUnknownArgumentType]
            else:
                yield from _formats(value, f"{place}/{key}")


# ------------------------------------------------------------------------ types


def test_every_event_of_a_case_has_a_public_type() -> None:
    stems = {topic.rpartition(".v")[0] for topic in EVENTS if topic.startswith("case.")}
    names = [public.name for public in CASE_EVENTS.values()]
    assert {name.rpartition(".v")[0] for name in names} == {f"casetrail.{stem}" for stem in stems}
    assert len(set(names)) == len(names)


def test_what_is_left_out_or_parted_is_there_to_be_left_out() -> None:
    for cls, fields in LEFT_OUT.items():
        assert fields <= cls.model_fields.keys(), cls
    assert LEFT_OUT.keys().isdisjoint(PARTED)


def test_every_field_says_what_it_means_and_no_words_are_left_over() -> None:
    used: set[str] = set()
    for model in published_models().values():
        for cls, field, schema in described(schema_of("x.v1", model), model.__name__):
            assert schema["description"], f"{cls}.{field} has no words"
            used.add(f"{cls}.{field}" if f"{cls}.{field}" in WORDS else field)
    assert WORDS.keys() - used == set()


def described(schema: dict[str, Any], title: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for cls, part in ((title, schema), *schema.get("$defs", {}).items()):
        for field, inner in part.get("properties", {}).items():
            yield cls, field, inner


def test_every_amount_is_said_to_be_in_minor_units_of_the_currency_beside_it() -> None:
    found = 0
    for cls, public in CASE_EVENTS.items():
        raw = cls.model_json_schema(mode="serialization")
        for owner, part in ((cls.__name__, raw), *raw.get("$defs", {}).items()):
            for field, inner in part.get("properties", {}).items():
                if inner.get("maximum") == LARGEST_AMOUNT:
                    found += 1
                    assert "minor units of `currency`" in (words_of(owner, field) or "")
                    assert "currency" in public.model.model_fields
    assert found > 20


def test_no_free_text_and_nobody_is_published() -> None:
    """A new field of an event that is plain text comes to somebody's eyes before it comes out."""
    plain: set[str] = set()
    for cls, public in CASE_EVENTS.items():
        kept = public.model.model_fields.keys()
        assert kept.isdisjoint({"private", "buyer", "assignee", "confirmed_by", "tracking"})
        schema = cls.model_json_schema()
        fields = [item for item in schema["properties"].items() if item[0] in kept]
        for name, inner in schema.get("$defs", {}).items():
            if name not in (Private.__name__, Sealed.__name__):
                fields += inner.get("properties", {}).items()
        plain.update(field for field, inner in fields if is_free_text(inner))
    for model in published_models().values():
        assert "id" not in model.model_fields
    assert plain <= TEXTS


def is_free_text(schema: dict[str, Any]) -> bool:
    options = [schema, *schema.get("anyOf", ()), schema.get("items", {})]
    return any(
        (one.get("type") == "string" and not {"pattern", "enum", "const", "format"} & one.keys())
        or "x00]*$" in one.get("pattern", "")
        for one in options
    )


# ---------------------------------------------------------------------- schemas


def test_what_is_published_now_is_what_was_released() -> None:
    released = frozen()
    for name, model in published_models().items():
        schema = schema_of(name, model)
        assert schema["$id"] in released, FREEZE
        assert without_words(schema) == without_words(released[schema["$id"]]), (
            f"{name} has changed: give the public form a class and a function of its own, or a "
            f"new VERSION; then {FREEZE}"
        )


def test_no_released_schema_is_gone_or_changed() -> None:
    there = PUBLISHED.digests()
    assert there == PUBLISHED.locked()
    assert {file_of(name, model) for name, model in published_models().items()} <= set(there)


def test_every_released_schema_is_a_schema_of_open_objects() -> None:
    for schema in frozen().values():
        Draft202012Validator.check_schema(schema)
        assert '"additionalProperties": false' not in json.dumps(schema)
        assert '"pattern"' not in json.dumps(schema)


def test_old_readers_can_read_what_later_versions_write() -> None:
    versions: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for id_, schema in frozen().items():
        found = re.fullmatch(r"urn:casetrail:schema:(.+):(\d+)\.(\d+)", id_)
        assert found is not None
        versions.setdefault(f"{found[1]}.v{found[2]}", []).append((int(found[3]), schema))
    assert len(versions) == len(published_models())
    for name, several in versions.items():
        several.sort(key=lambda one: one[0])
        assert [minor for minor, _ in several] == list(range(len(several))), name
        for nth, (_, new) in enumerate(several):
            for _, old in several[: nth + 1]:
                assert readable_by_old(old, new), name


SOME = "urn:casetrail:schema:casetrail.case.complaint_filed:1.0"


@pytest.mark.parametrize(
    ("place", "change", "reads"),
    [
        ("properties", {"more": {"type": "string"}}, True),
        ("properties", {"safety": {"const": True}}, True),
        ("$defs/ItemClaim/properties", {"more": {"type": "string"}}, True),
        ("$defs/Level", {"enum": ["low", "high"]}, True),
        ("properties", {"order_id": {"type": "string"}}, True),
        ("", {"required": ["case_id"]}, False),
        ("", {"properties": {}}, False),
        ("properties", {"safety": {"type": "string"}}, False),
        ("properties", {"shop": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, False),
        ("properties", {"occurred_at": {"type": "string"}}, False),
        ("properties", {"items": {"type": "array", "items": {"type": "string"}}}, False),
        ("$defs/Level", {"enum": ["low", "medium", "high", "extreme"]}, False),
        ("$defs/ItemClaim", {"required": ["line"]}, False),
        ("$defs/ItemClaim/properties", {"quantity": {"type": "number"}}, False),
    ],
)
def test_the_check_knows_what_breaks_a_reader(
    place: str, change: dict[str, Any], reads: bool
) -> None:
    old = frozen()[SOME]
    new = json.loads(json.dumps(old))
    part = new
    for step in filter(None, place.split("/")):
        part = part[step]
    part.update(change)
    assert new != old
    assert readable_by_old(old, new) is reads


# --------------------------------------------------------------------- the document


def test_the_asyncapi_document_is_what_the_code_says() -> None:
    text = ASYNCAPI.read_text(encoding="utf-8")
    assert text == written(document()), "python -m infra.kafka.contracts asyncapi"


def test_the_asyncapi_document_has_the_objects_of_asyncapi_3() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own classes
        model: Any = import_module("asyncapi3.models.asyncapi").AsyncAPI3
    model.model_validate(document())
    broken = document()
    broken["operations"]["take-commands"]["action"] = "publish"
    with pytest.raises(ValueError, match="action"):
        model.model_validate(broken)


def test_all_references_of_the_asyncapi_document_lead_somewhere() -> None:
    made = document()
    references = set(references_in(made))
    assert len(references) > 200
    for reference in references:
        file, _, path = reference.partition("#")
        target = made if not file else json.loads((ASYNCAPI.parent / file).read_text("utf-8"))
        for step in filter(None, path.split("/")):
            target = target[step]
        assert target
    assert {channel["address"] for channel in made["channels"].values()} == {
        topic.full_name("casetrail") for topic in TOPICS
    }


def test_the_asyncapi_documents_schemas_are_schemas() -> None:
    for name, schema in document()["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert name


def references_in(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():  # pyright: ignore[reportUnknownVariableType]
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references_in(value)
    elif isinstance(part, list):
        for value in part:  # pyright: ignore[reportUnknownVariableType]
            yield from references_in(value)
