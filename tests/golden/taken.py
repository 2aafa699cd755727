"""The records that writers to our topics were ever told to send: kept, and never rewritten, each
with what it asked for when it came here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from consumers.kafka_record import VERSION, Record, body_model, key_of
from consumers.kafka_topics import KAFKA_TOPICS, OWN_TOPICS
from domain.kernel import COMMANDS, Platform
from domain.request import DATED, Request
from infra.kafka.contracts.taken import TAKEN, schema_of, versions
from tests.golden.examples import MOMENT, fields_of
from tests.support.platforms import NUMBER, douyins_life, kuaishous_life, told

PATH: Final = Path(__file__).with_name("taken.jsonl")
LIVES: Final = {Platform.DOUYIN: douyins_life, Platform.KUAISHOU: kuaishous_life}


@dataclass(frozen=True)
class Kept:
    """A record of the corpus. schema: the id of the released one that it shows, or the platform
    whose form it has. asks: what it asked for, as `asked` has it."""

    schema: str
    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    asks: list[dict[str, Any]]
    partition: int = 0
    offset: int = 0

    def written(self) -> str:
        fields = {
            "schema": self.schema,
            "topic": self.topic,
            "key": self.key.decode(),
            "headers": [[name, content.decode()] for name, content in self.headers],
            "value": self.value.decode(),
            "asks": self.asks,
        }
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def read_taken() -> list[Kept]:
    if not PATH.exists():
        return []
    return [_read(line) for line in PATH.read_text(encoding="utf-8").splitlines()]


def _read(line: str) -> Kept:
    said = json.loads(line)
    headers = tuple((name, content.encode()) for name, content in said["headers"])
    key, value = said["key"].encode(), said["value"].encode()
    return Kept(said["schema"], said["topic"], key, value, headers, said["asks"])


def translated(record: Record) -> list[dict[str, Any]]:
    """What a record asks for now."""
    topic = next(topic for topic in KAFKA_TOPICS if topic.name == record.topic)
    return [asked(request) for request in topic.translate(record)]


def asked(request: Request) -> dict[str, Any]:
    """A request with all its fields, but for where it came from."""
    actor = request.actor
    return {
        "source": request.source,
        "id": request.message_id,
        "type": request.command.TYPE,
        "actor": [actor.kind, actor.id, actor.role],
        "data": request.command.model_dump(mode="json"),
        "occurred_at": request.occurred_at and request.occurred_at.isoformat(),
        "correlation_id": request.correlation_id,
        "causation_id": request.causation_id,
    }


def asks_at_least(now: Any, then: Any) -> bool:
    """Whether all that was asked then is asked now; there may be fields that are new since."""
    if isinstance(then, Mapping):
        return isinstance(now, Mapping) and all(
            name in now and asks_at_least(now[name], part)
            for name, part in then.items()  # pyright: ignore[reportUnknownVariableType]
        )
    if isinstance(then, list):
        return (
            isinstance(now, list)
            and len(now) == len(then)  # pyright: ignore[reportUnknownArgumentType]
            and all(map(asks_at_least, now, then))  # pyright: ignore[reportUnknownArgumentType]
        )
    return bool(now == then)


# ------------------------------------------------------------------------ made now


def made_now() -> Iterator[Kept]:
    """Of each type on each of its topics a record with all its fields and one with the least;
    of a policy one for each document; and an after-sale's life on each platform."""
    newest = {name: several[-1]["$id"] for name, several in versions(TAKEN.frozen()).items()}
    for topic in OWN_TOPICS:
        for type_ in sorted(topic.types):
            for n, (full, value) in enumerate(_values(type_), 1):
                yield _record(topic.name, type_, newest[f"{type_}.v{VERSION}"], n, full, value)
    for platform, life in LIVES.items():
        for fields in life():
            made = told(platform, NUMBER, fields)
            assert made.key is not None
            assert made.value is not None
            yield _kept(platform, "platform-aftersales", made.key, made.value, made.headers)


def _values(type_: str) -> Iterator[tuple[bool, dict[str, Any]]]:
    schema = schema_of(type_)
    if type_ != "policy.publish":
        yield True, fields_of(schema, full=True)
        yield False, fields_of(schema, full=False)
        return
    document = schema["$defs"]["PublishPolicy"]["properties"]["document"]
    for choice in document["oneOf"]:
        document["oneOf"] = [choice]
        value = fields_of(schema, full=True)
        for rule in value["data"]["document"].get("rules", ()):
            rule["then"] = "reject"  # as a rule with a hard ground does
        yield True, value


def _record(topic: str, type_: str, schema: str, n: int, full: bool, value: dict[str, Any]) -> Kept:
    cls = COMMANDS[type_]
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    command = body_model(cls).model_validate_json(written).model_dump()["data"]
    headers = {
        "ce_specversion": "1.0",
        "ce_type": f"{type_}.v{VERSION}",
        "ce_source": "corpus",
        "ce_id": f"{topic}/{type_}/{n}",
        "content-type": "application/json",
    }
    if full or cls.IS_FACT or type_ in DATED:
        headers["ce_time"] = MOMENT
    if full:
        headers |= {"ce_correlationid": "flow-1", "ce_causationid": "m-0"}
    key = key_of(cls.model_validate(command))
    known = tuple((name, content.encode()) for name, content in headers.items())
    return _kept(schema, topic, key.encode(), written.encode(), known)


def _kept(schema: str, topic: str, key: bytes, value: bytes, headers: Any) -> Kept:
    record = Kept(schema, topic, key, value, tuple(headers), [])
    return Kept(schema, topic, key, value, tuple(headers), translated(record))


def new_lines() -> list[str]:
    """Of the schemas, topic by topic, and the platforms that no line shows yet."""
    there = {(record.schema, record.topic) for record in read_taken()}
    return [record.written() for record in made_now() if (record.schema, record.topic) not in there]
