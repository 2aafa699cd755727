"""The Chinese of what is said about a wrong command line; the English is typer's own."""

from __future__ import annotations

import re
from typing import Final

from infra.settings import Language

USAGE: Final = (
    (r"Missing argument '(.+)'\.", "缺少参数 {}。"),
    (r"Missing option '(.+)'\.", "缺少选项 {}。"),
    (r"No such option: (\S+)", "没有选项 {}。"),
    (r"No such option: (\S+) \(Possible options: (.+)\)", "没有选项 {}（相近的有：{}）。"),
    (r"No such command '(.+)'\.", "没有命令 {}。"),
    (r"Option '(.+)' requires an argument\.", "选项 {} 需要一个值。"),
    (r"Got unexpected extra argument\(s\) \((.+)\)", "多余的参数：{}。"),
    (r"Invalid value for '?(.+?)'?: Input should be a valid integer.*", "{} 的值应为整数。"),
    (r"Invalid value for '?(.+?)'?: Input .* greater than or equal to (\d+)", "{} 不能小于 {}。"),
    (r"Invalid value for '?(.+?)'?: (.+)", "{} 的值无效：{}。"),
)


def usage_words(language: Language, sentence: str) -> str:
    """What typer says, in the language; as it is where there are no words for it."""
    if language == "zh":
        for english, chinese in USAGE:
            if found := re.fullmatch(english, sentence):
                return chinese.format(*found.groups())
    return sentence
