"""What can be asked of policies."""

from __future__ import annotations

from domain.kernel import Command, Ident, Moment, Platform, command, policy_stream
from domain.policy.documents import PolicyDocument


@command("policy.publish")
class PublishPolicy(Command):
    """Publish a document for a platform, one of its shops, or a category in that shop.

    What the document leaves out stays as the wider scope has it. It replaces the whole earlier
    document of its kind in this scope. effective_from: not before now; None: now.
    """

    platform: Platform
    shop: Ident | None = None
    category: Ident | None = None
    document: PolicyDocument
    effective_from: Moment | None = None

    @property
    def scope(self) -> tuple[str, ...]:
        """platform[, shop[, category]]."""
        return tuple(part for part in (self.platform.value, self.shop, self.category) if part)

    def streams(self) -> tuple[str, ...]:
        return (policy_stream(*self.scope),)


PolicyCommand = PublishPolicy
