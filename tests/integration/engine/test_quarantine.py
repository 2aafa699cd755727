"""An event that cannot be projected parks its stream, and nothing else, until somebody acts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from domain.case import events as ev
from domain.case.state import Case
from domain.kernel import Kind
from domain.sla.events import ClockName
from infra.engine import Behind, Engine, engine, find_projection, read_parked, read_status
from infra.engine import retry as fold_anew
from infra.engine import skip as skip_event
from infra.engine.quarantine import Parked
from infra.failure import Failure
from infra.postgres import connect
from projections import PROJECTIONS, Projection, queue
from tests.databases import Database
from tests.integration.engine.given import (
    T0,
    Told,
    World,
    case_id,
    clock,
    filed,
    hours,
    on_case,
    ordered,
    shipped,
)
from tests.integration.engine.test_engine import dump, rebuilt, running, until
from tests.integration.engine.test_suppliers import complaint, liable

OF_CASES = ["queue", "shipped_units", "sla_clocks"]
TOO_MANY = 1_000
"""Units that the table refuses, see `strict`."""


def cases(count: int) -> Iterator[Told]:
    for number in range(count):
        yield filed(f"C{number}", T0 + hours(number))
        yield clock(f"C{number}", ClockName.FIRST_RESPONSE, T0 + hours(number))


def parked(world: World) -> list[Parked]:
    with closing(connect(world.url, autocommit=True)) as conn:
        return read_parked(conn)


def where(world: World) -> list[tuple[str, str, int]]:
    return [(one.read_model, one.stream, one.position) for one in parked(world)]


def retry(world: World, name: str, stream: str | None = None) -> list[Parked]:
    with closing(connect(world.url, autocommit=True)) as conn:
        return fold_anew(conn, find_projection(PROJECTIONS, name), stream)


def skip(world: World, name: str, position: int) -> list[Parked]:
    with closing(connect(world.url, autocommit=True)) as conn:
        return skip_event(conn, find_projection(PROJECTIONS, name), position, "ann", "typing error")


def positions(world: World) -> set[int]:
    return {row["position"] for row in world.rows("select position from projections")}


def with_queue(made: Projection) -> tuple[Projection, ...]:
    return tuple(made if p is queue.PROJECTION else p for p in PROJECTIONS)


def refusing(*names: str, round_of: int = 1) -> tuple[Projection, ...]:
    """All read models, the queue with a mistake: it can make no row of these cases."""
    refused = {case_id(name) for name in names}

    def rows(case: Case, _look: Any) -> Iterator[object]:
        if case.case_id in refused and case.version >= round_of:
            raise ValueError("cannot be")
        yield from queue.PROJECTION.rows(case, {})

    return with_queue(Projection("queue", queue.VERSION, frozenset({Kind.CASE}), rows))


def strict(world: World, projections: tuple[Projection, ...] = PROJECTIONS) -> None:
    """Make the tables, the one of the shipped units with a rule more."""
    with Engine(world.url, projections).session():
        (table,) = (p.table for p in projections if p.name == "shipped_units")
        world.rows(f"alter table {table} add check (units < {TOO_MANY})")


def test_a_poison_event_in_a_page_of_a_thousand_parks_its_case_and_999_others_go_in(
    world: World,
) -> None:
    world.given(*(filed(f"A{n}") for n in range(500)), filed("P"))
    bad = world.spoil(f"case:{case_id('P')}")
    world.given(*(filed(f"B{n}") for n in range(498)))
    assert world.log.head() == 1000
    world.project(page=1000)
    assert where(world) == [(name, f"case:{case_id('P')}", bad) for name in OF_CASES]
    assert positions(world) == {1000}
    assert len(world.order_of_queue(T0)) == 999
    row = world.rows("select position from open_cases where case_id = %(c)s", c=case_id("P"))
    assert row == [{"position": bad - 1}], "it stands as it was before the event"


def test_a_parked_row_stays_as_it_was_and_readers_can_tell(world: World) -> None:
    world.given(filed("A"), filed("P"))
    world.spoil(f"case:{case_id('P')}")
    world.project()
    world.given(clock("P", ClockName.FIRST_RESPONSE, T0), clock("A", ClockName.FIRST_RESPONSE, T0))
    world.project()
    seen = world.rows(
        "select q.case_id, q.clock, p.stream is not null as parked from open_cases q"
        " left join parked p on p.stream = q.stream and p.read_model = 'queue' order by 1"
    )
    assert seen == [
        {"case_id": case_id("A"), "clock": ["first_response"], "parked": False},
        {"case_id": case_id("P"), "clock": [], "parked": True},
    ]


@pytest.mark.parametrize("page", [1, 4, 7, 1000])
def test_what_is_parked_does_not_depend_on_how_the_log_is_cut(
    world: World, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PARKED_OF_A_PAGE", 1)  # or a small page would be refused
    for name in ("A", "B", "C", "D"):
        world.given(ordered(f"O{name}"), shipped(f"O{name}", units=2), *complaint(name, f"O{name}"))
    world.spoil(f"case:{case_id('B')}")
    world.given(liable("A"), liable("B"), clock("C", ClockName.FIRST_RESPONSE, T0))
    world.given(shipped("OB", parcel="p2"), shipped("OC", parcel="p2", units=TOO_MANY))
    world.given(liable("C"))
    world.given(shipped("OD", parcel="p2"))
    strict(world)
    world.project(page=1000)
    expected, at = dump(world), where(world)
    assert {(name, stream.partition(":")[0]) for name, stream, _ in at} == {
        *((name, "case") for name in OF_CASES),
        ("shipped_units", "order"),
    }
    higher = tuple(replace(p, version=p.version + 1) for p in PROJECTIONS)
    strict(world, higher)
    world.project(higher, page=page)
    assert dump(world, higher) == expected
    assert where(world) == at


def test_once_the_mistake_is_mended_a_retry_folds_anew(world: World) -> None:
    world.given(*cases(3))
    world.project(refusing("C1", round_of=2))
    world.given(clock("C1", ClockName.PROGRESS_UPDATE, T0 + hours(24)))
    world.project(refusing("C1", round_of=2))
    assert where(world) == [("queue", f"case:{case_id('C1')}", 4)]
    assert retry(world, "queue", f"case:{case_id('C1')}") == []
    assert where(world) == []
    world.given(on_case("C1", ev.NoteAdded())).project()
    assert dump(world) == rebuilt(world)


def test_a_retry_in_vain_leaves_it_parked_and_counts(world: World) -> None:
    world.given(filed("P"))
    bad = world.spoil(f"case:{case_id('P')}")
    world.project()
    before = dump(world)
    (left,) = retry(world, "queue")
    assert (left.position, left.attempts) == (bad, 2)
    assert dump(world) == before
    with pytest.raises(Failure, match="is not parked"):
        retry(world, "queue", "case:douyin:s1:other")


def test_a_skipped_event_is_left_out_for_one_read_model_now_and_in_every_rebuild(
    world: World,
) -> None:
    world.given(filed("A"), filed("P"))
    bad = world.spoil(f"case:{case_id('P')}")
    world.given(clock("P", ClockName.FIRST_RESPONSE, T0)).project()
    assert skip(world, "queue", bad) == []
    assert [name for name, _, _ in where(world)] == ["shipped_units", "sla_clocks"]
    assert world.rows("select projection, position, who, why from skipped_events") == [
        {"projection": "queue", "position": bad, "who": "ann", "why": "typing error"}
    ]
    assert world.rows("select clock from open_cases where case_id = %(c)s", c=case_id("P")) == [
        {"clock": ["first_response"]}
    ]
    world.given(clock("P", ClockName.PROGRESS_UPDATE, T0 + hours(24)), filed("B")).project()
    for name in ("sla_clocks", "shipped_units"):
        assert skip(world, name, bad) == []
    assert where(world) == []
    assert dump(world) == rebuilt(world)


def test_only_an_event_that_something_is_parked_for_can_be_skipped(world: World) -> None:
    world.given(filed("A")).project()
    with pytest.raises(Failure, match="Nothing is parked"):
        skip(world, "queue", 1)


def test_after_a_skip_the_next_poison_event_parks_the_stream_again(world: World) -> None:
    world.given(filed("P"))
    first = world.spoil(f"case:{case_id('P')}")
    world.given(clock("P", ClockName.FIRST_RESPONSE, T0))
    second = world.spoil(f"case:{case_id('P')}")
    world.project()
    (left,) = skip(world, "queue", first)
    assert left.position == second
    assert world.rows("select position, clock from open_cases") == [
        {"position": second - 1, "clock": ["first_response"]}
    ]


def test_a_row_that_the_table_refuses_parks_its_stream_and_nothing_else(world: World) -> None:
    for number in range(10):
        world.given(ordered(f"O{number}"), shipped(f"O{number}"))
    world.given(shipped("O4", parcel="p2", units=TOO_MANY), shipped("O5", parcel="p2"))
    strict(world)
    world.project()
    assert where(world) == [("shipped_units", "order:douyin:s1:O4", 21)]
    (one,) = parked(world)
    assert one.error.startswith("CheckViolation")
    assert world.rows("select sum(units)::int as units from shipped_units") == [{"units": 11}]
    assert skip(world, "shipped_units", 21) == []
    assert dump(world) == rebuilt(world)


def test_an_order_that_needs_a_broken_case_is_parked_when_it_is_touched(world: World) -> None:
    world.given(ordered("O1"), shipped("O1"), *complaint("A", "O1"))
    bad = world.spoil(f"case:{case_id('A')}")
    world.given(shipped("O1", parcel="p2")).project()
    of_units = [one[1:] for one in where(world) if one[0] == "shipped_units"]
    assert of_units == [
        (f"case:{case_id('A')}", bad),
        ("order:douyin:s1:O1", world.log.head()),
    ]
    assert skip(world, "shipped_units", bad) == []
    assert world.rows("select sum(units)::int as units from shipped_units") == [{"units": 2}]
    world.given(liable("A")).project()
    assert dump(world)["shipped_units"] == rebuilt(world)["shipped_units"]


def test_too_many_at_once_stop_the_read_model_and_park_nothing(world: World) -> None:
    """Eleven of a page of a thousand: that is the program's mistake, not theirs."""
    world.given(*cases(30))
    wrong = refusing(*(f"C{n}" for n in range(11)))
    with pytest.raises(Behind, match="queue"):
        world.project(wrong)
    assert where(world) == []
    with closing(connect(world.url)) as conn:
        found = {one.name: (one.position, one.error) for one in read_status(conn)}
    position, error = found.pop(queue.PROJECTION.table)
    assert position == 0
    assert error is not None
    assert error.startswith("TooManyParked")
    assert set(found.values()) == {(60, None)}
    world.project()
    assert len(world.order_of_queue(T0)) == 30


def test_of_one_read_model_at_most_twenty_are_parked_in_all(world: World) -> None:
    world.given(*(filed(f"C{n}") for n in range(20)))
    wrong = refusing(*(f"C{n}" for n in range(21)))
    world.project(wrong, page=1)
    assert len(where(world)) == 20
    world.given(filed("C20"), filed("D"))
    with pytest.raises(Behind, match="queue"):
        world.project(wrong, page=1)
    assert len(where(world)) == 20
    assert retry(world, "queue") == []
    world.project()
    assert dump(world) == rebuilt(world)


def test_an_operator_and_a_leader_at_the_same_time_lose_nothing(world: World) -> None:
    world.given(filed("P"))
    bad = world.spoil(f"case:{case_id('P')}")
    with running(world, poll=0.05, page=3):
        until(lambda: len(where(world)) == 3)
        stop = threading.Event()

        def load() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                world.given(
                    clock("P", ClockName.FIRST_RESPONSE, T0 + hours(number)), filed(f"A{number}")
                )

        thread = threading.Thread(target=load)
        thread.start()
        try:
            for _ in range(5):
                retry(world, "queue")
            for name in OF_CASES:
                skip(world, name, bad)
        finally:
            stop.set()
            thread.join()
        until(lambda: positions(world) == {world.log.head()})
    assert where(world) == []
    assert dump(world) == rebuilt(world)


# ------------------------------------------- what is not an event's fault


def test_a_table_that_is_locked_for_too_long_parks_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine.SESSION, "lock_timeout", "100ms")
    world.given(filed("A")).project()
    world.given(filed("B"))
    with closing(connect(world.url)) as other:
        other.execute(f"lock table {queue.PROJECTION.table}".encode())
        with pytest.raises(Behind, match=queue.PROJECTION.table):
            world.project()
    assert where(world) == []
    world.project()
    assert dump(world) == rebuilt(world)


def test_no_room_on_the_disk_parks_nothing(world: World, database: Database) -> None:
    """PostgreSQL's own limit for temporary files, which a page of this size needs."""
    world.project().given(*cases(500))
    with closing(connect(database.admin_url, autocommit=True)) as admin:
        for setting in ("temp_file_limit = '1kB'", "work_mem = '64kB'"):
            admin.execute(f"alter database {database.name} set {setting}".encode())
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            world.project()
        admin.execute(f"alter database {database.name} reset all".encode())
    assert where(world) == []
    with closing(connect(world.url)) as conn:
        assert {one.error for one in read_status(conn)} == {None}
    world.project()
    assert dump(world) == rebuilt(world)


def test_a_connection_that_is_cut_within_a_page_parks_nothing(world: World) -> None:
    world.given(*cases(50)).project()
    world.given(filed("A"))
    raised: list[Exception] = []

    def project() -> None:
        try:
            world.project()
        except psycopg.Error as e:
            raised.append(e)

    with closing(connect(world.url)) as other:
        # The page waits for this row's lock, and there it is cut.
        table = queue.PROJECTION.table
        other.execute("select from projections where name = %s for update", (table,))
        thread = threading.Thread(target=project)
        thread.start()
        until(lambda: bool(waiting(world)))
        world.rows(f"select pg_terminate_backend({waiting(world)[0]})")
        thread.join()
    assert isinstance(raised[0], psycopg.OperationalError)
    assert where(world) == []
    world.project()
    assert dump(world) == rebuilt(world)


def waiting(world: World) -> list[int]:
    rows = world.rows(
        "select pid from pg_stat_activity where datname = current_database()"
        " and application_name = 'casetrail projections' and wait_event_type = 'Lock'"
    )
    return [row["pid"] for row in rows]
