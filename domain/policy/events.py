"""What happened to the policies of one scope."""

from __future__ import annotations

from domain.kernel import Event, Moment, event
from domain.policy.documents import PolicyDocument


@event("policy.published.v1")
class PolicyPublished(Event):
    """A document holds in this scope from `effective_from` on, in place of the earlier one of
    its kind. Its version is the event's number in the stream."""

    document: PolicyDocument
    effective_from: Moment


PolicyEvent = PolicyPublished
