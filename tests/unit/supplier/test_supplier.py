"""Suppliers. DOMAIN: SLA clocks (appraisal by contract), defect rate (the contract's level)."""

from __future__ import annotations

import pytest

from domain.kernel import Actor
from domain.supplier import RegisterSupplier, Supplier, SupplierRegistered
from tests.unit.support import ADMIN, AGENT, PLATFORM, SERVICE, SUPERVISOR, Story, given, told, when

TERMS = RegisterSupplier(supplier="Acme", appraisal_hours=48, defect_ppm=10_000, ships=True)
REGISTERED = SupplierRegistered(appraisal_hours=48, defect_ppm=10_000, ships=True)


def supplier_of(story: Story) -> Supplier:
    supplier = story.state("supplier:Acme")
    assert isinstance(supplier, Supplier)
    return supplier


@pytest.mark.parametrize("actor", [SUPERVISOR, ADMIN, SERVICE])
def test_a_supplier_is_registered_with_its_contract(actor: Actor) -> None:
    supplier = supplier_of(when(TERMS, by=actor).then(REGISTERED))
    assert supplier.known
    assert (supplier.appraisal_hours, supplier.defect_ppm, supplier.ships) == (48, 10_000, True)


@pytest.mark.parametrize("actor", [AGENT, PLATFORM])
def test_nobody_else_registers_a_supplier(actor: Actor) -> None:
    when(TERMS, by=actor).refused("role_not_allowed")


def test_the_same_terms_told_twice_change_nothing() -> None:
    given(told(TERMS, by=SERVICE)).when(TERMS, by=SERVICE).then_nothing()


def test_new_terms_replace_the_old() -> None:
    story = given(told(TERMS, by=SERVICE)).when(RegisterSupplier(supplier="Acme"), by=SERVICE)
    supplier = supplier_of(story.then(SupplierRegistered))
    assert (supplier.appraisal_hours, supplier.ships) == (None, False)


def test_a_supplier_that_only_an_order_names_is_not_known() -> None:
    assert not supplier_of(Story()).known


def test_a_supplier_without_terms_is_known_all_the_same() -> None:
    command = RegisterSupplier(supplier="Acme")
    assert supplier_of(when(command, by=SERVICE).then(SupplierRegistered)).known
