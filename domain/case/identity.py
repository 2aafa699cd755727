"""Which complaint belongs to which case: a new one, one that is open, one that follows."""

from __future__ import annotations

from collections.abc import Iterable

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.carrying import carry_over
from domain.case.ledger import book_paid
from domain.case.linking import (
    by_case,
    claims_of,
    known_and_new,
    link,
    named_order,
    new_proofs,
    open_elsewhere,
)
from domain.case.on_order import lines_of, opened_on_order
from domain.case.rules import on, policies_of, require_open, resolve
from domain.case.state import Case
from domain.case.terms import from_order, require_lines
from domain.case.values import DivergenceKind, ItemClaim
from domain.kernel import (
    Context,
    Emit,
    Platform,
    require,
)
from domain.order import Order
from domain.world import World

PLATFORMS = frozenset(platform.value for platform in Platform)


def file_complaint(
    command: cmd.FileComplaint, case: Case, world: World, context: Context
) -> list[Emit]:
    """Open a case; or join the open case about one of the items, whose clocks then start with
    the earlier complaint. An exact repeat changes nothing.

    Rejected: unknown_platform, other_shop, item_named_twice, evidence_named_twice,
    unknown_line, quantity_exceeds_bought; under a number that is in use: other_order,
    open_case_on_item, case_ended.
    """
    platform, _, number = command.case_id.split(":", 2)
    require(
        platform in PLATFORMS,
        "unknown_platform",
        f"There is no platform {platform}.",
        "case_id",
    )
    order = (
        None if command.order_id is None else named_order(command.case_id, command.order_id, world)
    )
    _require_apart(command)
    if order is not None:
        require_lines(order, command.items)
    if case.is_filed:
        return _filed_again(command, number, case, order, world, context)
    joins = by_case(order, command.items)
    if not joins:
        return _open(command, case, order, world, context)
    emits = [on(case, ev.ComplaintReferred(joined=next(iter(joins))))]
    emits += _no_longer_unknown(case)
    for case_id, claims in joins.items():
        emits += _joined(command, number, world.case(case_id), claims, order, world, context)
    return emits + carry_over(case, world.case(next(iter(joins))), world, context)


# ------------------------------------------------------------------ filing


def _open(
    command: cmd.FileComplaint, case: Case, order: Order | None, world: World, context: Context
) -> list[Emit]:
    platform, shop, _ = command.case_id.split(":", 2)
    complained = context.occurred_at
    order = order or Order(command.case_id)
    claims = [(item.line, item.problem) for item in command.items]
    found = from_order(order, claims, complained, world, context.now)
    filed = ev.ComplaintFiled(
        platform=platform,
        shop=shop,
        order_id=command.order_id,
        channel=command.channel,
        stage=command.stage or found.stage,
        items=command.items,
        category=found.category,
        currency=found.currency,
        buyer=context.buyer,
        follows=_follows(order, command.items, world),
        in_window=found.in_window,
        in_warranty=found.in_warranty,
        severity=command.severity,
        safety=_is_safety(command, case, world, context),
        evidence=command.evidence,
        terms=found.terms,
        private=command.private,
    )
    emits = [on(case, filed), *_no_longer_unknown(case)]
    if command.order_id is not None:
        lines = tuple(item.line for item in command.items)
        emits += opened_on_order(order, case.case_id, lines, complained)
        emits += book_paid(case, order, {})
    return emits


def _filed_again(
    command: cmd.FileComplaint,
    number: str,
    case: Case,
    order: Order | None,
    world: World,
    context: Context,
) -> list[Emit]:
    """A complaint under a number that has its case: news about it, or a repeat. What it says of
    a line about which another case is open goes on there."""
    if case.order_id is not None and order is not None:
        require(
            order.order_id == case.order_id,
            "other_order",
            f"The case is about the order {case.order_id}.",
            "order_id",
        )
    _, new = known_and_new(case, command.items)
    earlier = case.filed_at is not None and context.occurred_at < case.filed_at
    tells = new or new_proofs(case, command.evidence) or earlier
    if number in case.complaints and not tells:
        return []
    require_open(case)
    emits: list[Emit] = []
    if case.order_id is None and order is not None:
        require(
            open_elsewhere(case, order, claims_of(case, {})) is None,
            "open_case_on_item",
            "Another case is open about an item of this order: link the order first.",
            "order_id",
        )
        emits = link(case, order, {}, None, world, context)
    if order is None and case.order_id is not None:
        order = world.order(case.order_id)
    for case_id, claims in by_case(order, command.items, case.case_id).items():
        about = case if case_id == case.case_id else world.case(case_id)
        emits += _joined(command, number, about, claims, order, world, context)
    return emits


def _joined(
    command: cmd.FileComplaint,
    number: str,
    case: Case,
    claims: Iterable[ItemClaim],
    order: Order | None,
    world: World,
    context: Context,
) -> list[Emit]:
    about, new = known_and_new(case, claims)
    joined = ev.ComplaintJoined(
        number=number,
        channel=command.channel,
        items=new,
        about=about,
        severity=command.severity,
        safety=_is_safety(command, case, world, context),
        evidence=new_proofs(case, command.evidence),
        private=command.private,
    )
    emits = [on(case, joined)]
    if order is not None:
        lines = (*lines_of(case), *(claim.line for claim in new))
        emits += opened_on_order(order, case.case_id, lines, context.occurred_at)
    return emits


def _follows(order: Order, claims: tuple[ItemClaim, ...], world: World) -> str | None:
    """The case about one of these lines that ended last, if there was one."""
    lines = {claim.line for claim in claims}
    ended = [c.case_id for c in order.cases.values() if not c.open and lines & set(c.lines)]
    return resolve(ended[-1], world).case_id if ended else None


def _is_safety(command: cmd.FileComplaint, case: Case, world: World, context: Context) -> bool:
    types = policies_of(case, world).procedure(context.now).values.safety_types
    return command.safety or any(item.problem in types for item in command.items)


def _no_longer_unknown(case: Case) -> list[Emit]:
    """Facts came before the complaint that explains them."""
    return [
        on(case, ev.DivergenceSettled(divergence_id=found.divergence_id))
        for found in case.open_divergences
        if found.kind is DivergenceKind.UNKNOWN_CASE
    ]


def _require_apart(command: cmd.FileComplaint) -> None:
    claims = {(item.line, item.problem) for item in command.items}
    require(
        len(claims) == len(command.items),
        "item_named_twice",
        "A line stands twice with the same problem: say how many units at once.",
        "items",
    )
    proofs = {proof.evidence_id for proof in command.evidence}
    require(
        len(proofs) == len(command.evidence),
        "evidence_named_twice",
        "Two proofs have the same id.",
        "evidence",
    )
