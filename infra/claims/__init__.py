"""Who works on what: the next best case for an agent, and the end of claims that lapsed."""

from infra.claims.next import CAPACITY, SQL, Claim, Claims, Unclaimed
from infra.claims.sweeper import Sweeper

__all__ = ["CAPACITY", "SQL", "Claim", "Claims", "Sweeper", "Unclaimed"]
