"""`python -m tests.golden [DATABASE_URL]`: add lines for each stored topic, and for each schema of
what is published or taken, that has none.

With a URL, add to the stories a few of that log's streams that together show all its topics.
What stands in the corpus is never rewritten.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import closing
from importlib import import_module
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.kernel import EVENTS, Event, Kind, Private, case_stream
from infra.event_store import EventMapper, Pending
from infra.postgres import Rows, connect
from infra.vault import SubjectKey, Vault
from tests.golden import KEY, KEY_ID, STORIES, TOPICS, Line, read_lines
from tests.golden.examples import example
from tests.golden.published import PUBLISHED, new_lines
from tests.golden.taken import PATH as TAKEN_RECORDS
from tests.golden.taken import new_lines as new_records
from tests.support.store import envelope

import_module("domain.decider")  # registers every event

STREAMS = {kind.name.lower(): f"{kind.name.lower()}:douyin:s1:A1" for kind in Kind}
WORDS = Private(text="鞋底开胶", buyer="买家 01", contact="13800000000")


def topic_lines(cls: type[Event]) -> list[Line]:
    """Two events of the class: one with all its fields and personal data, one with the least."""
    stream = STREAMS.get(cls.TOPIC.partition(".")[0], case_stream("douyin:s1:A1"))
    key = SubjectKey(KEY_ID, AESGCM(KEY))
    lines: list[Line] = []
    for version, full in ((1, True), (2, False)):
        event, private = example(cls, full=full), WORDS if full else None
        if private is not None:
            sealed = Vault.seal(private, key, stream, version, cls.TOPIC)
            event = event.model_copy(update={"private": sealed})
        stored = EventMapper().to_stored_event(
            Pending(stream, version, event, envelope(f"golden-{version}"))
        )
        lines.append(Line(stream, version, cls.TOPIC, stored.state, private))
    return lines


def story_lines(conn: Rows) -> list[Line]:
    """Every stream of a log, sealed anew with the corpus's key: its own stays secret."""
    rows = conn.execute(
        "SELECT originator_id, originator_version, topic, state FROM stored_events"
        " ORDER BY originator_id, originator_version"
    )
    key = SubjectKey(KEY_ID, AESGCM(KEY))
    lines: list[Line] = []
    for stream, version, topic, state in rows:
        fields = json.loads(state)
        private = WORDS if fields["e"]["private"] else None
        if private is not None:
            sealed = Vault.seal(private, key, stream, version, topic)
            fields["e"]["private"] = sealed.model_dump()
        stored = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        lines.append(Line(stream, version, topic, stored, private))
    return lines


def telling(lines: list[Line]) -> list[Line]:
    """Few of the streams that together show every topic of the log."""
    streams: dict[str, list[Line]] = {}
    for line in lines:
        streams.setdefault(line.stream, []).append(line)
    chosen: list[Line] = []
    seen: set[str] = set()
    while streams:
        name = max(streams, key=lambda s: len({line.topic for line in streams[s]} - seen))
        story = streams.pop(name)
        if {line.topic for line in story} <= seen:
            break
        seen.update(line.topic for line in story)
        chosen += story
    return chosen


def append(path: Path, lines: Iterable[Line]) -> int:
    written = [line.written() + "\n" for line in lines]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(written)
    return len(written)


def main(urls: list[str]) -> None:
    there = {line.topic for line in read_lines(TOPICS)}
    new = [line for topic in sorted(EVENTS.keys() - there) for line in topic_lines(EVENTS[topic])]
    print(f"{append(TOPICS, new)} lines of new topics")
    published = new_lines()
    with PUBLISHED.open("a", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in published)
    print(f"{len(published)} lines of newly published types")
    taken = new_records()
    with TAKEN_RECORDS.open("a", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in taken)
    print(f"{len(taken)} lines of records that are newly taken")
    told = {line.stream for line in read_lines(STORIES)}
    for url in urls:
        with closing(connect(url)) as conn:
            lines = [line for line in telling(story_lines(conn)) if line.stream not in told]
        print(f"{append(STORIES, lines)} lines of new stories")


if __name__ == "__main__":
    main(sys.argv[1:])
