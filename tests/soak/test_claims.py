"""64 agents on a queue of 10,000 cases for a minute, a process of them killed again and again."""

from __future__ import annotations

from random import Random

from tests.support.claiming import Size, check, put_to_work


def test_agents_who_claim_act_and_crash_never_share_a_case_and_forget_none(
    database_url: str,
) -> None:
    size = Size(cases=10_000, agents=64, processes=4, seconds=60.0, kills=10)
    check(put_to_work(database_url, size, seed=Random().randrange(10**6)), size)
