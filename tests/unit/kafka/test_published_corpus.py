"""Whatever was published can be read by its own schema, and what is published now by all before."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator

from infra.kafka.contracts import Outgoing
from infra.kafka.contracts.schemas import frozen
from tests.golden.published import made_now, read_published, schema_of

ATTRIBUTE = re.compile(r"ce_[a-z0-9]+")


def validate(record: Outgoing, schema: dict[str, Any]) -> None:
    validator: Any = Draft202012Validator(schema)
    validator.validate(json.loads(record.value or b""))


def test_every_released_schema_has_records_in_the_corpus() -> None:
    assert {schema_of(record) for record in read_published()} == frozen().keys(), "make golden"


def test_every_record_of_the_corpus_is_what_its_schema_says() -> None:
    schemas = frozen()
    for record in read_published():
        validate(record, schemas[schema_of(record)])


def test_what_is_published_now_is_what_every_schema_of_its_major_version_says() -> None:
    schemas = frozen()
    count = 0
    for record in made_now():
        family = schema_of(record).rpartition(".")[0]
        for id_, schema in schemas.items():
            if id_.rpartition(".")[0] == family:
                validate(record, schema)
                count += 1
    assert count >= len(schemas)


def test_every_record_is_a_cloudevent_in_binary_mode() -> None:
    """CloudEvents 1.0.2, sections 3 and 3.1; the Kafka protocol binding, section 3.2."""
    for record in (*read_published(), *made_now()):
        names = [name for name, _ in record.headers]
        assert len(set(names)) == len(names)
        headers = {name: content.decode("utf-8") for name, content in record.headers}
        assert headers["ce_specversion"] == "1.0"
        for name in ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_dataschema"):
            assert headers[name]
        assert datetime.fromisoformat(headers["ce_time"]).tzinfo is not None
        assert headers["content-type"] == "application/json"
        assert all(ATTRIBUTE.fullmatch(name) for name in names if name.startswith("ce_")), (
            "attribute names are lower-case letters and digits"
        )
        assert json.loads(record.value or b"")
