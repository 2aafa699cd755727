"""The AsyncAPI 3 document of all topics, made from their table and the schemas.

`python -m infra.kafka.contracts asyncapi` prints docs/asyncapi.json. What we publish is described
by the frozen files; what we take, by the commands as they are now.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any, Final

from pydantic import create_model
from pydantic.json_schema import models_json_schema

from consumers.kafka_record import VERSION
from consumers.kafka_topics import OWN_TOPICS
from domain.kernel import COMMANDS, Actor, Command, Model
from domain.request import DATED
from infra.kafka.contracts.events import CASE_EVENTS, PublicModel
from infra.kafka.contracts.results import (
    DEAD_LETTER_TYPE,
    RESULT_TYPE,
    DeadLetterNotice,
)
from infra.kafka.contracts.schemas import file_of, published_models, schema_of
from infra.kafka.topics import TOPICS, Topic
from infra.settings import PREFIX

BINDING: Final = "0.5.0"
FORMAT: Final = "application/schema+json;version=draft-2020-12"
DESCRIPTION: Final = """\
After-sales cases for abnormal shipments. Ops services send commands and facts, are told what
became of each, and read what happened. Every record is a CloudEvents 1.0 event in binary mode;
docs/ops-services.md explains order, repeats and retries."""

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
    """The messages of a topic; none where the form is the platforms' own."""
    match topic.name:
        case "case-events":
            return sorted(public.name for public in CASE_EVENTS.values())
        case "command-results":
            return [RESULT_TYPE]
        case "dead-letters":
            return [DEAD_LETTER_TYPE]
        case _:
            types = next((own.types for own in OWN_TOPICS if own.name == topic.name), ())
            return [f"{name}.v{VERSION}" for name in sorted(types)]


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
                    "retention.ms": int(config["retention.ms"]),
                    "max.message.bytes": int(config["max.message.bytes"]),
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
    types = sorted({name for topic in OWN_TOPICS for name in topic.types})
    return {
        _key(f"{name}.v{VERSION}"): _message(
            f"{name}.v{VERSION}",
            # A class without words of its own would show its parent's.
            inspect.cleandoc(COMMANDS[name].__doc__ or ""),
            {"$ref": f"#/components/schemas/{_body(COMMANDS[name]).__name__}"},
            "FactHeaders" if _is_dated(COMMANDS[name]) else "CommandHeaders",
        )
        for name in types
    }


def _published() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, model in published_models().items():
        path = f"../infra/kafka/contracts/schemas/{file_of(name, model).name}"
        payload = {"schemaFormat": FORMAT, "schema": {"$ref": path}}
        words = schema_of(name, model)["description"]
        found[_key(name)] = _message(name, words, payload, _headers_of(model))
    return found


def _headers_of(model: type[PublicModel]) -> str:
    return "NoticeHeaders" if model is DeadLetterNotice else "PublishedHeaders"


def _message(name: str, words: str, payload: dict[str, Any], headers: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "description": words,
        "contentType": "application/json",
        "headers": {"$ref": f"#/components/schemas/{headers}"},
        "payload": payload,
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "bindings": {"kafka": {"key": TEXT, "bindingVersion": BINDING}},
    }


def _is_dated(command: type[Command]) -> bool:
    return command.IS_FACT or command.TYPE in DATED


def _body(command: type[Command]) -> type[Model]:
    """The value of a command's record; see consumers/kafka_record.py."""
    return create_model(f"{command.__name__}Body", __base__=Model, actor=Actor, data=command)


def _schemas() -> dict[str, Any]:
    types = sorted({name for topic in OWN_TOPICS for name in topic.types})
    _, made = models_json_schema(
        [(_body(COMMANDS[name]), "validation") for name in types],
        ref_template="#/components/schemas/{model}",
    )
    definitions: dict[str, Any] = made["$defs"]
    asked = {
        "ce_specversion": {"const": "1.0"},
        "ce_type": TEXT | {"description": "The message's name, such as case.close.v1."},
        "ce_source": TEXT | {"description": "The service that sends it."},
        "ce_id": TEXT | {"description": "With ce_source, the same for the same request."},
        "ce_time": TIME | {"description": "When what it tells of happened."},
        "ce_correlationid": TEXT | {"description": "By which its result is found."},
        "ce_causationid": TEXT | {"description": "The message that led to this one."},
        "content-type": {"const": "application/json"},
    }
    told = {
        "ce_specversion": {"const": "1.0"},
        "ce_type": TEXT,
        "ce_source": TEXT | {"description": "This installation: the prefix of its topics."},
        "ce_id": TEXT | {"description": "The same when the same is published again."},
        "ce_time": TIME,
        "ce_subject": TEXT | {"description": "The case, the message or the record it is about."},
        "ce_dataschema": TEXT | {"description": "The $id of the value's schema."},
        "content-type": {"const": "application/json"},
    }
    correlated = {"ce_correlationid": TEXT | {"description": "As the request said, if it did."}}
    connect = {
        f"__connect.errors.{name}": TEXT
        for name in ("topic", "partition", "offset", "exception.class.name")
    }
    least = ["ce_specversion", "ce_type", "ce_source", "ce_id", "content-type"]
    return definitions | {
        "CommandHeaders": _object(asked, least),
        "FactHeaders": _object(asked, [*least, "ce_time"]),
        "PublishedHeaders": _object(told | correlated, list(told)),
        "NoticeHeaders": _object(told | connect, [*told, *connect]),
    }


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}
