"""Errors that are meant for people."""

from __future__ import annotations

from typing import Protocol


class Failure(Exception):
    """What went wrong and what to do, in one English sentence that the CLI can translate.

    text: the sentence, with {names} for the values. str() gives it filled in.
    """

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text.format(**values))
        self.text = text
        self.values = values


class Say(Protocol):
    """Whoever wants to be told what is going on; the sentence is built as a Failure's is."""

    def __call__(self, text: str, **values: object) -> None: ...


def say_nothing(text: str, **values: object) -> None:
    """For callers who don't want to be told."""
