"""Changing one part of a map of parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from domain.kernel import State

K = TypeVar("K", str, int)
S = TypeVar("S", bound=State)


def change(parts: Mapping[K, S], key: K, **changes: Any) -> Mapping[K, S]:
    """The map with one part changed; the same map if the part isn't there."""
    part = parts.get(key)
    return parts if part is None else {**parts, key: part.with_(**changes)}
