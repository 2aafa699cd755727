"""The words for what the domain names: commands, events, their fields and values, refusals."""

from __future__ import annotations

from typing import Final

from infra.cli.glossary_commands import COMMANDS
from infra.cli.glossary_events import EVENTS
from infra.cli.glossary_fields import FIELDS
from infra.cli.glossary_refusals import REFUSALS
from infra.cli.glossary_values import VALUES
from infra.settings import Language

Words = dict[str, tuple[str, str]]


def read_words(table: str) -> Words:
    """Name -> (Chinese, English) from lines of ``name | Chinese | English``; English left out:
    the name itself, with blanks."""
    words: Words = {}
    for line in map(str.strip, table.splitlines()):
        if not line or line.startswith("#"):
            continue
        name, chinese, *english = (part.strip() for part in line.split("|"))
        if name in words:
            raise ValueError(f"{name} stands twice")
        words[name] = chinese, english[0] if english else name.replace("_", " ")
    return words


COMMAND_WORDS: Final = read_words(COMMANDS)
EVENT_WORDS: Final = read_words(EVENTS)
FIELD_WORDS: Final = read_words(FIELDS)
VALUE_WORDS: Final = read_words(VALUES)
REFUSAL_WORDS: Final = read_words(REFUSALS)


def command_words(language: Language, type_: str) -> str:
    """What a command asks for or a fact tells."""
    return _pick(COMMAND_WORDS, language, type_)


def event_words(language: Language, topic: str) -> str:
    """What happened. topic: the event's stored name; its version says the same."""
    return _pick(EVENT_WORDS, language, topic.rpartition(".v")[0])


def field_words(language: Language, name: str) -> str:
    return _pick(FIELD_WORDS, language, name)


def value_words(language: Language, value: str, enum: str = "") -> str:
    """A value of an enumeration. enum: the name of its class, where one word has two senses."""
    special = f"{enum}.{value}"
    return _pick(VALUE_WORDS, language, special if special in VALUE_WORDS else value)


def refusal_words(language: Language, code: str, message: str) -> str:
    """Why something was refused: the message in English, the rule in Chinese."""
    return message if language == "en" and message else _pick(REFUSAL_WORDS, language, code)


def _pick(words: Words, language: Language, name: str) -> str:
    chinese, english = words.get(name) or (name, name.replace("_", " "))
    return chinese if language == "zh" else english
