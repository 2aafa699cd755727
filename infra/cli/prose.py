"""Events and states in words, for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.kernel import Actor, ActorKind, Private
from domain.money import money
from infra.cli.glossary import event_words, field_words, value_words
from infra.cli.shapes import field_names, is_map, is_record, is_row, is_set
from infra.cli.terminal import Terminal
from infra.event_store import Recorded
from infra.settings import Language
from infra.vault import Erased

AMOUNTS: Final = frozenset(
    {
        *("amount", "refund_total", "goodwill", "freight", "refunded", "return_freight"),
        *("gross", "discount", "coupon", "limit"),
    }
)
"""Fields that hold minor units wherever they hold a number."""

CODES: Final = frozenset(
    {
        *("next_action", "verdict", "auto_verdict", "clock", "platform"),
        *("grounds", "exemption_grounds"),
    }
)
"""Fields of text that hold a word of the glossary."""

NOISE: Final = frozenset(
    {"topic", "restarted_at", "paused_at", "inputs_hash", "met", "target_minutes", "key", "version"}
)
"""Fields of parts that a person doesn't look for; --json has them."""

LATE: Final = timedelta(minutes=1)

GROUNDS: Final = ("policy", "terms", "rule", "rules")
"""Fields that say on what an event rests; shown apart."""


@dataclass(frozen=True)
class Prose:
    """Puts things into the terminal's language. currency: of the case's amounts."""

    terminal: Terminal
    zone: ZoneInfo
    currency: str

    @property
    def language(self) -> Language:
        return self.terminal.settings.language

    def time(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def actor(self, actor: Actor) -> str:
        role = value_words(self.language, actor.role.value, "Role")
        if actor.kind is ActorKind.RULE:
            role = value_words(self.language, "rule")
        return f"{actor.id}（{role}）" if self.language == "zh" else f"{actor.id} ({role})"

    def event(self, record: Recorded) -> str:
        return event_words(self.language, type(record.event).TOPIC)

    def details(self, record: Recorded) -> list[str]:
        """What the event says, field by field; what is empty is left out."""
        return [
            f"{field_words(self.language, name)} {words}"
            for name in type(record.event).model_fields
            if name != "private" and name not in GROUNDS
            if (words := self.value(getattr(record.event, name), name))
        ]

    def part(self, part: Any) -> str:
        """One part of a state on one line: an item, a clock, a refund."""
        return " · ".join(self._parts(part))

    def grounds(self, record: Recorded) -> list[str]:
        """The policy versions and rules that the event rests on."""
        found: list[str] = []
        for name in GROUNDS:
            value = getattr(record.event, name, None)
            found += [value] if isinstance(value, str) else value or ()
        return [str(ground) for ground in found if ground]

    def private(self, private: Private | Erased) -> str:
        if isinstance(private, Erased):
            return self.terminal.t("[personal data was erased]")
        fields = private.model_dump(exclude_none=True)
        return "; ".join(
            f"{field_words(self.language, name)} {text}" for name, text in fields.items()
        )

    def known_since(self, record: Recorded) -> str:
        """When we learned of the event, if that was a minute or more after it happened."""
        if record.recorded_at - record.stamp.occurred_at < LATE:
            return ""
        return self.terminal.t("known since {time}", time=self.time(record.recorded_at))

    def value(self, value: Any, name: str = "") -> str:
        """A value in words; "" for nothing."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return self.terminal.t("yes" if value else "no")
        if isinstance(value, StrEnum):
            return value_words(self.language, value.value, type(value).__name__)
        if isinstance(value, datetime):
            return self.time(value)
        if isinstance(value, int) and name in AMOUNTS:
            return money(value, self.currency) if self.currency else str(value)
        if isinstance(value, str) and name in CODES:
            return value_words(self.language, value)
        if is_map(value):
            return ", ".join(f"{key}: {self.value(part, name)}" for key, part in value.items())
        if is_set(value):
            return ", ".join(sorted(self.value(part, name) for part in value))
        if is_row(value):
            return ", ".join(filter(None, (self.value(part, name) for part in value)))
        if isinstance(value, Actor):
            return self.actor(value)
        if is_record(value):
            return "(" + ", ".join(self._parts(value)) + ")"
        return str(value)

    def _parts(self, value: Any) -> Iterator[str]:
        for name in field_names(value):
            if name in NOISE or getattr(value, name) is False:
                continue
            if words := self.value(getattr(value, name), name):
                yield f"{field_words(self.language, name)} {words}"
