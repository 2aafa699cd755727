"""Whatever was ever right to send is still accepted, and asks for what it asked for then."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from consumers.kafka_record import VERSION
from consumers.kafka_topics import OWN_TOPICS, PLATFORM_TOPIC
from infra.kafka.contracts.asyncapi import document
from infra.kafka.contracts.taken import TAKEN, versions
from tests.golden.taken import Kept, asks_at_least, made_now, read_taken, translated


def validate(record: Kept, schema: dict[str, Any]) -> None:
    validator: Any = Draft202012Validator(schema)
    validator.validate(json.loads(record.value))


def test_every_record_that_was_accepted_asks_for_the_same_still() -> None:
    records = read_taken()
    for record in records:
        assert asks_at_least(translated(record), record.asks), record.key
    assert len(records) > 200


def test_every_released_schema_has_records_on_each_of_its_topics() -> None:
    shown = {(record.schema, record.topic) for record in read_taken()}
    released = versions(TAKEN.frozen())
    for topic in OWN_TOPICS:
        for type_ in topic.types:
            for schema in released[f"{type_}.v{VERSION}"]:
                assert (schema["$id"], topic.name) in shown, "make golden"
    assert {(platform, PLATFORM_TOPIC.name) for platform in PLATFORM_TOPIC.adapters} <= shown


def test_every_record_is_what_its_schema_says() -> None:
    frozen = TAKEN.frozen()
    for record in (*read_taken(), *made_now()):
        if record.topic != PLATFORM_TOPIC.name:
            validate(record, frozen[record.schema])


def test_what_platforms_send_is_what_the_asyncapi_document_says() -> None:
    made = document()
    told = [record for record in read_taken() if record.topic == PLATFORM_TOPIC.name]
    assert {record.schema for record in told} == set(PLATFORM_TOPIC.adapters)
    for record in told:
        name = f"{record.schema}-after-sale"
        root = {"$ref": f"#/components/schemas/{name}", "components": made["components"]}
        validate(record, root)
        fields = json.loads(record.value)
        for missing in made["components"]["schemas"][name]["required"]:
            less = {key: value for key, value in fields.items() if key != missing}
            with pytest.raises(Exception, match=missing):
                validate(replace(record, value=json.dumps(less).encode()), root)


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ('[{"data": {"a": 1, "new": null}}]', True),
        ('[{"data": {"a": 2}}]', False),
        ('[{"data": {}}]', False),
        ('[{"data": null}]', False),
        ("[]", False),
        ('[{"data": {"a": 1}}, {"data": {"a": 1}}]', False),
    ],
)
def test_the_comparison_lets_pass_new_fields_and_nothing_else(now: str, same: bool) -> None:
    assert asks_at_least(json.loads(now), [{"data": {"a": 1}}]) is same
