"""Claims: which agent works on a case, until when, and by which token its actions are known.

A claim is a lease. While it runs, what an agent asks of the case needs the claim's token; a claim
that has lapsed holds nothing, whether or not anybody has recorded its end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, assert_never

from domain.agent import hold, let_go
from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.rules import on, policies_of, require_open, require_role
from domain.case.state import Case, Lease
from domain.case.values import ProblemType
from domain.kernel import Command, Context, Emit, Private, Rejected, Role, case_stream, require
from domain.world import World

UNFENCED: Final = (cmd.FileComplaint, cmd.CheckClocks, cmd.EndLapsedClaim)
"""What a buyer said and what time did."""

ENDING: Final = (ev.CaseClosed, ev.CaseWithdrawn, ev.ComplaintReferred)


def is_under_claim(command: Command) -> bool:
    """Whether it is an action on a case, for which a claim is asked. A fact is none: it happened,
    whoever tells it and whoever holds the case."""
    if not isinstance(command, cmd.CaseCommandBase):
        return False
    return not (command.IS_FACT or isinstance(command, UNFENCED))


def require_claim(command: Command, case: Case, context: Context) -> None:
    """Facts pass. Rejected: stale_claim_token for a token that is not of the claim now running;
    case_held and claim_required for an agent without it."""
    if not is_under_claim(command):
        return
    lease, token = case.live_lease(context.now), context.claim_token
    require(
        token is None or (lease is not None and token == lease.token),
        "stale_claim_token",
        f"The claim {token} of this case has ended; claim the case anew.",
        "claim_token",
    )
    claims = isinstance(command, cmd.ClaimCase)
    if lease is None or claims or context.actor.role is not Role.AGENT:
        return
    _require_not_held(None if lease.agent == context.actor.id else lease)
    require(
        token is not None,
        "claim_required",
        "What an agent does to a case that is claimed carries the claim's token.",
        "claim_token",
    )


def decide_claim(
    command: cmd.ClaimCommand, case: Case, world: World, context: Context
) -> list[Emit]:
    """The events of a command about who works on a case, and of that agent. Raises Rejected."""
    match command:
        case cmd.ClaimCase():
            return _claim(command, case, world, context)
        case cmd.RenewClaim():
            return _renew(command, case, world, context)
        case cmd.ReleaseClaim():
            lease = _running(case, context)
            released = ev.ClaimReleased(
                agent=lease.agent, token=lease.token, case_ended=False, private=command.private
            )
            return _end(case, lease, released, context.now)
        case cmd.HandOverClaim():
            lease = _running(case, context)
            if lease.agent == command.to:
                return []
            handed = ev.ClaimHandedOver(
                agent=lease.agent, token=lease.token, to=command.to, private=command.private
            )
            given = _give(case, command.to, world, context, "to")
            return [*_end(case, lease, handed, context.now), *given]
        case cmd.OverrideClaim():
            require_role(context, Role.SUPERVISOR, Role.ADMIN)
            lease = _running(case, context)
            overridden = ev.ClaimOverridden(
                agent=lease.agent,
                token=lease.token,
                reason=command.reason,
                private=command.private,
            )
            given = _give(case, command.to, world, context, "to") if command.to else []
            return [*_end(case, lease, overridden, context.now), *given]
        case cmd.EndLapsedClaim():
            return _end_lapsed(case, context.now)
        case _:
            assert_never(command)


def with_claims_ended(case: Case, emits: list[Emit], world: World, context: Context) -> list[Emit]:
    """`emits`, with the end of the claims of cases that end by them."""
    ended = [emit.stream for emit in emits if isinstance(emit.event, ENDING)]
    followed = list(emits)
    for stream in dict.fromkeys(ended):
        own = stream == case_stream(case.case_id)
        other = case if own else world.case(stream.removeprefix("case:"))
        lease = other.live_lease(context.now)
        if lease is None:
            followed += _end_lapsed(other, context.now)
        else:
            released = ev.ClaimReleased(agent=lease.agent, token=lease.token, case_ended=True)
            followed += _end(other, lease, released, context.now)
    return followed


def _claim(command: cmd.ClaimCase, case: Case, world: World, context: Context) -> list[Emit]:
    require_open(case)
    by_agent = context.actor.role is Role.AGENT
    require(
        not by_agent or command.agent == context.actor.id,
        "claim_for_another",
        "An agent claims for itself; a supervisor may give it the case.",
        "agent",
    )
    _require_not_held(case.live_lease(context.now))
    _require_fit(command, case)
    given = _give(case, command.agent, world, context, "agent", command.private)
    return [*_end_lapsed(case, context.now), *given]


def _require_not_held(lease: Lease | None) -> None:
    """Who holds it is not said: answers are read by other services too."""
    if lease is not None:
        until = lease.until.isoformat(timespec="seconds")
        raise Rejected("case_held", f"The case is claimed until {until}.", "case_id")


def _require_fit(command: cmd.ClaimCase, case: Case) -> None:
    names = (case.shop, f"{case.platform}:{case.shop}")
    require(
        not command.shops or any(name in command.shops for name in names),
        "shop_does_not_fit",
        f"The case is of the shop {case.platform}:{case.shop}.",
        "shops",
    )
    lacking = sorted(_problems(case) - set(command.skills))
    require(
        not command.skills or not lacking,
        "skills_do_not_fit",
        f"The case needs somebody for: {', '.join(lacking)}.",
        "skills",
    )


def _problems(case: Case) -> set[ProblemType]:
    return {item.problem for item in case.items.values()}


def _renew(command: cmd.RenewClaim, case: Case, world: World, context: Context) -> list[Emit]:
    """Never to an earlier time, whatever the policy has become."""
    lease = _running(case, context)
    procedure, policy = policies_of(case, world).procedure(context.now)
    until = context.now + timedelta(seconds=procedure.lease_seconds)
    if until <= lease.until:
        return []
    renewed = ev.ClaimRenewed(
        token=lease.token, until=until, policy=policy, private=command.private
    )
    held = hold(lease.agent, case.case_id, lease.token, until, context.now)
    return [on(case, renewed, context.now), held]


def _running(case: Case, context: Context) -> Lease:
    lease = case.live_lease(context.now)
    if lease is None:
        raise Rejected("not_claimed", "Nobody holds the case.", "case_id")
    return lease


def _give(
    case: Case,
    agent: str,
    world: World,
    context: Context,
    field: str,
    private: Private | None = None,
) -> list[Emit]:
    """The case's next claim. field: where the command names the agent. It rests on all that the
    agent holds, so two claims of one agent at the same time are decided one after the other.

    Rejected: agent_at_capacity."""
    now = context.now
    procedure, policy = policies_of(case, world).procedure(now)
    require(
        world.agent(agent).live_beside(case.case_id, now) < procedure.agent_capacity,
        "agent_at_capacity",
        f"An agent holds at most {procedure.agent_capacity} cases here.",
        field,
    )
    token = case.leases + 1
    until = now + timedelta(seconds=procedure.lease_seconds)
    claimed = ev.CaseClaimed(agent=agent, token=token, until=until, policy=policy, private=private)
    return [on(case, claimed, now), hold(agent, case.case_id, token, until, now)]


def _end_lapsed(case: Case, now: datetime) -> list[Emit]:
    lease = case.lease
    if lease is None or lease.until > now:
        return []
    return _end(case, lease, ev.ClaimLapsed(agent=lease.agent, token=lease.token), lease.until)


def _end(
    case: Case,
    lease: Lease,
    event: ev.ClaimReleased | ev.ClaimLapsed | ev.ClaimHandedOver | ev.ClaimOverridden,
    at: datetime,
) -> list[Emit]:
    return [on(case, event, at), let_go(lease.agent, case.case_id, lease.token, at)]
