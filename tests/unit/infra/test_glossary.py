"""Everything that the domain names has its words in Chinese and English."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, get_args

import pytest

import domain
from consumers import Unusable
from domain.case.state import Case
from domain.kernel import COMMANDS, EVENTS, Model
from domain.request import Malformed
from infra.cli.glossary import (
    COMMAND_WORDS,
    EVENT_WORDS,
    FIELD_WORDS,
    REFUSAL_WORDS,
    VALUE_WORDS,
    Words,
    command_words,
    event_words,
    field_words,
    read_words,
    refusal_words,
    value_words,
)
from infra.cli.shapes import field_names
from infra.cli.words import CHINESE

ROOT = Path(__file__).resolve().parents[3]
REFUSING = {
    "require": 1,
    "Rejected": 0,
    "Malformed": 0,
    "PydanticCustomError": 0,
}
"""Where each of these takes the code that it refuses under."""

for module in walk_packages(domain.__path__, "domain."):
    import_module(module.name)


def refusals() -> Iterator[str]:
    """Codes under which something can be refused, wherever the code writes one down."""
    for folder in ("domain", "consumers", "infra"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _code_of(node)
    yield from import_module("domain.request")._CODES.values()
    yield from ("unknown_type", "field_invalid")


def _code_of(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = call.args[REFUSING[name] :] if name in REFUSING else []
    wanted = [keyword.value for keyword in call.keywords if keyword.arg == "code"] + given[:1]
    for value in wanted:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
            yield value.value


def fields() -> Iterator[str]:
    """The fields of events, and of the parts that they are made of."""
    for event in EVENTS.values():
        yield from _fields(event)


def _fields(model: type[Model]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name != "private":
            yield name
            yield from _fields_below(field.annotation)


def _fields_below(annotation: Any) -> Iterator[str]:
    # A policy's document is shown as it was published, in its own words.
    if isinstance(annotation, type) and issubclass(annotation, Model):
        told = not annotation.__module__.startswith("domain.policy")
        yield from _fields(annotation) if told else ()
    for part in get_args(annotation):
        yield from _fields_below(part)


def values() -> Iterator[str]:
    def below(cls: type) -> Iterator[type]:
        children: list[type] = cls.__subclasses__()
        for child in children:
            yield child
            yield from below(child)

    for enum in below(StrEnum):
        if enum.__module__.startswith("domain") and issubclass(enum, StrEnum):
            yield from (member.value for member in enum)


def missing(names: Iterator[str], words: Words) -> set[str]:
    return {name for name in names if name not in words}


def test_every_command_and_fact_has_its_words_and_no_other_name_has() -> None:
    ours = {name for name, one in COMMANDS.items() if one.__module__.startswith("domain")}
    assert set(COMMAND_WORDS) == ours


def test_every_event_has_its_words() -> None:
    assert not missing((topic.rpartition(".v")[0] for topic in EVENTS), EVENT_WORDS)


def test_every_field_of_an_event_has_its_words() -> None:
    assert not missing(fields(), FIELD_WORDS)


def test_every_field_of_a_case_has_its_words() -> None:
    assert not missing(iter(field_names(Case(""))), FIELD_WORDS)


def test_every_value_of_an_enumeration_has_its_words() -> None:
    assert not missing(values(), VALUE_WORDS)


def test_every_next_action_of_a_divergence_has_its_words() -> None:
    actions: set[str] = set()
    for path in (ROOT / "domain" / "case").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        actions |= set(re.findall(r'DivergenceKind\.\w+,\s*"(\w+)"', text))
        actions |= set(re.findall(r'diverge_if_ended\("(\w+)"', text))
    assert actions
    assert not missing(iter(actions), VALUE_WORDS)


def test_every_refusal_has_its_words() -> None:
    codes = set(refusals())
    assert {"case_ended", "unknown_case", "message_id_reused", "field_missing"} <= codes
    assert not missing(iter(codes), REFUSAL_WORDS)


def test_every_reason_against_a_file_has_its_chinese() -> None:
    sentences = {
        node.args[1].value
        for path in (ROOT / "consumers").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == Unusable.__name__
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    }
    assert sentences
    assert sentences <= set(CHINESE)


@pytest.mark.parametrize(
    "words", [COMMAND_WORDS, EVENT_WORDS, FIELD_WORDS, VALUE_WORDS, REFUSAL_WORDS]
)
def test_no_words_are_left_empty(words: Words) -> None:
    assert all(chinese and english for chinese, english in words.values())


def test_words_come_in_the_language_asked_for() -> None:
    assert command_words("zh", "case.file_complaint") == "用户反馈/售后申请"
    assert event_words("zh", "case.complaint_filed.v1") == "用户反馈"
    assert event_words("en", "case.complaint_filed.v1") == "Complaint filed"
    assert field_words("en", "due_at") == "due"
    assert value_words("zh", "service", "RootCause") == "服务"
    assert value_words("zh", "service", "Role") == "系统"
    assert value_words("en", "something_new") == "something new"
    refusal = Malformed("broken_json", "This is not JSON: line 1.")
    assert refusal_words("en", refusal.code, refusal.message) == refusal.message
    assert refusal_words("zh", refusal.code, refusal.message) == "不是有效的 JSON。"


def test_a_name_may_not_stand_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        read_words("a | 甲\na | 乙")
