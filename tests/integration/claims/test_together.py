"""Many agents in several processes, some of them killed: one holder a case, and none forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from domain.case.commands import ClaimCase
from infra.claims import CAPACITY, Claim, Claims, Unclaimed
from tests.support.claim_history import read_history
from tests.support.claiming import Size, check, put_to_work
from tests.support.queue import complaint, fill, procedure, rows
from tests.support.store import open_store


def test_agents_who_claim_act_and_crash_never_share_a_case_and_forget_none(
    database_url: str,
) -> None:
    size = Size(cases=240, agents=16, processes=2, seconds=6.0, kills=2)
    check(put_to_work(database_url, size, seed=1), size)


def test_one_agent_who_claims_everywhere_at_once_holds_no_more_than_it_may(
    database_url: str,
) -> None:
    capacity, threads = 3, 8
    with open_store(database_url) as one, open_store(database_url) as other:
        cases = [complaint(f"A{n}") for n in range(40)]
        fill(one, database_url, [procedure(agent_capacity=capacity), *cases])
        claims = [Claims(store.datastore, store.pipeline) for store in (one, other)]

        def claim(number: int) -> Claim | Unclaimed:
            return claims[number % 2].claim_next("li")

        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(claim, range(3 * threads)))
    held = [one for one in found if isinstance(one, Claim)]
    assert len({one.case_id for one in held}) == len(held) == capacity
    assert {one.code for one in found if isinstance(one, Unclaimed)} == {CAPACITY}
    assert read_history(database_url, capacity=capacity).wrong == []


def test_one_case_that_many_claim_at_once_goes_to_one(database_url: str) -> None:
    agents = 24
    with open_store(database_url) as one, open_store(database_url) as other:
        fill(one, database_url, [complaint("A")])
        claims = [Claims(store.datastore, store.pipeline) for store in (one, other)]

        def claim(number: int) -> Claim | Unclaimed:
            command = ClaimCase(case_id="douyin:s1:A", agent=f"a{number}")
            return claims[number % 2].claim(command)

        with ThreadPoolExecutor(agents) as pool:
            found = list(pool.map(claim, range(agents)))
    (winner,) = (one for one in found if isinstance(one, Claim))
    assert {one.code for one in found if isinstance(one, Unclaimed)} == {"case_held"}
    (lease,) = rows(database_url, "select agent, token from leases")
    assert lease == {"agent": winner.agent, "token": 1}
    assert read_history(database_url, capacity=1).wrong == []
