"""What every way in hands to the pipeline, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

from pydantic import Field, StringConstraints, ValidationError, field_validator
from pydantic_core import ErrorDetails, from_json

from domain.case.claims import is_under_claim
from domain.kernel import COMMANDS, Actor, Command, Model, Moment, record

MAX_BYTES: Final = 1024 * 1024
"""A longer message is refused unread."""

MessageId = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]

ClaimToken = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1)]


class Malformed(Exception):
    """A message that breaks the contract, so that it can't even be asked.

    code: stable name of what is wrong. field: dotted path of the offending field, or "".
    """

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


@record
class Request:
    """One command or fact, with its envelope.

    source and message_id together make it unique: the same pair is done once. occurred_at None:
    when it is decided. origin: where it came from, for people (file and line, partition and
    offset). claim_token: of the claim under which an agent acts on a case, as it was given.
    """

    source: str
    message_id: str
    command: Command
    actor: Actor
    occurred_at: Moment | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    origin: str = ""
    claim_token: int | None = None

    @property
    def acts_under(self) -> int | None:
        """The token of the claim; of what is no action on a case none, whatever was given."""
        token = self.claim_token
        return token if token is not None and is_under_claim(self.command) else None


class Message(Model):
    """The JSON form: an envelope around the command's own fields (`data`).

    occurred_at: ISO 8601 with a zone; required for facts, and for a complaint (when it was made).
    claim_token: of the claim under which an agent acts on a case.
    """

    type: str
    id: MessageId
    actor: Actor
    data: dict[str, Any]
    occurred_at: Moment | None = None
    correlation_id: MessageId | None = None
    causation_id: MessageId | None = None
    claim_token: ClaimToken | None = None

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in COMMANDS:
            raise ValueError("unknown type")
        return value


def parse_request(raw: bytes | str, source: str, origin: str = "") -> Request:
    """The request that a JSON message asks for; Malformed if it asks for none."""
    return build_request(parse_object(raw), source, origin)


def parse_object(raw: bytes | str) -> dict[str, Any]:
    """The JSON object that a message is; Malformed if it is none, or too large."""
    if len(raw) > MAX_BYTES:
        raise Malformed("message_too_large", f"A message has at most {MAX_BYTES} bytes.")
    try:
        fields = from_json(raw, allow_inf_nan=False)
    except ValueError as e:
        raise Malformed("broken_json", f"This is not JSON: {e}.") from e
    if not isinstance(fields, dict):
        raise Malformed("broken_json", "A message is a JSON object.")
    return cast("dict[str, Any]", fields)


def build_request(fields: Mapping[str, Any], source: str, origin: str = "") -> Request:
    """The request that an already parsed message asks for; Malformed if it asks for none."""
    try:
        message = Message.model_validate(fields)
    except ValidationError as e:
        raise malformed(e) from e
    cls = COMMANDS[message.type]
    if message.occurred_at is None and (cls.IS_FACT or message.type in DATED):
        raise Malformed("field_missing", "A fact says when it happened.", "occurred_at")
    try:
        command = cls.model_validate(message.data)
    except ValidationError as e:
        raise malformed(e, "data.") from e
    return Request(
        source=source,
        message_id=message.id,
        command=command,
        actor=message.actor,
        occurred_at=message.occurred_at,
        correlation_id=message.correlation_id,
        causation_id=message.causation_id,
        origin=origin,
        claim_token=message.claim_token,
    )


DATED: Final = frozenset({"case.file_complaint"})
"""Commands that must say when what they tell of happened."""

_CODES: Final = {
    "missing": "field_missing",
    "extra_forbidden": "field_unknown",
    "unexpected_keyword_argument": "field_unknown",
    "timezone_aware": "time_without_zone",
    "enum": "value_unknown",
    "literal_error": "value_unknown",
    "string_unicode": "broken_text",
    "finite_number": "not_finite",
}
"""pydantic's error types -> our stable codes; the others become `field_invalid`."""


def malformed(error: ValidationError, prefix: str = "") -> Malformed:
    """What pydantic found wrong first, under our own codes. prefix: of the field's path."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = prefix + ".".join(str(part) for part in first["loc"])
    return Malformed(_code(first, field), f"{field}: {first['msg']}.", field)


def _code(error: ErrorDetails, field: str) -> str:
    kind = error["type"]
    if field == "type" and kind == "value_error":
        return "unknown_type"
    if kind.startswith("money_"):
        return kind
    return _CODES.get(kind, "field_invalid")
