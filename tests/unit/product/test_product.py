"""Products. DOMAIN: the flow of a case, 1 (warranty), 7 (the category's checklist)."""

from __future__ import annotations

import pytest

from domain.kernel import Actor
from domain.product import Product, ProductRegistered, RegisterProduct
from tests.unit.support import ADMIN, AGENT, PLATFORM, SERVICE, SUPERVISOR, Story, given, told, when

SHOE = RegisterProduct(
    product="P1", name="跑鞋", category="shoes", supplier="Acme", warranty_days=90
)


def product_of(story: Story) -> Product:
    product = story.state("product:P1")
    assert isinstance(product, Product)
    return product


@pytest.mark.parametrize("actor", [SUPERVISOR, ADMIN, SERVICE])
def test_a_product_is_registered_with_its_warranty(actor: Actor) -> None:
    product = product_of(
        when(SHOE, by=actor).then(
            ProductRegistered(name="跑鞋", category="shoes", supplier="Acme", warranty_days=90)
        )
    )
    assert product.known
    assert (product.name, product.category, product.warranty_days) == ("跑鞋", "shoes", 90)


@pytest.mark.parametrize("actor", [AGENT, PLATFORM])
def test_nobody_else_registers_a_product(actor: Actor) -> None:
    when(SHOE, by=actor).refused("role_not_allowed")


def test_the_same_product_told_twice_changes_nothing() -> None:
    given(told(SHOE, by=SERVICE)).when(SHOE, by=SERVICE).then_nothing()


def test_what_changed_about_a_product_replaces_the_old() -> None:
    changed = SHOE.model_copy(update={"warranty_days": None})
    story = given(told(SHOE, by=SERVICE)).when(changed, by=SERVICE).then(ProductRegistered)
    assert product_of(story).warranty_days is None


def test_a_product_that_only_an_order_names_is_not_known() -> None:
    assert not product_of(Story()).known
