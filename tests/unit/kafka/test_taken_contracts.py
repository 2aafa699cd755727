"""What is promised to those who write: what a released schema allows is accepted for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from consumers.kafka_record import VERSION
from infra.kafka.contracts.taken import (
    TAKEN,
    says_the_same,
    schema_of,
    taken_types,
    versions,
)
from tests.support.compatibility import accepts_all_of

FREEZE = "python -m infra.kafka.contracts freeze"


def test_no_released_schema_is_gone_or_changed() -> None:
    assert TAKEN.digests() == TAKEN.locked()


def test_what_is_taken_now_is_what_was_released_last() -> None:
    released = versions(TAKEN.frozen())
    assert released.keys() == {f"{type_}.v{VERSION}" for type_ in taken_types()}, FREEZE
    for type_ in taken_types():
        newest = released[f"{type_}.v{VERSION}"][-1]
        assert says_the_same(newest, schema_of(type_)), f"{type_} has changed: {FREEZE}"


def test_minor_versions_follow_each_other_and_say_something_new() -> None:
    for name, several in versions(TAKEN.frozen()).items():
        minors = [int(schema["$id"].rpartition(".")[2]) for schema in several]
        assert minors == list(range(len(minors))), name
        for old, new in pairwise(several):
            assert not says_the_same(old, new), name


def test_every_released_schema_is_a_schema_of_closed_objects() -> None:
    """A field that we don't know is refused, so that nobody believes it was taken."""
    for schema in TAKEN.frozen().values():
        Draft202012Validator.check_schema(schema)
        for part in (schema, *schema["$defs"].values()):
            assert part.get("additionalProperties", False) is False


def test_whatever_a_released_schema_allows_is_accepted_now() -> None:
    compared = 0
    for name, several in versions(TAKEN.frozen()).items():
        now = schema_of(name.rpartition(".v")[0])
        for released in several:
            assert accepts_all_of(released, now), f"{released['$id']} is no longer accepted"
            compared += 1
    assert compared == len(TAKEN.frozen())


Change = Callable[[dict[str, Any]], object]


def put(place: str, **more: Any) -> Change:
    """Put these beside what stands at the place."""
    return lambda schema: at(schema, place).update(more)


def drop(place: str, name: str | int) -> Change:
    return lambda schema: at(schema, place).pop(name)


def at(schema: Any, place: str) -> Any:
    steps = [int(step) if step.isdecimal() else step for step in place.split("/")]
    return reduce(lambda part, step: part[step], steps, schema)


PROPOSAL = "$defs/ProposeResolution"
REFUSED: dict[str, Change] = {
    "a property is gone": drop(f"{PROPOSAL}/properties", "counters"),
    "a property has another name": lambda schema: at(schema, f"{PROPOSAL}/properties").update(
        answers=at(schema, f"{PROPOSAL}/properties").pop("counters")
    ),
    "one more is required": put(PROPOSAL, required=["case_id", "proposal_id", "parts", "by"]),
    "a new one is required": lambda schema: (
        put(f"{PROPOSAL}/properties", why={"type": "string"})(schema),
        at(schema, f"{PROPOSAL}/required").append("why"),
    ),
    "fewer values": put("$defs/Resolution", enum=["refund_full"]),
    "only one value": put(f"{PROPOSAL}/properties/by", enum=["shop"]),
    "a lower bound": put("$defs/PartOffer/properties/items/items", maximum=10),
    "more elements": put(f"{PROPOSAL}/properties/parts", minItems=2),
    "fewer elements": put(f"{PROPOSAL}/properties/parts", maxItems=2),
    "no two alike": put(f"{PROPOSAL}/properties/parts", uniqueItems=True),
    "a shorter text": put("$defs/Private/properties/text/anyOf/0", maxLength=100),
    "no null": drop(f"{PROPOSAL}/properties/counters/anyOf", 1),
    "another type": put("$defs/Money/properties/amount", type="integer"),
    "another pattern": put("$defs/Money/properties/currency", pattern="^[A-Z]{2}$"),
    "a pattern more": put("$defs/Money/properties/amount", pattern="^[0-9]+$"),
    "another pattern beside null": put(
        f"{PROPOSAL}/properties/counters/anyOf/0", pattern="^f[0-9]+$"
    ),
    "a format more": put("$defs/Money/properties/amount", format="date-time"),
    "another default": put(f"{PROPOSAL}/properties/by", default="buyer"),
}
ACCEPTED: dict[str, Change] = {
    "an optional property": put(f"{PROPOSAL}/properties", why={"type": "string", "pattern": "^a"}),
    "less is required": put(PROPOSAL, required=["case_id"]),
    "more values": lambda schema: at(schema, "$defs/Resolution/enum").append("voucher"),
    "a higher bound": put("$defs/PartOffer/properties/items/items", maximum=10_000),
    "no element needed": put(f"{PROPOSAL}/properties/parts", minItems=0),
    "a longer text": put("$defs/Private/properties/text/anyOf/0", maxLength=100_000),
    "null as well": put(
        "$defs/Money/properties/amount", type=["string", "null"], description="or nothing"
    ),
    "numbers as well": put(
        f"{PROPOSAL}/properties",
        proposal_id={
            "anyOf": [
                {"type": "string", "pattern": r"^[^\s\x00-\x1f\x7f:]{1,80}$"},
                {"type": "integer"},
            ]
        },
    ),
    "no pattern any more": drop("$defs/Money/properties/currency", "pattern"),
    "other words": put(PROPOSAL, description="Offer something."),
}


def changed(type_: str, change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
    old = TAKEN.frozen()[f"urn:casetrail:taken:{type_}:1.0"]
    new: dict[str, Any] = json.loads(json.dumps(old))
    change(new)
    assert new != old
    return old, new


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_the_check_knows_what_shuts_a_writer_out(change: Change) -> None:
    assert not accepts_all_of(*changed("case.propose_resolution", change))


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED)
def test_the_check_knows_what_shuts_nobody_out(change: Change) -> None:
    assert accepts_all_of(*changed("case.propose_resolution", change))


@pytest.mark.parametrize(
    ("type_", "change"),
    [
        ("case.agree_wait", drop("$defs/AgreeWait/properties", "until")),
        (
            "case.link_order",
            put("$defs/LinkOrder/properties/lines", patternProperties={"^L": {"type": "string"}}),
        ),
        ("policy.publish", drop("$defs/PublishPolicy/properties/document/oneOf", 0)),
        ("policy.publish", put("$defs/ProblemType", enum=["lost"])),
        ("order.record_shipment", put("$defs/RecordShipment/properties/units", maxProperties=1)),
    ],
)
def test_the_check_looks_into_maps_and_choices(type_: str, change: Change) -> None:
    assert not accepts_all_of(*changed(type_, change))
