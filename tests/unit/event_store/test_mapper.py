"""Stored bytes: their form, reading them back, upcasting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

import pytest
from eventsourcing.persistence import StoredEvent

from domain.budget.events import BudgetSet
from domain.kernel import EVENTS, UPCASTERS, Event, event
from infra.event_store import EventMapper, Pending, UnknownTopic, UnreadableEvent, event_id
from tests.support.store import envelope, words

MAPPER = EventMapper()
STREAM = "budget:douyin:s1:2026-01-05"


@pytest.fixture
def registry() -> Iterator[None]:
    """Undoes what a test registers."""
    events, upcasters = dict(EVENTS), dict(UPCASTERS)
    yield
    EVENTS.clear()
    EVENTS.update(events)
    UPCASTERS.clear()
    UPCASTERS.update(upcasters)


def stored(event_: Event) -> StoredEvent:
    return MAPPER.to_stored_event(Pending(STREAM, 1, event_, envelope()))


def test_the_stored_form_is_stable_and_leaves_nothing_out() -> None:
    row = stored(BudgetSet(limit=100, currency="CNY"))
    assert (row.originator_id, row.originator_version, row.topic) == (STREAM, 1, BudgetSet.TOPIC)
    assert json.loads(row.state) == {
        "e": {"private": None, "limit": 100, "currency": "CNY"},
        "s": {
            "id": event_id("test", "m1", 0),
            "at": "2026-01-05T02:00:00Z",
            "dec": "2026-01-05T02:00:00Z",
            "by": {"kind": "system", "id": "erp", "role": "service"},
            "cause": None,
            "corr": None,
            "src": "test",
            "msg": "m1",
            "org": "test:1",
        },
    }
    assert MAPPER.decode(row.topic, row.state) == (
        BudgetSet(limit=100, currency="CNY"),
        envelope(),
    )


def test_personal_data_is_never_written_unsealed() -> None:
    with pytest.raises(TypeError, match="never stored unencrypted"):
        stored(BudgetSet(limit=1, currency="CNY", private=words("secret")))


def test_an_unknown_topic_says_what_to_do() -> None:
    with pytest.raises(UnknownTopic, match=r"'case\.beamed\.v9'.*run the version that wrote it"):
        MAPPER.decode("case.beamed.v9", b"{}")


@pytest.mark.parametrize("state", [b"", b"{", b'{"e":{}}', b'{"e":{"limit":-1},"s":{}}', b"[1]"])
def test_bytes_that_are_not_the_event_are_told_apart_from_unknown_topics(state: bytes) -> None:
    with pytest.raises(UnreadableEvent, match=BudgetSet.TOPIC):
        MAPPER.decode(BudgetSet.TOPIC, state)


@pytest.mark.usefixtures("registry")
def test_old_versions_are_upcast_step_by_step() -> None:
    @event("budget.limit_told.v3")
    class LimitTold(Event):
        limit: int
        note: str

    def in_minor_units(fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "limit": fields["limit"] * 100}

    def with_note(fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "note": "none"}

    UPCASTERS["budget.limit_told.v1"] = ("budget.limit_told.v2", in_minor_units)
    UPCASTERS["budget.limit_told.v2"] = ("budget.limit_told.v3", with_note)
    row = stored(BudgetSet(limit=1, currency="CNY"))
    fields = json.loads(row.state)
    fields["e"] = {"private": {"key": "k", "box": "b"}, "limit": 7}
    read, said = MAPPER.decode("budget.limit_told.v1", json.dumps(fields).encode())
    assert isinstance(read, LimitTold)
    assert (read.limit, read.note) == (700, "none")
    assert read.private is not None
    assert said == envelope()


@pytest.mark.usefixtures("registry")
def test_an_envelope_with_a_field_of_a_later_version_is_still_read() -> None:
    row = stored(BudgetSet(limit=1, currency="CNY"))
    fields = json.loads(row.state)
    fields["s"]["later"] = 1
    assert MAPPER.decode(row.topic, json.dumps(fields).encode())[1] == envelope()


def test_event_ids_are_version_5_uuids_of_source_message_and_index() -> None:
    namespace = UUID("5d2f6c0e-3c55-5d0b-9d4e-6a4f1c7b9a10")
    for index in range(200):
        made = event_id("file:订单", f"m{index}", index)
        assert made == str(uuid5(namespace, f"file:订单\0m{index}\0{index}"))
