"""What a value of a state or an event is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeGuard

from pydantic import BaseModel


def is_map(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def is_row(value: object) -> TypeGuard[tuple[Any, ...] | list[Any]]:
    return isinstance(value, tuple | list)


def is_set(value: object) -> TypeGuard[frozenset[Any]]:
    return isinstance(value, frozenset | set)


def is_record(value: object) -> bool:
    """It has named fields: an event, a state, a part of one."""
    return isinstance(value, BaseModel) or dataclasses.is_dataclass(value)


def field_names(record: Any) -> list[str]:
    """The fields of an event, a state or a part of one, in their order."""
    if isinstance(record, BaseModel):
        return list(type(record).model_fields)
    return [field.name for field in dataclasses.fields(record)]
