"""The checker of claims finds whatever breaks a rule, in a log that no rule was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from domain.agent import LeaseEnded, LeaseHeld
from domain.case import events as ev
from domain.kernel import Actor, ActorKind, Event, Role
from infra.event_store import Pending
from tests.support.claim_history import History, read_history
from tests.support.claiming import Run, Size, Wait, starved
from tests.support.store import ERP, Store, envelope

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
CASE, OTHER = "douyin:s1:A", "douyin:s1:B"
MINUTE = timedelta(minutes=1)
LI, CHEN = (Actor(kind=ActorKind.PERSON, id=name, role=Role.AGENT) for name in ("li", "chen"))


@dataclass
class Log:
    """Appends what it is told, each call one request."""

    store: Store
    versions: dict[str, int] = field(default_factory=dict[str, int])
    requests: int = 0

    def told(
        self, at: datetime, by: Actor, *events: tuple[str, Event], token: int | None = None
    ) -> Log:
        self.requests += 1
        stored: list[Pending] = []
        for index, (stream, event) in enumerate(events):
            self.versions[stream] = version = self.versions.get(stream, 0) + 1
            said = envelope(
                f"m{self.requests}",
                index,
                decided_at=at,
                occurred_at=at,
                actor=by,
                claim_token=token,
            )
            stored.append(Pending(stream, version, event, said))
        mapper = self.store.log.mapper
        self.store.log.recorder.insert_events([mapper.to_stored_event(one) for one in stored])
        return self

    def claimed(self, at: datetime, by: Actor = LI, token: int = 1, case: str = CASE) -> Log:
        until = at + 10 * MINUTE
        claimed = ev.CaseClaimed(agent=by.id, token=token, until=until, policy=())
        held = LeaseHeld(case_id=case, token=token, until=until)
        return self.told(at, by, (f"case:{case}", claimed), (f"agent:{by.id}", held))

    def noted(self, at: datetime, by: Actor = LI, token: int | None = 1) -> Log:
        return self.told(at, by, (f"case:{CASE}", ev.NoteAdded()), token=token)

    def lapsed(self, at: datetime, by: Actor = LI, token: int = 1) -> Log:
        lapsed = ev.ClaimLapsed(agent=by.id, token=token)
        ended = LeaseEnded(case_id=CASE, token=token)
        return self.told(at, ERP, (f"case:{CASE}", lapsed), (f"agent:{by.id}", ended))


@pytest.fixture
def log(store: Store) -> Log:
    return Log(store)


def check(url: str, *words: str, capacity: int = 2) -> None:
    wrong = read_history(url, capacity=capacity).wrong
    assert len(wrong) == len(words), wrong
    for found, expected in zip(wrong, words, strict=True):
        assert expected in found


def test_what_breaks_no_rule_is_not_complained_of(log: Log, database_url: str) -> None:
    log.claimed(T0).noted(T0 + MINUTE).lapsed(T0 + 10 * MINUTE)
    log.noted(T0 + 11 * MINUTE, CHEN, None).claimed(T0 + 12 * MINUTE, CHEN, 2)
    check(database_url)


def test_two_holders_are_found(log: Log, database_url: str) -> None:
    log.claimed(T0).claimed(T0 + 20 * MINUTE, CHEN, 2)
    check(database_url, "two holders", "disagree")


def test_a_token_given_twice_is_found(log: Log, database_url: str) -> None:
    log.claimed(T0).lapsed(T0 + 10 * MINUTE).claimed(T0 + 11 * MINUTE, LI, 1)
    check(database_url, "not the next")


@pytest.mark.parametrize(("minutes", "token"), [(10, 1), (5, 2), (5, 7)])
def test_a_stale_token_that_was_taken_is_found(
    log: Log, database_url: str, minutes: int, token: int
) -> None:
    log.claimed(T0).noted(T0 + minutes * MINUTE, token=token)
    check(database_url, "stale")


def test_an_agent_who_acts_without_the_claim_is_found(log: Log, database_url: str) -> None:
    log.claimed(T0).noted(T0 + MINUTE, token=None).noted(T0 + MINUTE, CHEN, 1)
    check(database_url, "needed no token", "chen acted though li holds it")


def test_a_fact_that_carries_a_token_is_found_and_needs_none(log: Log, database_url: str) -> None:
    fact = (f"case:{CASE}", ev.PlatformStatusObserved(status="10", ended=False))
    log.claimed(T0).told(T0 + MINUTE, CHEN, fact)
    check(database_url)
    log.told(T0 + MINUTE, LI, fact, token=1)
    check(database_url, "a fact under a claim")
    assert read_history(database_url, capacity=1).facts == 2


def test_more_cases_than_an_agent_may_hold_are_found(log: Log, database_url: str) -> None:
    log.claimed(T0).claimed(T0 + MINUTE, case=OTHER)
    check(database_url, "held 2 cases", capacity=1)
    check(database_url)


def test_a_claim_that_lapsed_before_or_after_its_end_is_found(log: Log, database_url: str) -> None:
    log.claimed(T0).lapsed(T0 + 9 * MINUTE)
    check(database_url, "it ran until", "another time")


def test_a_lapse_recorded_late_is_measured(log: Log, database_url: str) -> None:
    log.claimed(T0).lapsed(T0 + 10 * MINUTE)
    assert read_history(database_url, capacity=1).slowest_end > 60
    assert read_history(database_url, capacity=1).open == {}


def test_a_claim_that_nobody_ended_is_still_open(log: Log, database_url: str) -> None:
    log.claimed(T0)
    assert read_history(database_url, capacity=1).open.keys() == {f"case:{CASE}"}


SIZE = Size(cases=400, agents=2, processes=1, seconds=1, kills=0)


def run_of(*takers: str, waits: Wait | None = None, oldest_at: int = 0) -> Run:
    """A case a second, each claimed by who is named; the oldest as the nth of them."""
    order = [f"case:douyin:s1:{n}" for n in range(len(takers))]
    filed = dict.fromkeys(order, T0)
    if oldest_at < len(order):
        filed[order[oldest_at]] = T0 - MINUTE
    else:
        filed["case:douyin:s1:never"] = T0 - MINUTE
    taken = [(second(n), taker) for n, taker in enumerate(takers)]
    history = History(order=order, filed=filed, taken=taken)
    return Run(history, [] if waits is None else [waits], frozenset({"li", "chen"}))


def second(count: float) -> datetime:
    return T0 + timedelta(seconds=count)


def test_an_agent_that_waits_while_all_cases_go_to_others_is_found() -> None:
    takers = ["chen"] * 200 + ["li"] + ["chen"] * 99
    (found,) = starved(run_of(*takers, waits=Wait("li", second(0), second(200))), SIZE)
    assert found == "li waited while others got 200 cases"
    killed = Wait("li", second(201), second(300))
    assert starved(run_of(*takers, waits=killed), SIZE) == [
        "li waited while others got 99 cases"
    ], "whoever never got one is found as well"


def test_an_agent_that_gets_its_turn_or_waits_while_nobody_gets_anything_is_not_starved() -> None:
    turns = ["chen"] * 20 + ["li"]
    assert starved(run_of(*turns, waits=Wait("li", second(0), second(20))), SIZE) == []
    assert starved(run_of(*turns, waits=Wait("li", second(21), second(9999))), SIZE) == []
    alone = ["li"] * 300
    assert starved(run_of(*alone, waits=Wait("li", second(0), second(299))), SIZE) == []


@pytest.mark.parametrize("oldest_at", [100, 1_000])
def test_an_oldest_case_that_is_claimed_after_too_many_others_or_never_is_found(
    oldest_at: int,
) -> None:
    (found,) = starved(run_of(*["li"] * 200, oldest_at=oldest_at), SIZE)
    assert found.endswith(f"waited while {min(oldest_at, 200)} were claimed")
    assert starved(run_of(*["li"] * 200, oldest_at=SIZE.agents + 64), SIZE) == []
