"""Many agents in several processes, some of them killed: one holder a case, and none forgotten."""

from __future__ import annotations

from tests.support.claiming import Size, check, put_to_work


def test_agents_who_claim_act_and_crash_never_share_a_case_and_forget_none(
    database_url: str,
) -> None:
    size = Size(cases=240, agents=16, processes=2, seconds=6.0, kills=2)
    check(put_to_work(database_url, size, seed=1), size)
