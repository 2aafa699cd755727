"""A record of a Kafka topic: one command or fact as a CloudEvents 1.0 event in binary mode.

The headers `ce_specversion`, `ce_type`, `ce_source`, `ce_id`, `ce_time` and `content-type` are
the envelope (CloudEvents 1.0.2, Kafka protocol binding, section 3.2); the value is a JSON object
with `actor` and the command's own fields under `data`; the key is the name of what the command is
about, so that its records stay in order.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any, Final, Protocol

from pydantic import AwareDatetime, TypeAdapter, ValidationError, create_model

from domain.kernel import COMMANDS, Actor, Command, Model
from domain.request import DATED, MAX_BYTES, Malformed, MessageId, Request, malformed

import_module("domain.decider")  # registers every command

WAY_IN: Final = "kafka:"
"""What the sources of requests from here begin with."""

VERSION: Final = 1
"""The version of every command's schema: `ce_type` is the command's type and `.v1`."""

_TYPE: Final = re.compile(r"([a-z_]+\.[a-z_]+)\.v([0-9]{1,9})")
_CONTENT: Final = re.compile(
    r"application/json\s*(;\s*charset\s*=\s*\"?utf-8\"?\s*)?", re.IGNORECASE
)
ENVELOPE: Final = frozenset(
    {
        *("ce_specversion", "ce_type", "ce_source", "ce_id", "ce_time", "content-type"),
        *("ce_correlationid", "ce_causationid", "ce_claimtoken"),
    }
)
"""The headers that are read."""
_TIME: Final = TypeAdapter[datetime](AwareDatetime)
_NAME: Final = TypeAdapter[str](MessageId)
_TOKEN: Final = re.compile(r"[1-9][0-9]{0,14}")


UNDECODABLE: Final = "\ud800undecodable"
TOO_LARGE: Final = "\ud800too large"
"""The one header of what stands for a batch that could not be decoded, or for a record that is
far too large: its value is the batch as it came. No bytes are decoded to such a name."""


class Record(Protocol):
    """What is read of a Kafka record. topic: the whole name; headers: in order, with repeats; a
    name that is not UTF-8 has surrogates for the bytes that are not (PEP 383)."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Topic(Protocol):
    """A topic that is read. name: without the prefix."""

    @property
    def name(self) -> str: ...

    def translate(self, record: Record) -> Sequence[Request]:
        """What the record asks for, in order: one transaction's. Malformed if it asks for
        nothing."""
        ...


@dataclass(frozen=True)
class KafkaTopic:
    """A topic of commands and facts in our own form, one a record. types: which may come on
    it."""

    name: str
    types: frozenset[str]
    _bodies: dict[str, TypeAdapter[Any]] = field(default_factory=dict[str, TypeAdapter[Any]])

    def translate(self, record: Record) -> tuple[Request]:
        """The request that the record asks for; Malformed if it asks for none."""
        value = record.value
        if value is None:
            raise Malformed("tombstone", "A record without a value asks for nothing.")
        if len(value) > MAX_BYTES:
            raise Malformed("message_too_large", f"A message has at most {MAX_BYTES} bytes.")
        headers = _envelope(record.headers)
        cls = self._command(headers["ce_type"])
        occurred_at = _time(headers.get("ce_time"))
        if occurred_at is None and (cls.IS_FACT or cls.TYPE in DATED):
            raise Malformed("header_missing", "A fact says when it happened.", "ce_time")
        try:
            body = self._body(cls).validate_json(value)
        except ValidationError as e:
            raise _broken(e) from e
        command: Command = body.data
        _check_key(record.key, command)
        request = Request(
            source=f"{WAY_IN}{headers['ce_source']}",
            message_id=headers["ce_id"],
            command=command,
            actor=body.actor,
            occurred_at=occurred_at,
            correlation_id=headers.get("ce_correlationid"),
            causation_id=headers.get("ce_causationid"),
            origin=origin(record),
            claim_token=_token(headers.get("ce_claimtoken")),
        )
        return (request,)

    def _command(self, written: str) -> type[Command]:
        found = _TYPE.fullmatch(written)
        if found is None or found[1] not in COMMANDS:
            raise Malformed("unknown_type", f"There is no type {written[:200]}.", "ce_type")
        if int(found[2]) != VERSION:
            raise Malformed(
                "unknown_version", f"{found[1]} is known in version {VERSION} only.", "ce_type"
            )
        if found[1] not in self.types:
            raise Malformed("wrong_topic", f"{found[1]} belongs on another topic.", "ce_type")
        return COMMANDS[found[1]]

    def _body(self, cls: type[Command]) -> TypeAdapter[Any]:
        body = self._bodies.get(cls.TYPE)
        if body is None:
            body = self._bodies[cls.TYPE] = TypeAdapter[Any](body_model(cls))
        return body


def ask(topic: Topic, record: Record) -> Sequence[Request]:
    """What a record of this topic asks for, however it came; Malformed if it asks for nothing."""
    for name, content in record.headers:
        if name == UNDECODABLE:
            reason = (content or b"").decode(errors="replace")
            raise Malformed("undecodable", f"Its batch cannot be decoded: {reason}.")
        if name == TOO_LARGE:
            raise Malformed("message_too_large", f"A message has at most {MAX_BYTES} bytes.")
        if not name.isascii() and shown_name(name) != name:
            raise Malformed(
                "header_invalid", "A header's name is not UTF-8.", shown_name(name)[:200]
            )
    return topic.translate(record)


def shown_name(name: str) -> str:
    """A header's name as people and databases can have it; bytes that are not UTF-8 as \\xff."""
    if name in (UNDECODABLE, TOO_LARGE):
        return name[1:]
    return str.encode(name, "utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def body_model(cls: type[Command]) -> type[Model]:
    """The value of a command's record."""
    return create_model(f"{cls.__name__}Body", __base__=Model, actor=Actor, data=cls)


def origin(record: Record) -> str:
    """Where the record lies, for people."""
    return f"{record.topic}/{record.partition}/{record.offset}"


def key_of(command: Command) -> str:
    """The key of a command's record: the name of the stream that it is about, without its kind."""
    return command.streams()[0].partition(":")[2]


def sender_of(record: Record) -> tuple[str, str, str | None] | None:
    """Source, message id and correlation id that a request of this record would have, whatever is
    wrong with the record; None if its headers don't say."""
    found: dict[str, str] = {}
    for name in ("ce_source", "ce_id", "ce_correlationid"):
        contents = [content for header, content in record.headers if header == name]
        if len(contents) == 1:
            with contextlib.suppress(UnicodeDecodeError, ValidationError):
                found[name] = _NAME.validate_python((contents[0] or b"").decode())
    if "ce_source" not in found or "ce_id" not in found:
        return None
    return f"{WAY_IN}{found['ce_source']}", found["ce_id"], found.get("ce_correlationid")


def _envelope(headers: Sequence[tuple[str, bytes | None]]) -> Mapping[str, str]:
    """Our headers as text; what others add is left alone."""
    found: dict[str, str] = {}
    for name, content in headers:
        if name not in ENVELOPE:
            continue
        if name in found:
            raise Malformed("header_repeated", f"The header {name} is there twice.", name)
        try:
            found[name] = (content or b"").decode()
        except UnicodeDecodeError as e:
            raise Malformed("header_invalid", f"The header {name} is not UTF-8.", name) from e
    for name in ("ce_specversion", "ce_type", "ce_source", "ce_id", "content-type"):
        if not found.get(name):
            raise Malformed("header_missing", f"The header {name} is missing.", name)
    if found["ce_specversion"] != "1.0":
        raise Malformed("unknown_version", "CloudEvents 1.0 is understood.", "ce_specversion")
    if not _CONTENT.fullmatch(found["content-type"]):
        raise Malformed("wrong_content_type", "The value is application/json.", "content-type")
    for name in ("ce_source", "ce_id", "ce_correlationid", "ce_causationid"):
        if name in found:
            _check_name(name, found[name])
    return found


def _check_name(name: str, written: str) -> None:
    try:
        _NAME.validate_python(written)
    except ValidationError as e:
        raise Malformed(
            "header_invalid", f"{name} has 1 to 200 characters, none of them control.", name
        ) from e


def _time(written: str | None) -> datetime | None:
    """RFC 3339, with a zone."""
    if written is None:
        return None
    try:
        # A number would be taken for seconds.
        return _TIME.validate_python(written if "-" in written else "")
    except ValidationError as e:
        raise Malformed("header_invalid", "ce_time is a time with a zone.", "ce_time") from e


def _token(written: str | None) -> int | None:
    if written is None:
        return None
    if not _TOKEN.fullmatch(written):
        raise Malformed("header_invalid", "ce_claimtoken is a whole number.", "ce_claimtoken")
    return int(written)


def _check_key(key: bytes | None, command: Command) -> None:
    wanted = key_of(command)
    if key is None:
        raise Malformed("key_missing", f"The key is what it is about: {wanted}.", "key")
    if key != wanted.encode():
        raise Malformed("wrong_key", f"The key is what it is about: {wanted}.", "key")


def _broken(error: ValidationError) -> Malformed:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Malformed("broken_json", f"This is not JSON: {first['msg']}.")
    return malformed(error)
