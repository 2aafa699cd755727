"""The golden corpus: stored bytes of every event ever written, which every version must read.

`topics.jsonl` has a line for each stored topic, `stories.jsonl` the whole streams of real cases.
Lines are added (`make golden`) and never changed: what once was stored is stored for ever.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.kernel import Private

FOLDER = Path(__file__).parent
TOPICS = FOLDER / "topics.jsonl"
STORIES = FOLDER / "stories.jsonl"

KEY_ID = "00000000-0000-4000-8000-000000000001"
KEY = b64decode("Z29sZGVuIGNvcnB1cywgbm8gc2VjcmV0IGF0IGFsbCE=")
"""The key under which the corpus's personal data is sealed; it protects nothing."""


@dataclass(frozen=True)
class Line:
    """One stored event. private: what its sealed box holds."""

    stream: str
    version: int
    topic: str
    state: bytes
    private: Private | None

    def written(self) -> str:
        fields: dict[str, Any] = {
            "topic": self.topic,
            "stream": self.stream,
            "version": self.version,
            "state": self.state.decode(),
            "private": self.private.model_dump(exclude_none=True) if self.private else None,
        }
        return json.dumps(fields, ensure_ascii=False)


def read_lines(path: Path) -> Iterator[Line]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for text in file:
            fields = json.loads(text)
            private = fields["private"]
            yield Line(
                fields["stream"],
                fields["version"],
                fields["topic"],
                fields["state"].encode(),
                Private.model_validate(private) if private else None,
            )
