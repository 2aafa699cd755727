"""What senders are told of their records, and what is told of records that could not be taken."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import AwareDatetime

from infra.kafka.contracts.events import PublicModel, schema_id, type_name

Outcome = Literal["accepted", "refused", "not_taken"]


class CommandResult(PublicModel):
    """What became of one record.

    accepted: done, or nothing was left to do. refused: by a rule, which `code` names. not_taken:
    the record is a dead letter: it breaks the contract, its id was used for another content, or
    it waits until what it is about can be decided again.
    """

    source: str
    message_id: str
    correlation_id: str | None
    outcome: Outcome
    repeat: bool
    position: int | None
    code: str
    message: str
    field: str
    dead_letter: int | None
    recorded_at: AwareDatetime


class DeadLetterNotice(PublicModel):
    """A record could not be taken; it is kept, encrypted, under this number."""

    number: int
    topic: str
    partition: int
    offset: int
    sha256: str
    code: str
    recorded_at: AwareDatetime


RESULT_TYPE: Final = type_name("command_result", CommandResult)
RESULT_SCHEMA: Final = schema_id(RESULT_TYPE, CommandResult)
DEAD_LETTER_TYPE: Final = type_name("dead_letter", DeadLetterNotice)
DEAD_LETTER_SCHEMA: Final = schema_id(DEAD_LETTER_TYPE, DeadLetterNotice)
