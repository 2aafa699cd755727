"""The next best case: in the queue's order, one that fits, and never one that somebody holds."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from pydantic import ValidationError

from domain.case.commands import (
    AddNote,
    CloseCase,
    OverrideClaim,
    ProposeResolution,
    RecordEvaluation,
    ReleaseClaim,
    WithdrawCase,
)
from domain.case.values import ProblemType, Rating
from domain.kernel import Actor, ActorKind, Private, Role
from infra.claims import CAPACITY, Claim, Claims, Unclaimed
from infra.engine import Engine
from tests.support.claim_history import read_history
from tests.support.queue import complaint, fill, procedure, rows, spoil
from tests.support.store import Store, ask, open_store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATE = 2 * DAY
"""Longer ago than any clock runs: each of the case's is breached."""


def claims_of(store: Store, seed: int = 1) -> Claims:
    return Claims(store.datastore, store.pipeline, Random(seed))


def claimed(found: Claim | Unclaimed) -> str:
    assert isinstance(found, Claim), found
    return found.case_id.rpartition(":")[2]


def code(found: Claim | Unclaimed) -> str:
    assert isinstance(found, Unclaimed), found
    return found.code


def agent(name: str) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=name, role=Role.AGENT)


def test_cases_are_claimed_in_the_queues_order(store: Store, database_url: str) -> None:
    ages = {"A": 3 * HOUR, "B": 9 * HOUR, "C": HOUR}
    fill(store, database_url, [complaint(name, ago=ago) for name, ago in ages.items()])
    claims = claims_of(store)
    assert [claimed(claims.claim_next("li")) for _ in ages] == ["B", "A", "C"]
    assert code(claims.claim_next("li")) == "no_case_fits"


def test_a_claim_tells_the_token_under_which_the_agent_acts(
    store: Store, database_url: str
) -> None:
    fill(store, database_url, [complaint("A")])
    claim = claims_of(store).claim_next("li")
    assert isinstance(claim, Claim)
    assert (claim.agent, claim.token) == ("li", 1)
    note = AddNote(case_id=claim.case_id, private=Private(text="called"))
    without, stale, current = store.pipeline.submit(
        [
            ask(note, "n1", by=agent("li")),
            ask(note, "n2", by=agent("li"), claim_token=2),
            ask(note, "n3", by=agent("li"), claim_token=claim.token),
        ]
    )
    assert (without.code, without.field) == ("claim_required", "claim_token")
    assert (stale.code, stale.field) == ("stale_claim_token", "claim_token")
    assert current.accepted
    last = store.log.load("case:douyin:s1:A")[-1]
    assert last.envelope.claim_token == 1
    assert last.position == current.position


def test_the_same_message_under_another_token_is_another_message(
    store: Store, database_url: str
) -> None:
    fill(store, database_url, [complaint("A")])
    claim = claims_of(store).claim_next("li")
    assert isinstance(claim, Claim)
    note = AddNote(case_id=claim.case_id, private=Private(text="called"))
    first, again, other = (
        store.pipeline.submit([ask(note, "n", by=agent("li"), claim_token=token)])[0]
        for token in (1, 1, 2)
    )
    assert first.accepted
    assert again.repeat
    assert other.code == "message_id_reused"


@pytest.mark.parametrize("token", [1, 2, 7])
def test_a_fact_is_taken_under_any_token_and_takes_none_into_the_log(
    store: Store, database_url: str, token: int
) -> None:
    fill(store, database_url, [complaint("A")])
    claim = claims_of(store).claim_next("li")
    assert isinstance(claim, Claim)
    taken = OverrideClaim(case_id=claim.case_id, reason="urgent", to="chen")
    fact = RecordEvaluation(case_id=claim.case_id, rating=Rating.NEGATIVE)
    told, again = store.pipeline.submit(
        [
            ask(taken, "o"),
            ask(fact, "f", by=agent("li"), claim_token=token),
            ask(fact, "f", by=agent("li"), claim_token=token + 1),
        ]
    )[1:]
    assert told.accepted
    assert again.repeat
    last = store.log.load(f"case:{claim.case_id}")[-1]
    assert last.position == told.position
    assert last.envelope.claim_token is None
    assert read_history(database_url, capacity=1).wrong == []


def test_an_agent_gets_only_what_fits_its_shops_and_skills(store: Store, database_url: str) -> None:
    fill(
        store,
        database_url,
        [
            complaint("A", shop="s1", problem="damaged", ago=5 * HOUR),
            complaint("B", shop="s2", problem="damaged", ago=4 * HOUR),
            complaint("C", shop="s2", problem="size_fit", ago=3 * HOUR),
        ],
    )
    claims = claims_of(store)
    fits = ProblemType.SIZE_FIT
    assert claimed(claims.claim_next("li", shops=["s2"], skills=[fits])) == "C"
    assert code(claims.claim_next("li", skills=[fits])) == "no_case_fits"
    assert code(claims.claim_next("li", shops=["taobao:s2"])) == "no_case_fits"
    assert claimed(claims.claim_next("li", shops=["douyin:s2"])) == "B"
    assert claimed(claims.claim_next("li")) == "A"


def test_what_is_no_agent_or_shop_is_refused_before_anything_is_asked(store: Store) -> None:
    with pytest.raises(ValidationError):
        claims_of(store).claim_next("a b")
    with pytest.raises(ValidationError):
        claims_of(store).claim_next("li", shops=["douyin:s1:x"])


def test_without_a_queue_nothing_fits(store: Store) -> None:
    assert code(claims_of(store).claim_next("li")) == "no_case_fits"


def test_whoever_holds_all_it_may_is_told_so_and_others_go_on(
    store: Store, database_url: str
) -> None:
    some = [complaint(name) for name in ("A", "B", "C")]
    fill(store, database_url, [procedure(agent_capacity=2), *some])
    claims = claims_of(store)
    assert {claimed(claims.claim_next("li")) for _ in range(2)} < {"A", "B", "C"}
    assert code(claims.claim_next("li")) == CAPACITY
    claimed(claims.claim_next("chen"))


def test_a_view_that_is_behind_gives_nobody_a_case_that_ended_or_is_held(
    store: Store, database_url: str
) -> None:
    fill(store, database_url, [complaint(name, ago=HOUR) for name in ("A", "B")])
    fill(store, database_url, [complaint("C")])
    ended, held = (f"douyin:s1:{name}" for name in ("A", "B"))
    (gone,) = store.pipeline.submit([ask(WithdrawCase(case_id=ended), "w")])
    assert gone.accepted
    claims = claims_of(store)
    with open_store(database_url) as other:
        elsewhere = claims_of(other)
        assert claimed(claims.claim_next("li")) in held
        assert claimed(elsewhere.claim_next("chen")) == "C"


@pytest.mark.parametrize("parked", [False, True])
def test_cases_that_nobody_can_read_hold_up_none_behind_them(
    store: Store, database_url: str, parked: bool
) -> None:
    fill(store, database_url, [complaint(name, ago=5 * HOUR) for name in ("A", "B")])
    fill(store, database_url, [complaint("C"), complaint("D")])
    for name in ("A", "B"):
        spoil(store, f"case:douyin:s1:{name}")
    if parked:
        Engine(database_url, page=1).catch_up()
    assert len(rows(database_url, "select 1 from parked where read_model = 'queue'")) == 2 * parked
    claims = claims_of(store)
    assert {claimed(claims.claim_next(name)) for name in ("li", "chen")} == {"C", "D"}
    assert code(claims.claim_next("li")) == ("no_case_fits" if parked else "quarantined")


def test_an_agent_of_whom_nothing_can_be_read_is_told_so_and_others_get_its_cases(
    store: Store, database_url: str
) -> None:
    fill(store, database_url, [complaint(name) for name in ("A", "B", "C")])
    claims = claims_of(store)
    first = claimed(claims.claim_next("li"))
    spoil(store, "agent:li")
    assert code(claims.claim_next("li")) == "quarantined"
    assert {first, *(claimed(claims.claim_next("chen")) for _ in range(2))} == {"A", "B", "C"}


def test_a_case_that_waits_for_the_buyer_is_not_drawn(store: Store, database_url: str) -> None:
    fill(store, database_url, [complaint("A")])
    claim = claims_of(store).claim_next("li")
    assert isinstance(claim, Claim)
    offer = {
        "case_id": claim.case_id,
        "proposal_id": "P1",
        "parts": [{"resolution": "reship", "items": [1]}],
    }
    proposed, released = store.pipeline.submit(
        [
            ask(ProposeResolution.model_validate(offer), "p", by=agent("li"), claim_token=1),
            ask(ReleaseClaim(case_id=claim.case_id), "r", by=agent("li"), claim_token=1),
        ]
    )
    assert (proposed.code, released.code) == ("", "")
    Engine(database_url).catch_up()
    (row,) = rows(database_url, "select turn from live_queue")
    assert row["turn"] == "buyer"
    assert code(claims_of(store).claim_next("li")) == "no_case_fits"


def test_a_share_of_the_claims_goes_to_what_is_breached_already(
    store: Store, database_url: str
) -> None:
    some = [complaint(f"L{n}", ago=LATE) for n in range(60)]
    some += [complaint(f"S{n}", ago=HOUR) for n in range(60)]
    fill(store, database_url, [procedure(agent_capacity=1000, breached_share=25), *some])
    claims = claims_of(store, seed=7)
    drawn = Counter(claimed(claims.claim_next("li"))[0] for _ in range(60))
    assert 8 <= drawn["L"] <= 22, drawn


@pytest.mark.parametrize(("share", "first"), [(0, "S"), (100, "L")])
def test_no_share_and_the_whole_share_are_possible(
    store: Store, database_url: str, share: int, first: str
) -> None:
    some = [complaint(f"L{n}", ago=LATE) for n in range(5)]
    some += [complaint(f"S{n}", ago=HOUR) for n in range(5)]
    fill(store, database_url, [procedure(breached_share=share), *some])
    claims = claims_of(store)
    assert {claimed(claims.claim_next("li"))[0] for _ in range(5)} == {first}


def test_callers_at_the_same_time_get_different_cases_without_going_for_the_same(
    store: Store, database_url: str
) -> None:
    count = 64
    fill(store, database_url, [complaint(f"A{n}") for n in range(count)])
    claims = claims_of(store)
    before = store.log.head()

    def claim(number: int) -> str:
        return claimed(claims.claim_next(f"a{number}"))

    with ThreadPoolExecutor(32) as threads:
        found = list(threads.map(claim, range(count)))
    assert len(set(found)) == count
    refused = rows(
        database_url,
        "select code from answers where source = 'claims' and not accepted",
    )
    assert refused == []
    assert store.log.head() > before


def test_the_queue_shows_who_holds_a_case_and_until_when(store: Store, database_url: str) -> None:
    fill(store, database_url, [complaint("A")])
    claim = claims_of(store).claim_next("li")
    assert isinstance(claim, Claim)
    Engine(database_url).catch_up()
    (row,) = rows(database_url, "select holder, held_until from live_queue")
    assert (row["holder"], row["held_until"]) == ("li", claim.until)
    (later,) = rows(database_url, "select holder from live_queue_at(%(at)s)", at=claim.until)
    assert later["holder"] is None
    (lease,) = rows(database_url, "select * from leases")
    assert (lease["stream"], lease["agent"]) == (f"case:{claim.case_id}", "li")
    closes = CloseCase(case_id=claim.case_id)
    (refused,) = store.pipeline.submit([ask(closes, "c", by=agent("li"), claim_token=1)])
    assert refused.code == "not_classified"
    assert len(rows(database_url, "select 1 from leases")) == 1
    store.pipeline.submit([ask(WithdrawCase(case_id=claim.case_id), "w")])
    assert rows(database_url, "select 1 from leases") == []
