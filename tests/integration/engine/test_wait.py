"""Whoever wrote something can wait until the views hold it."""

from __future__ import annotations

import threading
from contextlib import closing

import psycopg
import pytest

from infra.engine import Behind, wait_for
from infra.engine.quarantine import UnknownReadModel
from infra.postgres import connect
from tests.integration.engine.given import T0, World, case_id, filed
from tests.integration.engine.test_engine import running


def test_after_the_wait_the_reader_sees_what_was_written(world: World) -> None:
    with running(world, poll=0.05), closing(connect(world.url, autocommit=True)) as conn:
        for number in range(20):
            world.given(filed(f"C{number}"))
            wait_for(conn, world.log.head())
            assert case_id(f"C{number}") in world.order_of_queue(T0)


def test_whoever_waits_sees_a_commit_that_comes_meanwhile(world: World) -> None:
    world.given(filed("A")).project()
    later = threading.Timer(0.3, lambda: world.given(filed("B")).project())
    later.start()
    with closing(connect(world.url, autocommit=True)) as conn:
        (row,) = conn.execute("select wait_for_position(2)").fetchall()
    later.join()
    assert row == (True,)
    assert world.order_of_queue(T0) == [case_id("A"), case_id("B")]


def test_a_position_that_does_not_come_is_waited_for_no_longer_than_said(world: World) -> None:
    world.given(filed("A")).project()
    with closing(connect(world.url, autocommit=True)) as conn:
        with pytest.raises(Behind, match="position 2"):
            wait_for(conn, 2, timeout=0.1)
        wait_for(conn, 1)


def test_of_some_read_models_only_these_are_waited_for(world: World) -> None:
    world.given(filed("A")).project()
    world.rows("update projections set position = 0 where name like 'suppliers_v%%'")
    with closing(connect(world.url, autocommit=True)) as conn:
        wait_for(conn, 1, ["queue", "sla_clocks"])
        with pytest.raises(Behind):
            wait_for(conn, 1, ["queue", "suppliers"], timeout=0.1)


def test_whoever_names_a_view_in_place_of_a_read_model_is_told_which_there_are(
    world: World,
) -> None:
    world.given(filed("A")).project()
    known = "queue, shipped_units, shop_rules, sla_clocks, suppliers"
    with closing(connect(world.url, autocommit=True)) as conn:
        for names in (["live_queue"], ["queue", "open_cases"], [None]):
            with pytest.raises(psycopg.errors.UndefinedObject, match=f"there are: {known}"):
                conn.execute("select wait_for_position(1, 0.1, %s)", (names,))
        with pytest.raises(UnknownReadModel, match="live_queue"):
            wait_for(conn, 1, ["live_queue"])


def test_a_database_of_an_earlier_program_gets_the_function_of_this_one(world: World) -> None:
    world.project()
    found = "select oid, xmin::text, prosrc from pg_proc where proname = 'wait_for_position'"
    made = world.rows(found)
    world.project()
    assert world.rows(found) == made, "it is made anew only where it is another"
    world.rows(
        "create or replace function wait_for_position("
        "wanted bigint, seconds float8 default 10, read_models text[] default null)"
        " returns boolean language sql as 'select true'"
    )
    world.project()
    (anew,) = world.rows(found)
    assert (anew["oid"], anew["prosrc"]) == (made[0]["oid"], made[0]["prosrc"])
