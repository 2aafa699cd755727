"""What parts of the program raise for one another, as sentences for people."""

from __future__ import annotations

import logging

from infra.cli.words import translate
from infra.failure import Failure
from infra.postgres.connect import one_line
from infra.settings import Language


def failure_of(error: BaseException) -> Failure | None:
    """The sentence for an error of the log or the pipeline; None for any other."""
    # Late: where one of these was raised its module is there, and elsewhere nobody needs it.
    from infra.event_store import UnknownTopic, UnreadableEvent
    from infra.pipeline import Unavailable

    match error:
        case Failure():
            return error
        case UnknownTopic():
            return Failure(
                "The log holds an event {topic}, which this version does not know; "
                "run the version that wrote it, or a later one.",
                topic=error.topic,
            )
        case UnreadableEvent():
            return Failure(
                "The log holds an event that cannot be read: {reason}",
                reason=str(error).splitlines()[0],
            )
        case Unavailable():
            return Failure(
                "The database is not available ({reason}). Nothing was refused; try again.",
                reason=one_line(error.__cause__ or error),
            )
        case _:
            return None


class LogLine(logging.Formatter):
    """A line of the program's own log: what is known to go wrong in a sentence, and only what
    nobody foresaw, or everything where `debug` asks for it, with its traceback."""

    def __init__(self, language: Language, debug: bool) -> None:
        super().__init__()
        self._language: Language = language
        self._debug = debug

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        failure = failure_of(error) if error is not None else None
        if failure is None or self._debug:
            return super().format(record)
        words = translate(self._language, failure.text).format(**failure.values)
        return f"{record.getMessage()}: {words}"
