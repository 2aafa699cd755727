"""Agents at work in a process of its own, to be killed:
python -m … URL NAME AGENTS SEED CRASHES LEASE DIARIES.

Each claims, acts under its token, tells facts under any, and now and then does as people do:
forgets a case, comes back too late, uses an old token, hands over, is overridden. Ends when its
standard input does. Each keeps a diary, a file of its name in the folder DIARIES: when it asked
for a case, and when it got one or had all that it may hold.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import TextIO
from uuid import uuid4

from domain.case.commands import (
    AddNote,
    HandOverClaim,
    OverrideClaim,
    RecordPlatformStatus,
    ReleaseClaim,
    RenewClaim,
    WithdrawCase,
)
from domain.kernel import Actor, ActorKind, Command, Private, Role
from infra.claims import CAPACITY, Claim, Claims
from infra.pipeline import Answer, Unavailable
from tests.support.store import Store, ask, open_store

REST = 0.05
"""Seconds until an agent asks again for whom there was nothing."""


class Agent:
    """One agent. crashes: how many of a hundred claims it just forgets."""

    def __init__(
        self, name: str, store: Store, claims: Claims, chance: Random, crashes: int, lease: float
    ) -> None:
        self.name = name
        self._by = Actor(kind=ActorKind.PERSON, id=name, role=Role.AGENT)
        self._store, self._claims, self._chance = store, claims, chance
        self._crashes, self._lease = crashes, lease

    def work(self, stop: threading.Event, diary: TextIO) -> None:
        asks = False
        while not stop.is_set():
            try:
                if not asks:
                    asks = _note(diary, "asks")
                found = self._claims.claim_next(self.name)
                if isinstance(found, Claim):
                    asks = not _note(diary, "got")
                    self._deal_with(found, stop)
                    continue
                if found.code == CAPACITY:
                    asks = not _note(diary, "full")
            except Unavailable:
                pass
            stop.wait(REST)
        _note(diary, "left")

    def _deal_with(self, claim: Claim, stop: threading.Event) -> None:
        case, token = claim.case_id, claim.token
        lot = self._chance.randrange(100)
        if lot < self._crashes:
            return  # gone, and the case with it until its lease lapses
        assert self._ask(note_on(case), None).code in (
            "claim_required",
            "case_held",
            "case_ended",
            "",
        )
        self._ask(note_on(case), token)
        self._tell_a_fact(case, self._chance.choice((None, 1, token, token + 1)))
        if lot < self._crashes + 5:
            time.sleep(self._lease * 1.2)  # too late: whatever it asks now is refused
            refused = self._ask(note_on(case), token)
            assert refused.code == "stale_claim_token", refused
            self._tell_a_fact(case, token)
        elif lot < self._crashes + 10:
            self._ask(RenewClaim(case_id=case), token)
        elif lot < self._crashes + 15:
            self._ask(HandOverClaim(case_id=case, to=f"{self.name}x"), token)
            return
        elif lot < self._crashes + 20:
            taken = OverrideClaim(case_id=case, reason="urgent")
            self._store.pipeline.submit([ask(taken, str(uuid4()))])
            assert self._ask(note_on(case), token).code == "stale_claim_token"
        elif lot < self._crashes + 30:
            self._ask(ReleaseClaim(case_id=case), token)
            return
        self._ask(WithdrawCase(case_id=case), token)

    def _tell_a_fact(self, case: str, token: int | None) -> None:
        """It happened, whoever holds the case."""
        told = self._ask(RecordPlatformStatus(case_id=case, status=str(uuid4())), token)
        assert told.accepted, told

    def _ask(self, command: Command, token: int | None) -> Answer:
        request = ask(command, str(uuid4()), by=self._by, source="agents", claim_token=token)
        (answer,) = self._store.pipeline.submit([request])
        return answer


def _note(diary: TextIO, word: str) -> bool:
    diary.write(f"{time.time()} {word}\n")
    return True


def note_on(case_id: str) -> AddNote:
    return AddNote(case_id=case_id, private=Private(text="called"))


def work(
    url: str,
    name: str,
    agents: int,
    seed: int,
    crashes: int,
    lease: float,
    diaries: Path,
    stop: threading.Event,
) -> None:
    """Agents of one process, until `stop` is set. Raises what one of them found to be wrong."""
    with open_store(url) as store, ThreadPoolExecutor(agents) as threads:
        claims = Claims(store.datastore, store.pipeline, Random(seed))

        def run(number: int) -> None:
            chance = Random(f"{seed} {number}")
            agent = Agent(f"{name}-{number}", store, claims, chance, crashes, lease)
            # Line by line: whoever is killed leaves all that it noted.
            with open(diaries / agent.name, "w", buffering=1, encoding="utf-8") as diary:
                agent.work(stop, diary)

        list(threads.map(run, range(agents)))


def main(
    url: str, name: str, agents: str, seed: str, crashes: str, lease: str, diaries: str
) -> None:
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    work(url, name, int(agents), int(seed), int(crashes), float(lease), Path(diaries), stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
