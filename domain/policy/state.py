"""The documents that one scope has published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.kernel import Moment, Stamp, State, folded
from domain.policy.documents import PolicyDocument, PolicyKind
from domain.policy.events import PolicyEvent


@dataclass(frozen=True, eq=False, slots=True)
class Version:
    """One published document. Compared by identity, which makes it a cheap key.

    ref: how decisions name it, e.g. ``policy:douyin@3``.
    """

    ref: str
    number: int
    document: PolicyDocument
    effective_from: Moment


@folded
class PolicyStream(State):
    """name: platform[:shop[:category]]. by_kind: the versions by (effective_from, number), so
    that the last one not after a moment is in force at it."""

    name: str
    version: int = 0
    by_kind: Mapping[PolicyKind, tuple[Version, ...]] = field(
        default_factory=dict[PolicyKind, tuple[Version, ...]]
    )

    @property
    def stream(self) -> str:
        return f"policy:{self.name}"

    def in_force(self, kind: PolicyKind, at: datetime) -> Version | None:
        """The version of this scope in force at `at`, or None."""
        for version in reversed(self.by_kind.get(kind, ())):
            if version.effective_from <= at:
                return version
        return None


def evolve(policy: PolicyStream, event: PolicyEvent, stamp: Stamp) -> PolicyStream:
    """The scope's documents after `event`."""
    kind = event.document.kind
    version = Version(
        ref=f"{policy.stream}@{stamp.version}",
        number=stamp.version,
        document=event.document,
        effective_from=event.effective_from,
    )
    versions = sorted(
        (*policy.by_kind.get(kind, ()), version), key=lambda v: (v.effective_from, v.number)
    )
    return policy.with_(version=stamp.version, by_kind={**policy.by_kind, kind: tuple(versions)})
