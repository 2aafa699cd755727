"""What a fetch holds, decoded: damaged where no broker would let it pass."""

from __future__ import annotations

import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard
from kafka.consumer.fetcher import Fetcher  # type: ignore[import-untyped]
from kafka.record import MemoryRecords, MemoryRecordsBuilder  # type: ignore[import-untyped]
from kafka.record.default_records import DefaultRecordBatch  # type: ignore[import-untyped]
from kafka.record.util import calc_crc32c  # type: ignore[import-untyped]
from kafka.structs import TopicPartition  # type: ignore[import-untyped]

from consumers.kafka_record import UNDECODABLE
from infra.kafka.decoding import Unreadable, decode_ourselves

PLACE = TopicPartition("t", 7)
START = DefaultRecordBatch.HEADER_STRUCT.size
ATTRIBUTES = DefaultRecordBatch.ATTRIBUTES_OFFSET
LENGTH = struct.calcsize(">q")
ZSTD = DefaultRecordBatch.CODEC_ZSTD


def batch(offset: int, *values: bytes, codec: int = 0) -> bytearray:
    made: Any = MemoryRecordsBuilder(2, codec, 2**25, offset)
    for value in values:
        made.append(1000, b"k", value, [("h", b"1")])
    made.close()
    return bytearray(made.records()._buffer)


def signed(stored: bytearray) -> bytearray:
    """With the checksum of what it holds now."""
    struct.pack_into(">I", stored, DefaultRecordBatch.CRC_OFFSET, calc_crc32c(stored[ATTRIBUTES:]))
    return stored


def fetched(*batches: bytearray, start: int = 0) -> Any:
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords))
    decode_ourselves(consumer)
    return consumer._fetcher.PartitionRecords(start, PLACE, MemoryRecords(b"".join(batches)))


def taken(found: Any) -> list[tuple[int, bytes, list[str]]]:
    return [
        (record.offset, record.value, [name for name, _ in record.headers])
        for record in found.take(100)
    ]


@pytest.mark.parametrize("codec", range(1, 5))
def test_a_batch_that_cannot_be_decompressed_is_one_record_at_its_last_offset(codec: int) -> None:
    broken = batch(1, b"b", b"c", b"d", codec=codec)
    broken[START:] = b"\xff" * (len(broken) - START)
    signed(broken)
    found = fetched(batch(0, b"a"), broken, batch(4, b"e"))
    assert taken(found) == [
        (0, b"a", ["h"]),
        (3, bytes(broken), [UNDECODABLE]),
        (4, b"e", ["h"]),
    ]
    assert found.next_fetch_offset == 5


def test_a_batch_of_a_codec_s_highest_level_and_one_that_held_much_are_read() -> None:
    """Written as a stream, whose end nobody knew: zstd then says it may refer far back."""
    streamed = batch(0, b"a")
    compress = zstandard.ZstdCompressor(level=22).compressobj()
    streamed[START:] = compress.compress(bytes(streamed[START:])) + compress.flush()
    struct.pack_into(">h", streamed, ATTRIBUTES, ZSTD)
    struct.pack_into(">i", streamed, LENGTH, len(streamed) - DefaultRecordBatch.AFTER_LEN_OFFSET)
    much = b"0123456789" * 100_000
    found = fetched(signed(streamed), batch(1, *[much] * 30, codec=ZSTD))
    assert taken(found) == [(0, b"a", ["h"]), *((1 + n, much, ["h"]) for n in range(30))]


def cut_name(stored: bytearray) -> None:
    """The second record's header has a length below none."""
    at = stored.rindex(b"\x02h")
    stored[at] = 0x03


def miscounted(stored: bytearray) -> None:
    """Three records are said to be there, two are."""
    struct.pack_into(">i", stored, START - 4, 3)


@pytest.mark.parametrize(("damage", "good"), [(cut_name, 1), (miscounted, 2)])
def test_records_before_one_that_cannot_be_read_are_taken_and_what_follows_is_one_record(
    damage: Callable[[bytearray], None], good: int
) -> None:
    broken = batch(0, b"a", b"b")
    damage(broken)
    struct.pack_into(">i", broken, ATTRIBUTES + 2, 2)  # the last offset is 2
    signed(broken)
    whole = [(0, b"a", ["h"]), (1, b"b", ["h"])][:good]
    found = fetched(broken, batch(3, b"c"))
    assert taken(found) == [*whole, (2, bytes(broken), [UNDECODABLE]), (3, b"c", ["h"])]


def test_one_that_was_taken_in_part_is_gone_on_with_where_it_was_left() -> None:
    broken = batch(0, b"a", b"b")
    cut_name(broken)
    signed(broken)
    assert taken(fetched(broken, start=1)) == [(1, bytes(broken), [UNDECODABLE])]


def test_a_checksum_that_is_wrong_stops_it_there_for_ever() -> None:
    broken = batch(1, b"b")
    broken[-1] ^= 1
    found = fetched(batch(0, b"a"), broken, batch(2, b"c"))
    assert [offset for offset, _, _ in taken(found)] == [0]
    for _ in range(2):
        with pytest.raises(Unreadable, match="t/7 at 1"):
            found.take(100)


def test_a_codec_that_nobody_knows_stops_it_there() -> None:
    broken = batch(0, b"a")
    struct.pack_into(">h", broken, ATTRIBUTES, 5)
    with pytest.raises(Unreadable, match="compression"):
        fetched(signed(broken)).take(100)
