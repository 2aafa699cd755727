"""Which complaint belongs to which case: filing, joining, aliases, the order learnt later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.ledger import book_paid
from domain.case.on_order import ended_on_order, lines_of, opened_on_order
from domain.case.rules import divergence, on, policies_of, require_open, resolve
from domain.case.state import Case, Contact
from domain.case.terms import from_order, require_lines
from domain.case.values import Channel, DivergenceKind, EvidenceRef, ItemClaim
from domain.kernel import (
    Context,
    Emit,
    Platform,
    Private,
    case_stream,
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
    order = None if command.order_id is None else _order(command.case_id, command.order_id, world)
    _require_apart(command)
    if order is not None:
        require_lines(order, command.items)
    if case.is_filed:
        return _filed_again(command, number, case, order, world, context)
    joins = _by_case(order, command.items)
    if not joins:
        return _open(command, case, order, world, context)
    emits = [on(case, ev.ComplaintReferred(joined=next(iter(joins))))]
    emits += _no_longer_unknown(case)
    for case_id, claims in joins.items():
        emits += _joined(command, number, world.case(case_id), claims, order, world, context)
    return emits


def link_order(command: cmd.LinkOrder, case: Case, world: World, context: Context) -> list[Emit]:
    """Link the case to its order. Where another case is open about one of the items, this one's
    complaint goes on in it.

    Rejected: case_ended, other_shop, order_already_linked, unknown_line,
    quantity_exceeds_bought, case_has_dealings.
    """
    require_open(case)
    order = _order(case.case_id, command.order_id, world)
    return _link(case, order, command.lines, command.private, world, context)


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
    if other.version:
        emits += divergence(
            case, DivergenceKind.UNKNOWN_CASE, "check_facts_of_alias", command.alias
        )
    return [*emits, on(other, ev.ComplaintReferred(joined=case.case_id))]


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
    _, new = _known_and_new(case, command.items)
    earlier = case.filed_at is not None and context.occurred_at < case.filed_at
    tells = new or _new_proofs(case, command.evidence) or earlier
    if number in case.complaints and not tells:
        return []
    require_open(case)
    emits: list[Emit] = []
    if case.order_id is None and order is not None:
        require(
            _open_elsewhere(case, order, _claims(case, {})) is None,
            "open_case_on_item",
            "Another case is open about an item of this order: link the order first.",
            "order_id",
        )
        emits = _link(case, order, {}, None, world, context)
    if order is None and case.order_id is not None:
        order = world.order(case.order_id)
    for case_id, claims in _by_case(order, command.items, case.case_id).items():
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
    about, new = _known_and_new(case, claims)
    joined = ev.ComplaintJoined(
        number=number,
        channel=command.channel,
        items=new,
        about=about,
        severity=command.severity,
        safety=_is_safety(command, case, world, context),
        evidence=_new_proofs(case, command.evidence),
        private=command.private,
    )
    emits = [on(case, joined)]
    if order is not None:
        lines = (*lines_of(case), *(claim.line for claim in new))
        emits += opened_on_order(order, case.case_id, lines, context.occurred_at)
    return emits


def _by_case(
    order: Order | None, claims: tuple[ItemClaim, ...], own: str | None = None
) -> dict[str, list[ItemClaim]]:
    """The open cases about these claims, each with its own claims. What no open case is about
    goes with `own`, or with the first of them."""
    found: dict[str, list[ItemClaim]] = {}
    rest: list[ItemClaim] = []
    for claim in claims:
        case_id = None if order is None else order.open_case_on(claim.line)
        (rest if case_id is None else found.setdefault(case_id, [])).append(claim)
    home = own or next(iter(found), None)
    if home is not None and rest:
        found.setdefault(home, []).extend(rest)
    return found


def _known_and_new(
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


def _new_proofs(case: Case, proofs: tuple[EvidenceRef, ...]) -> tuple[EvidenceRef, ...]:
    return tuple(proof for proof in proofs if proof.evidence_id not in case.evidence)


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


# ----------------------------------------------------- order learnt later


def _order(case_id: str, order_id: str, world: World) -> Order:
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


def _link(
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
    claims = _claims(case, names)
    require_lines(order, claims, "lines")
    other = _open_elsewhere(case, order, claims)
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


def _open_elsewhere(case: Case, order: Order, claims: Iterable[ItemClaim]) -> str | None:
    """Another open case about one of the claims' lines."""
    for claim in claims:
        other = order.open_case_on(claim.line)
        if other is not None and other != case.case_id:
            return other
    return None


def _claims(case: Case, names: Mapping[str, str]) -> tuple[ItemClaim, ...]:
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
    about, new = _known_and_new(target, _claims(own, names))
    proofs = tuple(
        EvidenceRef(evidence_id=proof.evidence_id, kind=proof.kind, sha256=proof.sha256)
        for proof in own.evidence.values()
        if proof.evidence_id not in target.evidence
    )
    emits = [on(own, ev.ComplaintReferred(joined=target.case_id)), *ended_on_order(own)]
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
    if target.order_id is not None and own.filed_at is not None:
        lines = (*lines_of(target), *(claim.line for claim in new))
        order = world.order(target.order_id)
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
