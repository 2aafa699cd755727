"""Who may publish which policy."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.kernel import Context, Emit, Rejected, Role, require
from domain.policy.commands import PolicyCommand
from domain.policy.documents import RefundAutomationDocument, ShopDocument
from domain.policy.events import PolicyPublished

if TYPE_CHECKING:
    from domain.world import World


def decide(command: PolicyCommand, world: World, context: Context) -> list[Emit]:
    """Rejected: role_not_allowed, scope_incomplete, document_empty, effective_in_past,
    zone_unknown, rule_repeated. Nothing if the scope says the same already from then on."""
    require(
        context.actor.role in (Role.SUPERVISOR, Role.ADMIN),
        "role_not_allowed",
        "Only a supervisor or an administrator publishes a policy.",
    )
    require(
        command.category is None or command.shop is not None,
        "scope_incomplete",
        "A category's policy names its shop.",
        "shop",
    )
    require(
        bool(command.document.model_dump(exclude_none=True, exclude={"kind"})),
        "document_empty",
        "The document says nothing.",
        "document",
    )
    effective_from = (command.effective_from or context.now).astimezone(UTC)
    require(
        effective_from >= context.now,
        "effective_in_past",
        "A policy holds from now on at the earliest: decisions made stay as they were made.",
        "effective_from",
    )
    _require_sound(command)
    policy = world.policy_stream(*command.scope)
    current = policy.by_kind.get(command.document.kind, ())
    if current and current[-1].document == command.document:
        last = current[-1]
        # What is to hold from a later day on is no repeat: a version may yet come in between.
        repeats = effective_from in (last.effective_from, context.now)
        latest = last.number == max(v.number for v in current)
        if last.effective_from <= effective_from and repeats and latest:
            return []
    event = PolicyPublished(document=command.document, effective_from=effective_from)
    return [Emit(policy.stream, event)]


def _require_sound(command: PolicyCommand) -> None:
    document = command.document
    if isinstance(document, ShopDocument) and document.zone is not None:
        try:
            ZoneInfo(document.zone)
        except (KeyError, ValueError, OSError) as e:
            raise Rejected(
                "zone_unknown", f"There is no time zone {document.zone}.", "document.zone"
            ) from e
    if isinstance(document, RefundAutomationDocument) and document.rules is not None:
        names = [rule.name for rule in document.rules]
        require(
            len(set(names)) == len(names),
            "rule_repeated",
            "Two rules have the same name.",
            "document.rules",
        )
