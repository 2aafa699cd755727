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

import msgspec
import psycopg
from psycopg import Connection

import domain
from domain.kernel import Model, State
from domain.policy import PolicyStream
from infra.postgres import load_statements

SQL = load_statements(Path(__file__).with_name("snapshots.sql"))

WORTH_KEEPING = 6
"""Events that had to be folded: reading a snapshot takes as long as folding five, and making and
storing one as long as eight."""

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
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
        self._decoders: dict[type[State], msgspec.msgpack.Decoder[Any]] = {}

    @staticmethod
    def takes(state: State) -> bool:
        """Not policies: they are few, always in the cache, and a union of models is nothing that
        msgspec reads."""
        return not isinstance(state, PolicyStream)

    def seal(self, stream: str, state: State) -> bytes:
        """The state as MessagePack, compressed, behind its digest."""
        body = zlib.compress(self._encoder.encode(state), 1)
        return self._seal(stream, state.version, body) + body

    def open(
        self, stream: str, version: int, initial: State, stored: bytes
    ) -> tuple[State, int] | None:
        """The state and the bytes it takes; None for what we did not write or cannot read."""
        seal, body = stored[:_SEAL], stored[_SEAL:]
        if not hmac.compare_digest(seal, self._seal(stream, version, body)):
            logger.error("the snapshot of %s was altered; its events are folded instead", stream)
            return None
        packed = zlib.decompress(body)
        try:
            state: State = self._decoder(type(initial)).decode(packed)
        except msgspec.DecodeError:
            logger.exception("the snapshot of %s cannot be read", stream)
            return None
        return state, len(packed)

    def _decoder(self, cls: type[State]) -> msgspec.msgpack.Decoder[Any]:
        if cls not in self._decoders:
            self._decoders[cls] = msgspec.msgpack.Decoder(cls, dec_hook=_read)
        return self._decoders[cls]

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


def _plain(value: Any) -> Any:
    """For the encoder: pydantic's models as what they hold."""
    if isinstance(value, Model):
        return dict(value)
    raise TypeError(f"a state holds a {type(value).__name__}")


def _read(cls: type[Any], fields: Any) -> Any:
    return cls.model_validate(fields)


@cache
def _digest_of_code() -> bytes:
    """Of all that a state follows from: the domain's sources."""
    digest = hashlib.sha256()
    for path in sorted(Path(str(domain.__file__)).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()
