"""What senders are told of a record that could not be taken quotes nothing of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.kafka.contracts import public_field, public_words

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "field",
    [
        "ce_time",
        "content-type",
        "key",
        "actor.role",
        "data",
        "data.case_id",
        "data.items.12.quantity",
        "data.private.text",
        "data.document.procedure.lease_seconds",
    ],
)
def test_a_header_or_a_path_of_a_released_schema_is_named(field: str) -> None:
    assert public_field(field) == field


@pytest.mark.parametrize(
    "field",
    [
        "",
        "ce_phone",
        "items.0",
        "data.13800000000",
        "data.items.Wang",
        "data.items.0.Wang",
        "data.case_id.0",
        "data.document.procedure.Wang",
    ],
)
def test_what_a_sender_may_have_named_is_not(field: str) -> None:
    assert public_field(field) == ""


def test_every_way_to_break_the_envelope_has_words_of_its_own() -> None:
    source = (ROOT / "consumers" / "kafka_record.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'Malformed\(\s*"(\w+)"', source))
    assert len(codes) > 8
    others = public_words("nothing_of_the_kind")
    assert [code for code in codes if public_words(code) == others] == []
