"""Facts about orders and parcels. DOMAIN: words (command / fact), streams, defect rate (n)."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.case.values import Stage
from domain.money import Money
from domain.order import (
    DeliveryCorrected,
    DeliveryRecorded,
    Order,
    OrderCorrected,
    OrderRecorded,
    RecordOrder,
    ShipmentCorrected,
    ShipmentOutcome,
    ShipmentOutcomeCorrected,
    ShipmentOutcomeRecorded,
    ShipmentRecorded,
)
from tests.unit.order.build import (
    CASE,
    ORDER,
    cny,
    corrected,
    delivered,
    ended,
    line,
    order_of,
    placed,
    shipped,
)
from tests.unit.support import T0, Story, Told, days, given, hours, like, told, when

CANCELLED, INTERCEPTED = ShipmentOutcome.CANCELLED, ShipmentOutcome.INTERCEPTED
LOST, UNDERWAY = ShipmentOutcome.LOST, ShipmentOutcome.UNDERWAY


# ------------------------------------------------------------------ orders


def test_an_order_is_recorded_with_what_was_paid_for_each_line() -> None:
    story = when(placed(line("1", "100.00"), line("2", "50.00"), freight="8.00")).then(
        like(OrderRecorded, currency="CNY", freight=800, revision=0)
    )
    order = order_of(story)
    assert order.known
    assert order.placed_at == T0
    assert (order.paid("1"), order.paid("2"), order.freight_left) == (10_000, 5_000, 800)
    assert order.supplier_of("1") == "Acme"
    assert order.supplier_of("9") is None


def test_the_discount_is_split_by_largest_remainder() -> None:
    story = given(
        placed(line("1", "10.00"), line("2", "10.00"), line("3", "10.00"), discount="1.00")
    )
    assert [line.discount for line in order_of(story).lines.values()] == [34, 33, 33]


def test_the_platform_coupon_is_kept_apart_from_the_discount() -> None:
    order = order_of(given(placed(line("1", "10.00"), discount="1.00", coupon="2.00")))
    assert (order.lines["1"].discount, order.lines["1"].coupon) == (100, 200)
    assert order.paid("1") == 700


@examples(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=8),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_the_shares_add_up_and_no_line_is_paid_below_nothing(
    prices: list[int], discount: int, coupon: int
) -> None:
    discount = min(discount, sum(prices))
    coupon = min(coupon, sum(prices) - discount)
    command = placed(
        *(line(str(n), f"{p / 100:.2f}") for n, p in enumerate(prices)),
        discount=f"{discount / 100:.2f}",
        coupon=f"{coupon / 100:.2f}",
    )
    lines = order_of(given(command)).lines.values()
    assert sum(line.discount for line in lines) == discount
    assert sum(line.coupon for line in lines) == coupon
    assert all(line.paid >= 0 for line in lines)
    assert sum(line.paid for line in lines) == sum(prices) - discount - coupon


def test_an_order_told_twice_changes_nothing() -> None:
    given(placed()).when(placed(), at=T0 + hours(1), occurred_at=T0).then_nothing()


def test_an_order_told_otherwise_is_a_correction_that_names_what_it_supersedes() -> None:
    story = given(placed(line(price="100.00"))).when(placed(line(price="90.00")))
    assert order_of(story.then(like(OrderCorrected, supersedes=1))).paid("1") == 9_000


def test_an_older_revision_of_an_order_is_stored_and_changes_nothing() -> None:
    story = given(placed(line(price="90.00"), revision=2)).when(
        placed(line(price="100.00"), revision=1)
    )
    assert order_of(story.then(like(OrderRecorded, revision=1))).paid("1") == 9_000


def test_the_superseded_telling_repeated_changes_nothing() -> None:
    story = given(placed(line(price="100.00")), placed(line(price="90.00")))
    assert order_of(story.when(placed(line(price="100.00"))).then_nothing()).paid("1") == 9_000


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (
            RecordOrder(
                order_id=ORDER,
                currency="CNY",
                lines=(line(),),
                freight=Money(amount="1", currency="USD"),
            ),
            "wrong_currency",
            "freight",
        ),
        (
            RecordOrder(order_id=ORDER, currency="USD", lines=(line("1"),)),
            "wrong_currency",
            "lines.0.price",
        ),
        (placed(line("1"), line("1")), "line_repeated", "lines"),
        (placed(line(price="1.00"), discount="1.01"), "discount_exceeds_price", "discount"),
        (
            placed(line(price="1.00"), discount="0.50", coupon="0.51"),
            "coupon_exceeds_price",
            "platform_coupon",
        ),
    ],
)
def test_what_no_order_can_be_is_refused(command: RecordOrder, code: str, field: str) -> None:
    when(command).refused(code, field)


# ----------------------------------------------------------------- parcels


def test_a_shipment_before_its_order_is_stored() -> None:
    story = Story().when(shipped({"1": 2}).command).then(like(ShipmentRecorded, units={"1": 2}))
    assert order_of(story).shipped_units("1") == 2
    assert not order_of(story).known


def test_a_delivery_before_its_shipment_is_stored() -> None:
    story = Story().when(delivered().command).then(DeliveryRecorded)
    assert order_of(story).delivered_at("1") is None
    assert order_of(story.given(shipped())).delivered_at("1") == T0


def test_an_outcome_before_its_shipment_is_stored() -> None:
    story = Story().when(ended(LOST).command).then(like(ShipmentOutcomeRecorded, outcome=LOST))
    assert order_of(story.given(shipped())).shipped_units("1") == 0


@pytest.mark.parametrize(
    "fact", [shipped(), delivered(), ended(LOST), corrected({"1": 2}, shipped_at=T0)]
)
def test_a_fact_about_a_parcel_told_twice_changes_nothing(fact: Told) -> None:
    given(placed(), fact).when(fact.command, occurred_at=fact.occurred_at).then_nothing()


def test_a_shipment_told_otherwise_is_a_correction_that_names_what_it_supersedes() -> None:
    story = given(placed(), shipped({"1": 3})).when(shipped({"1": 2}).command)
    order = order_of(story.then(like(ShipmentCorrected, supersedes=2, units={"1": 2})))
    assert order.shipped_units("1") == 2


def test_a_correction_of_a_shipment_names_what_it_supersedes() -> None:
    story = given(placed(), shipped({"1": 3})).when(corrected({"1": 2}).command)
    order = order_of(story.then(like(ShipmentCorrected, supersedes=2, shipped_at=None)))
    assert order.shipped_units("1") == 2
    assert order.shipments["S1"].shipped_at == T0


def test_a_correction_before_its_shipment_holds_when_the_shipment_comes() -> None:
    story = Story().when(corrected({"1": 2}).command).then(like(ShipmentCorrected, supersedes=None))
    assert order_of(story).shipped_units("1") == 0
    late = shipped({"1": 3}, at=T0 - days(1))
    order = order_of(story.when(late.command, occurred_at=late.occurred_at).then(ShipmentRecorded))
    assert order.shipped_units("1") == 2
    assert order.shipments["S1"].shipped_at == T0 - days(1)


def test_an_older_correction_is_stored_and_changes_nothing() -> None:
    story = given(shipped({"1": 3}), corrected({"1": 2}, revision=2)).when(
        corrected({"1": 5}, revision=1).command
    )
    order = order_of(story.then(like(ShipmentCorrected, supersedes=None)))
    assert order.shipped_units("1") == 2


def test_a_correction_that_says_nothing_is_refused() -> None:
    when(corrected().command).refused("correction_empty")


def test_a_delivery_told_otherwise_is_a_correction() -> None:
    story = given(placed(), shipped(), delivered(at=T0)).when(
        delivered().command, occurred_at=T0 - hours(3), at=T0
    )
    order = order_of(story.then(like(DeliveryCorrected, supersedes=3)))
    assert order.delivered_at("1") == T0 - hours(3)


def test_an_older_delivery_is_stored_and_changes_nothing() -> None:
    story = given(shipped(), delivered(revision=1)).when(
        delivered().command, occurred_at=T0 - hours(3)
    )
    assert order_of(story.then(DeliveryRecorded)).delivered_at("1") == T0


def test_an_outcome_told_otherwise_is_a_correction() -> None:
    story = given(shipped(), ended(LOST)).when(
        ended(UNDERWAY, revision=1).command, occurred_at=T0 - hours(1)
    )
    order = order_of(story.then(like(ShipmentOutcomeCorrected, supersedes=2)))
    assert order.shipped_units("1") == 1


@pytest.mark.parametrize("outcome", [CANCELLED, INTERCEPTED, LOST])
def test_units_cancelled_intercepted_or_lost_are_not_shipped_units(
    outcome: ShipmentOutcome,
) -> None:
    story = given(shipped({"1": 2}), shipped({"1": 1}, "S2"), ended(outcome))
    assert order_of(story).shipped_units("1") == 1


def test_a_lost_parcel_that_is_delivered_later_counts_again() -> None:
    story = given(shipped(), ended(LOST, at=T0), delivered(at=T0 + hours(1)))
    assert order_of(story).shipped_units("1") == 1


def test_a_replacement_is_a_shipment_too() -> None:
    story = given(shipped(), shipped({"1": 1}, "S2", replacement_for=CASE))
    assert order_of(story).shipped_units("1") == 2


_TIMES = st.integers(0, 5).map(lambda hour: T0 + hours(hour))


@st.composite
def _facts(draw: st.DrawFn) -> tuple[list[Told], list[Told]]:
    """Facts about two parcels, in two orders, some told twice; each parcel's revisions of one
    sort differ, as sources count."""
    facts: list[Told] = []
    for parcel in ("S1", "S2"):
        revisions = draw(st.permutations(range(1, 5)))
        for revision in revisions[: draw(st.integers(0, 4))]:
            units = {"1": draw(st.integers(1, 5)), "2": draw(st.integers(1, 5))}
            facts.append(corrected(units, parcel, revision=revision, shipped_at=draw(_TIMES)))
        if draw(st.booleans()):
            facts.append(shipped({"1": draw(st.integers(1, 5))}, parcel, at=draw(_TIMES)))
        if draw(st.booleans()):
            facts.append(delivered(parcel, at=draw(_TIMES)))
        for revision in range(draw(st.integers(0, 3))):
            outcome = draw(st.sampled_from(ShipmentOutcome))
            facts.append(ended(outcome, parcel, at=draw(_TIMES), revision=revision))
    repeats = draw(st.lists(st.sampled_from(facts), max_size=4)) if facts else []
    return facts, draw(st.permutations(facts + repeats))


@examples(_facts())
def test_facts_in_any_order_come_to_the_same_parcels(facts: tuple[list[Told], list[Told]]) -> None:
    one, other = order_of(given(*facts[0])), order_of(given(*facts[1]))
    assert _figures(one) == _figures(other)


def _figures(order: Order) -> object:
    parcels = {
        name: (
            dict(parcel.units),
            parcel.shipped_at,
            parcel.delivered_at,
            parcel.ended_as,
            parcel.counts,
        )
        for name, parcel in order.shipments.items()
    }
    return parcels, [order.shipped_units(name) for name in ("1", "2")]


# --------------------------------------------------------- stage and dates


def test_a_line_is_unshipped_until_a_parcel_leaves() -> None:
    assert order_of(given(placed())).stage("1") is Stage.UNSHIPPED
    assert order_of(given(placed(), shipped(at=T0))).stage("1", T0 - hours(1)) is Stage.UNSHIPPED
    assert order_of(given(placed(), shipped(), ended(CANCELLED))).stage("1") is Stage.UNSHIPPED


def test_a_line_is_in_transit_from_shipping_to_delivery() -> None:
    story = given(placed(), shipped(at=T0), delivered(at=T0 + days(2)))
    order = order_of(story)
    assert order.stage("1", T0 + days(1)) is Stage.IN_TRANSIT
    assert order.stage("1", T0 + days(2)) is Stage.DELIVERED
    assert order.stage("1") is Stage.DELIVERED


@pytest.mark.parametrize("outcome", [LOST, INTERCEPTED])
def test_a_parcel_lost_or_stopped_on_its_way_was_never_delivered(
    outcome: ShipmentOutcome,
) -> None:
    assert order_of(given(placed(), shipped(), ended(outcome))).stage("1") is Stage.IN_TRANSIT


def test_a_line_in_two_parcels_is_delivered_with_the_last() -> None:
    story = given(
        placed(line(quantity=2)),
        shipped({"1": 1}),
        shipped({"1": 1}, "S2"),
        delivered(at=T0 + days(1)),
    )
    assert order_of(story).stage("1") is Stage.IN_TRANSIT
    assert order_of(story).delivered_at("1") is None
    story.given(delivered("S2", at=T0 + days(3)))
    assert order_of(story).stage("1") is Stage.DELIVERED
    assert order_of(story).delivered_at("1") == T0 + days(3)


def test_a_delivery_nobody_signed_for_does_not_start_the_window() -> None:
    story = given(placed(), shipped(), delivered(signed=False))
    assert order_of(story).stage("1") is Stage.DELIVERED
    assert order_of(story).delivered_at("1") is None


def test_a_replacement_does_not_move_the_first_delivery() -> None:
    story = given(
        placed(),
        shipped(),
        delivered(at=T0),
        shipped({"1": 1}, "S2", at=T0 + days(5), replacement_for=CASE),
    )
    assert order_of(story).stage("1") is Stage.DELIVERED
    assert order_of(story).delivered_at("1") == T0


def test_who_ships_is_known_by_the_parcel() -> None:
    assert not order_of(given(shipped())).supplier_ships("1")
    assert order_of(given(shipped(supplier_ships=True))).supplier_ships("1")


def test_an_order_with_lines_in_another_currency_names_the_line() -> None:
    command = RecordOrder(
        order_id=ORDER,
        currency="CNY",
        lines=(
            line("1"),
            line("2").model_copy(update={"price": Money(amount="1", currency="USD")}),
        ),
        discount=cny("1.00"),
    )
    when(command).refused("wrong_currency", "lines.1.price")


def test_every_told_moment_is_kept_as_told() -> None:
    story = Story().given(told(placed(), at=T0, occurred_at=T0 - days(2)))
    assert order_of(story).placed_at == T0 - days(2)


def test_the_content_key_of_a_fact_is_the_same_for_ever() -> None:
    """Repeats are known by keys stored long ago: a change here would record them all again."""
    emits = when(shipped({"2": 1, "1": 2}).command, occurred_at=T0).events
    text = '["shipment",{"1":2,"2":1},false,null,0,"2026-03-02T01:00:00+00:00"]'
    assert isinstance(emits[0], ShipmentRecorded)
    assert emits[0].content == blake2b(text.encode(), digest_size=8).hexdigest()
