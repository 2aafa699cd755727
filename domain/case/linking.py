"""What is learnt about a case's identity later: its order, its other numbers, its double."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.carrying import carry_over
from domain.case.ledger import book_paid
from domain.case.on_order import ended_on_order, lines_of, opened_on_order
from domain.case.rules import on, require_open, resolve
from domain.case.state import Case, Contact
from domain.case.terms import from_order, require_lines
from domain.case.values import Channel, EvidenceRef, ItemClaim
from domain.kernel import (
    Context,
    Emit,
    Private,
    case_stream,
    require,
)
from domain.order import Order
from domain.world import World


def link_order(command: cmd.LinkOrder, case: Case, world: World, context: Context) -> list[Emit]:
    """Link the case to its order. Where another case is open about one of the items, this one's
    complaint goes on in it.

    Rejected: case_ended, other_shop, order_already_linked, unknown_line,
    quantity_exceeds_bought, case_has_dealings.
    """
    require_open(case)
    order = named_order(case.case_id, command.order_id, world)
    return link(case, order, command.lines, command.private, world, context)


def add_alias(command: cmd.AddAlias, case: Case, world: World, context: Context) -> list[Emit]:
    """Another number of this case. A case of its own that was opened under that number meanwhile
    goes on in this one.

    Rejected: other_shop, alias_taken, other_order, case_ended, case_has_dealings.
    """
    _require_shop(case.case_id, command.alias, "alias")
    other = resolve(command.alias, world)
    learned = ev.AliasLearned(alias=command.alias, private=command.private)
    if other.case_id == case.case_id:
        known = command.alias in case.aliases or command.alias == case.case_id
        return [] if known else [on(case, learned)]
    emits = [on(case, learned)]
    if other.is_filed:
        require(
            other.case_id == command.alias and other.is_open,
            "alias_taken",
            f"{command.alias} is another case's number.",
            "alias",
        )
        require_open(case)
        require(
            None in (other.order_id, case.order_id) or other.order_id == case.order_id,
            "other_order",
            f"{command.alias} is about the order {other.order_id}.",
            "alias",
        )
        return emits + _merge(other, case, {}, world)
    emits.append(on(other, ev.ComplaintReferred(joined=case.case_id)))
    return emits + carry_over(other, case, world, context)


def named_order(case_id: str, order_id: str, world: World) -> Order:
    _require_shop(case_id, order_id, "order_id")
    return world.order(order_id)


def _require_shop(case_id: str, other_id: str, field: str) -> None:
    platform, shop, _ = case_id.split(":", 2)
    require(
        other_id.split(":", 2)[:2] == [platform, shop],
        "other_shop",
        f"{other_id} belongs to another shop than the case.",
        field,
    )


def link(
    case: Case,
    order: Order,
    names: Mapping[str, str],
    private: Private | None,
    world: World,
    context: Context,
) -> list[Emit]:
    require(
        case.order_id in (None, order.order_id),
        "order_already_linked",
        f"The case is about the order {case.order_id}; take that entry back first.",
        "order_id",
    )
    claims = claims_of(case, names)
    require_lines(order, claims, "lines")
    other = open_elsewhere(case, order, claims)
    if other is not None:
        return _merge(case, world.case(other), names, world)
    complained = case.filed_at or context.occurred_at
    found = from_order(order, [(c.line, c.problem) for c in claims], complained, world, context.now)
    linked = ev.OrderLinked(
        order_id=order.order_id,
        lines=dict(names),
        category=found.category,
        currency=found.currency,
        stage=case.stage or found.stage,
        in_window=found.in_window,
        in_warranty=found.in_warranty,
        terms=found.terms,
        private=private,
    )
    lines = tuple(claim.line for claim in claims)
    opened = opened_on_order(order, case.case_id, lines, complained)
    opened += book_paid(case, order, names)
    known = (case.order_id, case.category, case.currency, case.stage)
    told = (linked.order_id, linked.category, linked.currency, linked.stage)
    if known == told and lines == tuple(item.line for item in case.items.values()):
        return opened
    return [on(case, linked), *opened]


def open_elsewhere(case: Case, order: Order, claims: Iterable[ItemClaim]) -> str | None:
    """Another open case about one of the claims' lines."""
    for claim in claims:
        other = order.open_case_on(claim.line)
        if other is not None and other != case.case_id:
            return other
    return None


def claims_of(case: Case, names: Mapping[str, str]) -> tuple[ItemClaim, ...]:
    """The case's items as they were claimed, by the order's own line names."""
    return tuple(
        ItemClaim(
            line=names.get(item.line, item.line), quantity=item.quantity, problem=item.claimed
        )
        for item in case.items.values()
    )


def _merge(own: Case, target: Case, names: Mapping[str, str], world: World) -> list[Emit]:
    """Two open cases turned out to be about the same: the complaint of `own` and its contacts
    with the buyer go on in `target`."""
    dealings = (
        own.proposals,
        own.agreements,
        own.declines,
        own.refunds,
        own.returns,
        own.goodwill,
        own.appraisals,
        own.rulings,
    )
    require(
        not any(dealings),
        "case_has_dealings",
        f"{own.case_id} has proposals, payouts or rulings of its own: end it first.",
        "case_id",
    )
    order = None if target.order_id is None else world.order(target.order_id)
    groups = {target.case_id: list[ItemClaim]()}
    groups |= by_case(order, claims_of(own, names), target.case_id, leaving=own.case_id)
    emits = [on(own, ev.ComplaintReferred(joined=target.case_id)), *ended_on_order(own)]
    for case_id, claims in groups.items():
        case = target if case_id == target.case_id else world.case(case_id)
        emits += _goes_on(own, case, claims, order)
    return emits


def _goes_on(
    own: Case, target: Case, claims: Iterable[ItemClaim], order: Order | None
) -> list[Emit]:
    """These claims of `own`, its proofs and its contacts, in `target`."""
    about, new = known_and_new(target, claims)
    proofs = new_proofs(
        target,
        (
            EvidenceRef(evidence_id=proof.evidence_id, kind=proof.kind, sha256=proof.sha256)
            for proof in own.evidence.values()
        ),
    )
    emits: list[Emit] = []
    for i, number in enumerate(own.complaints):
        joined = ev.ComplaintJoined(
            number=number,
            channel=own.channel or Channel.PLATFORM,
            items=() if i else new,
            about=() if i else about,
            severity=own.severity,
            safety=own.safety,
            evidence=() if i else proofs,
        )
        emits.append(on(target, joined, own.filed_at))
    emits += [_carried_over(contact, target) for contact in own.contacts if not contact.corrected]
    if order is not None and own.filed_at is not None:
        lines = (*lines_of(target), *(claim.line for claim in new))
        emits += opened_on_order(order, target.case_id, lines, own.filed_at)
    return emits


def _carried_over(contact: Contact, target: Case) -> Emit:
    event = ev.ContactRecorded(
        direction=contact.direction,
        contact=contact.kind,
        channel=contact.channel,
        delivered=contact.delivered,
        substantive=contact.substantive,
    )
    return Emit(case_stream(target.case_id), event, contact.occurred_at, contact.actor)


def new_proofs(case: Case, proofs: Iterable[EvidenceRef]) -> tuple[EvidenceRef, ...]:
    """The proofs that the case lacks. One whose id the case has given to another content is kept
    under an id of its own, with the beginning of its hash."""
    new: list[EvidenceRef] = []
    for proof in proofs:
        name = proof.evidence_id
        known = case.evidence.get(name)
        if known is not None and known.sha256 != proof.sha256:
            name = f"{name[:60]}-{proof.sha256[:12]}"
        if name not in case.evidence:
            new.append(proof.model_copy(update={"evidence_id": name}))
    return tuple(new)


def by_case(
    order: Order | None,
    claims: Iterable[ItemClaim],
    own: str | None = None,
    *,
    leaving: str | None = None,
) -> dict[str, list[ItemClaim]]:
    """The open cases about these claims, each with its own claims. What no open case is about,
    or only the one that is `leaving`, goes with `own`, or with the first of them."""
    found: dict[str, list[ItemClaim]] = {}
    rest: list[ItemClaim] = []
    for claim in claims:
        case_id = None if order is None else order.open_case_on(claim.line)
        stays = case_id is not None and case_id != leaving
        (found.setdefault(case_id or "", []) if stays else rest).append(claim)
    home = own or next(iter(found), None)
    if home is not None and rest:
        found.setdefault(home, []).extend(rest)
    return found


def known_and_new(
    case: Case, claims: Iterable[ItemClaim]
) -> tuple[tuple[int, ...], tuple[ItemClaim, ...]]:
    """The numbers of the items that the claims are about, and what the case doesn't have yet:
    another line or problem, or more units of a known one."""
    about: list[int] = []
    new: list[ItemClaim] = []
    for claim in claims:
        same = [
            item
            for item in case.items.values()
            if item.line == claim.line and claim.problem in (item.claimed, item.verified)
        ]
        about += [item.number for item in same]
        more = claim.quantity - sum(item.quantity for item in same)
        if more > 0:
            new.append(claim.model_copy(update={"quantity": more}))
    return tuple(about), tuple(new)
