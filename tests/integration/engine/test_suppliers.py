"""Defects over units shipped: what counts, whose it is, and never more than was shipped."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.case import events as ev
from domain.case.values import Basis, Liable, Outcome, ProblemType, Share, Totals
from domain.order import ShipmentOutcome
from domain.order.events import CaseOpenedOnOrder
from domain.policy import PolicyPublished, ShopDocument
from domain.supplier.events import SupplierRegistered
from tests.integration.engine.given import (
    T0,
    Told,
    World,
    case_id,
    days,
    ended,
    filed,
    hours,
    on_case,
    ordered,
    shipped,
)

QUALITY = (ProblemType.QUALITY_DEFECT,)


def complaint(
    name: str, order: str, *, units: int = 1, buyer: str | None = None, problems: Any = QUALITY
) -> list[Told]:
    opened = CaseOpenedOnOrder(case_id=case_id(name), lines=("L1",), complained_at=T0)
    return [
        filed(name, T0, problems=problems, order=order, units=units, buyer=buyer),
        (f"order:douyin:s1:{order}", opened, T0),
    ]


def liable(
    name: str,
    *,
    percent: int = 100,
    final: bool = True,
    contested: bool = False,
    supplier: str | None = "good",
) -> Told:
    shares = [Share(party=Liable.SUPPLIER, percent=percent, supplier=supplier)]
    if percent < 100:
        shares.append(Share(party=Liable.MERCHANT, percent=100 - percent))
    event = ev.LiabilityFound(
        item=1, shares=tuple(shares), basis=Basis.ADMISSION, final=final, contested=contested
    )
    return on_case(name, event, T0 + days(1))


def defects(world: World, supplier: str = "good") -> dict[str, Any]:
    (row,) = world.rows("select * from supplier_defects where supplier = %(s)s", s=supplier)
    return row


def counts(row: dict[str, Any]) -> tuple[int, ...]:
    names = ("units", "confirmed", "contested", "suspected", "rejected", "rescinded")
    return tuple(int(row[name]) for name in names)


def test_units_shipped_are_counted_by_ship_date_in_the_shops_zone(world: World) -> None:
    late = T0.replace(hour=16, minute=30) - days(8)  # after midnight in Shanghai
    world.given(
        ordered("O1"),
        shipped("O1", units=3, at=T0 - days(8)),
        ordered("O2"),
        shipped("O2", units=2, at=late),
    ).project()
    rows = world.rows("select ship_date, units from supplier_cohorts order by ship_date")
    assert [tuple(row.values()) for row in rows] == [
        (date(2026, 2, 22), 3),
        (date(2026, 2, 23), 2),
    ]


@pytest.mark.parametrize(
    "outcome", [ShipmentOutcome.CANCELLED, ShipmentOutcome.INTERCEPTED, ShipmentOutcome.LOST]
)
def test_a_parcel_that_did_not_arrive_for_good_takes_its_units_out(
    world: World, outcome: ShipmentOutcome
) -> None:
    world.given(ordered("O1"), shipped("O1"), shipped("O1", parcel="p2")).project()
    assert defects(world)["units"] == 2
    world.given(ended("O1", outcome)).project()
    assert defects(world)["units"] == 1
    world.given(ended("O1", ShipmentOutcome.UNDERWAY, at=T0)).project()
    assert defects(world)["units"] == 2


def test_a_replacement_is_a_shipment_too(world: World) -> None:
    world.given(
        ordered("O1"), shipped("O1"), shipped("O1", parcel="p2", at=T0, replacement_for="A")
    ).project()
    rows = world.rows("select replacement, units from shipped_units order by replacement")
    assert [tuple(row.values()) for row in rows] == [(False, 1), (True, 1)]


def test_facts_out_of_order_end_in_the_same_figures(world: World) -> None:
    world.given(
        *complaint("A", "O1"), liable("A"), ended("O1", ShipmentOutcome.UNDERWAY, at=T0)
    ).project()
    assert world.rows("select * from shipped_units") == []
    world.given(shipped("O1")).project()
    world.given(ordered("O1")).project()
    assert counts(defects(world)) == (1, 1, 0, 0, 0, 0)


def test_a_complaint_is_suspected_until_the_finding_is_final(world: World) -> None:
    world.given(ordered("O1"), shipped("O1", units=5), *complaint("A", "O1", units=2)).project()
    assert counts(defects(world)) == (5, 0, 0, 2, 0, 0)
    world.given(liable("A", final=False)).project()
    assert counts(defects(world)) == (5, 0, 0, 2, 0, 0)
    world.given(liable("A")).project()
    assert counts(defects(world)) == (5, 2, 0, 0, 0, 0)
    assert defects(world)["ppm"] == Decimal("400000.0")
    rescinded = ev.LiabilityRescinded(item=1, reason="wrong batch")
    world.given(on_case("A", rescinded, T0 + days(2))).project()
    assert counts(defects(world)) == (5, 0, 0, 0, 0, 2)


def test_a_contested_finding_and_one_below_half_are_told_apart(world: World) -> None:
    world.given(
        ordered("O1"),
        shipped("O1"),
        *complaint("A", "O1"),
        liable("A", contested=True),
        ordered("O2"),
        shipped("O2"),
        *complaint("B", "O2"),
        liable("B", percent=49),
        ordered("O3"),
        shipped("O3"),
        *complaint("C", "O3"),
        liable("C", percent=50),
    ).project()
    assert counts(defects(world)) == (3, 1, 1, 0, 1, 0)


def test_a_complaint_declined_for_good_is_rejected(world: World) -> None:
    totals = Totals(refunded=0, goodwill=0, return_freight=0)
    world.given(
        ordered("O1"),
        shipped("O1"),
        *complaint("A", "O1"),
        on_case("A", ev.CaseClosed(outcome=Outcome.DECLINED, totals=totals), T0 + days(1)),
    ).project()
    assert counts(defects(world)) == (1, 0, 0, 0, 1, 0)


def test_never_more_units_are_bad_than_were_shipped_and_each_once(world: World) -> None:
    world.given(
        ordered("O1"),
        shipped("O1", units=2),
        *complaint("A", "O1", units=2),
        liable("A"),
        *complaint("B", "O1", units=5),
    ).project()
    assert counts(defects(world)) == (2, 2, 0, 0, 0, 0)
    world.given(ended("O1", ShipmentOutcome.LOST)).project()
    assert world.rows("select * from supplier_defects") == []


def test_damage_counts_against_a_supplier_only_where_it_ships(world: World) -> None:
    damaged = (ProblemType.DAMAGED,)
    world.given(
        ordered("O1"),
        shipped("O1"),
        *complaint("A", "O1", problems=damaged),
        ordered("O2"),
        shipped("O2", supplier_ships=True),
        *complaint("B", "O2", problems=damaged),
    ).project()
    assert counts(defects(world)) == (2, 0, 0, 1, 0, 0)


def test_each_buyer_counts_once_a_product_in_the_test(world: World) -> None:
    for number, (buyer, product) in enumerate([("x", "P1"), ("x", "P1"), ("y", "P1"), ("x", "P2")]):
        order, name = f"O{number}", f"C{number}"
        world.given(
            ordered(order, product=product, quantity=3),
            shipped(order, units=3),
            *complaint(name, order, units=3, buyer=buyer),
            liable(name),
        )
    world.project()
    row = defects(world)
    assert (row["units"], row["confirmed"], row["test_defects"]) == (12, 12, 3)
    products = world.rows("select product, test_defects from product_defects order by product")
    assert [tuple(product.values()) for product in products] == [("P1", 2), ("P2", 1)]


def test_a_supplier_without_data_has_no_rate(world: World) -> None:
    registered = SupplierRegistered(appraisal_hours=48, defect_ppm=20_000, ships=False)
    world.given(("supplier:new", registered, T0)).project()
    row = defects(world, "new")
    assert (row["units"], row["ppm"], row["contract_ppm"]) == (0, None, 20_000)


def test_a_supplier_that_a_case_finds_out_takes_all_units_of_the_line(world: World) -> None:
    world.given(
        ordered("O1", supplier=None, quantity=4), shipped("O1", units=4), *complaint("A", "O1")
    ).project()
    assert counts(world.rows("select * from supplier_defects")[0]) == (4, 0, 0, 1, 0, 0)
    named = ev.SupplierNamed(item=1, supplier="found")
    world.given(on_case("A", named, T0 + hours(1)), liable("A", supplier="found")).project()
    assert counts(defects(world, "found")) == (4, 1, 0, 0, 0, 0)
    assert len(world.rows("select * from supplier_defects")) == 1


def test_the_policy_at_the_time_says_what_counts(world: World) -> None:
    document = ShopDocument(supplier_types=(ProblemType.SIZE_FIT,), zone="UTC")
    policy = PolicyPublished(document=document, effective_from=T0 - days(20))
    size = (ProblemType.SIZE_FIT,)
    late = T0.replace(hour=16, minute=30) - days(8)
    world.given(
        ("policy:douyin:s1", policy, T0 - days(20)),
        ordered("O1"),
        shipped("O1", at=late),
        *complaint("A", "O1", problems=size),
        liable("A"),
    ).project()
    assert counts(defects(world)) == (1, 1, 0, 0, 0, 0)
    assert world.rows("select ship_date from shipped_units")[0]["ship_date"] == date(2026, 2, 22)
