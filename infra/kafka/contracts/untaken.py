"""Why a record could not be taken, in words of ours that quote nothing of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Final

from consumers.kafka_record import ENVELOPE
from domain.request import MAX_BYTES
from infra.kafka.contracts.released import Schema
from infra.kafka.contracts.taken import TAKEN

_OTHERS: Final = "The record could not be taken."
_WORDS: Final = {
    "undecodable": "Its batch cannot be decoded: damaged, or far too large.",
    "tombstone": "A record without a value asks for nothing.",
    "message_too_large": f"A message has at most {MAX_BYTES} bytes.",
    "header_missing": "A header that is needed is missing.",
    "header_repeated": "A header is there twice.",
    "header_invalid": "A header does not hold what it should.",
    "unknown_version": "This version is not known.",
    "unknown_type": "There is no such type.",
    "wrong_content_type": "The value is application/json.",
    "wrong_topic": "This type belongs on another topic.",
    "key_missing": "The key is missing: the name of what the record is about.",
    "wrong_key": "The key is not the name of what the record is about.",
    "broken_json": "The value is not JSON.",
    "broken_text": "A text is not Unicode.",
    "field_missing": "A field that is needed is missing.",
    "field_unknown": "A field is not known.",
    "field_invalid": "A field does not hold what it should.",
    "value_unknown": "A field's value is none of those that are known.",
    "time_without_zone": "A time needs its zone.",
    "not_finite": "A number is not finite.",
    "money_not_exact": "An amount is written as a decimal string.",
    "money_not_finite": "An amount is a finite number.",
    "money_negative": "An amount is never negative.",
    "money_too_large": "An amount is too large.",
    "money_over_precise": "An amount has more decimals than its currency.",
    "message_id_reused": "The id was used for another content.",
    "not_storable": "The database refuses it.",
    "parked": "It waits in its order until what it is about can be decided again.",
    "quarantined": "It could not be decided; somebody has to look at it.",
}


def public_words(code: str) -> str:
    """A sentence for the code of a dead letter."""
    return _WORDS.get(code, _OTHERS)


@lru_cache(maxsize=4096)
def public_field(field: str) -> str:
    """The field of a dead letter: a header, the key, or a path of a released schema; "" for
    whatever else, which the sender may have named."""
    if field == "key" or field in ENVELOPE:
        return field
    parts = field.split(".")
    return field if any(_leads(one, one, parts) for one in _released()) else ""


@cache
def _released() -> Sequence[Schema]:
    return list(TAKEN.frozen().values())


def _leads(root: Schema, node: Schema, parts: Sequence[str]) -> bool:
    """Whether these names, indices of lists and names of kinds lead somewhere."""
    if not parts:
        return True
    return any(_leads(root, inner, parts[1:]) for inner in _inside(root, node, parts[0]))


def _inside(root: Schema, node: Schema, part: str) -> Iterator[Schema]:
    if "$ref" in node:
        yield from _inside(root, _named(root, node["$ref"]), part)
    kinds: dict[str, str] = node.get("discriminator", {}).get("mapping", {})
    if part in kinds:
        yield _named(root, kinds[part])
    for several in ("anyOf", "oneOf", "allOf"):
        for one in node.get(several, ()):
            yield from _inside(root, one, part)
    if part in node.get("properties", {}):
        yield node["properties"][part]
    if part.isdecimal() and isinstance(node.get("items"), dict):
        yield node["items"]


def _named(root: Schema, reference: str) -> Schema:
    found: Schema = root["$defs"][reference.rpartition("/")[2]]
    return found
