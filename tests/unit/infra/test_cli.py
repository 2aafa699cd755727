"""The command line speaks both languages and takes its global options anywhere."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup

from infra.cli.app import app, hoist, run
from infra.cli.commands import MODULES, load_commands
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


def whole() -> TyperGroup:
    load_commands(None)
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    return command


def modules_of(command: object) -> set[str]:
    """Where the command and its subcommands are written."""
    if isinstance(command, TyperGroup):
        below = set[str]().union(*(modules_of(one) for one in command.commands.values()))
        return below | modules_at(command)
    return modules_at(command)


def modules_at(command: object) -> set[str]:
    callback = getattr(command, "callback", None)
    return set() if callback is None else {inspect.unwrap(callback).__module__}


def test_a_command_is_brought_by_the_modules_that_the_table_names_and_no_others() -> None:
    brought = {word: {f"infra.cli.{name}" for name in names} for word, names in MODULES.items()}
    assert {word: modules_of(one) for word, one in whole().commands.items()} == brought


def test_a_command_that_decides_nothing_starts_without_the_domain() -> None:
    ask = "import sys; from infra.cli.app import run; run(['db', 'status', '--help'])"
    look = "print(*(name for name in sys.modules if name.startswith(('domain', 'consumers'))))"
    asked = subprocess.run(
        [sys.executable, "-c", f"{ask}; {look}"], capture_output=True, text=True, check=True
    )
    assert asked.stdout.splitlines()[-1] == ""


def test_every_help_text_has_its_chinese() -> None:
    missing = {words for words in helps(whole()) if words} - set(CHINESE)
    assert not missing


def test_everything_said_has_its_chinese() -> None:
    missing = {(file, words) for file, words in spoken() if words not in CHINESE}
    assert not missing


@pytest.mark.parametrize("english", CHINESE)
def test_both_languages_name_the_same_values(english: str) -> None:
    def names(words: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)", words))

    assert names(english) == names(CHINESE[english])


HOISTED: list[tuple[list[str], tuple[list[str], list[str]]]] = [
    (["up", "--home", "d", "--once"], (["--home", "d"], ["up", "--once"])),
    (["db", "status", "--lang=zh"], (["--lang=zh"], ["db", "status"])),
    (["case", "show", "--", "--home", "d"], ([], ["case", "show", "--", "--home", "d"])),
    (["up", "--home"], (["--home"], ["up"])),
    ([], ([], [])),
]


@pytest.mark.parametrize(("written", "hoisted"), HOISTED)
def test_global_options_may_stand_anywhere(
    written: list[str], hoisted: tuple[list[str], list[str]]
) -> None:
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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("case show", "缺少参数 ID。"),
        ("case diff a --from 1", "缺少选项 --to。"),
        ("queue --nonsense", "没有选项 --nonsense。"),
        ("db status --jso", "没有选项 --jso（相近的有：--json）。"),
        ("nonsense", "没有命令 nonsense。"),
        ("case nonsense", "没有命令 nonsense。"),
        ("case show a --at", "选项 --at 需要一个值。"),
        ("breaches a", "多余的参数：a。"),
        ("case show a --version one", "--version 的值应为整数。"),
        ("case show a --version 0", "--version 不能小于 1。"),
        ("--lang fr queue", "--lang 的值无效：zh | en。"),
    ],
)
def test_a_wrong_command_line_is_told_in_chinese_too(
    arguments: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CASETRAIL_LANG", "zh")
    assert run(arguments.split()) == 2
    assert capsys.readouterr().err == f"casetrail: {words} 请用 --help 查看用法。\n"


def test_a_wrong_setting_is_one_line_in_the_language_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASETRAIL_POSTGRES", "9")
    assert run(["db", "status", "--lang", "zh"]) == 1
    assert capsys.readouterr().err == "casetrail: CASETRAIL_POSTGRES 为 9；只能是 16 或 18。\n"


def paths(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from paths(below, (*words, name))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_narrow_terminal_cuts_nothing_off_a_help_page(
    language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words in paths(whole()):
        assert run([*words, "--help", "--lang", language]) == 0
        page = capsys.readouterr().out.replace("A,B,…", "")
        assert "…" not in page, page


def test_help_speaks_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help", "--lang", "zh"]) == 0
    assert "异常件售后单" in capsys.readouterr().out
    assert run(["--help", "--lang", "en"]) == 0
    assert "After-sales cases" in capsys.readouterr().out
