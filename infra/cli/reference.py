"""For those who change the domain: `python -m infra.cli.reference > docs/reference.md`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from importlib import import_module

from domain.kernel import COMMANDS, EVENTS, Command, Model
from infra.cli.glossary import COMMAND_WORDS, EVENT_WORDS, REFUSAL_WORDS

INTRODUCTION = """\
# Commands, facts, events, refusals

Made from the code (`python -m infra.cli.reference`); a test compares the two. The rules stand in
`domain.md`, the form of a message in `files.md`; `casetrail schema TYPE` prints a type's JSON
Schema. A field in brackets may be left out; every message may carry `private`.
"""


def as_markdown() -> str:
    """The page: what can be asked, told, recorded and refused."""
    import_module("domain.decider")  # registers every command and event
    return "\n".join((INTRODUCTION, *_commands(), *_events(), *_refusals()))


def _commands() -> Iterator[str]:
    for title, wanted in (("Commands", False), ("Facts", True)):
        yield f"## {title}\n"
        yield "| type | 中文 | fields | what |\n| --- | --- | --- | --- |"
        for name, command in sorted(COMMANDS.items()):
            if command.IS_FACT is wanted:
                chinese, _ = COMMAND_WORDS[name]
                what = _first_sentence(command)
                yield f"| `{name}` | {chinese} | {_fields(command)} | {what} |"
        yield ""


def _events() -> Iterator[str]:
    yield "## Events\n"
    yield "| topic | 中文 | English | fields |\n| --- | --- | --- | --- |"
    for topic, event in sorted(EVENTS.items()):
        chinese, english = EVENT_WORDS[topic.rpartition(".v")[0]]
        yield f"| `{topic}` | {chinese} | {english} | {_fields(event)} |"
    yield ""


def _refusals() -> Iterator[str]:
    yield "## Refusals\n"
    yield "A refusal says the rule in words, too, and names the field.\n"
    yield "| code | 中文 | English |\n| --- | --- | --- |"
    for code, (chinese, english) in sorted(REFUSAL_WORDS.items()):
        yield f"| `{code}` | {chinese} | {english} |"
    yield ""


def _fields(model: type[Model]) -> str:
    names: Iterable[str] = (
        f"`{name}`" if field.is_required() else f"[`{name}`]"
        for name, field in model.model_fields.items()
        if name != "private"
    )
    return ", ".join(names)


def _first_sentence(command: type[Command]) -> str:
    """Of the class's own docstring; its name goes before what only explains a field."""
    name = command.TYPE.partition(".")[2].replace("_", " ").capitalize()
    doc = inspect.cleandoc(command.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    sentence = doc.partition(". ")[0].rstrip(".").replace("|", "\\|")
    if not sentence or sentence[0].islower():
        return f"{name}; {sentence}" if sentence else name
    return sentence


if __name__ == "__main__":
    print(as_markdown(), end="")
