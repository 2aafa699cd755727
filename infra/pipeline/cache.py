"""Folded streams kept between batches."""

from __future__ import annotations

import gc
from collections import OrderedDict

from domain.kernel import State

# A folded state in memory takes about as many bytes as this times its stored events; the rest
# is what an entry takes by itself. Measured; see tests/unit/test_state_cache.py.
BYTES_PER_STORED_BYTE = 2
BYTES_PER_ENTRY = 1_000


class StateCache:
    """States by stream, the least recently used given up first. Bounded in (estimated) bytes.

    position: every state here includes all events of its stream up to this position of the
    log, perhaps later ones too; -1 before the log was read.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.position = -1
        self._entries: OrderedDict[str, tuple[State, int]] = OrderedDict()

        # States are immutable and hold no cycles; with Python's own thresholds the collector
        # walks all of them in vain, again and again: a quarter of a batch's time.
        gc.set_threshold(50_000, 20, 100)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, stream: str) -> State | None:
        """The state, or None when it must be loaded; it counts as used."""
        entry = self._entries.get(stream)
        if entry is None:
            return None
        self._entries.move_to_end(stream)
        return entry[0]

    def peek(self, stream: str) -> State | None:
        """The state without counting as its use."""
        entry = self._entries.get(stream)
        return None if entry is None else entry[0]

    def put(self, stream: str, state: State, stored_bytes: int) -> None:
        """Keep a state. stored_bytes: of the events folded in since it was last put here."""
        _, before = self._entries.pop(stream, (None, 0))
        size = (before or BYTES_PER_ENTRY) + stored_bytes * BYTES_PER_STORED_BYTE
        self._entries[stream] = (state, size)
        self.bytes += size - before
        while self.bytes > self.max_bytes and self._entries:
            _, (_, freed) = self._entries.popitem(last=False)
            self.bytes -= freed

    def drop(self, stream: str) -> None:
        _, size = self._entries.pop(stream, (None, 0))
        self.bytes -= size

    def clear(self) -> None:
        self._entries.clear()
        self.bytes = 0
