"""Folded states kept in the database, so that a long stream is not folded from its beginning."""

from __future__ import annotations

import hashlib
import hmac
import logging
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from pydantic import TypeAdapter, ValidationError

import domain
from domain.kernel import State
from infra.postgres import load_statements

SQL = load_statements(Path(__file__).with_name("snapshots.sql"))

WORTH_KEEPING = 8
"""Events that had to be folded: reading a snapshot takes as long as folding eight, and making
one as long as ten."""

_SEAL = 32  # bytes

logger = logging.getLogger(__name__)


class Snapshots:
    """Snapshots as stored and back. A snapshot is taken only from the same code, and only as it
    was written: a state decides over money, and this table, unlike the log, can be changed.

    digest: a keyed hash of 32 bytes.
    """

    def __init__(self, digest: Callable[[bytes], bytes]) -> None:
        self.made_by = _digest_of_code()
        self._digest = digest
        self._adapters: dict[str, TypeAdapter[Any]] = {}

    def seal(self, stream: str, state: State) -> bytes:
        """The state as JSON, compressed, behind its digest."""
        body = zlib.compress(self._adapter(state).serializer.to_json(state), 1)
        return self._seal(stream, state.version, body) + body

    def open(
        self, stream: str, version: int, initial: State, stored: bytes
    ) -> tuple[State, int] | None:
        """The state and the bytes of its JSON; None for what we did not write or cannot read."""
        seal, body = stored[:_SEAL], stored[_SEAL:]
        if not hmac.compare_digest(seal, self._seal(stream, version, body)):
            logger.error("the snapshot of %s was altered; its events are folded instead", stream)
            return None
        json = zlib.decompress(body)
        try:
            state: State = self._adapter(initial).validator.validate_json(json)
        except ValidationError:
            logger.exception("the snapshot of %s cannot be read", stream)
            return None
        return state, len(json)

    def _adapter(self, state: State) -> TypeAdapter[Any]:
        name = type(state).__name__
        if name not in self._adapters:
            self._adapters[name] = TypeAdapter(type(state))
        return self._adapters[name]

    def _seal(self, stream: str, version: int, body: bytes) -> bytes:
        return self._digest(
            b"\0".join((b"snapshot", stream.encode(), b"%d" % version, self.made_by, body))
        )

    def store(self, conn: Connection[Any], states: Mapping[str, State]) -> None:
        """Keep these states, in a transaction of their own. What fails is only logged: nothing
        rests on it."""
        streams = sorted(states)  # in one order, so that two writers cannot block each other
        try:
            with conn.transaction():
                conn.execute(
                    SQL["upsert_snapshots"],
                    {
                        "streams": streams,
                        "versions": [states[stream].version for stream in streams],
                        "made_by": self.made_by,
                        "states": [self.seal(stream, states[stream]) for stream in streams],
                    },
                    prepare=True,
                )
        except psycopg.Error:
            logger.warning("%d snapshots were not stored", len(streams), exc_info=True)


@cache
def _digest_of_code() -> bytes:
    """Of all that a state follows from: the domain's sources."""
    digest = hashlib.sha256()
    for path in sorted(Path(str(domain.__file__)).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()
