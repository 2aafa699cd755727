"""How a case changes by events about who works on it."""

from __future__ import annotations

from typing import assert_never

from domain.case import events as ev
from domain.case.state import Case, Lease
from domain.kernel import Stamp


def evolve_claims(case: Case, event: ev.ClaimEvent, stamp: Stamp) -> Case:
    """The case after a claim was given, renewed or ended; the end of an earlier one than holds
    the case now changes nothing."""
    lease = case.lease
    match event:
        case ev.CaseClaimed():
            lease = Lease(event.agent, event.token, stamp.occurred_at, event.until)
            return case.with_(lease=lease, leases=event.token)
        case ev.ClaimRenewed():
            if lease is None or lease.token != event.token:
                return case
            return case.with_(lease=lease.with_(until=event.until))
        case ev.ClaimReleased() | ev.ClaimLapsed() | ev.ClaimHandedOver() | ev.ClaimOverridden():
            if lease is None or lease.token != event.token:
                return case
            return case.with_(lease=None)
        case _:
            assert_never(event)
