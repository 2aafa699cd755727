"""Everything that was ever stored is read, with keys and with keys erased."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain import decider
from domain.kernel import EVENTS, UPCASTERS, Private, Stamp
from infra.event_store import EventMapper, Recorded, UnknownTopic, current_topic
from infra.vault import Erased, unseal
from tests.golden import KEY, STORIES, TOPICS, Line, read_lines

CORPUS = [*read_lines(TOPICS), *read_lines(STORIES)]
MAPPER = EventMapper()


def recorded(line: Line, position: int) -> Recorded:
    event, envelope = MAPPER.decode(line.topic, line.state)
    stamp = Stamp(line.version, envelope.occurred_at, envelope.decided_at, envelope.actor)
    now = datetime.now(UTC)
    return Recorded(line.stream, event, stamp, envelope, line.topic, position, now)


def test_every_registered_event_has_a_line_in_the_corpus() -> None:
    missing = EVENTS.keys() - {line.topic for line in CORPUS}
    assert not missing, f"run `make golden` to add lines for {sorted(missing)}"


def test_every_line_is_read_as_an_event_of_the_current_version() -> None:
    unknown: list[str] = []
    for position, line in enumerate(CORPUS, 1):
        try:
            record = recorded(line, position)
        except UnknownTopic as e:
            unknown.append(str(e))
            continue
        assert current_topic(line.topic) == record.event.TOPIC
        assert record.envelope.event_id
    assert not unknown, "a stored topic was dropped without an upcaster: " + unknown[0]


@pytest.mark.parametrize("key_is_there", [True, False])
def test_personal_data_opens_with_its_key_and_is_erased_without(key_is_there: bool) -> None:
    cipher = AESGCM(KEY) if key_is_there else None
    count = 0
    for position, line in enumerate(CORPUS, 1):
        record = recorded(line, position)
        if record.sealed is None:
            assert line.private is None
            continue
        private: Private | Erased = unseal(record, record.sealed, cipher)
        assert private == (line.private if key_is_there else Erased(key=record.sealed.key))
        count += 1
    assert count >= len(EVENTS)


def test_every_story_folds_to_its_last_version() -> None:
    for stream, lines in groupby(read_lines(STORIES), attrgetter("stream")):
        records = [recorded(line, n) for n, line in enumerate(lines, 1)]
        state = decider.fold(stream, [(record.event, record.stamp) for record in records])
        assert state.version == len(records), stream


def test_an_event_folds_the_same_whether_or_not_its_key_was_destroyed() -> None:
    for stream, lines in groupby(read_lines(STORIES), attrgetter("stream")):
        records = [recorded(line, n) for n, line in enumerate(lines, 1)]
        kept = decider.fold(stream, [(r.event, r.stamp) for r in records])
        bare = [(r.event.model_copy(update={"private": None}), r.stamp) for r in records]
        # By its words: a policy's version is equal only to itself.
        assert repr(decider.fold(stream, bare)) == repr(kept)


def test_every_upcaster_leads_to_an_event_of_today_and_starts_at_none() -> None:
    for topic in UPCASTERS:
        assert topic not in EVENTS, f"{topic} is both current and old"
        assert current_topic(topic) in EVENTS
