"""The AsyncAPI 3 document of all topics, made from their table and the schemas.

`python -m infra.kafka.contracts asyncapi` prints docs/asyncapi.json. What is in our own form is
described by the frozen files; what comes in the platforms' form, by what their adapters read.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from consumers.kafka_record import VERSION
from consumers.kafka_topics import OWN_TOPICS, PLATFORM_TOPIC
from domain.kernel import COMMANDS, Command, Platform
from domain.request import DATED
from infra.kafka.contracts.events import CASE_EVENTS, PublicModel
from infra.kafka.contracts.queue import ENTRY_TYPE, LEFT_TYPE, QueueEntry
from infra.kafka.contracts.released import Released, without_titles
from infra.kafka.contracts.results import DEAD_LETTER_TYPE, RESULT_TYPE, DeadLetterNotice
from infra.kafka.contracts.schemas import PUBLISHED, published_models, schema_of
from infra.kafka.contracts.schemas import file_of as published_file
from infra.kafka.contracts.taken import TAKEN, file_of, taken_types, versions
from infra.kafka.topics import TOPICS, Topic
from infra.settings import PREFIX

ROOT: Final = Path(__file__).parents[3]
BINDING: Final = "0.5.0"
NUMBERS: Final = ("retention.ms", "delete.retention.ms", "max.message.bytes")
FORMAT: Final = "application/schema+json;version=draft-2020-12"
DESCRIPTION: Final = """\
After-sales cases for abnormal shipments. Ops services send commands and facts, are told what
became of each, and read what happened. Every record is a CloudEvents 1.0 event in binary mode;
docs/ops-services.md explains order, repeats and retries."""

UNCORRELATED: Final = ("PlatformHeaders", "EntryHeaders", "TombstoneHeaders")
LEFT: Final = "The case has left the live queue: a record without a value."
TEXT: Final = {"type": "string"}
TIME: Final = {"type": "string", "format": "date-time"}


def document() -> dict[str, Any]:
    """The whole document."""
    messages = {**_taken(), **_published()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Casetrail",
            "version": version("casetrail"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {_operation_id(topic): _operation(topic) for topic in TOPICS},
        "components": {"messages": messages, "schemas": _schemas()},
    }


def _operation_id(topic: Topic) -> str:
    return f"{'take' if topic.direction == 'in' else 'publish'}-{topic.name}"


def _names(topic: Topic) -> list[str]:
    """The messages of a topic."""
    match topic.name:
        case "case-events":
            return sorted(public.name for public in CASE_EVENTS.values())
        case "command-results":
            return [RESULT_TYPE]
        case "dead-letters":
            return [DEAD_LETTER_TYPE]
        case "queue":
            return [ENTRY_TYPE, LEFT_TYPE]
        case PLATFORM_TOPIC.name:
            return [_of_platform(platform) for platform in sorted(PLATFORM_TOPIC.adapters)]
        case _:
            types = next(own.types for own in OWN_TOPICS if own.name == topic.name)
            return [f"{name}.v{VERSION}" for name in sorted(types)]


def _of_platform(platform: Platform) -> str:
    return f"{platform}.after-sale"


def _key(name: str) -> str:
    """A message's name as the document may use it for a key."""
    return name.replace(".", "-")


def _channel(topic: Topic) -> dict[str, Any]:
    config = topic.config
    return {
        "address": topic.full_name(PREFIX),
        "description": f"{topic.what} Key: {topic.key}.",
        "messages": {
            key: {"$ref": f"#/components/messages/{key}"} for key in map(_key, _names(topic))
        },
        "bindings": {
            "kafka": {
                "topic": topic.full_name(PREFIX),
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [config["cleanup.policy"]],
                    **{setting: int(config[setting]) for setting in NUMBERS if setting in config},
                },
                "bindingVersion": BINDING,
            }
        },
    }


def _operation(topic: Topic) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": "receive" if topic.direction == "in" else "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [
            {"$ref": f"#/channels/{topic.name}/messages/{_key(name)}"} for name in _names(topic)
        ],
    }
    if topic.name == "commands":
        operation["reply"] = {"channel": {"$ref": "#/channels/command-results"}}
    return operation


def _taken() -> dict[str, Any]:
    frozen = versions(TAKEN.frozen())
    found: dict[str, Any] = {}
    for type_ in taken_types():
        name = f"{type_}.v{VERSION}"
        headers = "FactHeaders" if _is_dated(COMMANDS[type_]) else "CommandHeaders"
        newest = frozen[name][-1]
        payload = _file(TAKEN, file_of(newest))
        found[_key(name)] = _message(name, newest["description"], payload, headers)
    for platform, adapter in PLATFORM_TOPIC.adapters.items():
        name = _of_platform(platform)
        payload = {"$ref": f"#/components/schemas/{_key(name)}"}
        found[_key(name)] = _message(name, _words_of(adapter.form), payload, "PlatformHeaders")
    return found


def _file(released: Released, name: str) -> dict[str, Any]:
    folder = released.folder.relative_to(ROOT).as_posix()
    return {"schemaFormat": FORMAT, "schema": {"$ref": f"../{folder}/{name}"}}


def _words_of(model: type[BaseModel]) -> str:
    return " ".join(inspect.cleandoc(model.__doc__ or "").split())


def _published() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, model in published_models().items():
        payload = _file(PUBLISHED, published_file(name, model))
        words = schema_of(name, model)["description"]
        found[_key(name)] = _message(name, words, payload, _headers_of(model))
    left = {"schema": {"type": "null"}, "schemaFormat": FORMAT}
    found[_key(LEFT_TYPE)] = _message(LEFT_TYPE, LEFT, left, "TombstoneHeaders")
    return found


def _headers_of(model: type[PublicModel]) -> str:
    if model is QueueEntry:
        return "EntryHeaders"
    return "NoticeHeaders" if model is DeadLetterNotice else "PublishedHeaders"


def _message(name: str, words: str, payload: dict[str, Any], headers: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "title": name,
        "description": words,
        "contentType": "application/json",
        "headers": {"$ref": f"#/components/schemas/{headers}"},
        "payload": payload,
        "bindings": {"kafka": {"key": TEXT, "bindingVersion": BINDING}},
    }
    if headers not in UNCORRELATED:
        made["correlationId"] = {"location": "$message.header#/ce_correlationid"}
    return made


def _is_dated(command: type[Command]) -> bool:
    return command.IS_FACT or command.TYPE in DATED


def _platform_forms() -> dict[str, Any]:
    """What the adapters read of the platforms' messages, each in a schema that stands alone."""
    forms: dict[str, Any] = {}
    for platform, adapter in PLATFORM_TOPIC.adapters.items():
        name = _key(_of_platform(platform))
        template = f"#/components/schemas/{name}/$defs/{{model}}"
        forms[name] = without_titles(adapter.form.model_json_schema(ref_template=template))
    return forms


def _schemas() -> dict[str, Any]:
    asked = {
        "ce_specversion": {"const": "1.0"},
        "ce_type": TEXT | {"description": "The message's name, such as case.close.v1."},
        "ce_source": TEXT | {"description": "The service that sends it."},
        "ce_id": TEXT | {"description": "With ce_source, the same for the same request."},
        "ce_time": TIME | {"description": "When what it tells of happened."},
        "ce_correlationid": TEXT | {"description": "By which its result is found."},
        "ce_causationid": TEXT | {"description": "The message that led to this one."},
        "ce_claimtoken": TEXT | {"description": "Of the claim under which an agent acts."},
        "content-type": {"const": "application/json"},
    }
    told = {
        "ce_specversion": {"const": "1.0"},
        "ce_type": TEXT,
        "ce_source": TEXT | {"description": "This installation: the prefix of its topics."},
        "ce_id": TEXT | {"description": "The same when the same is published again."},
        "ce_time": TIME,
        "ce_subject": TEXT | {"description": "The case, the message or the record it is about."},
    }
    valued = told | {
        "ce_dataschema": TEXT | {"description": "The $id of the value's schema."},
        "content-type": {"const": "application/json"},
    }
    correlated = {"ce_correlationid": TEXT | {"description": "As the request said, if it did."}}
    connect = {
        f"__connect.errors.{name}": TEXT
        for name in ("topic", "partition", "offset", "exception.class.name")
    }
    least = ["ce_specversion", "ce_type", "ce_source", "ce_id", "content-type"]
    named = {"platform": {"enum": sorted(PLATFORM_TOPIC.adapters)}}
    return _platform_forms() | {
        "PlatformHeaders": _object(named, []),
        "CommandHeaders": _object(asked, least),
        "FactHeaders": _object(asked, [*least, "ce_time"]),
        "PublishedHeaders": _object(valued | correlated, list(valued)),
        "NoticeHeaders": _object(valued | connect, [*valued, *connect]),
        "EntryHeaders": _object(valued, list(valued)),
        "TombstoneHeaders": _object(told, list(told)),
    }


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}
