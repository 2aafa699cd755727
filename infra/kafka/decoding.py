"""How kafka-python decodes what a consumer of ours fetched: whatever a producer may have sent
arrives as a record, and takes little memory.

kafka-python 3.0.12 takes one header whose name is not UTF-8, and one batch that cannot be
decompressed, for an error of Kafka's: the partition would be at an end there. And it decompresses
whatever comes, a thousand times and more of what was sent.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from consumers.kafka_record import TOO_LARGE, UNDECODABLE

MOST_BYTES: Final = 64 * 2**20
"""Of one batch, decompressed. A topic's limit counts what was compressed, and Java's producer fills
a batch by what it expects to save: 1 MB may rightly hold some 30."""

WINDOW_BYTES: Final = 2**27
"""How far back a zstd frame may refer: what zstd's own decoder allows, and its highest levels
ask for, however little they hold."""

LARGEST_BYTES: Final = 2 * 2**20
"""Of one record; what is larger is not taken apart, since hundreds may come at once."""


class Unreadable(Exception):
    """What came is not what was stored there, or it needs a codec that is not installed; what
    stands behind it cannot be found."""

    def __init__(self, topic: str, partition: int, offset: int, reason: Exception) -> None:
        super().__init__(f"{topic}/{partition} at {offset}: {reason}")
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.reason = reason


def decode_ourselves(consumer: Any) -> None:
    """Let this KafkaConsumer decode as said above, from its first fetch on. A poll raises
    Unreadable where it cannot go on. (Private: pinned by the tests.)"""
    consumer._fetcher.PartitionRecords = _parts()[0]


class _AsItCame(str):
    """A header's name of any bytes. kafka-python encodes it, to measure it."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "surrogatepass") -> bytes:
        return super().encode(encoding, "surrogatepass")


@cache
def _parts() -> tuple[Any, Any]:
    """Subclasses of kafka-python's records of a fetch, and of a batch of them. Made late, since
    kafka-python is imported late."""
    errors: Any = import_module("kafka.errors")
    fetched: Any = import_module("kafka.consumer.fetcher").Fetcher.PartitionRecords
    records: Any = import_module("kafka.record.default_records")
    varint: Callable[[Any, int], tuple[int, int]] = import_module("kafka.record.util").decode_varint
    base: Any = records.DefaultRecordBatch
    hopeless = (errors.CorruptRecordError, errors.UnsupportedCodecError)

    # ------------------------------------------------------------------- a fetch

    class Batches:
        """Those of one fetch; older formats than 2 no broker has kept since Kafka 4."""

        def __init__(self, found: Any) -> None:
            self._found = found

        def next_batch(self) -> Any:
            batch = self._found.next_batch()
            return made(batch._buffer) if isinstance(batch, base) else batch

    def start(self: Any, offset: int, place: Any, found: Any, **more: Any) -> None:
        self.fault = None
        fetched.__init__(self, offset, place, Batches(found), **more)

    def take(self: Any, n: int | None = None) -> Any:
        # Said again for ever: kafka-python forgets it, and would ask for more without end.
        if self.fault is None:
            try:
                return fetched.take(self, n)
            except hopeless as e:
                place = self.topic_partition
                self.fault = Unreadable(place.topic, place.partition, self.next_fetch_offset, e)
        raise self.fault

    # ------------------------------------------------------------------- a batch

    def begin(self: Any, buffer: Any) -> None:
        base.__init__(self, buffer)
        self.raw = self._buffer
        self.fault = None
        self.ended = False

    def iterate(self: Any) -> Any:
        try:
            self._maybe_uncompress()
        except (*hopeless, MemoryError):
            raise
        except Exception as e:  # whatever the codecs raise
            self.fault = e
        return self

    def advance(self: Any) -> Any:
        if self.is_control_batch:  # Kafka's own
            return base.__next__(self)
        # What stands behind the last record is nobody's.
        if self.ended or self._next_record_index >= self._num_records:
            raise StopIteration
        try:
            if self.fault is not None:
                raise self.fault
            return base.__next__(self)
        except MemoryError:
            raise
        except Exception as e:
            self.ended = True
            return as_it_came(self, self.last_offset, UNDECODABLE, str(e) or type(e).__name__)

    def uncompress(self: Any) -> None:
        codec = self.compression_type
        if not self._decompressed and codec != base.CODEC_NONE:
            self._assert_has_codec(codec)
            data = bytes(memoryview(self._buffer)[self._pos :])
            self._buffer, self._pos = bytearray(_decompressed(codec, data)), 0
        self._decompressed = True

    def read_record(self: Any) -> Any:
        if len(self._buffer) > LARGEST_BYTES:
            length, start = varint(self._buffer, self._pos)
            if length > LARGEST_BYTES:
                return pass_over(self, start, length)
        try:
            return base._read_msg(self)
        except UnicodeDecodeError:
            return read_with_any_names(self)

    def pass_over(self: Any, start: int, length: int) -> Any:
        if start + length > len(self._buffer):
            raise ValueError("a record ends behind its batch")
        offset, _, _ = place_of(self, start)
        self._pos = start + length
        return as_it_came(self, offset, TOO_LARGE, f"{length} bytes")

    def read_with_any_names(self: Any) -> Any:
        buffer = self._buffer
        length, start = varint(buffer, self._pos)
        offset, timestamp, pos = place_of(self, start)
        key, pos = content(buffer, pos)
        value, pos = content(buffer, pos)
        count, pos = varint(buffer, pos)
        headers: list[tuple[str, bytes | None]] = []
        for _ in range(count):
            name, pos = content(buffer, pos)
            told, pos = content(buffer, pos)
            headers.append((_AsItCame((name or b"").decode("utf-8", "surrogateescape")), told))
        if pos - start != length:
            raise ValueError("a record does not end where it should")
        self._pos = pos
        return record(self, length, offset, timestamp, key, value, headers)

    def place_of(self: Any, start: int) -> tuple[int, int, int]:
        """A record's offset and time, and where its key is."""
        _, pos = varint(self._buffer, start)
        later, pos = varint(self._buffer, pos)
        further, pos = varint(self._buffer, pos)
        timestamp = self.max_timestamp if self.timestamp_type else self.first_timestamp + later
        return self.base_offset + further, timestamp, pos

    def content(buffer: Any, pos: int) -> tuple[bytes | None, int]:
        length, pos = varint(buffer, pos)
        if length < 0:
            return None, pos
        return bytes(buffer[pos : pos + length]), pos + length

    def as_it_came(self: Any, offset: int, mark: str, reason: str) -> Any:
        raw = bytes(self.raw)
        headers = [(_AsItCame(mark), reason.encode(errors="replace"))]
        return record(self, len(raw), offset, self.max_timestamp, None, raw, headers)

    def record(self: Any, length: int, offset: int, timestamp: int, *rest: Any) -> Any:
        return records.DefaultRecord(length, offset, timestamp, self.timestamp_type, *rest)

    made: Any = type(
        "Batch",
        (base,),
        {
            "__init__": begin,
            "__iter__": iterate,
            "__next__": advance,
            "_maybe_uncompress": uncompress,
            "_read_msg": read_record,
        },
    )
    return type("PartitionRecords", (fetched,), {"__init__": start, "take": take}), made


# ----------------------------------------------------------------------- decompressing


def _decompressed(codec: int, data: bytes) -> bytes:
    """What a batch holds. Raises ValueError when that is too much, else what the codec raises."""
    return _CODECS[codec](data)


def _gzip(data: bytes) -> bytes:
    return _read(gzip.GzipFile(fileobj=io.BytesIO(data)))


def _snappy(data: bytes) -> bytes:
    """In blocks with lengths, as Java's xerial writes them, or in one."""
    snappy: Any = import_module("snappy")
    if not import_module("kafka.codec")._detect_xerial_stream(data):
        _check(_snappy_length(data))
        return bytes(snappy.decompress(data))
    blocks: list[bytes] = []
    pos, size = 16, 0
    while pos < len(data):
        start = pos + 4
        pos = start + int.from_bytes(data[pos:start], "big")
        block = data[start:pos]
        size += _snappy_length(block)
        _check(size)
        blocks.append(snappy.decompress(block))
    return b"".join(blocks)


def _snappy_length(block: bytes) -> int:
    """Of what is in the block, by its first bytes (snappy's format description, section 1)."""
    length = 0
    for place, byte in enumerate(block[:5]):
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return length
    raise ValueError("no length of a snappy block")


def _lz4(data: bytes) -> bytes:
    return _read(import_module("lz4.frame").LZ4FrameFile(io.BytesIO(data)))


def _zstd(data: bytes) -> bytes:
    made: Any = import_module("zstandard").ZstdDecompressor(max_window_size=WINDOW_BYTES)
    return _read(made.stream_reader(io.BytesIO(data), read_across_frames=True))


_CODECS: Final[Mapping[int, Callable[[bytes], bytes]]] = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
"""By their numbers in a batch's attributes (kafka.record.default_records)."""


def _read(stream: Any) -> bytes:
    with stream:
        found: bytes = stream.read(MOST_BYTES + 1)
    _check(len(found))
    return found


def _check(size: int) -> None:
    if size > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes, decompressed")
