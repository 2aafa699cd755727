"""The command line speaks both languages and takes its global options anywhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup

from infra.cli.app import app, hoist, run
from infra.cli.words import CHINESE

ROOT = Path(__file__).resolve().parents[3]
SPEAKING = {"t", "say", "_fail", "translate"}
FAILURE = re.compile(r"class (\w+)\((?:Failure|\w+Error)\)")


def helps(command: object) -> Iterator[str]:
    if isinstance(command, TyperCommand | TyperGroup):
        yield command.help or ""
        for parameter in command.params:
            yield getattr(parameter, "help", None) or ""
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            yield from helps(below)


def spoken() -> Iterator[tuple[str, str]]:
    """(file, sentence): literal sentences given to the terminal or to an error for people."""
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "infra").rglob("*.py"))
        if "deploy" not in path.parts  # runs before anything is installed
    }
    failures = {"Failure"}
    for _ in range(3):  # subclasses of subclasses
        for tree in trees.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                    if bases & failures:
                        failures.add(node.name)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in SPEAKING | failures:
                    for argument in node.args:
                        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                            yield path.name, argument.value


def test_every_help_text_has_its_chinese() -> None:
    missing = {words for words in helps(typer.main.get_command(app)) if words} - set(CHINESE)
    assert not missing


def test_everything_said_has_its_chinese() -> None:
    missing = {(file, words) for file, words in spoken() if words not in CHINESE}
    assert not missing


@pytest.mark.parametrize("english", CHINESE)
def test_both_languages_name_the_same_values(english: str) -> None:
    def names(words: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)", words))

    assert names(english) == names(CHINESE[english])


@pytest.mark.parametrize(
    ("written", "hoisted"),
    [
        (["up", "--home", "d", "--once"], ["--home", "d", "up", "--once"]),
        (["db", "status", "--lang=zh"], ["--lang=zh", "db", "status"]),
        (["case", "show", "--", "--home", "d"], ["case", "show", "--", "--home", "d"]),
        (["up", "--home"], ["--home", "up"]),
        ([], []),
    ],
)
def test_global_options_may_stand_anywhere(written: list[str], hoisted: list[str]) -> None:
    assert hoist(written) == hoisted


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["up", "--nonsense"], 2, "--nonsense"),
        (["--lang", "fr", "db", "status"], 2, "--lang"),
        (["db", "status", "--home", "/dev/null/x"], 1, "Not a directory"),
    ],
)
def test_a_wrong_command_line_is_one_line_on_stderr(
    arguments: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--lang", "en"] if "--lang" not in arguments else arguments) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("casetrail: ")
    assert shown.err.count("\n") == 1
    assert words in shown.err


def test_a_wrong_setting_is_one_line_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASETRAIL_POSTGRES", "9")
    assert run(["db", "status", "--lang", "zh"]) == 1
    assert capsys.readouterr().err == "casetrail: CASETRAIL_POSTGRES 为 9；只能是 16 或 18。\n"


def test_help_speaks_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help", "--lang", "zh"]) == 0
    assert "异常件售后单" in capsys.readouterr().out
    assert run(["--help", "--lang", "en"]) == 0
    assert "After-sales cases" in capsys.readouterr().out
