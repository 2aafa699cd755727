"""Checks claims from the log alone: the stored bytes, read without any of the program's code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from infra.postgres import connect

ENDS = {
    "case.claim_released.v1",
    "case.claim_lapsed.v1",
    "case.claim_handed_over.v1",
    "case.claim_overridden.v1",
}
SPOKEN = {"case.complaint_filed.v1", "case.complaint_joined.v1", "case.complaint_referred.v1"}
HAPPENED = {
    "case.appraisal_material_received.v1",
    "case.appraisal_verdict_given.v1",
    "case.divergence_found.v1",
    "case.evaluated.v1",
    "case.exemption_decided.v1",
    "case.exemption_tag_observed.v1",
    "case.intercept_ended.v1",
    "case.platform_deadline_set.v1",
    "case.platform_intervened.v1",
    "case.platform_ruled.v1",
    "case.platform_status_observed.v1",
    "case.refund_failed.v1",
    "case.refund_reversed.v1",
    "case.refund_succeeded.v1",
    "case.refund_unknown.v1",
    "case.repair_item_received.v1",
    "case.repair_sent_back.v1",
    "case.replacement_delivered.v1",
    "case.replacement_dispatched.v1",
    "case.return_lost.v1",
    "case.return_received.v1",
    "case.return_shipped.v1",
}
TOLD = SPOKEN | HAPPENED
"""What a buyer said and what facts begin with: no agent's action on a case, under no claim."""


@dataclass(frozen=True)
class Told:
    """An event of a case or an agent, as stored."""

    position: int
    stream: str
    topic: str
    recorded_at: datetime
    event: Mapping[str, Any]
    envelope: Mapping[str, Any]

    @property
    def decided_at(self) -> datetime:
        return datetime.fromisoformat(self.envelope["dec"])

    @property
    def occurred_at(self) -> datetime:
        return datetime.fromisoformat(self.envelope["at"])

    @property
    def until(self) -> datetime:
        return datetime.fromisoformat(self.event["until"])


@dataclass
class Open:
    """A claim that has begun and not ended."""

    agent: str
    token: int
    until: datetime


@dataclass
class History:
    """What a log says about claims. wrong: every rule that was broken, in words. open: claims that
    nobody has ended; given: how many each case had; order: the cases as they were claimed; taken:
    who claimed for itself, and when. ended: by how. actions: under a token; facts: under none.
    slowest_end: seconds from a lapse until it was recorded. filed: since when; over: cases."""

    wrong: list[str] = field(default_factory=list[str])
    open: dict[str, Open] = field(default_factory=dict[str, Open])
    given: Counter[str] = field(default_factory=Counter[str])
    order: list[str] = field(default_factory=list[str])
    taken: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    ended: Counter[str] = field(default_factory=Counter[str])
    actions: int = 0
    facts: int = 0
    slowest_end: float = 0.0
    filed: dict[str, datetime] = field(default_factory=dict[str, datetime])
    over: set[str] = field(default_factory=set[str])


def read_history(url: str, *, capacity: int) -> History:
    """capacity: cases that one agent may hold at a time, in all shops."""
    history = History()
    agents: dict[str, dict[str, tuple[int, datetime]]] = {}
    for _, request in groupby(_stored(url), key=_request_of):
        events = list(request)
        _check_actor(history, events[0])
        for told in events:
            if told.stream.startswith("agent:"):
                _follow_agent(history, agents, told)
            else:
                _follow_case(history, told)
        for told in events:
            if told.topic == "agent.lease_held.v1":
                live = [u for _, u in agents[told.stream].values() if u > told.decided_at]
                if len(live) > capacity:
                    history.wrong.append(f"{told.stream} held {len(live)} cases at {told.position}")
    cases = {
        (f"agent:{held.agent}", stream.removeprefix("case:"), held.token)
        for stream, held in history.open.items()
    }
    held = {(a, case, token) for a, leases in agents.items() for case, (token, _) in leases.items()}
    if cases != held:
        history.wrong.append(f"cases and agents disagree: {sorted(cases ^ held)[:3]}")
    return history


def _stored(url: str) -> Iterator[Told]:
    query = (
        b"select notification_id, originator_id, topic, recorded_at, state from stored_events"
        b" where originator_id like 'case:%' or originator_id like 'agent:%'"
        b" order by notification_id"
    )
    with closing(connect(url)) as conn, conn.cursor("history") as cursor:
        cursor.itersize = 5_000
        for position, stream, topic, recorded_at, state in cursor.execute(query):
            stored = json.loads(bytes(state))
            yield Told(position, stream, topic, recorded_at, stored["e"], stored["s"])


def _request_of(told: Told) -> tuple[str, str]:
    return told.envelope["src"], told.envelope["msg"]


def _check_actor(history: History, first: Told) -> None:
    """What an agent did, and what anybody did with a token, was under the claim then running;
    what somebody told carries no token."""
    stream, now = first.stream, first.decided_at
    if not stream.startswith("case:"):
        return
    if first.topic in TOLD:
        history.facts += first.topic in HAPPENED
        if "tok" in first.envelope:
            history.wrong.append(f"{stream} at {first.position}: a fact under a claim")
        return
    claim = history.open.get(stream)
    live = claim if claim is not None and claim.until > now else None
    token, by = first.envelope.get("tok"), first.envelope["by"]
    where = f"{stream} at {first.position}"
    if token is not None:
        history.actions += 1
        if live is None or live.token != token:
            history.wrong.append(f"{where}: the token {token} was taken and is stale")
    begins = first.topic in ("case.claimed.v1", "case.claim_lapsed.v1")
    if by["role"] == "agent" and live is not None and not begins:
        if token is None:
            history.wrong.append(f"{where}: {by['id']} needed no token")
        if by["id"] != live.agent:
            history.wrong.append(f"{where}: {by['id']} acted though {live.agent} holds it")


def _follow_case(history: History, told: Told) -> None:
    stream, event = told.stream, told.event
    claim, where = history.open.get(stream), f"{stream} at {told.position}"
    match told.topic:
        case "case.complaint_filed.v1":
            history.filed[stream] = told.occurred_at
        case "case.closed.v1" | "case.withdrawn.v1":
            history.over.add(stream)
        case "case.claimed.v1":
            history.given[stream] += 1
            if claim is not None:
                history.wrong.append(f"{where}: two holders, {claim.agent} and {event['agent']}")
            if event["token"] != history.given[stream]:
                history.wrong.append(f"{where}: the token {event['token']} is not the next")
            if stream in history.over:
                history.wrong.append(f"{where}: claimed after its end")
            history.open[stream] = Open(event["agent"], event["token"], told.until)
            history.order.append(stream)
            if told.envelope["by"]["id"] == event["agent"]:
                history.taken.append((told.decided_at, event["agent"]))
        case "case.claim_renewed.v1":
            if claim is None or claim.token != event["token"] or claim.until <= told.decided_at:
                history.wrong.append(f"{where}: renewed though it did not run")
            else:
                claim.until = told.until
        case topic if topic in ENDS:
            history.ended[topic] += 1
            if claim is None or (claim.agent, claim.token) != (event["agent"], event["token"]):
                history.wrong.append(f"{where}: the end of a claim that nobody had")
                return
            del history.open[stream]
            lapsed = topic == "case.claim_lapsed.v1"
            if lapsed != (claim.until <= told.decided_at):
                history.wrong.append(f"{where}: {topic}, and it ran until {claim.until}")
            if lapsed and told.occurred_at != claim.until:
                history.wrong.append(f"{where}: lapsed at another time than its end")
            if lapsed:
                late = (told.recorded_at - claim.until).total_seconds()
                history.slowest_end = max(history.slowest_end, late)
        case _:
            pass


def _follow_agent(
    history: History, agents: dict[str, dict[str, tuple[int, datetime]]], told: Told
) -> None:
    leases = agents.setdefault(told.stream, {})
    case, token = told.event["case_id"], told.event["token"]
    if told.topic == "agent.lease_held.v1":
        leases[case] = (token, told.until)
    elif leases.get(case, (None, None))[0] != token:
        history.wrong.append(f"{told.stream} at {told.position}: ended a lease that it had not")
    else:
        del leases[case]
