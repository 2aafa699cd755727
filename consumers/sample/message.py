"""One message of the sample: a command or fact, who told it, when, and in which order."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from domain.kernel import Actor, Command
from domain.request import Request

BEIJING: Final = timezone(timedelta(hours=8))
"""The zone in which the sample's shops work and its sources write their times."""


@dataclass(frozen=True, slots=True)
class Message:
    """told_at: when its source told it; messages are submitted in this order. occurred_at: when
    it happened, None for a command that holds from its decision on."""

    told_at: datetime
    id: str
    command: Command
    actor: Actor
    occurred_at: datetime | None = None
    correlation_id: str | None = None

    def fields(self) -> dict[str, Any]:
        """The JSON form that `domain.request` takes."""
        fields: dict[str, Any] = {"type": self.command.TYPE, "id": self.id}
        if self.occurred_at is not None:
            fields["occurred_at"] = self.occurred_at.astimezone(BEIJING).isoformat()
        fields["actor"] = asdict(self.actor)
        if self.correlation_id is not None:
            fields["correlation_id"] = self.correlation_id
        fields["data"] = self.command.model_dump(mode="json", exclude_unset=True)
        return fields

    def line(self) -> str:
        """The message as one line of a JSON Lines file, without its end."""
        return json.dumps(self.fields(), ensure_ascii=False, separators=(",", ":"))

    def request(self, source: str) -> Request:
        """The message as the pipeline takes it, without the way through JSON."""
        return Request(
            source=source,
            message_id=self.id,
            command=self.command,
            actor=self.actor,
            occurred_at=self.occurred_at,
            correlation_id=self.correlation_id,
            origin=f"sample:{self.id}",
        )
