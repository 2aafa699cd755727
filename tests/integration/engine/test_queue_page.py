"""A page of the live queue: read by index, and the same as if all cases were judged and sorted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.case import events as ev
from domain.case.values import Level, Party, PlatformDeadline, Priority, ProblemType
from domain.policy import ProcedureDocument
from domain.sla.events import ClockName
from infra.claims import SQL as CLAIMS
from infra.engine import Engine, rebuild
from infra.engine.fold import SQL
from infra.engine.ranking import RANK_LOCK, rank, rank_all
from infra.engine.rebuild import alone, fill, unwatched
from infra.engine.tables import statements_of
from infra.postgres import connect
from projections import queue
from tests.databases import fresh_database
from tests.integration.engine.given import (
    T0,
    World,
    case_id,
    clock,
    days,
    filed,
    hours,
    on_case,
    open_world,
)
from tests.integration.engine.test_queue import (
    RESPONSE,
    ACase,
    after,
    cases,
    closed,
    moments,
    publish,
    tell,
)
from tests.support.workers import running

TABLE, PLACES = queue.PROJECTION.table, queue.PROJECTION.places
COLUMNS = SQL["select_columns"]
NOTHING: dict[str, Any] = dict.fromkeys(
    ("platform", "shop", "problem", "turn", "action", "priority", "assignee", "before", "words")
)

PLAIN = """
select q.case_id
from open_cases q, lateral procedure_at(q.platform, q.shop, q.category, %(at)s) p, lateral (
    select min(c.pending_at) - make_interval(mins => (
               select coalesce(max((p.handling_minutes ->> one)::int), 0)
               from unnest(q.problems) one)) as start_by,
           min(c.due_at) filter (where c.due_at <= %(at)s) as overdue_since
    from (
        select u.due_at, case
            when u.due_at > %(at)s then u.due_at
            when u.every > 0 then u.due_at + make_interval(mins => u.every) * (
                floor(extract(epoch from %(at)s - u.due_at) / (60 * u.every)) + 1) end
        from unnest(q.clock_party, q.clock_every, q.due_at) u (party, every, due_at)
        where u.party = 'shop'
    ) c (due_at, pending_at)
) d
order by coalesce(q.platform_due_at <= %(at)s + make_interval(hours => p.deadline_hours), false)
             or q.payout is not null or q.safety or q.problems && p.safety_types desc,
         case when d.start_by is not null then 0 when d.overdue_since is not null then 1 else 2 end,
         coalesce(d.start_by, d.overdue_since), q.severity desc, q.priority desc,
         q.filed_at, q.case_id
"""
"""The order in one sort of columns, from the facts alone."""


def page(world: World, at: datetime, most: int | None, **wanted: Any) -> list[dict[str, Any]]:
    return world.rows(
        "select * from queue_page_at(%(at)s, %(most)s, %(platform)s, %(shop)s, %(problem)s,"
        " %(turn)s, %(action)s, %(priority)s, %(assignee)s, %(before)s, %(words)s, 3)",
        at=at,
        most=most,
        **NOTHING | wanted,
    )


def ranked(world: World, at: datetime | None = None, most: int = 1_000) -> None:
    with closing(connect(world.url, autocommit=True)) as conn:
        assert rank(conn, queue.PROJECTION, [TABLE], at=at, most=most) is not None


def unranked(world: World, at: datetime) -> list[str]:
    found = world.rows(
        "select stream from unranked_cases_at(%(at)s, outdated_rules_at(%(at)s)) order by stream",
        at=at,
    )
    return [row["stream"].rpartition(":")[2] for row in found]


# ------------------------------------------------- against a plain sort of all


@dataclass(frozen=True)
class Facts:
    """Cases are filed, or have another event."""

    cases: tuple[ACase, ...]
    closed: bool


@dataclass(frozen=True)
class Rules:
    """level: of the scope: platform, shop, category."""

    level: int
    document: ProcedureDocument
    effective: int


@dataclass(frozen=True)
class Ranked:
    at: int
    most: int


@dataclass(frozen=True)
class Forgotten:
    """every: of so many rows one is as if nobody had ranked it."""

    every: int


documents = st.builds(
    ProcedureDocument,
    platform_deadline_hours=st.one_of(st.none(), st.sampled_from([1, 24, 72])),
    handling_minutes=st.one_of(
        st.none(),
        st.dictionaries(
            st.sampled_from([ProblemType.DELAYED, ProblemType.LOST]),
            st.sampled_from([5, 600, 3000]),
            min_size=1,
        ),
    ),
    safety_types=st.one_of(st.none(), st.just(()), st.just((ProblemType.LOST,))),
)
steps = st.one_of(
    st.builds(Facts, st.lists(cases, min_size=1, max_size=5).map(tuple), st.booleans()),
    st.builds(Rules, st.integers(0, 2), documents, moments),
    st.builds(Ranked, moments, st.sampled_from([1, 3, 1_000])),
    st.builds(Forgotten, st.integers(1, 3)),
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "platform": st.sampled_from(["douyin", "taobao"]),
        "problem": st.sampled_from(["delayed", "lost"]),
        "turn": st.sampled_from(["shop", "buyer"]),
        "action": st.sampled_from(["contact_buyer", "check_payout"]),
        "priority": st.sampled_from(["normal", "high"]),
        "assignee": st.sampled_from(["", "li"]),
        "before": moments.map(after),
        "words": st.sampled_from(["c1", ":C", "o9"]),
    },
)


def fits(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """What the filters mean, in the columns that readers see."""
    due = row["overdue_since"] or row["next_due_at"]
    seen: dict[str, object] = {
        "platform": row["platform"],
        "shop": row["shop"],
        "turn": row["turn"],
        "action": row["next_action"],
        "priority": row["priority"],
        "assignee": row["assignee"] or "",
    }
    for name, value in wanted.items():
        match name:
            case "problem":
                good = value in row["problems"]
            case "before":
                good = due is not None and due < value
            case "words":
                ids = (row["case_id"], row["order_id"] or "")
                good = any(value.lower() in one.lower() for one in ids)
            case _:
                good = seen[name] == value
        if not good:
            return False
    return True


@pytest.fixture(scope="module")
def shared_world(request: pytest.FixtureRequest) -> Generator[World]:
    server = request.getfixturevalue("postgres_server")
    with fresh_database(server) as made, open_world(made.url) as opened:
        opened.project()
        yield opened


SHOPS = itertools.count()


def take(world: World, shop: str, names: Sequence[str], step: Facts | Rules) -> None:
    if isinstance(step, Rules):
        scope = ":".join(["douyin", shop, "shoes"][: step.level + 1])
        publish(world, scope, step.document, after(step.effective))
        return
    for name, case in zip(names, step.cases, strict=False):
        world.given(*tell(name, shop, case))
    if step.closed:
        stream, event, at = closed(names[0], T0)
        world.given((stream.replace(":s1:", f":{shop}:"), event, at))
    world.project()


any_history = given(
    told=st.lists(steps, min_size=2, max_size=6),
    asked=st.lists(moments, min_size=1, max_size=2),
    most=st.integers(1, 8),
    wanted=filters,
    of_shop=st.booleans(),
)


def check_pages(
    world: World,
    told: list[Facts | Rules | Ranked | Forgotten],
    asked: list[int],
    most: int,
    wanted: dict[str, Any],
    of_shop: bool,
) -> None:
    """After such a history in a shop of its own."""
    shop = f"shop{next(SHOPS)}"
    numbers = itertools.count()
    for step in told:
        match step:
            case Ranked():
                ranked(world, after(step.at), step.most)
            case Forgotten():
                world.rows(
                    f"update {TABLE} set holds_until = '-infinity'"
                    " where abs(hashtext(stream)) %% %(every)s = 0",
                    every=step.every,
                )
            case _:
                take(world, shop, [f"C{next(numbers)}" for _ in range(5)], step)
    if of_shop:
        wanted["shop"] = shop
    for minutes in asked:
        at = after(minutes)
        whole = world.queue(at)
        plain = [row["case_id"] for row in world.rows(PLAIN, at=at)]
        assert [row["case_id"] for row in whole] == plain
        assert [row["place"] for row in whole] == list(range(1, len(whole) + 1))
        assert page(world, at, most) == whole[:most]
        assert page(world, at, None) == whole
        fitting = [row for row in whole if fits(row, wanted)][:most]
        if wanted:
            for row in fitting:
                row["place"] = row["place"] if row["place"] <= 3 else None
        assert page(world, at, most, **wanted) == fitting


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@any_history
def test_a_page_is_the_beginning_of_a_sort_of_all_whatever_is_known_of_the_places(
    shared_world: World, **history: Any
) -> None:
    check_pages(shared_world, **history)


def test_what_is_due_before_a_moment_is_overdue_or_due_of_any_party(world: World) -> None:
    late = (RESPONSE, ClockName.PROGRESS_UPDATE)
    world.given(filed("A"), *(clock("A", name, T0 + days(1)) for name in late))
    world.given(
        filed("B"),
        clock("B", ClockName.ANSWER, T0 + hours(31), party=Party.BUYER),
        clock("B", ClockName.PROGRESS_UPDATE, T0 + hours(53)),
    )
    world.given(filed("C"), filed("D"), clock("D", RESPONSE, T0 + hours(40))).project()

    def due(before: datetime) -> list[str]:
        found = page(world, T0 + hours(30), 10, before=before)
        return sorted(row["case_id"].rpartition(":")[2] for row in found)

    assert due(T0 + days(1)) == []
    assert due(T0 + hours(25)) == ["A"]
    assert due(T0 + hours(32)) == ["A", "B"]
    assert due(T0 + hours(41)) == ["A", "B", "D"]


# ------------------------------------------------------------------ the places


def test_every_row_is_ranked_in_the_pass_that_projected_it(world: World) -> None:
    world.given(*(filed(f"C{n}") for n in range(5))).project()
    assert unranked(world, datetime.now(UTC)) == []
    world.given(on_case("C3", ev.PriorityRaised(priority=Priority.HIGH, as_remedy=False)))
    world.project()
    assert unranked(world, datetime.now(UTC)) == []
    assert len(world.rows("select 1 from case_rules")) == 1


def test_a_place_holds_until_the_next_moment_that_can_change_it(world: World) -> None:
    world.given(
        filed("A"), clock("A", RESPONSE, T0 + hours(2)), filed("B", severity=Level.HIGH)
    ).project()
    ranked(world, T0)
    assert unranked(world, T0 + hours(2) - timedelta(microseconds=1)) == []
    assert unranked(world, T0 + hours(2)) == ["A"]
    ranked(world, T0 + hours(2))
    assert unranked(world, T0 + days(1000)) == []
    assert unranked(world, T0 + hours(1)) == ["A"]


def test_a_place_holds_until_the_platforms_deadline_is_near(world: World) -> None:
    deadline = PlatformDeadline(clock="execution", due_at=T0 + hours(30))
    world.given(filed("A"), on_case("A", ev.PlatformDeadlineSet(deadline=deadline))).project()
    ranked(world, T0)
    assert unranked(world, T0 + hours(6) - timedelta(microseconds=1)) == []
    assert unranked(world, T0 + hours(6)) == ["A"]


def test_a_place_by_a_recurring_clock_holds_for_one_period(world: World) -> None:
    world.given(filed("A"), clock("A", ClockName.PROGRESS_UPDATE, T0 + days(1))).project()
    ranked(world, T0 + days(3.5))
    found = [n for n in range(10) if unranked(world, T0 + hours(12 * n)) == []]
    assert found == [6, 7]


def test_rules_take_their_places_from_the_cases_that_they_concern_and_no_others(
    world: World,
) -> None:
    world.given(filed("A", shop="s1"), filed("B", shop="s2"), filed("C", shop="s2")).project()
    now = datetime.now(UTC)
    slow = ProcedureDocument(handling_minutes={ProblemType.OTHER: 90})
    with nobody_ranking(world):
        publish(world, "douyin:s2", slow, T0)
        assert unranked(world, now) == ["B", "C"]
    world.project()
    assert unranked(world, now) == []
    # The same once more says nothing else.
    with nobody_ranking(world):
        publish(world, "douyin:s2", slow, T0)
        assert unranked(world, now) == []
    world.project()
    assert len(world.rows("select 1 from case_rules")) == 2


@contextmanager
def nobody_ranking(world: World) -> Generator[None]:
    """Somebody is at it, and does not get on."""
    with closing(connect(world.url, autocommit=True)) as conn:
        conn.execute("select pg_advisory_lock(%s)", (RANK_LOCK,))
        try:
            yield
        finally:  # a session that is closed may keep it for a moment
            conn.execute("select pg_advisory_unlock(%s)", (RANK_LOCK,))


def test_rules_that_come_into_force_later_take_the_places_then(world: World) -> None:
    now = datetime.now(UTC)
    world.given(filed("A")).project()
    publish(world, "douyin:s1", ProcedureDocument(safety_types=(ProblemType.OTHER,)), now + days(1))
    assert unranked(world, now + hours(23)) == []
    assert unranked(world, now + hours(25)) == ["A"]
    assert page(world, now + hours(25), 1)[0]["reasons"] == ["safety", "no_shop_clock"]


def test_rules_are_forgotten_once_nothing_was_judged_by_them(world: World) -> None:
    world.given(*(filed(f"C{n}") for n in range(5))).project()
    with nobody_ranking(world):
        publish(world, "douyin", ProcedureDocument(safety_types=(ProblemType.OTHER,)), T0)
    ranked(world, most=2)
    assert len(world.rows("select 1 from case_rules")) == 2
    ranked(world)
    assert len(world.rows("select 1 from case_rules")) == 1


def test_what_another_program_judged_counts_no_more(world: World) -> None:
    world.given(filed("A"), filed("B")).project()
    with nobody_ranking(world):
        world.rows("update projection_readers set digest = 'of another program'")
        world.project()
        assert unranked(world, datetime.now(UTC)) == ["A", "B"]
    world.project()
    assert unranked(world, datetime.now(UTC)) == []


def test_time_alone_moves_cases_while_an_engine_runs(world: World) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1)
    world.given(filed("A"), clock("A", RESPONSE, due)).project()
    (row,) = world.rows(f"select holds_until from {TABLE}")
    assert row["holds_until"] == due
    with running(Engine(world.url, poll=0.1)):
        until = time.monotonic() + 20
        while not world.rows(f"select 1 from {TABLE} where holds_from = %(due)s", due=due):
            assert time.monotonic() < until
            time.sleep(0.05)
    assert unranked(world, datetime.now(UTC)) == []


def test_a_failure_to_rank_holds_up_nothing(world: World) -> None:
    world.given(filed("A")).project()
    world.rows("alter table case_rules rename to kept_aside")
    world.given(filed("B")).project()
    assert len(world.rows("select 1 from open_cases")) == 2
    world.rows("alter table kept_aside rename to case_rules")
    world.project()
    assert [row["case_id"] for row in page(world, T0, None)] == [case_id("A"), case_id("B")]
    assert unranked(world, datetime.now(UTC)) == []


def test_a_rebuild_is_ranked_before_it_is_read(world: World) -> None:
    world.given(*(filed(f"C{n}") for n in range(5))).project()
    before = page(world, T0, None)
    table = rebuild(world.url, queue.PROJECTION, workers=1).table
    held = world.rows(f"select 1 from {table} where holds_until > %(at)s", at=datetime.now(UTC))
    assert len(held) == 5
    assert page(world, T0, None) == before


def test_rules_by_which_readers_still_see_cases_judged_are_not_forgotten_by_a_rebuild(
    world: World,
) -> None:
    now = datetime.now(UTC)
    world.given(
        filed("A", now, problems=[ProblemType.DAMAGED]),
        clock("A", RESPONSE, now + hours(10), now),
        filed("B", now, problems=[ProblemType.LOST]),
        clock("B", RESPONSE, now + hours(11), now),
    ).project()
    with alone(world.url, queue.PROJECTION) as (_, conn):
        table = fill(world.url, conn, queue.PROJECTION, "joining", 1, False, unwatched)
        with nobody_ranking(world):
            slow = ProcedureDocument(handling_minutes={ProblemType.LOST: 300})
            publish(world, "douyin", slow, now - hours(1))
        rank_all(conn, queue.PROJECTION, table)
    later = datetime.now(UTC)
    whole = world.queue(later)
    assert [row["case_id"] for row in whole] == [case_id("B"), case_id("A")]
    assert page(world, later, 1) == whole[:1]
    ranked(world)
    assert unranked(world, later) == []
    assert page(world, later, 1) == whole[:1]
    assert len(world.rows("select 1 from case_rules")) == 1


# --------------------------------------------- what a long queue costs a reader


@pytest.fixture(scope="module", params=[3_000, 15_000])
def long_queue(request: pytest.FixtureRequest) -> Generator[World]:
    """So many cases of four shops: every tenth with a priority, every third late."""
    server = request.getfixturevalue("postgres_server")
    with fresh_database(server) as made, open_world(made.url) as world:
        now = datetime.now(UTC)
        world.given(filed("A", now), clock("A", RESPONSE, now + days(1), now)).project()
        copy_row(world, request.param)
        with closing(connect(world.url, autocommit=True)) as conn:
            rank_all(conn, queue.PROJECTION, TABLE)
        yield world


def copy_row(world: World, count: int) -> None:
    """As if that many cases had been projected."""
    changed = {
        "stream": "stream || n",
        "case_id": "case_id || n",
        "shop": "'s' || n %% 4",
        "priority": "(n %% 10 = 0)::int",
        "assignee": "case when n %% 500 = 0 then 'li' end",
        "due_at": "array[due_at[1] + n * interval '1 s' - interval '2 d' * (n %% 3 / 2)]",
    }
    found = world.rows(COLUMNS, table=TABLE, without=list(PLACES))
    names: list[str] = [row["attname"] for row in found]
    made = ", ".join(changed.get(name, name) for name in names)
    world.rows(
        f"insert into {TABLE} ({', '.join(names)}) select {made}"
        f" from {TABLE}, generate_series(2, %(count)s) n",
        count=count,
    )


def looked_at(world: World, query: str, **params: Any) -> tuple[int, int]:
    """How many rows it gave, and how many of the table it looked at."""
    with closing(connect(world.url)) as conn:
        given = conn.execute(query.encode(), params).fetchall()
        row = conn.execute(
            "select idx_tup_fetch + seq_tup_read from pg_stat_xact_user_tables where relname = %s",
            (TABLE,),
        ).fetchone()
        assert row is not None
        return len(given), row[0]


@pytest.mark.parametrize(
    "wanted", ["", "shop => 's1'", "turn => 'shop'", "priority => 'high'", "assignee => 'li'"]
)
def test_a_page_looks_at_few_rows_however_long_the_queue_is(long_queue: World, wanted: str) -> None:
    asked = f"statement_timestamp(), 20, counted => 50{', ' * bool(wanted)}{wanted}"
    rows, looked = looked_at(long_queue, f"select * from queue_page_at({asked})")
    assert 5 < rows <= 20
    assert looked < 500


@pytest.mark.parametrize(
    ("shops", "skills"), [(None, None), (["douyin:s1"], None), (["s1"], None), (None, ["other"])]
)
def test_a_draw_looks_at_few_rows_however_long_the_queue_is(
    long_queue: World, shops: list[str] | None, skills: list[str] | None
) -> None:
    asked = {"shops": shops, "names": ["s1"], "skills": skills, "limit": 20}
    rows, looked = looked_at(long_queue, CLAIMS["draw_candidates"], **asked)
    assert rows == 40
    assert looked < 500


def test_what_is_to_be_ranked_is_found_by_index(long_queue: World) -> None:
    long_queue.rows(f"update {TABLE} set holds_until = '-infinity' where priority = 1")
    asked = {"at": datetime.now(UTC), "most": 10}
    statements = statements_of(queue.PROJECTION)
    rows, looked = looked_at(long_queue, statements["select_unranked"], **asked)
    assert rows == 10
    assert looked < 100
